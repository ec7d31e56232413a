"""What tells whether a run of prose is the article or the beginning of another story, as numbers.

A page often ends in the first paragraphs of other stories. They are prose like the article, and share its names; what
gives them away is that their rarer words do not come back elsewhere, that they open and introduce people anew, and
what stands between.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from communique.reading.look import CAPITAL, DATELINE, FULL_NAME, LOOKS
from communique.reading.stories import stems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.reading.block import Block
    from communique.reading.look import Look
    from communique.reading.stories import Rarity, Story

__all__ = ["Odds", "telling"]

_DAY: Final = re.compile(
    r"\b(?:on|late|early|since|until) (?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|\btoday\b|\byesterday\b"
)
_OFFICES, _REPORTED, _QUOTES, _ARROW = (LOOKS.index(name) for name in ("offices", "reported", "quotes", "ends-arrow"))
#: Kinds that stand below an article rather than in it.
_BELOW: Final = frozenset("share comments copyright tags author-box newsletter donation navigation".split())
#: Kinds that hardly ever have article below them.
_ENDING: Final = frozenset("comments copyright tags navigation author-box counter".split())
#: Kinds that are set into an article as often as below it.
_INSIDE: Final = frozenset(
    "caption credit related promo media-player messenger newsletter donation subscription poll share".split()
)
#: A label over a list has at most this many words: "Read on the subject".
_LABEL: Final = 5
#: A page of more stories than this is compared with its neighbours only.
_COMPARED: Final = 40


@dataclass(frozen=True, slots=True)
class Odds:
    """Log-odds of each block, by its look alone: no prose; a story's headline; a story's first paragraph."""

    furniture: Sequence[float]
    headline: Sequence[float]
    opening: Sequence[float]


@dataclass(slots=True)
class _Told:
    """What the stories before this one told, and what stood between them."""

    lead: set[str]
    stems: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    surnames: set[str] = field(default_factory=set)
    words: int = 0
    kinds: int = 0
    below: int = 0
    closing: int = 0
    labels: int = 0
    headed: float = 0.0


def telling(
    stories: Sequence[Story],
    blocks: Sequence[Block],
    looks: Sequence[Look],
    odds: Odds,
    title: set[str],
    rarity: Rarity,
) -> list[dict[str, float]]:
    """Numbers by name for each story. `title` are the stems of the page's title."""
    total = sum(story.words for story in stories)
    spread = Counter(stem for story in stories for stem in story.stems)
    again = {stem for stem, count in spread.items() if count > 1}
    titled = [rarity.shared(title, story.stems, 1.0) for story in stories]
    headed = [_headed(story, looks, rarity) for story in stories]
    main = max(range(len(stories)), key=lambda n: (titled[n] + 0.3) * min(stories[n].words, 120), default=0)
    closing = sum(look.kind in _BELOW for look in looks)
    told = _Told(set(title))
    rows = []
    for number, story in enumerate(stories):
        near = stories[max(0, number - _COMPARED) : number + _COMPARED]
        row = {
            **_size(story, number, len(stories), told.words, total),
            **_cohesion(story, looks, near, told, rarity, number),
            **_opening(blocks, looks, odds, story, told),
            **_gap(story, blocks, looks, odds, told, title, rarity),
            "title": titled[number],
            "title-none": titled[number] == 0,
            "title-best": titled[number] == max(titled),
            "others": rarity.shared(story.stems, again),
            "after-main": number > main,
            "before-next": rarity.shared(story.stems, stories[number + 1].stems) if number + 1 < len(stories) else 0.0,
            "headed": headed[number],
            "headed-later": sum(headed[number + 1 :][:_COMPARED]) / max(1, len(stories) - number - 1),
            "headed-before": min(3.0, told.headed) / 3,
        }
        gap = [looks[index] for index in story.gap]
        told.kinds += len({look.kind for look in gap if look.kind})
        told.closing += sum(look.kind in _BELOW for look in gap)
        told.below += any(look.kind in _BELOW for look in gap)
        told.labels += any(_is_label(look) for look in gap)
        row |= _standing(story, looks, told, closing)
        opens, heading = row["opens"], row["heading"]
        row |= {
            "opens-headed": heading * opens,
            "opens-unheaded": (1 - heading) * opens,
            "heading-headed": heading * headed[number],
            "opens-below": opens * (told.below > 0),
            "opens-labelled": opens * row["label"],
            "opens-apart": opens * (1 - row["before"]),
            "headed-below": headed[number] * (told.below > 0),
            "headline-below": row["headline"] * (told.below > 0),
            "continues-main": number > main and row["before"] > 0.25,
        }
        rows.append({name: float(value) for name, value in row.items()})
        told.headed += headed[number]
        told.words += story.words
        told.stems |= story.stems
        told.names |= story.names
        told.surnames |= {name.split()[-1] for name in story.names}
        if number == 0:
            told.lead |= story.stems
    return rows


