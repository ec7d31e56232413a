"""The passages of an article that speak of a target, as positions among the tokens that the trunk read.

A passage is one sentence (or the title) with every mention of the target in it. Shared by training and serving.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from communique.targets import Mention, mentions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.windows import Window

__all__ = ["TITLE", "Passage", "TokenIndex", "passages"]

#: The sentence number of the title.
TITLE: Final = -2
MOST_PASSAGES: Final = 32


@dataclass(frozen=True, slots=True)
class Passage:
    """One sentence that speaks of the target. `tokens` are positions (window, place) of the mentions' tokens."""

    sentence: int
    mentions: tuple[Mention, ...]
    tokens: tuple[tuple[int, int], ...]


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


def passages(target: str, title: str, sentences: Sequence[str], index: TokenIndex) -> list[Passage]:
    """The passages of `target`, title first, then in reading order; at most 32, and none without tokens."""
    grouped: dict[int, list[Mention]] = {}
    for mention in mentions(target, [title, *sentences]):
        number = TITLE if mention.sentence == 0 else mention.sentence - 1
        grouped.setdefault(number, []).append(mention)
    found = []
    for number, group in grouped.items():
        tokens = [place for mention in group for place in index.tokens(number, mention.start, mention.end)]
        if tokens:
            found.append(Passage(number, tuple(group), tuple(tokens)))
    return found[:MOST_PASSAGES]
