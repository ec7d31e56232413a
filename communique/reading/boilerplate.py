"""Which blocks of a page are not article, and why.

Blocks that repeat another are told first, then the runs of prose, then which of these are the article, and last each
block in its place. Where the words of a line leave no doubt (a cookie notice, a copyright line) the models are not
asked.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from communique.reading.cohesion import cohesion
from communique.reading.look import DATELINE, LOOKS, look_at
from communique.reading.markup import HIDDEN
from communique.reading.phrases import words_of
from communique.reading.place import places
from communique.reading.repeats import repeated
from communique.reading.stories import stems, stories_of
from communique.reading.telling import Odds, telling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from communique.reading.block import Block
    from communique.reading.cleaner import Cleaner
    from communique.reading.look import Look
    from communique.reading.stories import Rarity, Story

__all__ = ["CERTAIN", "Verdict", "columns_of", "judge"]

#: Kinds whose phrases hardly ever stand in a news story.
CERTAIN: Final = frozenset("cookie newsletter copyright subscription donation messenger share credit".split())
#: Log-odds from which a block is removed, and a paragraph of prose: to lose article is worse than to leave boilerplate.
_DOUBT: Final = -0.5
_PROSE_DOUBT: Final = 0.0
_PROSE_WORDS: Final = 20
#: Over this doubt a block goes for certain.
_SURE: Final = 3.0
#: What a block that stays is called if it goes after all.
_UNNAMED: Final = "other-story"
#: Markup parts a page better than line breaks do: there is less to doubt.
_MARKUP: Final = 0.8
#: A page that lost its line breaks gives more to doubt.
_ONE_LINE: Final = 1.5
#: Below this doubt words of a certain kind stand in prose: "an honest contribution to the debate".
_NEVER: Final = -1.5
#: A sentence has so many words; and so much of what a headline tells is told again below it.
_SENTENCE: Final = 8
_TAKEN_UP: Final = 0.3
_SCENE: Final = LOOKS.index("scene")
#: A line that is only the time of a live blog's post, and how many make one.
_CLOCK: Final = re.compile(r"\W{0,3}[0-2]?\d[:.h][0-5]\d(?:\s?(?:[ap]\.?m\.?|[A-Z]{2,4}))?\W{0,3}")
_POSTS: Final = 3
#: Paragraphs that its last post has for sure.
_LAST_POST: Final = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a block is taken for.

    Attributes:
        removed: it is not article.
        kind: the kind of boilerplate that it is, or would be.
        doubt: log-odds that it is boilerplate, less those from which the models remove it.
        certain: nothing else need be asked.
    """

    removed: bool
    kind: str
    doubt: float
    certain: bool


_ARTICLE: Final = Verdict(removed=False, kind="", doubt=-math.inf, certain=True)


def judge(blocks: Sequence[Block], title: str, cleaner: Cleaner) -> list[Verdict]:
    """A verdict on each block. To lose article is worse than to leave boilerplate, so what is doubtful stays."""
    looks = [look_at(block) for block in blocks]
    if len(blocks) == 1 and not looks[0].kind and blocks[0].hint != HIDDEN:
        return [_ARTICLE]
    title_words = words_of(title)
    again = repeated(looks, title_words)
    rows = [look.row for look in looks]
    odds = Odds(cleaner.furniture(rows), cleaner.headline(rows), cleaner.opening(rows))
    titled = stems(title_words)
    stories = stories_of(blocks, looks, odds.furniture, again)
    told = telling(stories, blocks, looks, odds, titled, cleaner.rarity)
    other = cleaner.other(told)
    rows = columns_of(
        blocks, looks, odds, stories, told, other, again, titled, cleaner.other.alone.names, cleaner.rarity
    )
    # Where a page came as one line, sentences stand for paragraphs, and tell less.
    more = _ONE_LINE if any(block.joined for block in blocks) else 0.0
    doubts = [
        score - more - _threshold(block, look, head)
        for block, look, head, score in zip(blocks, looks, odds.headline, cleaner.blocks(rows), strict=True)
    ]
    kinds = [
        HIDDEN
        if block.hint == HIDDEN
        else "repeated"
        if copy
        else _kind(block, look, head)
        if doubt > 0 or (look.kind in CERTAIN and doubt > _NEVER)
        else ""
        for block, look, head, doubt, copy in zip(blocks, looks, odds.headline, doubts, again, strict=True)
    ]
    # A text from which nothing would go but its own headline is an article alone, whatever its paragraphs look like.
    if not any(kind and look.words != title_words for kind, look in zip(kinds, looks, strict=True)):
        return [Verdict(True, kind, 0.0, certain=True) if kind else _ARTICLE for kind in kinds]
    _spare(kinds, blocks, looks, titled, cleaner.rarity)
    _keep_posts(kinds, doubts, blocks, looks)
    _name_stories(kinds, looks, stories)
    kinds = _named(kinds, looks)
    return [
        Verdict(
            bool(kind),
            kind or _UNNAMED,
            doubt,
            copy or kind == HIDDEN or bool(kind and (look.kind in CERTAIN or doubt > _SURE)),
        )
        for kind, look, doubt, copy in zip(kinds, looks, doubts, again, strict=True)
    ]


