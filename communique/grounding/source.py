"""An article as a claim is compared with it: every word's places, what stands near it, who is spoken of.

It knows nothing of how comparisons are weighed; `features.py` does that.

    >>> source = Source("", ["Baku said 12 died.", "It blamed Yerevan."])
    >>> source.places["12"]
    [(1, 2)]
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

from communique.grounding.tokens import FIGURE, FUNCTION, NAME, SAYS, TIME, Token, tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Line", "Source"]

_ATTRIBUTED = ('"', "“", "”")


class Line:
    """One sentence, read: its tokens, and which of them are content, names, figures, times, verbs of saying."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[Token] = tokens(text)
        self.keys = [token.key for token in self.tokens]
        self.content = [i for i, token in enumerate(self.tokens) if token.kind != FUNCTION and not token.negation]
        self.names = [i for i in self.content if self.tokens[i].kind == NAME]
        self.figures = [i for i in self.content if self.tokens[i].kind == FIGURE]
        self.times = [i for i in self.content if self.tokens[i].kind == TIME]
        self.negations = [i for i, token in enumerate(self.tokens) if token.negation]
        self.says = [i for i in self.content if self.keys[i] in SAYS]
        self.held = frozenset(self.keys[i] for i in self.content)
        self.sides = frozenset(self.tokens[i].side for i in self.names if self.tokens[i].side)

    @cached_property
    def rank(self) -> dict[int, int]:
        """Place among the content words of each content token."""
        return {token: place for place, token in enumerate(self.content)}

    @property
    def is_attributed(self) -> bool:
        """Somebody says it: a verb of saying, or quotation marks."""
        return bool(self.says) or any(mark in self.text for mark in _ATTRIBUTED)

    def name_before(self, place: int) -> Token | None:
        """The nearest name in front of a token."""
        return next((self.tokens[i] for i in reversed(self.names) if i < place), None)

    def name_after(self, place: int) -> Token | None:
        """The nearest name behind a token."""
        return next((self.tokens[i] for i in self.names if i > place), None)

    def is_negated(self, place: int) -> bool:
        """A negation stands at most three words in front of a token."""
        return any(0 < place - i <= 3 for i in self.negations)


class Source:
    """The title (line 0) and the sentences of an article, indexed by key."""

    def __init__(self, title: str, sentences: Sequence[str]) -> None:
        self.lines = [Line(title), *map(Line, sentences)]
        self.places: dict[str, list[tuple[int, int]]] = {}
        for number, line in enumerate(self.lines):
            for place, key in enumerate(line.keys):
                self.places.setdefault(key, []).append((number, place))
        self.held = frozenset(key for line in self.lines for key in line.held)
        self.sides = frozenset(side for line in self.lines for side in line.sides)
        self._lines_of: dict[str, set[int]] = {}
        for number, line in enumerate(self.lines):
            for key in line.held:
                self._lines_of.setdefault(key, set()).add(number)

    def weight(self, key: str) -> float:
        """How much a word tells: rare ones in this article more, unheard ones most."""
        return math.log(1 + len(self.lines) / max(0.5, len(self._lines_of.get(key, ()))))

    def lines_with(self, key: str) -> set[int]:
        return self._lines_of.get(key, set())
