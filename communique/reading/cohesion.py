"""How much a paragraph takes up of what the rest of its page tells, as numbers.

An article goes on about its own people, places and things; a teaser of another story, however like it in manner, begins
anew and is not taken up again. Words weigh by how rare they are. Nothing is known here of how a block looks.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from communique.reading.look import FULL_NAME, LOOKS
from communique.reading.stories import stems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from communique.reading.block import Block
    from communique.reading.look import Look
    from communique.reading.stories import Rarity
    from communique.reading.telling import Odds

    Numbers = NDArray[np.floating]
    Told = NDArray[np.bool_]

__all__ = ["COHESION", "cohesion"]

#: The names of the numbers that `cohesion` gives, in order.
COHESION: Final = (
    "prose", "told-much", "told-stems", "c-title", "c-lead", "c-before", "c-after", "c-rest", "c-near-before",
    "c-near-after", "c-most-before", "c-most-after", "c-gap", "c-anywhere", "c-names", "c-names-known", "c-names-later",
    "c-names-new", "c-title-names", "c-title-count", "c-lead-count", "c-first-half", "prose-number", "prose-after",
    "prose-share", "words-before", "words-after", "since-other", "until-other", "c-pair-before", "c-pair-after",
    "c-least-pair", "lead-block",
    "form", "form-before", "form-after", "formless-among", "we-before", "we-after", "quotes-before", "length-before",
    "part-number", "part-head", "part-head-own", "part-head-first", "part-head-title", "part-head-before", "part-own",
    "part-outside", "part-contrast", "part-all-outside", "part-first-outside", "part-first-later", "part-opening",
    "opening", "opening-next", "part-rest-outside", "part-rest-own", "part-rest-contrast", "own-contrast",
    "next-contrast", "part-head-shared", "part-head-words", "part-head-far", "part-head-kind", "part-gap-related",
    "part-gap", "part-gap-capitals",
)  # fmt: skip
#: Fewer words than this are no paragraph.
_PARAGRAPH: Final = 8
#: So many paragraphs are the lead; so many on each side are near; more than so many apart are not compared singly.
_LEAD: Final = 2
_NEAR: Final = 3
_COMPARED: Final = 40
#: So many lines above a part of the page may be its headline.
_GAP: Final = 8
#: What a paragraph tells counts as at least so much, or one word in a short one would be all of it.
_LEAST: Final = 3.0
#: What is said of overlap where there is nothing to compare with.
_USUAL: Final = 0.3
#: How the paragraphs of an interview, a transcript or a live blog begin: "Q:", "Ms Avetyan:", "18:40", "—".
_FORM: Final = re.compile(r"([A-Z][\w.’'-]{0,14}(?: [A-Z][\w’'-]+)?:)|(\d{1,2}[:.]\d\d\b)|([-–—•] )")
_NAME: Final = re.compile(r"(?<=[a-z,;’'\"“(] )[A-Z][\w’-]{2,}")
_WE, _QUOTES, _ALL_CAPITALS = (LOOKS.index(name) for name in ("we", "quotes", "all-capitals"))
_NUMBER, _AFTER, _SHARE, _SAID, _LEFT = (
    COHESION.index(name) for name in ("prose-number", "prose-after", "prose-share", "words-before", "words-after")
)


def cohesion(
    blocks: Sequence[Block], looks: Sequence[Look], odds: Odds, skipped: Sequence[bool], title: set[str], rarity: Rarity
) -> list[list[float]]:
    """A row of numbers for each block; nothing but zeros but for the place where it is no prose.

    `title` are the stems of the title.
    """
    prose = [
        index
        for index, look in enumerate(looks)
        if not skipped[index] and odds.furniture[index] < 0 and len(look.words) >= _PARAGRAPH
    ]
    counts = [len(looks[index].words) for index in prose]
    total = sum(counts)
    found = iter(_paragraphs(prose, blocks, looks, odds, title, rarity)) if prose else iter(())
    rows = []
    at = said = 0
    for index in range(len(blocks)):
        if at < len(prose) and prose[at] == index:
            rows.append(next(found))
            said += counts[at]
            at += 1
            continue
        row = [0.0] * len(COHESION)
        row[_NUMBER], row[_AFTER] = min(12, at) / 12, min(12, len(prose) - at) / 12
        row[_SHARE] = at / max(1, len(prose))
        row[_SAID], row[_LEFT] = min(600, said) / 600, min(600, total - said) / 600
        rows.append(row)
    return rows


@dataclass(frozen=True, slots=True)
class _Page:
    """The P paragraphs of a page, and which of the C stems that they and the title have each tells.

    Attributes:
        prose: the paragraphs' numbers among the blocks.
        looks: of all blocks.
        odds: of all blocks.
        rarity: how much a stem tells.
        columns: each stem's number.
        weights: how much each tells, [C].
        table: which each paragraph tells, [P, C].
        titled: which the title tells, [C].
    """

    prose: Sequence[int]
    looks: Sequence[Look]
    odds: Odds
    rarity: Rarity
    columns: dict[str, int]
    weights: Numbers
    table: Told
    titled: Told

    @classmethod
    def of(cls, prose: Sequence[int], looks: Sequence[Look], odds: Odds, title: set[str], rarity: Rarity) -> _Page:
        """The page of blocks with these `looks`; `title` are the stems of its title."""
        own = [stems(looks[index].words) for index in prose]
        columns = {stem: number for number, stem in enumerate(sorted(title.union(*own)))}  # sums round alike each time
        weights = np.array([rarity.known.get(stem, 1.0) for stem in columns], dtype=np.float32)
        rows = np.zeros((len(prose) + 1, len(columns)), dtype=bool)
        for row, mine in zip(rows, [*own, title], strict=True):
            row[[columns[stem] for stem in mine]] = True
        return cls(prose, looks, odds, rarity, columns, weights, rows[:-1], rows[-1])

    def much(self, told: Told) -> Numbers:
        """How much each row of stems tells."""
        found: Numbers = told.astype(np.float32) @ self.weights
        return found

    def share(self, own: Told, other: Told) -> Numbers:
        """Of what each row of `own` tells the share that `other` tells too."""
        shares: Numbers = self.much(own & other) / np.maximum(_LEAST, self.much(own))
        return shares

    def holding(self, found: set[str]) -> Told:
        """Those of the stems that are the page's, [C]."""
        row = np.zeros(len(self.columns), dtype=bool)
        row[[self.columns[stem] for stem in found if stem in self.columns]] = True
        return row


