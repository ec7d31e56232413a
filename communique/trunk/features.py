"""Numbers that stand beside the trunk's vectors: where a sentence or a mention stands, which the trunk cannot see.

Shared by training (torch) and serving (numpy), so that both see the same numbers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from communique.trunk.passages import FAR, LAST, TITLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from communique.trunk.passages import Passage

__all__ = [
    "CHOICE_FEATURES",
    "EVIDENCE_FEATURES",
    "MENTION_FEATURES",
    "PASSAGE_FEATURES",
    "SENTENCE_FEATURES",
    "choice_features",
    "evidence_features",
    "mention_features",
    "passage_features",
    "sentence_features",
]

SENTENCE_FEATURES: Final = 8
MENTION_FEATURES: Final = 6
PASSAGE_FEATURES: Final = 5
CHOICE_FEATURES: Final = 16
EVIDENCE_FEATURES: Final = 7
#: A summary of a sentence takes about so many of its words.
_WANTED: Final = 8
#: Under it shares are alike.
_FLOOR: Final = 1e-3


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
            TITLE in sentences,
            any(number in (0, 1) for number in body),
            len(body) / max(1, total),
            math.log1p(total) / 5,
        ),
        dtype=np.float32,
    )


def passage_features(passages: Sequence[Passage], total: int) -> NDArray[np.float32]:
    """[P, 5] for the passages of one target: unnamed and how far from a mention, in the title, the lead, the end."""
    return np.array(
        [
            (not p.named, p.distance / FAR, p.sentence == TITLE, p.sentence in (0, 1), p.sentence >= total - LAST)
            for p in passages
        ],
        dtype=np.float32,
    )


def choice_features(
    rows: NDArray[np.float32],
    salience: Sequence[NDArray[np.float32]],
    title_shares: Sequence[float],
    vectors: NDArray[np.float32],
    first: NDArray[np.float32],
) -> NDArray[np.float32]:
    """[S, 16] for S sentences: their place, how much their words are wanted, and how like the article they are.

    Args:
        rows: their `sentence_features` [S, 8].
        salience: for each [words, 2], as the trunk gives it.
        title_shares: share of the title's words that each holds.
        vectors: their vectors [S, H].
        first: the first window's CLS [H].
    """
    wanted = []
    for scores in salience:
        singles = np.sort(scores[:, 0]) if len(scores) else np.zeros(1, dtype=np.float32)
        doubles = scores[:, 1] if len(scores) else singles
        count = len(scores)
        wanted.append(
            (doubles.mean(), singles[-1], singles[-_WANTED:].mean(), singles.sum() / (count + 12), math.log1p(count))
        )
    likeness = np.stack([_cosine(vectors, vectors.mean(0)), _cosine(vectors, first)], axis=-1)
    shares = np.asarray(title_shares, dtype=np.float32)[:, None]
    return np.concatenate([rows, np.array(wanted, dtype=np.float32), shares, likeness], axis=-1)


def evidence_features(
    passages: Sequence[Passage],
    lengths: Sequence[int],
    weights: NDArray[np.float32],
    shares: NDArray[np.float32],
    best: int,
    total: int,
) -> NDArray[np.float32]:
    """[P, 7] for the passages of one target: what each counts, what it says, whether it names the target, its place.

    Args:
        passages: P of them.
        lengths: words of each.
        weights: [P], what each counts in the article's stance.
        shares: [P, 3], the stance that each alone would have.
        best: number of the article's stance.
        total: sentences in the article.
    """
    others = np.delete(shares, best, axis=1).max(1)
    place = [
        (p.named, p.distance == FAR, math.log1p(length), max(p.sentence, 0) / max(1, total))
        for p, length in zip(passages, lengths, strict=True)
    ]
    logs = np.log(np.stack([weights, shares[:, best], others], axis=-1) + _FLOOR)
    return np.concatenate([logs, np.array(place, dtype=np.float32)], axis=-1)


def _cosine(vectors: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=-1) * np.linalg.norm(other)
    return vectors @ other / np.maximum(lengths, 1e-6)  # type: ignore[no-any-return]
