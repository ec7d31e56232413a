"""The share of a summary's figures and names that its article has.

    >>> import evaluate
    >>> metric = evaluate.load("eval/metrics/facts")
    >>> metric.compute(predictions=["Baku lost 31 men."], references=["Baku says that thirty-one died."])

Run from the project's root. The figures are those of `eval.measures.facts`.
"""

from __future__ import annotations

from typing import Any

import datasets
import evaluate

from eval.measures.facts import facts

__all__ = ["FactPrecision"]


class FactPrecision(evaluate.Metric):  # type: ignore[misc]  # evaluate has no types
    """The share of a summary's figures and names that its article has."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="",
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
            ),
        )

    def _compute(self, predictions: list[str], references: list[str]) -> dict[str, Any]:
        """Pooled over the items; `references` are the articles, titles included."""
        found = [facts(given, article) for given, article in zip(predictions, references, strict=True)]
        return {
            "figure_precision": sum(f.figures_found for f in found) / max(1, sum(f.figures for f in found)),
            "name_precision": sum(f.names_found for f in found) / max(1, sum(f.names for f in found)),
            "missing": [list(f.missing) for f in found],
        }
