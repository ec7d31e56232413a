"""Intervals that cover, pairs that are judged as pairs, shares with the bounds of the textbook."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eval.intervals import interval, mean, paired, ratio, wilson


def test_mean_and_ratio_ignore_what_was_not_measured() -> None:
    nan = math.nan
    assert interval(mean([1.0, nan, 0.0]), ["a", "b", "c"]).value == 0.5
    assert interval(ratio([1, 0, 3], [2, 0, 4]), ["a", "b", "c"]).value == pytest.approx(4 / 6)
    assert math.isnan(interval(mean([nan, nan]), ["a", "b"]).value)


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    hits = 0
    for seed in range(200):
        values = rng.normal(3.0, 1.0, 40)
        held = interval(mean(values), list(range(40)), resamples=400, seed=seed)
        hits += held.low <= 3.0 <= held.high
    assert 0.89 <= hits / 200 <= 0.985


def test_clusters_widen_the_interval_of_articles_that_repeat_each_other() -> None:
    values = np.repeat(np.random.default_rng(2).normal(0, 1, 20), 5)
    apart = interval(mean(values), list(range(100)))
    together = interval(mean(values), [i // 5 for i in range(100)])
    assert together.clusters == 20
    assert together.high - together.low > 1.7 * (apart.high - apart.low)


def test_one_cluster_has_a_value_and_no_interval() -> None:
    held = interval(mean([1.0, 2.0]), ["a", "a"])
    assert held.value == 1.5
    assert math.isnan(held.low)
    assert math.isnan(held.high)


def test_interval_is_the_same_every_time() -> None:
    values, events = [0.1, 0.9, 0.4, 0.7], ["a", "b", "c", "d"]
    assert interval(mean(values), events) == interval(mean(values), events)


def test_pairing_finds_a_small_steady_difference_that_lies_within_the_single_intervals() -> None:
    rng = np.random.default_rng(3)
    base = rng.normal(40, 10, 60)
    better = base + rng.normal(1.0, 0.5, 60)
    events = list(range(60))
    first, second = interval(mean(better), events), interval(mean(base), events)
    assert first.low < second.value < first.high
    held = paired(mean([*better, *base]), events)
    assert held.difference == pytest.approx(np.mean(better - base))
    assert held.beyond_noise
    assert held.p == pytest.approx(1 / 1001)


def test_no_difference_is_called_noise() -> None:
    rng = np.random.default_rng(4)
    false_alarms = 0
    for _ in range(60):
        a, b = rng.normal(0, 1, 30), rng.normal(0, 1, 30)
        false_alarms += paired(mean([*a, *b]), list(range(30)), resamples=300).beyond_noise
    assert false_alarms <= 8


def test_same_answers_differ_by_nothing() -> None:
    held = paired(mean([1.0, 0.0, 1.0] * 2), ["a", "b", "c"])
    assert (held.difference, held.low, held.high, held.p) == (0.0, 0.0, 0.0, 1.0)
    assert not held.beyond_noise


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (3, 247, 0.0041, 0.0351), (0, 0, 0.0, 1.0)],
)
def test_wilson_bounds(hits: int, total: int, low: float, high: float) -> None:
    assert wilson(hits, total) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