class _Around:
    """What is told before each paragraph, after it and near it: rows of stems, [P, C] or one more."""

    def __init__(self, table: Told) -> None:
        nothing = np.zeros_like(table[:1])
        #: Row n: what the paragraphs before n told, and what those from n on tell.
        self.before = np.concatenate([nothing, np.logical_or.accumulate(table)])
        self.after = np.concatenate([np.logical_or.accumulate(table[::-1])[::-1], nothing])
        self.near_before, self.near_after = np.zeros_like(table), np.zeros_like(table)
        for step in range(1, _NEAR + 1):
            self.near_before[step:] |= table[:-step]
            self.near_after[:-step] |= table[step:]
        #: Of it and the next ones together.
        self.rest = table.copy()
        for step in range(1, _NEAR):
            self.rest[:-step] |= table[step:]
        self.others = self.before[:-1] | self.after[1:]


def _paragraphs(
    prose: Sequence[int],
    blocks: Sequence[Block],
    looks: Sequence[Look],
    odds: Odds,
    title: set[str],
    rarity: Rarity,
) -> list[list[float]]:
    """The rows of the paragraphs."""
    page = _Page.of(prose, looks, odds, title, rarity)
    around = _Around(page.table)
    size = len(prose)
    weight = page.much(page.table)
    scale = np.maximum(_LEAST, weight)
    pairs = ((page.table * page.weights) @ page.table.T.astype(np.float32)) / np.maximum(
        _LEAST, np.minimum(weight[:, None], weight[None, :])
    )
    overlaps = _overlaps(page, around, scale)
    parts = _part_rows(page, around)
    names = _named(prose, blocks, title)
    styles = _styled(prose, blocks, looks)
    told = page.table.sum(axis=1).tolist()
    counts = [len(looks[index].words) for index in prose]
    said = [0, *np.cumsum(counts).tolist()]
    beyond = [-1, *prose, len(blocks)]
    rows = []
    for at in range(size):
        (of_title, of_lead, of_before, of_after, of_others, of_near, of_next, gap, anywhere, title_count, lead_count,
         of_half) = overlaps[at]  # fmt: skip
        earlier, later = pairs[at, max(0, at - _COMPARED) : at], pairs[at, at + 1 : at + _COMPARED]
        previous = float(earlier[-1]) if at else _USUAL
        following = float(later[0]) if at + 1 < size else _USUAL
        bearing, known, known_later, new, of_names = names[at]
        rows.append([
            1.0, math.log(1 + scale[at]) / 4, math.log(1 + told[at]) / 4, of_title, of_lead, of_before, of_after,
            of_others, of_near, of_next, float(earlier.max(initial=0.0)), float(later.max(initial=0.0)), gap, anywhere,
            bearing, known, known_later, new, of_names, title_count, lead_count, of_half,
            min(12, at) / 12, min(12, size - at - 1) / 12, at / size,
            min(600, said[at]) / 600, min(600, said[-1] - said[at + 1]) / 600,
            min(6, prose[at] - beyond[at] - 1) / 6, min(6, beyond[at + 2] - prose[at] - 1) / 6,
            previous, following, min(previous, following), float(at < _LEAD), *styles[at], *parts[at],
        ])  # fmt: skip
    return rows


