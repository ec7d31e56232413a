"""scikit-learn's boosted trees in the form that is served (`communique/trees.py`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from communique.trees import Trees

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sklearn.ensemble import HistGradientBoostingClassifier

__all__ = ["served"]


def served(model: HistGradientBoostingClassifier, names: Sequence[str]) -> Trees:
    """The trees of a fitted model of two classes; `names` are its columns."""
    # What scikit-learn has no public name for.
    trees = [_tree(predictor.nodes) for (predictor,) in model._predictors]
    return Trees.from_dict({"names": names, "bias": float(np.ravel(model._baseline_prediction)[0]), "trees": trees})


def _tree(nodes: Any) -> dict[str, Any]:
    here, leaf = np.arange(len(nodes)), nodes["is_leaf"].astype(bool)
    return {
        "feature": np.where(leaf, 0, nodes["feature_idx"]),
        "threshold": np.where(leaf, 0.0, nodes["num_threshold"]),
        "left": np.where(leaf, here, nodes["left"]),
        "right": np.where(leaf, here, nodes["right"]),
        "value": np.where(leaf, nodes["value"], 0.0),
    }
