"""Krippendorff's alpha: how much two or more readers agree beyond chance.

Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability". A unit that fewer than two readers judged is left
out.

    >>> alpha([["a", "a"], ["b", "b"], ["a", "b"]])
    0.4444444444444444
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from itertools import permutations

__all__ = ["alpha", "jaccard", "nominal"]

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
    held = [[label for label in unit if label is not None] for unit in units]
    held = [unit for unit in held if len(unit) > 1]
    labels = [label for unit in held for label in unit]
    if not labels:
        return math.nan
    observed = sum(sum(distance(a, b) for a, b in permutations(unit, 2)) / (len(unit) - 1) for unit in held)
    expected = sum(distance(a, b) for a, b in permutations(labels, 2)) / (len(labels) - 1)
    return 1 - observed / expected if expected else math.nan
