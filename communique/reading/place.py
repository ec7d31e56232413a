"""Where a block stands on its page once it is known which runs of prose are the article, as numbers.

It sees the block's neighbours and what was said before and after, but not how the block itself looks.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from communique.reading.stories import stems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.reading.look import Look
    from communique.reading.stories import Rarity, Story
    from communique.reading.telling import Odds

__all__ = ["PLACES", "places"]

#: The names of the numbers that `places` gives, in order.
PLACES: Final = (
    "in-article", "in-other", "above", "below", "between",
    "previous-article", "next-article", "previous-other", "next-other", "from-article", "to-article", "run", "run-place",
    "furniture", "furniture-1", "furniture-2", "furniture+1", "furniture+2", "run-furniture", "run-least", "run-kinds",
    "other", "other-previous", "other-next", "first-block", "last-block", "page-place",
    "title", "shared", "shared-none", "shared-next", "stems-none",
    "ends-article", "opens-article", "article-short",
    "headline", "headline-below", "headline-between", "headline-next",
)  # fmt: skip


def places(
    looks: Sequence[Look],
    odds: Odds,
    stories: Sequence[Story],
    other: Sequence[float],
    title: set[str],
    rarity: Rarity,
) -> list[list[float]]:
    """A row of numbers for each block.

    `other` are log-odds that a story is not the article; `title` the stems of the title.
    """
    size = len(looks)
    mine = [0.0] * size
    state = [0] * size
    for story, value in zip(stories, other, strict=True):
        for index in story.members:
            mine[index] = _clipped(value)
            state[index] = -1 if value > 0 else 1
    article = [index for index in range(size) if state[index] == 1]
    first, last = (article[0], article[-1]) if article else (size, -1)
    told = {stem for story, value in zip(stories, other, strict=True) if value <= 0 for stem in story.stems}
    words = sum(story.words for story, value in zip(stories, other, strict=True) if value <= 0)
    longest = max((len(looks[index].words) for index in article), default=0)
    # Two blocks of padding at each end: beyond the page is as good as furniture.
    furniture = [0.5, 0.5, *map(_clipped, odds.furniture), 0.5, 0.5]
    heads = [_clipped(value) for value in odds.headline]
    own_stems = [*(stems(look.words) for look in looks), set[str]()]
    before = _nearest(state)
    after = [size - 1 - value for value in reversed(_nearest(state[::-1]))]
    rows = []
    for begin, end in _runs(state):
        previous, following = state[begin - 1] if begin else 0, state[end] if end < size else 0
        inside = state[begin] != 0
        values = furniture[begin + 2 : end + 2]
        run_odds, run_least = (-1.0, -1.0) if inside else (sum(values) / len(values), min(values))
        kinds = 0.0 if inside else min(4, sum(looks[index].kind != "" for index in range(begin, end))) / 4
        for index in range(begin, end):
            own, head = own_stems[index], heads[index]
            rows.append([
                state[index] == 1, state[index] == -1, index < first, index > last,
                first <= index <= last and state[index] != 1,
                previous == 1, following == 1, previous == -1, following == -1,
                min(6, index - before[index]) / 6 if before[index] >= 0 else 1.0,
                min(6, after[index] - index) / 6 if after[index] < size else 1.0,
                0.0 if inside else min(8, end - begin) / 8, 0.0 if inside else (index - begin + 1) / (end - begin),
                furniture[index + 2], furniture[index + 1], furniture[index], furniture[index + 3], furniture[index + 4],
                run_odds, run_least, kinds,
                mine[index], index > 0 and mine[index - 1] > 0, index + 1 < size and mine[index + 1] > 0,
                index == 0, index == size - 1, index / size,
                rarity.shared(title, own, 1.0), rarity.shared(own, told, 1.0), own.isdisjoint(told),
                rarity.shared(own, own_stems[index + 1], 1.0), not own,
                index == last, index == first, words < 60 or longest < 12,
                head, head if index > last else 0.0, head if first < index < last else 0.0,
                head if following == -1 else 0.0,
            ])  # fmt: skip
    return rows


def _clipped(odds: float) -> float:
    return max(-5.0, min(5.0, odds)) / 5


def _runs(state: Sequence[int]) -> list[tuple[int, int]]:
    """The half-open runs of equal states."""
    cuts = [0, *(index for index in range(1, len(state)) if state[index] != state[index - 1]), len(state)]
    return [(begin, end) for begin, end in pairwise(cuts) if begin < end]


def _nearest(state: Sequence[int]) -> list[int]:
    """For each block the last article block before it, or -1."""
    found, last = [], -1
    for index, value in enumerate(state):
        found.append(last)
        if value == 1:
            last = index
    return found
