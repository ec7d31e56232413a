"""Fit the line that says which passages show a stance, on what readers gave as evidence of theirs.

For each judgement the probability of its passages is a softmax of the line, and those that hold what the reader pointed
at are to have all of it. Fitted in minutes by `python -m training.export classifier`, on a trunk that is exported
already. Few numbers learn: articles that the trunk was tuned on tell as much as others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import minimize

from communique.trunk.features import EVIDENCE_FEATURES
from communique.trunk.passages import TITLE
from communique.trunk.reader import Calibration
from training.data import document_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from communique.trunk.reader import Reader, Reading
    from training.data import Labelled

__all__ = ["fit"]

#: Strength of the L2 penalty.
_PENALTY: Final = 0.001
#: Added where a passage names the target: it can be checked alone, and readers' passages are found as often with it.
_NAMED, _NAMED_BONUS = 3, 1.0
_BATCH: Final = 32


def fit(reader: Reader, articles: Sequence[Labelled]) -> tuple[float, ...]:
    """The line's weights [7] for what `reader` reads of `articles`, each with `evidence`."""
    made: list[tuple[NDArray[np.float64], NDArray[np.bool_]]] = []
    for start in range(0, len(articles), _BATCH):
        some = articles[start : start + _BATCH]
        for article, reading in zip(some, reader.read([document_of(article) for article in some]), strict=True):
            made += _judgements(article, reading)
    if not made:
        return Calibration().evidence
    spread = np.concatenate([rows for rows, _ in made]).std(0) + 1e-6
    scaled = [(rows / spread, shown) for rows, shown in made]

    def loss(line: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        total, slope = _PENALTY * float(line @ line), 2 * _PENALTY * line
        for rows, shown in scaled:
            odds = rows @ line
            whole = np.exp(odds - odds.max())
            right = whole * shown
            total -= float(np.log(right.sum() / whole.sum())) / len(scaled)
            slope -= (right / right.sum() - whole / whole.sum()) @ rows / len(scaled)
        return total, slope

    line = minimize(loss, np.zeros(EVIDENCE_FEATURES), jac=True, method="L-BFGS-B").x / spread
    line[_NAMED] += _NAMED_BONUS
    return tuple(round(float(weight), 4) for weight in line)


def _judgements(article: Labelled, reading: Reading) -> list[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """For each judgement whose evidence is among the passages: their features [P, 7], and which hold it [P]."""
    ends = np.cumsum([len(sentence) + 1 for sentence in article.sentences])
    text = " ".join(article.sentences)
    found = []
    for target, passage in article.evidence.items():
        numbers, rows = reading.evidence_inputs(target, article.stance[target])
        start = text.find(" ".join(passage.split()))
        if start < 0 or not numbers:
            continue
        first, last = np.searchsorted(ends, [start, start + len(passage) - 1], side="right")
        shown = np.array([number != TITLE and first <= number <= last for number in numbers])
        if shown.any() and not shown.all():
            found.append((rows.astype(np.float64), shown))
    return found
