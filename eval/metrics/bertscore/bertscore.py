"""BERTScore F1 (0-1) by a local encoder; of several references the best.

    >>> import evaluate
    >>> evaluate.load("eval/metrics/bertscore").compute(predictions=["…"], references=[["…"]], encoder="DIR")

Run from the project's root. The figures are those of `eval.encoder`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import evaluate

from eval.encoder import Encoder

__all__ = ["BertScore"]


class BertScore(evaluate.Metric):  # type: ignore[misc]  # evaluate has no types
    """BERTScore F1 (0-1) by a local encoder; of several references the best."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="Zhang et al. (2020)",
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.List(datasets.Value("string"))}
            ),
        )

    def _compute(self, predictions: list[str], references: list[list[str]], encoder: str) -> dict[str, Any]:
        """`encoder`: a folder with a BERT model."""
        scores = Encoder(Path(encoder)).scores(predictions, references)
        return {"f1": sum(scores) / len(scores), "scores": scores}
