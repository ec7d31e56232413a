"""Sets of topics: what the closed form says is what a listing of all sets says."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from communique.models import resolve
from communique.topics import MOST_TOPICS, OTHER, marginals
from communique.trunk.reader import Reader


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


@pytest.mark.models
def test_other_is_given_alone_and_never_beside_a_topic() -> None:
    choose = Reader(resolve("trunk")).chosen_topics
    assert choose({"talks": 0.45, "fighting": 0.2, OTHER: 0.5}) == (OTHER,)
    assert choose({"talks": 0.5, "fighting": 0.2, OTHER: 0.45}) == ("talks",)
    assert choose({"talks": 0.2, "fighting": 0.1, OTHER: 0.05}) == ("talks",)
    assert choose({"talks": 0.5, "fighting": 0.6, OTHER: 0.1}, threshold=0.55) == ("fighting",)
    assert choose({"a": 0.5, "b": 0.6, "c": 0.7, "d": 0.8}, threshold=0.1) == ("d", "c", "b")