def _overlaps(page: _Page, around: _Around, scale: Numbers) -> list[list[float]]:
    """How much of each paragraph title and lead tell, and what comes before it, after it and near it."""
    table, size = page.table, len(page.prose)
    middle = (size + 1) // 2
    half = around.others.copy()
    half[middle:] = around.before[middle]
    with_next = table.copy()
    with_next[:-1] |= table[1:]
    lead: Told = np.logical_or.reduce(table[:_LEAD])
    is_lead = np.arange(size) < _LEAD

    def taken(of: Told) -> Numbers:
        shares: Numbers = page.much(table & of) / scale
        return shares

    return np.column_stack([  # type: ignore[no-any-return]
        taken(page.titled) * scale / max(1.0, float(page.much(page.titled))), np.where(is_lead, _USUAL, taken(lead)),
        taken(around.before[:-1]), taken(around.after[1:]), taken(around.others), taken(around.near_before),
        taken(around.near_after),
        page.much(with_next & around.before[:-1]) / np.maximum(6.0, page.much(with_next)),
        np.minimum(8.0, page.much(table & around.others)) / 8,
        np.minimum(4, (table & page.titled).sum(axis=1)) / 4,
        np.where(is_lead, 0.5, np.minimum(8, (table & lead).sum(axis=1)) / 8), taken(half),
    ]).tolist()  # fmt: skip


def _part_rows(page: _Page, around: _Around) -> list[list[float]]:
    """How each goes on from where its part of the page began, below what is no prose, and from what was told above."""
    size = len(page.prose)
    begins = [0]
    for at, (above, index) in enumerate(pairwise(page.prose), 1):
        begins.append(at if index > above + 1 else begins[-1])
    takings = _takings(page, around, np.array(begins))
    opening = [_clip(page.odds.opening[index]) for index in page.prose]
    heads = {begin: _head(page, begin) for begin in set(begins)}
    rows = []
    for at, begin in enumerate(begins):
        head, most, far, described = heads[begin]
        much = max(1.0, page.rarity(head))
        beside = np.stack([page.table[at], page.table[begin], page.titled, around.before[begin]])
        of_head = page.much(beside & page.holding(head)) / much
        *so_far, rest_out, rest_in, rest_contrast, own_more, next_more = takings[at]
        rows.append([
            min(6, at - begin) / 6, most, *of_head.tolist(), *so_far,
            opening[begin], opening[at], opening[at + 1] if at + 1 < size else -1.0, rest_out, rest_in, rest_contrast,
            own_more, next_more, min(4.0, float(of_head[1]) * much) / 4, *far, *described,
        ])  # fmt: skip
    return rows


