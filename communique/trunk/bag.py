"""A text as a bag of words: each content word's form, and each two in a row, in one of many buckets, by its hash
(Weinberger et al. 2009).

No list of words has to be shipped; two words that share a bucket are told apart by nothing.
"""

from __future__ import annotations

import zlib
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from communique.words import Word

__all__ = ["BUCKETS", "bag", "count"]

BUCKETS: Final = 1 << 17


def count(sentences: Iterable[Sequence[Word]]) -> Counter[int]:
    """How many words, and pairs of neighbours, each bucket holds. Counts of parts of a text add up to the text's."""
    found: Counter[int] = Counter()
    for sentence in sentences:
        keys = [word.key for word in sentence if not word.is_function]
        found.update(zlib.crc32(key.encode()) % BUCKETS for key in keys)
        found.update(zlib.crc32(f"{first} {second}".encode()) % BUCKETS for first, second in pairwise(keys))
    return found


def bag(counts: Counter[int]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The buckets that hold anything, ascending, and 1 + log of how much."""
    buckets = np.array(sorted(counts), np.intp)
    held = np.array([counts[at] for at in buckets.tolist()], np.float32)
    return buckets, 1 + np.log(held)
