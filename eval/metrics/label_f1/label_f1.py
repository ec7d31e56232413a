"""Macro, micro and per-class F1 of label sets; a single label is a set of one.

    >>> import evaluate
    >>> evaluate.load("eval/metrics/label_f1").compute(predictions=[["talks"]], references=[["talks", "fighting"]])

Run from the project's root. The figures are those of `eval.measures.labels`.
"""

from __future__ import annotations

from typing import Any

import datasets
import evaluate
import numpy as np

from eval.measures.labels import label_sets

__all__ = ["LabelF1"]


class LabelF1(evaluate.Metric):  # type: ignore[misc]  # evaluate has no types
    """Macro, micro and per-class F1 of label sets; a single label is a set of one."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="",
            features=datasets.Features(
                {
                    "predictions": datasets.List(datasets.Value("string")),
                    "references": datasets.List(datasets.Value("string")),
                }
            ),
        )

    def _compute(
        self, predictions: list[list[str]], references: list[list[str]], labels: list[str] | None = None
    ) -> dict[str, Any]:
        """`labels`: the classes, default those that stand in either; NaN for a class without items."""
        classes = labels or sorted({label for some in (*predictions, *references) for label in some})
        everyone = np.ones((1, len(references)))
        statistics = label_sets(references, predictions, classes)
        return {name: float(statistic(everyone)[0]) for name, statistic in statistics.items()}