def _size(story: Story, number: int, count: int, before: int, total: int) -> dict[str, float]:
    """How long the story is, and where it stands among the others."""
    paragraphs = len(story.members)
    return {
        **{f"words<={limit}": story.words <= limit for limit in (30, 60, 120, 240)},
        "log-words": math.log(1 + story.words),
        **{f"paragraphs={limit}": paragraphs == limit for limit in (1, 2)},
        **{f"paragraphs>{limit}": paragraphs > limit for limit in (3, 5)},
        "mean-words": min(60, story.words / paragraphs) / 60,
        "share": story.words / total,
        "first": number == 0,
        "second": number == 1,
        "last": number == count - 1,
        "number": min(6, number) / 6,
        "words-before<=60": before <= 60,
        "before-share": before / total,
        "after-share": 1 - (before + story.words) / total,
    }


def _cohesion(
    story: Story, looks: Sequence[Look], near: Sequence[Story], told: _Told, rarity: Rarity, number: int
) -> dict[str, float]:
    """How much of what it tells was told before or is told elsewhere. The first story gets what is usual."""
    own = story.stems
    before = rarity.shared(own, told.stems)
    each = [rarity.shared(stems(looks[index].words), told.stems) for index in story.members[:12]]
    size = math.log(1 + len(told.stems)) / 7
    figures = {stem for stem in own if stem.isdigit()}
    lone = len(story.surnames & told.surnames)
    return {
        "lead": rarity.shared(own, told.lead) if number else 0.3,
        "before": before if number else 0.3,
        "before-low": number > 0 and before < 0.15,
        "best": max((rarity.shared(own, other.stems) for other in near if other is not story), default=0.0),
        "told": size,
        "told-before": size * before,
        "before-most": max(each) if number else 0.3,
        "before-least": min(each) if number else 0.3,
        "figures-known": len(figures & told.stems) / max(2, len(figures)),
        "names-again": min(3, len(story.names & told.names)) / 3,
        "surnames-known": min(4, lone) / 4,
        "surnames-unknown": lone == 0 and number > 0,
        "surnames": min(4, len(story.surnames)) / 4,
        "surnames-none": not story.surnames,
    }


def _opening(blocks: Sequence[Block], looks: Sequence[Look], odds: Odds, story: Story, told: _Told) -> dict[str, float]:
    """Whether it opens as stories do: place and day, people with their offices, who are named in full."""
    first, look = blocks[story.members[0]], looks[story.members[0]]
    names = set(FULL_NAME.findall(first.text))
    return {
        "dateline": DATELINE.match(first.text) is not None,
        "goes-on": look.going_on,
        "starts-lower": first.text[0].islower(),
        "first-words": min(60, len(look.words)) / 60,
        "first-day": _DAY.search(first.text) is not None,
        "first-names": min(3, len(names)) / 3,
        "first-names-new": min(3, len(names - told.names)) / 3,
        "first-offices": look.row[_OFFICES],
        "first-reported": look.row[_REPORTED],
        "first-quotes": look.row[_QUOTES],
        "opens": _share(odds.opening[story.members[0]]),
        "opens-best": max(_share(odds.opening[index]) for index in story.members),
        "joined": first.joined,
        "hint": first.hint != "",
        "aside": not first.main,
        "linked": first.linked,
        "html": first.tag != "",
    }


