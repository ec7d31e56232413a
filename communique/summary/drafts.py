"""Which sentences of an article the language model shortens, and what it made of them. It proves nothing.

>>> sources(salience, texts, [True] * len(texts))[:3]            # doctest: +SKIP
[0, 4, 1]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["MOST_SOURCES", "Draft", "sources"]

#: Sentences at most: every one costs the language model a sentence.
MOST_SOURCES: Final = 8
#: Words of one; training shows up to 160 (`training/summaries.py`).
MOST_WORDS: Final = 120
#: Cost of a sentence's place, per logarithm of its number.
LATE: Final = 0.03


@dataclass(frozen=True, slots=True)
class Draft:
    """What the language model wrote of a sentence, by its number."""

    sentence: int
    text: str


def sources(salience: Sequence[NDArray[np.float32]], texts: Sequence[str], allowed: Sequence[bool]) -> list[int]:
    """The numbers of the sentences most wanted. Each is shortened by itself: run into one, two seldom stay true.

    Args:
        salience: for each sentence [words, 2], as the trunk gives it.
        texts: the sentences.
        allowed: which of them may be used.
    """
    worth = [float(s[:, 0].sum()) / (len(s) + 12) - LATE * float(np.log1p(i)) for i, s in enumerate(salience)]
    usable = [i for i, text in enumerate(texts) if allowed[i] and len(salience[i]) and len(text.split()) <= MOST_WORDS]
    return sorted(usable, key=lambda i: -worth[i])[:MOST_SOURCES]
