"""Krippendorff's alpha of two readers' label sets, nominal and by Jaccard distance.

    >>> import evaluate
    >>> evaluate.load("eval/metrics/agreement").compute(predictions=[["talks"]], references=[["talks", "fighting"]])

Run from the project's root. The figures are those of `eval.measures.agreement`.
"""

from __future__ import annotations

from typing import Any

import datasets
import evaluate

from eval.measures.agreement import alpha, jaccard

__all__ = ["Agreement"]


class Agreement(evaluate.Metric):  # type: ignore[misc]  # evaluate has no types
    """Krippendorff's alpha of two readers' label sets, nominal and by Jaccard distance."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="Krippendorff (2011)",
            features=datasets.Features(
                {
                    "predictions": datasets.List(datasets.Value("string")),
                    "references": datasets.List(datasets.Value("string")),
                }
            ),
        )

    def _compute(self, predictions: list[list[str]], references: list[list[str]]) -> dict[str, Any]:
        """The two readers stand on the same footing, whatever the arguments are called."""
        units = [[frozenset(a), frozenset(b)] for a, b in zip(predictions, references, strict=True)]
        return {"alpha": alpha(units), "alpha_jaccard": alpha(units, jaccard)}