def _gap(
    story: Story,
    blocks: Sequence[Block],
    looks: Sequence[Look],
    odds: Odds,
    told: _Told,
    title: set[str],
    rarity: Rarity,
) -> dict[str, float]:
    """What stands between it and the story before: a headline, a label, prompts, what ends an article."""
    gap = [looks[index] for index in story.gap]
    open_lines = [index for index in story.gap if not looks[index].closed]
    kinds = {look.kind for look in gap if look.kind}
    label = any(_is_label(look) for look in gap)
    inserted = bool(gap) and all(look.kind in _INSIDE and not _is_label(look) for look in gap)
    header = looks[story.gap[-1]] if story.gap and not looks[story.gap[-1]].closed else None
    above = blocks[story.gap[-1]].text if header else ""
    words = stems(header.words) if header else set()
    headlines = 0
    while headlines < len(gap) and _could_head(gap[-1 - headlines]):
        headlines += 1
    heads = sorted(_share(odds.headline[index]) for index in open_lines)
    heading = _share(odds.headline[story.gap[-1]]) if header else 0.0
    may_begin = _may_begin(blocks, looks, story)
    return {
        "gap": min(8, len(gap)) / 8,
        "gap-none": not gap,
        "gap>2": len(gap) > 2,
        "gap-kinds": bool(kinds),
        "gap-related": "related" in kinds,
        "gap-below": not kinds.isdisjoint(_BELOW),
        "gap-furniture": min(6.0, sum(max(0.0, odds.furniture[index]) for index in story.gap) / 6),
        "gap-closed": bool(gap) and not open_lines,
        **{f"open={count}": len(open_lines) == count for count in (1, 2)},
        "open>2": len(open_lines) > 2,
        "label": label,
        "inserts": inserted,
        "inserts=1": inserted and len(gap) == 1,
        "inserts-short": inserted and story.words <= 40,
        "inserts-long": inserted and story.words > 80,
        "header": header is not None,
        **{f"header<={limit}": header is not None and len(header.words) <= limit for limit in (3, 6, 9)},
        "header-names": min(3, len(CAPITAL.findall(above))) / 3,
        "header-asks": above.endswith("?"),
        "header-quotes": above[:1] in ('"', "“", "‘"),
        "header-own": rarity.shared(words, story.stems, 1.0),
        "header-before": rarity.shared(words, told.stems | title, 1.0),
        "headline": headlines > 0,
        "headlines>1": headlines > 1,
        "headline-labelled": headlines > 0 and label,
        "heading": heading,
        "heading-most": heads[-1] if heads else 0.0,
        "heading-second": heads[-2] if len(heads) > 1 else 0.0,
        "may-begin": may_begin,
        "heading-may-not": 0.0 if may_begin else heading,
    }


def _standing(story: Story, looks: Sequence[Look], told: _Told, closing: int) -> dict[str, float]:
    """What was said before it on the page, its own gap included, and what comes after it."""
    after = [looks[index] for index in story.after]
    left = closing - told.closing
    return {
        "said": min(8, told.kinds) / 8,
        "below": min(4, told.below) / 4,
        "labels": min(3, told.labels) / 3,
        "next-related": any(look.kind == "related" for look in after[:2]),
        "next-kinds": any(look.kind for look in after[:2]),
        "next-below": any(look.kind in _BELOW for look in after[:3]),
        "next-first-below": bool(after) and after[0].kind in _BELOW,
        "next-none": not after,
        "left": min(4, left) / 4,
        "left-share": left / max(1, closing),
    }


def _share(odds: float) -> float:
    return 1 / (1 + math.exp(-max(-20.0, min(20.0, odds))))


def _is_label(look: Look) -> bool:
    return look.kind == "related" and len(look.words) <= _LABEL


def _could_head(look: Look) -> bool:
    return not look.closed and not look.kind and 3 < len(look.words) <= 20


def _may_begin(blocks: Sequence[Block], looks: Sequence[Look], story: Story) -> bool:
    """Whether another story could begin here: below its headline, below a label, or below what ends an article."""
    first = blocks[story.members[0]]
    if DATELINE.match(first.text) or first.hint or not first.main:
        return True
    if not story.gap:
        return False
    above = looks[story.gap[-1]]
    if above.kind == "related":
        return len(above.words) <= _LABEL or above.row[_ARROW] > 0
    return above.kind in _ENDING or (not above.kind and not above.closed)


def _headed(story: Story, looks: Sequence[Look], rarity: Rarity) -> float:
    """How far the open line above it is its headline: the share of its words that the first paragraph takes up."""
    if not story.gap or looks[story.gap[-1]].closed:
        return 0.0
    return rarity.shared(stems(looks[story.gap[-1]].words), stems(looks[story.members[0]].words), 2.0)
