"""Calibration is fitted to what it is shown."""

from __future__ import annotations

import numpy as np

from communique.topics import marginals
from training.calibration import fit_topics

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
