"""Krippendorff's alpha: how much two or more readers agree beyond chance.

Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability". A unit that fewer than two readers judged is left
out. `alpha` is the figure; `agreement` is the same as a statistic of unit weights, for intervals.

    >>> alpha([["a", "a"], ["b", "b"], ["a", "b"]])
    0.4444444444444444
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from eval.intervals import Floats, Statistic

__all__ = ["Distance", "agreement", "alpha", "jaccard", "nominal"]

Distance = Callable[[Hashable, Hashable], float]


def nominal(a: Hashable, b: Hashable) -> float:
    """0 for the same label, else 1."""
    return float(a != b)


def jaccard(a: Hashable, b: Hashable) -> float:
    """One minus shared over all labels of two frozen sets; 0 for two empty ones."""
    assert isinstance(a, frozenset)
    assert isinstance(b, frozenset)
    return 1 - len(a & b) / len(a | b) if a | b else 0.0


def alpha(units: Sequence[Sequence[Hashable | None]], distance: Distance = nominal) -> float:
    """1 minus observed over expected disagreement: 1 agreement, 0 chance; NaN where all labels are the same.

    Args:
        units: the labels that each unit got, None where a reader gave none.
        distance: between two labels, in [0, 1]; squared distances for interval data are the caller's.
    """
    return float(agreement(units, distance)(np.ones((1, len(units))))[0])


def agreement(units: Sequence[Sequence[Hashable | None]], distance: Distance = nominal) -> Statistic:
    """Alpha as a function of unit weights, shape (b, n) to (b,); a unit of weight 2 counts as two such units."""
    held = [[label for label in unit if label is not None] for unit in units]
    held = [unit if len(unit) > 1 else [] for unit in held]
    classes = list(dict.fromkeys(label for unit in held for label in unit))
    between = np.array([[distance(a, b) for b in classes] for a in classes], dtype=np.float64)
    between = between.reshape(len(classes), len(classes))
    counts = np.array([[unit.count(label) for label in classes] for unit in held], dtype=np.float64)
    counts = counts.reshape(len(held), len(classes))
    within = np.array([sum(distance(a, b) for a, b in permutations(unit, 2)) / max(len(unit) - 1, 1) for unit in held])

    def statistic(weights: Floats) -> Floats:
        totals = weights @ counts
        with np.errstate(invalid="ignore", divide="ignore"):
            expected = ((totals @ between) * totals).sum(axis=1) / (totals.sum(axis=1) - 1)
            return np.asarray(np.where(expected > 0, 1 - (weights @ within) / expected, np.nan))

    return statistic
