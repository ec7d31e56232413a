"""Fit the line that says which sentences a reader would take for a summary, from what the trunk reads in them.

Readers marked the sentences of 2,078 articles (`training/corpus/choices.jsonl`). Fitted in seconds by
`python -m training.export classifier`, on a trunk that is exported already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from communique.trunk.features import CHOICE_FEATURES
from training.data import document_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from communique.trunk.reader import Reader
    from training.data import Labelled

__all__ = ["fit", "none"]

#: Inverse strength of the L2 penalty; how far the vector's numbers are scaled down beside the features; how much more
#: a sentence counts that should not be taken.
_C: Final = 0.3
_VECTOR_SCALE: Final = 0.1
_WEAK_WEIGHT: Final = 2.0
_BATCH: Final = 32


def none(hidden: int) -> dict[str, NDArray[np.float16]]:
    """Weights `choice.weight` [1, H + F] and `choice.bias` [1] of a line that takes every sentence for as likely."""
    weight = np.zeros((1, hidden + CHOICE_FEATURES), dtype=np.float16)
    return {"choice.weight": weight, "choice.bias": np.full(1, -1.1, dtype=np.float16)}


def fit(reader: Reader, articles: Sequence[Labelled]) -> dict[str, NDArray[np.float16]]:
    """The same for what `reader` reads of `articles`, each with its `choice`."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    rows, values = [], []
    for start in range(0, len(articles), _BATCH):
        some = articles[start : start + _BATCH]
        for article, reading in zip(some, reader.read([document_of(article) for article in some]), strict=True):
            numbers, inputs = reading.choice_inputs()
            rows.append(inputs)
            values.append(np.array(article.choice)[numbers])
    inputs, choice = np.concatenate(rows), np.concatenate(values)
    scaler = StandardScaler().fit(inputs)
    shrink = np.ones(inputs.shape[1])
    shrink[:-CHOICE_FEATURES] = _VECTOR_SCALE
    scaled = scaler.transform(inputs) * shrink
    # One that was nearly taken stands on both sides, half on each.
    taken, left = np.clip(choice, 0, None), np.where(choice < 0, _WEAK_WEIGHT, 1 - np.clip(choice, 0, None))
    line = LogisticRegression(C=_C, max_iter=400)
    line.fit(
        np.concatenate([scaled[taken > 0], scaled[left > 0]]),
        np.r_[np.ones(int((taken > 0).sum())), np.zeros(int((left > 0).sum()))],
        sample_weight=np.r_[taken[taken > 0], left[left > 0]],
    )
    weight = line.coef_[0] * shrink / scaler.scale_
    bias = line.intercept_[0] - float(weight @ scaler.mean_)
    return {"choice.weight": weight[None].astype(np.float16), "choice.bias": np.array([bias], dtype=np.float16)}
