"""Which sentences of an article the language model rewrites as one, and what it made of them. It proves nothing.

>>> sources(salience, texts, [True] * len(texts))[:3]            # doctest: +SKIP
[(0,), (0, 1), (4,)]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Draft", "sources"]

#: Sentences that lead a group each, and groups at most: every one costs the language model a sentence.
LEADING: Final = 4
MOST_SOURCES: Final = 10
#: Words of a group; training shows up to 160 (`training/summaries.py`).
MOST_WORDS: Final = 120
#: Cost of a sentence's place among those that may lead, per logarithm of its number.
LATE: Final = 0.03


@dataclass(frozen=True, slots=True)
class Draft:
    """What the language model wrote of some sentences, by their numbers, ascending."""

    sentences: tuple[int, ...]
    text: str


def sources(
    salience: Sequence[NDArray[np.float32]], texts: Sequence[str], allowed: Sequence[bool]
) -> list[tuple[int, ...]]:
    """Groups of one or two sentences: the ones most wanted, each alone, with a neighbour, and with each other.

    Args:
        salience: for each sentence [words, 2], as the trunk gives it.
        texts: the sentences.
        allowed: which of them may be used.
    """
    worth = [float(s[:, 0].sum()) / (len(s) + 12) - LATE * float(np.log1p(i)) for i, s in enumerate(salience)]
    usable = [i for i in range(len(texts)) if allowed[i] and len(salience[i])]
    leading = sorted(usable, key=lambda i: -worth[i])[:LEADING]
    groups = [group for main in leading for group in ((main,), (main, main + 1), (main - 1, main))]
    groups += [(a, b) for at, a in enumerate(leading) for b in leading[at + 1 :]]
    found: list[tuple[int, ...]] = []
    for group in groups:
        whole = tuple(sorted(group))
        fits = all(0 <= i < len(texts) and allowed[i] for i in whole)
        if fits and whole not in found and sum(len(texts[i].split()) for i in whole) <= MOST_WORDS:
            found.append(whole)
    return found[:MOST_SOURCES]
