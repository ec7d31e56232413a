"""A text as a bag of words: each content word's form in one of many buckets, by its hash (Weinberger et al. 2009).

No list of words has to be shipped; two words that share a bucket are told apart by nothing.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from communique.words import words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["BUCKETS", "bag"]

BUCKETS: Final = 1 << 15


def bag(texts: Iterable[str]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Buckets that hold words of the texts, ascending, and 1 + log of how many words each holds."""
    counts = Counter(
        zlib.crc32(word.key.encode()) % BUCKETS for text in texts for word in words(text) if not word.is_function
    )
    buckets = sorted(counts)
    return np.array(buckets, np.intp), np.array([1.0 + math.log(counts[at]) for at in buckets], np.float32)