def columns_of(
    blocks: Sequence[Block],
    looks: Sequence[Look],
    odds: Odds,
    stories: Sequence[Story],
    told: Sequence[Mapping[str, float]],
    other: Sequence[float],
    again: Sequence[bool],
    title: set[str],
    names: Sequence[str],
    rarity: Rarity,
) -> list[list[float]]:
    """What the trees see of each block: its look, its place, its story (`told`, by `names`), what it takes up."""
    nothing = [0.0] * len(names)
    of_story = [nothing] * len(blocks)
    for story, numbers in zip(stories, told, strict=True):
        row = [numbers[name] for name in names]
        for index in story.members:
            of_story[index] = row
    standing = places(looks, odds, stories, other, title, rarity)
    taken = cohesion(blocks, looks, odds, again, title, rarity)
    return [
        [*look.row, *place, *story_row, *takes]
        for look, place, story_row, takes in zip(looks, standing, of_story, taken, strict=True)
    ]


def _threshold(block: Block, look: Look, headline: float) -> float:
    """The log-odds that a block must pass to be removed."""
    plain = not look.kind and not block.hint and headline <= 0 and len(look.words) >= _PROSE_WORDS
    return (_PROSE_DOUBT if plain else _DOUBT) - (_MARKUP if block.tag else 0.0)


def _kind(block: Block, look: Look, headline: float) -> str:
    """What a block that goes is, as far as it shows by itself; "?" if it does not show."""
    if look.kind or block.hint:
        return look.kind or block.hint
    if headline > 0 or block.linked > 0.7:
        return "related"
    return "caption" if look.row[_SCENE] else "?"


def _name_stories(kinds: list[str], looks: Sequence[Look], stories: Sequence[Story]) -> None:
    """Calls what goes of another story, and the headline above it, by that name."""
    for story in stories:
        for index in story.members:
            if kinds[index] and kinds[index] != "repeated":
                kinds[index] = looks[index].kind or ("other-story" if kinds[index] != HIDDEN else HIDDEN)
        if story.gap and kinds[story.gap[-1]] in ("?", "related") and kinds[story.members[0]] == "other-story":
            kinds[story.gap[-1]] = "other-story"


def _spare(kinds: list[str], blocks: Sequence[Block], looks: Sequence[Look], title: set[str], rarity: Rarity) -> None:
    """Keeps prose in the middle of the article, or right below it, unless something shows that another story begins.

    That is a label, a prompt or a headline above it which its first paragraph takes up and the title does not, a
    dateline, or a place of its own in the markup.
    """
    prose = _prose(blocks, looks)
    kept = [index for index, kind in enumerate(kinds) if not kind and prose[index]]
    index = kept[0] if kept else len(kinds)
    last = kept[-1] if kept else 0
    while index < len(kinds):
        if not (prose[index] and kinds[index] and kinds[index] != "repeated"):
            index += 1
            continue
        end = index
        while end < len(kinds) and prose[end] and kinds[end] and kinds[end] != "repeated":
            end += 1
        if (index < last or not kinds[index - 1]) and not _begins(index, kinds, blocks, looks, title, rarity):
            kinds[index:end] = [""] * (end - index)
        index = end


def _keep_posts(kinds: list[str], doubts: list[float], blocks: Sequence[Block], looks: Sequence[Look]) -> None:
    """Keeps the prose of a live blog: to each of its posts the rest of the page is another story.

    It has three times that stand alone above prose, and more of these than not: a list of the latest headlines has
    times, too.
    """
    times = [index for index, block in enumerate(blocks) if _CLOCK.fullmatch(block.text)]
    prose = _prose(blocks, looks)
    posts = [[index for index in range(begin, end) if prose[index]] for begin, end in pairwise((*times, len(blocks)))]
    told = [post for post in posts if post]
    if len(told) < _POSTS or 2 * len(told) <= len(posts):
        return
    # What stands below the last post's first paragraphs may be of the page again.
    for index in (*(index for post in told[:-1] for index in post), *told[-1][:_LAST_POST]):
        if kinds[index] != "repeated":
            kinds[index], doubts[index] = "", -math.inf


def _prose(blocks: Sequence[Block], looks: Sequence[Look]) -> list[bool]:
    """Which blocks are sentences that the page does not mark as something else."""
    return [
        look.closed and len(look.words) >= _SENTENCE and not look.kind and not block.hint and block.main
        for block, look in zip(blocks, looks, strict=True)
    ]


def _begins(
    index: int, kinds: Sequence[str], blocks: Sequence[Block], looks: Sequence[Look], title: set[str], rarity: Rarity
) -> bool:
    """Whether another story could begin with this block."""
    if DATELINE.match(blocks[index].text):
        return True
    own = stems(looks[index].words)
    above = index - 1
    while above >= 0 and kinds[above] and not looks[above].closed:
        head = stems(looks[above].words)
        taken = rarity.shared(head, own, 1.0) > _TAKEN_UP and rarity(head & own) > 1 and blocks[above].text[-1] != "?"
        if looks[above].kind or (taken and rarity.shared(head, title, 1.0) < _TAKEN_UP):
            return True
        above -= 1
    return False


def _named(kinds: list[str], looks: Sequence[Look]) -> list[str]:
    """With a name for what does not show by itself: short lines are navigation, others like what stands above."""
    for index, kind in enumerate(kinds):
        if kind == "?":
            above = kinds[index - 1] if index else ""
            kinds[index] = "navigation" if len(looks[index].words) < 4 else above or "notice"
    return kinds