def _takings(page: _Page, around: _Around, begun: NDArray[np.intp]) -> list[list[float]]:
    """How much each takes up of what its part, begun by paragraph `begun` [P], has told, and of what was told above."""
    table, size, share = page.table, len(page.prose), page.share
    outside = around.before[begun]
    so_far = np.zeros_like(table)
    for at in range(1, size):
        if begun[at] < at:
            so_far[at] = so_far[at - 1] | table[at - 1]
    goes_on = begun < np.arange(size)
    late = begun > 0
    within = np.where(goes_on, share(table, so_far), 0.5)
    without = np.where(late, share(table, outside), 0.5)
    rest_within = np.where(goes_on, share(around.rest, so_far), 0.5)
    rest_without = np.where(late, share(around.rest, outside), 0.5)
    first = table[begun]
    empty = np.zeros_like(table[:1])
    previous, following = np.concatenate([empty, table[:-1]]), np.concatenate([table[1:], empty])
    told = np.concatenate([empty, around.before[: size - 1]])
    return np.column_stack([  # type: ignore[no-any-return]
        within, without, within - without, np.where(late, share(so_far | table, outside), 0.5),
        np.where(late, share(first, outside), 0.5), share(first, around.near_after), rest_without, rest_within,
        rest_within - rest_without, share(table, previous) - share(table, told),
        share(following, table) - share(following, around.before[:size]),
    ]).tolist()  # fmt: skip


def _head(page: _Page, begin: int) -> tuple[set[str], float, list[float], list[float]]:
    """The open line above the part that paragraph `begin` begins and takes up most: its stems, odds and place; and what
    else is above."""
    prose, looks, first = page.prose, page.looks, page.table[begin]
    gap = range(max(prose[begin - 1] + 1 if begin else 0, prose[begin] - _GAP), prose[begin])
    heads = {i: stems(looks[i].words) for i in gap if not looks[i].closed and len(looks[i].words) > 2}
    taken = {
        i: page.rarity(stem for stem in found if stem in page.columns and first[page.columns[stem]])
        for i, found in heads.items()
    }
    best = max(heads, key=lambda index: (taken[index], index), default=-1)
    above = [
        sum(looks[index].kind == "related" for index in gap) / _GAP,
        len(gap) / _GAP,
        float(any(looks[index].row[_ALL_CAPITALS] for index in gap)),
    ]
    if best < 0:
        return set(), -1.0, [0.0, 1.0, 0.0], above
    look = looks[best]
    place = [min(12, len(look.words)) / 12, min(6, prose[begin] - best) / 6, float(look.kind != "")]
    return heads[best], _clip(page.odds.headline[best]), place, above


def _named(prose: Sequence[int], blocks: Sequence[Block], title: set[str]) -> list[list[float]]:
    """How many names each bears, and the shares that were named before, are named later, and that the title has."""
    names = [_names(blocks[index].text) for index in prose]
    everywhere = {name.lower()[:6] for found in names for name in found}
    titled = title & everywhere
    later: list[set[str]] = [set()]
    for found in reversed(names):
        later.append(later[-1] | found)
    later.reverse()
    known: set[str] = set()
    rows = []
    for at, found in enumerate(names):
        bearing = max(1, len(found))
        rows.append([
            min(6, len(found)) / 6, len(found & known) / bearing, len(found & later[at + 1]) / bearing,
            min(4, len(found - known - later[at + 1])) / 4,
            len({name.lower()[:6] for name in found} & titled) / max(1, len(titled)),
        ])  # fmt: skip
        known |= found
    return rows


def _styled(prose: Sequence[int], blocks: Sequence[Block], looks: Sequence[Look]) -> list[list[float]]:
    """Whether each begins as others do, and how the others speak: of "we", in quotes, at length."""
    forms = [_form(blocks[index].text) for index in prose]
    we = [looks[index].row[_WE] for index in prose]
    quotes = [looks[index].row[_QUOTES] for index in prose]
    lengths = [min(120, len(looks[index].words)) / 120 for index in prose]
    formed = sum(map(bool, forms)) / len(forms)
    return [
        [
            float(form != ""), _share(forms[:at], form), _share(forms[at + 1 :], form), 0.0 if form else formed,
            _mean(we[:at]), _mean(we[at + 1 :]), _mean(quotes[:at]), _mean(lengths[:at]),
        ]
        for at, form in enumerate(forms)
    ]  # fmt: skip


def _clip(odds: float) -> float:
    return max(-5.0, min(5.0, odds)) / 5


def _form(text: str) -> str:
    found = _FORM.match(text)
    return "" if found is None else found[1] or ("time" if found[2] else "dash")


def _share(forms: Sequence[str], own: str) -> float:
    return forms.count(own) / len(forms) if own and forms else 0.0


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _names(text: str) -> set[str]:
    return {part for name in FULL_NAME.findall(text) for part in name.split()} | set(_NAME.findall(text))
