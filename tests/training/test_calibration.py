"""Calibration is fitted to what it is shown."""

from __future__ import annotations

import numpy as np
import torch

from communique.topics import marginals
from training.calibration import fit, fit_topics
from training.losses import Predictions

OWN = {"trams": None, "parks": "medtop:20000344", "lakes": None}


def test_sets_of_ones_own_topics_are_fitted() -> None:
    """Articles have one topic or two, never three; the first evidence is twice as sure as it should be, the second
    says nothing."""
    rng = np.random.default_rng(5)
    evidence = np.zeros((600, 3, 2), dtype=np.float32)
    truth = np.zeros((600, 3), dtype=bool)
    for row, labels in zip(evidence, truth, strict=True):
        logits = rng.normal(size=3) * 2
        chance = marginals(logits, np.array([0.0, 0.0, -9.0]))
        labels[rng.choice(3, p=chance / chance.sum())] = True
        row[:, 0], row[:, 1] = logits * 2, rng.normal(size=3)
    found = fit_topics(evidence, truth, ["corpus"] * 600, OWN)
    assert found["topics"] == OWN
    assert len(found["topic_shift"]) == 3
    scale, idle = found["topic_scales"]
    assert 0.2 < scale < 1
    assert abs(idle) < 0.25
    assert found["topic_sizes"][0] > found["topic_sizes"][1]
    assert 0.15 <= found["topic_threshold"] <= 0.7


def test_each_stance_is_as_sure_as_it_is_right() -> None:
    """`favor` and `against` are claimed at .9; one is right in six of ten cases, the other in nine."""
    rng = np.random.default_rng(5)
    kept = Predictions()
    for number in range(2000):
        claimed = 0 if number % 2 else 2
        given = torch.full((3,), 0.05)
        given[claimed] = 0.9
        right = rng.random() < (0.6 if claimed == 0 else 0.9)
        kept.stance.append(("corpus", f"a{number}", "Brazil", given, claimed if right else 1))
    favor, _, against = fit(kept)["stance_sureness"]
    assert favor > 1.5 * against
