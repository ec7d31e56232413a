"""Sets of topics: what the closed form says is what a listing of all sets says."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from communique.topics import MOST_TOPICS, marginals


def listed(logits: np.ndarray, sizes: np.ndarray, alone: int | None) -> np.ndarray:
    proper = [number for number in range(len(logits)) if number != alone]
    sets = [one for size in range(1, MOST_TOPICS + 1) for one in combinations(proper, size)]
    sets += [] if alone is None else [(alone,)]
    weights = np.exp([sum(logits[i] for i in one) + sizes[len(one) - 1] for one in sets])
    member = np.array([[i in one for i in range(len(logits))] for one in sets])
    return weights @ member / weights.sum()


@pytest.mark.parametrize("alone", [None, 4])
@pytest.mark.parametrize("spread", [0.1, 2.0, 4.0])
def test_the_closed_form_is_the_sum_over_all_sets(alone: int | None, spread: float) -> None:
    rng = np.random.default_rng(3)
    logits, sizes = rng.normal(size=5) * spread, rng.normal(size=3)
    np.testing.assert_allclose(marginals(logits, sizes, alone), listed(logits, sizes, alone), rtol=1e-8)


def test_four_sure_topics_share_three_places() -> None:
    found = marginals(np.array([90.0, 90.0, 90.0, 90.0, -90.0]), np.zeros(3), alone=4)
    assert found[:4] == pytest.approx(0.75, abs=1e-4)
    assert 0 <= found[4] < 1e-6


def test_two_topics_alone_have_no_third() -> None:
    assert marginals(np.array([0.0, 0.0]), np.zeros(3)) == pytest.approx([2 / 3, 2 / 3])
