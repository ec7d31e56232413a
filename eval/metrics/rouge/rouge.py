"""ROUGE-1, ROUGE-2 and ROUGE-Lsum F1 with stemming (0-100); of several references the best and the mean.

    >>> import evaluate
    >>> metric = evaluate.load("eval/metrics/rouge")
    >>> metric.compute(predictions=["Baku denied it."], references=[["Baku denied the report."]])

Run from the project's root. The figures are those of `eval.measures.overlap`.
"""

from __future__ import annotations

from typing import Any

import datasets
import evaluate

from eval.measures.overlap import rouge

__all__ = ["Rouge"]


class Rouge(evaluate.Metric):  # type: ignore[misc]  # evaluate has no types
    """ROUGE-1, ROUGE-2 and ROUGE-Lsum F1 with stemming (0-100); of several references the best and the mean."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="Lin (2004)",
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.List(datasets.Value("string"))}
            ),
        )

    def _compute(self, predictions: list[str], references: list[list[str]]) -> dict[str, Any]:
        """Means over the items."""
        each = [rouge(given, wanted) for given, wanted in zip(predictions, references, strict=True)]
        return {name: sum(scores[name] for scores in each) / len(each) for name in each[0]}
