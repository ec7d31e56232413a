"""Do probabilities mean what they say, and does confidence tell right from wrong?

The debiased calibration errors follow Kumar, Liang and Ma (2019), "Verified Uncertainty Calibration", section 5: with
few items a bin the plain estimate is too large, because the noise of each bin's mean counts as miscalibration. Bins
hold equally many items. All functions return statistics of item weights; in a resample the noise is larger than in the
sample, so a bin's size is counted as its effective size, (sum of w)^2 / (sum of w^2).

    >>> from eval.intervals import interval
    >>> interval(brier([0.9, 0.2], [True, False]), [1, 2]).value
    0.025
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from eval.intervals import Floats, Statistic, mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["BINS", "Bin", "aurc", "bins", "brier", "debiased_ece", "debiased_rmsce", "plain_ece", "risk_at_coverage"]

BINS: Final = 15


@dataclass(frozen=True, slots=True)
class Bin:
    """One point of a reliability diagram: mean probability, share that came true, number of items."""

    probability: float
    share: float
    n: int


def brier(probabilities: Sequence[float], outcomes: Sequence[bool]) -> Statistic:
    """The mean squared error of the probability of what happened (Brier 1950, one class)."""
    return mean((np.asarray(probabilities, dtype=np.float64) - np.asarray(outcomes, dtype=np.float64)) ** 2)


def bins(probabilities: Sequence[float], outcomes: Sequence[bool], count: int = BINS) -> list[Bin]:
    """Equally filled bins, lowest probability first, for the diagram."""
    given, came = np.asarray(probabilities, dtype=np.float64), np.asarray(outcomes, dtype=np.float64)
    places = _places(given, count)
    return [
        Bin(float(given[places == b].mean()), float(came[places == b].mean()), int((places == b).sum()))
        for b in np.unique(places)
    ]


def plain_ece(probabilities: Sequence[float], outcomes: Sequence[bool], count: int = BINS) -> Statistic:
    """The mean over bins of |mean probability - share that came true|, weighted by size."""
    shares = _Shares(probabilities, outcomes, count)

    def statistic(weights: Floats) -> Floats:
        size, gap, _, _ = shares(weights)
        return np.asarray((size * np.abs(gap)).sum(axis=1))

    return statistic


def debiased_ece(probabilities: Sequence[float], outcomes: Sequence[bool], count: int = BINS) -> Statistic:
    """The plain error less its expected excess, each bin's mean taken as normal; not below zero.

    The excess E|gap + noise| - |gap| is the mean of a folded normal, in closed form where Kumar's library samples.
    """
    shares = _Shares(probabilities, outcomes, count)

    def statistic(weights: Floats) -> Floats:
        size, gap, came, effective = shares(weights)
        sigma = np.sqrt(np.maximum(came * (1 - came), 1e-12) / np.maximum(effective, 1))
        scaled = np.abs(gap) / (sigma * math.sqrt(2))
        folded = sigma * math.sqrt(2 / math.pi) * np.exp(-(scaled**2)) + np.abs(gap) * _erf(scaled)
        return np.asarray(np.maximum(0.0, (size * (2 * np.abs(gap) - folded)).sum(axis=1)))

    return statistic


def debiased_rmsce(probabilities: Sequence[float], outcomes: Sequence[bool], count: int = BINS) -> Statistic:
    """The root of the debiased squared calibration error (equation 11 of the paper); not below zero."""
    shares = _Shares(probabilities, outcomes, count)

    def statistic(weights: Floats) -> Floats:
        size, gap, came, effective = shares(weights)
        noise = came * (1 - came) / np.maximum(effective - 1, 1)
        return np.asarray(np.sqrt(np.maximum(0.0, (size * (gap**2 - noise)).sum(axis=1))))

    return statistic


def aurc(confidences: Sequence[float], right: Sequence[bool]) -> Statistic:
    """The area under risk against coverage: the mean error over all shares answered, surest first (0-1)."""
    order = np.argsort(-np.asarray(confidences, dtype=np.float64), kind="stable")
    wrong = 1 - np.asarray(right, dtype=np.float64)[order]

    def statistic(weights: Floats) -> Floats:
        held = weights[:, order]
        covered = np.cumsum(held, axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            risk = np.where(covered > 0, np.cumsum(held * wrong, axis=1) / covered, 0.0)
            return np.asarray((held * risk).sum(axis=1) / covered[:, -1])

    return statistic


def risk_at_coverage(confidences: Sequence[float], right: Sequence[bool], coverage: float) -> Statistic:
    """The share of errors among the surest `coverage` of the items."""
    order = np.argsort(-np.asarray(confidences, dtype=np.float64), kind="stable")
    wrong = 1 - np.asarray(right, dtype=np.float64)[order]

    def statistic(weights: Floats) -> Floats:
        held = weights[:, order]
        covered = np.cumsum(held, axis=1)
        room = coverage * covered[:, -1:]
        taken = np.clip(room - (covered - held), 0, held)  # the item at the border counts in part
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((taken * wrong).sum(axis=1) / taken.sum(axis=1))

    return statistic


def _places(probabilities: Floats, count: int) -> NDArray[np.int64]:
    """The bin of each item; equal probabilities share a bin."""
    if not len(probabilities):
        return np.array([], dtype=np.int64)
    edges = np.quantile(probabilities, np.linspace(0, 1, count + 1)[1:-1])
    return np.searchsorted(np.unique(edges), probabilities, side="left").astype(np.int64)


class _Shares:
    """Of weights (b, n), per bin: share of the items, mean probability minus outcome, mean outcome, effective size."""

    def __init__(self, probabilities: Sequence[float], outcomes: Sequence[bool], count: int) -> None:
        given, came = np.asarray(probabilities, dtype=np.float64), np.asarray(outcomes, dtype=np.float64)
        places = _places(given, count)
        self.member = (places[:, None] == np.arange(places.max(initial=0) + 1)[None, :]).astype(np.float64)
        self.given, self.came = self.member * given[:, None], self.member * came[:, None]

    def __call__(self, weights: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        size = weights @ self.member
        some = np.maximum(size, 1e-12)
        came = (weights @ self.came) / some
        gap = (weights @ self.given) / some - came
        effective = size**2 / np.maximum((weights**2) @ self.member, 1e-12)
        return size / np.maximum(size.sum(axis=1, keepdims=True), 1e-12), gap, came, effective


def _erf(x: Floats) -> Floats:
    """The error function, to 1.5e-7 (Abramowitz and Stegun 7.1.26); x >= 0."""
    t = 1 / (1 + 0.3275911 * x)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.asarray(1 - series * np.exp(-(x**2)))
