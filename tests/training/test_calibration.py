"""Calibration is fitted to what it is shown."""

from __future__ import annotations

import numpy as np
import torch

from communique.topics import marginals
from training.calibration import fit
from training.losses import Predictions

OWN = {"trams": None, "parks": "medtop:20000344", "lakes": None}


def test_sets_of_ones_own_topics_are_fitted() -> None:
    """Articles have one topic or two, never three; logits are twice as sure as they should be."""
    rng = np.random.default_rng(5)
    kept = Predictions()
    words = {}
    for number in range(600):
        logits = rng.normal(size=3) * 2
        chance = marginals(logits, np.array([0.0, 0.0, -9.0]))
        truth = np.zeros(3, dtype=np.float32)
        truth[rng.choice(3, p=chance / chance.sum())] = 1
        scores = torch.sigmoid(torch.from_numpy(logits * 2)).float()
        kept.topics.append(("corpus", f"a{number}", scores, torch.from_numpy(truth)))
        words[f"a{number}"] = np.zeros(3, dtype=np.float32)
    found = fit(kept, words, OWN)
    assert found.topics == OWN
    assert len(found.topic_shift) == 3
    assert 0.2 < found.topic_scale < 1
    assert found.topic_sizes[0] > found.topic_sizes[1]
    assert 0.15 <= found.topic_threshold <= 0.7
