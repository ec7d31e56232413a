"""Debiased calibration errors, Brier score and area under risk and coverage of probabilities.

    >>> import evaluate
    >>> evaluate.load("eval/metrics/calibration").compute(predictions=[0.9, 0.2], references=[1, 0])

Run from the project's root. The figures are those of `eval.measures.calibration`.
"""

from __future__ import annotations

from typing import Any

import datasets
import evaluate
import numpy as np

from eval.measures.calibration import aurc, brier, debiased_ece, debiased_rmsce

__all__ = ["Calibration"]


class Calibration(evaluate.Metric):  # type: ignore[misc]  # evaluate has no types
    """Debiased calibration errors, Brier score and area under risk and coverage of probabilities."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="Kumar, Liang and Ma (2019)",
            features=datasets.Features(
                {"predictions": datasets.Value("float64"), "references": datasets.Value("int64")}
            ),
        )

    def _compute(self, predictions: list[float], references: list[int]) -> dict[str, Any]:
        """`predictions` are probabilities of what `references` say came true (1) or not (0)."""
        came = [bool(outcome) for outcome in references]
        confidence = [max(p, 1 - p) for p in predictions]
        right = [(p >= 0.5) == outcome for p, outcome in zip(predictions, came, strict=True)]
        everyone = np.ones((1, len(came)))
        statistics = {
            "ece_debiased": debiased_ece(predictions, came),
            "rmsce_debiased": debiased_rmsce(predictions, came),
            "brier": brier(predictions, came),
            "aurc": aurc(confidence, right),
        }
        return {name: float(statistic(everyone)[0]) for name, statistic in statistics.items()}
