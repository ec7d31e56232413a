"""The passages of an article that a stance rests on, as positions among the tokens that the trunk read.

A passage is one sentence (or the title) with every mention of the target in it. What is said of a target often stands
where it is not named ("He gave us nothing."): so far as there is room, the sentences after a mention, the title and the
last two sentences are passages too. Shared by training and serving.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from communique.targets import mentions

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from communique.trunk.windows import Window

__all__ = ["FAR", "LAST", "TITLE", "Passage", "TokenIndex", "passages"]

#: The sentence number of the title.
TITLE: Final = -2
MOST_PASSAGES: Final = 32
MOST_UNNAMED: Final = 12
#: Less than so far after a mention a sentence may go on speaking of it, from the second on only within the paragraph.
FAR: Final = 3
#: The end of an article: so many sentences.
LAST: Final = 2


@dataclass(frozen=True, slots=True)
class Passage:
    """One sentence that names the target, or may speak of it without.

    `distance` is 0 where it names it, 1 or 2 so many sentences after one that does, `FAR` for the title and the end.
    `tokens` are positions (window, place): of the mentions, or of the whole sentence where it has none.
    """

    sentence: int
    tokens: tuple[tuple[int, int], ...]
    distance: int = 0

    @property
    def named(self) -> bool:
        return not self.distance


class TokenIndex:
    """Where each sentence's tokens stand in an article's windows."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self._windows = windows
        self._places: dict[int, list[tuple[int, int]]] = {}
        for number, window in enumerate(windows):
            for place, sentence in enumerate(window.sentences):
                # The title stands in every window: its first reading serves.
                if sentence >= 0 or (sentence == TITLE and number == 0):
                    self._places.setdefault(sentence, []).append((number, place))

    def tokens(self, sentence: int, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
        """Positions (window, place) of the tokens that overlap characters [start, end) of the sentence."""
        return [
            (number, place)
            for number, place in self._places.get(sentence, ())
            if self._windows[number].ends[place] > start and (end is None or self._windows[number].starts[place] < end)
        ]


def passages(
    target: str, title: str, sentences: Sequence[str], paragraphs: Sequence[int], index: TokenIndex
) -> list[Passage]:
    """The passages of `target`: those that name it, title first, then in reading order, at most 32; then at most 12
    that do not, the nearest to a mention first. None without tokens; none at all where nothing names it."""
    named: dict[int, list[tuple[int, int]]] = {}
    for mention in mentions(target, [title, *sentences]):
        number = TITLE if mention.sentence == 0 else mention.sentence - 1
        named.setdefault(number, []).extend(index.tokens(number, mention.start, mention.end))
    found = [Passage(number, tuple(tokens)) for number, tokens in named.items() if tokens]
    if not found:
        return []
    around = [
        Passage(number, tuple(tokens), distance)
        for number, distance in _around(named, paragraphs).items()
        if (tokens := index.tokens(number))
    ]
    return found[:MOST_PASSAGES] + sorted(around, key=lambda passage: passage.distance)[:MOST_UNNAMED]


def _around(named: Collection[int], paragraphs: Sequence[int]) -> dict[int, int]:
    """{sentence that may speak of the target without its name: its `distance`}."""
    total = len(paragraphs)
    found: dict[int, int] = {}
    for number in (number for number in named if number != TITLE):
        for distance in range(1, FAR):
            after = number + distance
            if after < total and (distance == 1 or paragraphs[after] == paragraphs[number]):
                found[after] = min(found.get(after, FAR), distance)
    for number in (TITLE, *range(max(0, total - LAST), total)):
        found.setdefault(number, FAR)
    return {number: distance for number, distance in found.items() if number not in named}
