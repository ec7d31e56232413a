"""Fit the line that reads topics from an article's words alone; serving adds it to what the trunk says.

The trunk knows what a text means and sees little of each rare word; the line knows rare words and nothing else. It is
fitted in seconds by `python -m training.export classifier`, on all articles outside the held-out fold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from communique.labels import TOPICS
from communique.trunk.bag import BUCKETS, bag, count
from communique.words import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from training.data import Labelled

__all__ = ["fit"]

#: A word that fewer articles hold says nothing yet.
_FEWEST: Final = 3
#: Logit of a topic that all articles have, or none.
_SURE: Final = 5.0
#: Inverse strength of the L2 penalty, and how much an article of the world's set weighs beside one of the others.
_C: Final = 60.0
_WORLD_WEIGHT: Final = 0.4


def fit(articles: Sequence[Labelled], topics: Sequence[str] = TOPICS) -> dict[str, NDArray[np.float32]]:
    """Weights `topic_words.idf` [buckets], `.weight` [topics, buckets] and `.bias` [topics] of the heads."""
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import normalize

    known = [article for article in articles if article.topics]
    rows = [bag(count(map(words, (article.title, *article.sentences)))) for article in known]
    starts = np.cumsum([0, *(len(buckets) for buckets, _ in rows)])
    counts = csr_matrix(
        (np.concatenate([values for _, values in rows]), np.concatenate([buckets for buckets, _ in rows]), starts),
        shape=(len(rows), BUCKETS),
    )
    held = np.bincount(counts.indices, minlength=BUCKETS)
    idf = np.where(held >= _FEWEST, np.log((1 + len(rows)) / (1 + held)) + 1, 0.0)
    inputs = normalize(counts.multiply(idf).tocsr())
    weights = np.array([_WORLD_WEIGHT if article.source_set == "world" else 1.0 for article in known])
    found: dict[str, Any] = {"weight": np.zeros((len(topics), BUCKETS)), "bias": np.zeros(len(topics))}
    for number, topic in enumerate(topics):
        wanted = np.array([topic in article.topics for article in known])
        if wanted.all() or not wanted.any():
            found["bias"][number] = _SURE if wanted.all() else -_SURE
            continue
        line = LogisticRegression(C=_C, class_weight="balanced", max_iter=400)
        line.fit(inputs, wanted, sample_weight=weights)
        found["weight"][number], found["bias"][number] = line.coef_[0], line.intercept_[0]
    found["idf"] = idf
    return {f"topic_words.{name}": value.astype(np.float32) for name, value in found.items()}
