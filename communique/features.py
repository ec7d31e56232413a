"""Numbers that stand beside the trunk's vectors: where a sentence or a mention stands, which the trunk cannot see.

Shared by training (torch) and serving (numpy), so that both see the same numbers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["MENTION_FEATURES", "SENTENCE_FEATURES", "mention_features", "sentence_features"]

SENTENCE_FEATURES: Final = 8
MENTION_FEATURES: Final = 6


def sentence_features(lengths: Sequence[int], paragraphs: Sequence[int]) -> NDArray[np.float32]:
    """[S, 8] for an article's S sentences: place from the start and in the whole, length, paragraph.

    Args:
        lengths: words of each sentence.
        paragraphs: number of each sentence's paragraph, ascending.
    """
    count = len(lengths)
    rows = np.zeros((count, SENTENCE_FEATURES), dtype=np.float32)
    before = 0
    for index, (length, paragraph) in enumerate(zip(lengths, paragraphs, strict=True)):
        rows[index] = (
            index == 0,
            index == 1,
            index == 2,
            math.log1p(index) / 4,
            index / max(1, count - 1),
            math.log1p(before) / 7,
            min(length, 60) / 30,
            index > 0 and paragraphs[index - 1] == paragraph,
        )
        before += length
    return rows


def mention_features(sentences: Sequence[int], total: int) -> NDArray[np.float32]:
    """[6] for the mentions of one target: how many passages, how early, in the title or the lead, how much of the text.

    Args:
        sentences: sentence number of each passage; -2 is the title.
        total: sentences in the article.
    """
    body = sorted({number for number in sentences if number >= 0})
    first = body[0] if body else total
    return np.array(
        (
            math.log1p(len(sentences)) / 3,
            first / max(1, total),
            any(number == -2 for number in sentences),
            any(number in (0, 1) for number in body),
            len(body) / max(1, total),
            math.log1p(total) / 5,
        ),
        dtype=np.float32,
    )
