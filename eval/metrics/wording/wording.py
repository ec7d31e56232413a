"""Extractive coverage and density, compression, novelty and length of summaries against their articles.

    >>> import evaluate
    >>> metric = evaluate.load("eval/metrics/wording")
    >>> metric.compute(predictions=["Baku denied it."], references=["On Monday Baku denied it."])

Run from the project's root. The figures are those of `eval.measures.wording`.
"""

from __future__ import annotations

from typing import Any

import datasets
import evaluate

from eval.measures.wording import wording

__all__ = ["Wording"]


class Wording(evaluate.Metric):  # type: ignore[misc]  # evaluate has no types
    """Extractive coverage and density, compression, novelty and length of summaries against their articles."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="Grusky, Naaman and Artzi (2018)",
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
            ),
        )

    def _compute(self, predictions: list[str], references: list[str]) -> dict[str, Any]:
        """Means over the items; `references` are the articles."""
        each = [wording(given, article) for given, article in zip(predictions, references, strict=True)]
        return {name: sum(scores[name] for scores in each) / len(each) for name in each[0]}
