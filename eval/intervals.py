"""How sure a figure is: bootstrap intervals by event, paired differences, Wilson intervals of shares.

A *statistic* is a function from item weights, shape (b, n), to values, shape (b,). The figure itself has all weights
one; a bootstrap resample of events is a matrix of multiplicities; the swap of a randomisation test is a matrix of
zeros and ones over the items of both systems. So one form serves means, F1, calibration error and areas alike.
Nothing here knows of articles or models.

    >>> interval(mean([1.0, 0.0, 1.0, 1.0]), ["a", "a", "b", "c"]).value
    0.75
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Interval", "Paired", "Statistic", "interval", "mean", "paired", "ratio", "wilson"]

Floats = NDArray[np.float64]
#: Weights (b, n) to values (b,); NaN where a resample holds nothing to measure.
Statistic = Callable[[Floats], Floats]

RESAMPLES: Final = 1000
SEED: Final = 20200927
#: Rows of weights that are evaluated at once; bounds the memory of large sets.
BLOCK: Final = 250


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with the bounds of its 95% interval. NaN bounds: fewer than two clusters."""

    value: float
    low: float
    high: float
    clusters: int


@dataclass(frozen=True, slots=True)
class Paired:
    """`difference` is first minus second over the same items; `p` is two-sided, of the randomisation test."""

    difference: float
    low: float
    high: float
    p: float
    clusters: int

    @property
    def beyond_noise(self) -> bool:
        """The interval excludes zero and chance explains it in under one case of twenty."""
        return self.p < 0.05 and (self.low > 0 or self.high < 0)


def mean(values: Sequence[float] | Floats) -> Statistic:
    """The weighted mean; items with NaN do not count."""
    array = np.asarray(values, dtype=np.float64)
    held = ~np.isnan(array)
    return ratio(np.where(held, array, 0.0), held)


def ratio(
    numerators: Sequence[float] | Floats, denominators: Sequence[float] | Floats | NDArray[np.bool_]
) -> Statistic:
    """The sum of numerators over the sum of denominators, such as figures found over figures written."""
    above = np.asarray(numerators, dtype=np.float64)
    below = np.asarray(denominators, dtype=np.float64)

    def statistic(weights: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((weights @ above) / (weights @ below))

    return statistic


def interval(
    statistic: Statistic, clusters: Sequence[Hashable], *, resamples: int = RESAMPLES, seed: int = SEED
) -> Interval:
    """The statistic with its 95% percentile bootstrap interval, whole clusters drawn with replacement.

    Clusters are events: two articles on one event are not two independent observations.
    """
    codes, count = _codes(clusters)
    value = float(statistic(np.ones((1, len(codes))))[0]) if len(codes) else math.nan
    if count < 2:
        return Interval(value, math.nan, math.nan, count)
    low, high = _bounds(_evaluate(statistic, _resampled(codes, count, resamples, seed)))
    return Interval(value, low, high, count)


def paired(
    statistic: Statistic, clusters: Sequence[Hashable], *, resamples: int = RESAMPLES, seed: int = SEED
) -> Paired:
    """First minus second, of a statistic over the items of the first system followed by those of the second.

    Args:
        statistic: over 2n items; item i and item n + i are the same item answered by the two systems.
        clusters: of the n items.

    The interval is a bootstrap in which both systems get the same resample; p is the share of random swaps of whole
    clusters between the systems that differ as much (with one added to both counts, so it is never zero).
    """
    codes, count = _codes(clusters)
    size = len(codes)

    def difference(first: Floats, second: Floats) -> Floats:
        none = np.zeros_like(first)
        return statistic(np.hstack([first, none])) - statistic(np.hstack([none, second]))

    def swapped(kept: Floats) -> Floats:
        return statistic(np.hstack([kept, 1 - kept])) - statistic(np.hstack([1 - kept, kept]))

    observed = float(difference(np.ones((1, size)), np.ones((1, size)))[0]) if size else math.nan
    if count < 2:
        return Paired(observed, math.nan, math.nan, math.nan, count)
    low, high = _bounds(
        _evaluate(lambda weights: difference(weights, weights), _resampled(codes, count, resamples, seed))
    )
    coins = np.random.default_rng(seed).integers(0, 2, (resamples, count)).astype(np.float64)[:, codes]
    chance = np.abs(_evaluate(swapped, coins))
    as_far = int(np.sum(chance >= abs(observed) - 1e-12))
    return Paired(observed, low, high, (as_far + 1) / (resamples + 1), count)


def wilson(hits: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """The 95% Wilson score interval of a share; (0, 1) of nothing (Wilson 1927)."""
    if total == 0:
        return 0.0, 1.0
    share = hits / total
    scale = 1 + z * z / total
    centre = (share + z * z / (2 * total)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max(0.0, centre - half), min(1.0, centre + half)


def _codes(clusters: Sequence[Hashable]) -> tuple[NDArray[np.int64], int]:
    names: dict[Hashable, int] = {}
    codes = np.array([names.setdefault(name, len(names)) for name in clusters], dtype=np.int64)
    return codes, len(names)


def _resampled(codes: NDArray[np.int64], count: int, resamples: int, seed: int) -> Floats:
    """Weights (resamples, n): how often the cluster of each item was drawn."""
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    return drawn.astype(np.float64)[:, codes]


def _evaluate(statistic: Statistic, weights: Floats) -> Floats:
    return np.concatenate([statistic(weights[at : at + BLOCK]) for at in range(0, len(weights), BLOCK)])


def _bounds(values: Floats) -> tuple[float, float]:
    held = values[~np.isnan(values)]
    if len(held) == 0:
        return math.nan, math.nan
    low, high = np.percentile(held, [2.5, 97.5])
    return float(low), float(high)
