"""Fit what turns logits into honest probabilities, on the fold held out from training.

Temperature for stance (Guo et al. 2017) with what the other side's logits add, scale and shift for the sets of topics,
thresholds by F1 and by coverage. Each set of articles counts the same, however many it holds. Written to
`calibration.json` beside the trunk by `python -m training.export classifier`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from sklearn.metrics import f1_score
from torch import nn

from communique.labels import IPTC
from communique.reader import Calibration
from communique.targets import opposed
from communique.topics import MOST_TOPICS, OTHER, SURE, marginals, sums

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from training.losses import Predictions

__all__ = ["fit"]

#: Share of the stances that are answered at the default threshold.
COVERAGE: Final = 0.9
#: Share of the targets that play a part which may be taken for absent.
PRESENT_LOST: Final = 0.02
SHIFT_PENALTY: Final = 0.001
#: Keeps what the other side adds small where few articles judge both.
OPPOSED_PENALTY: Final = 0.3
_TINY: Final = 1e-6


def fit(
    kept: Predictions, topic_words: Mapping[str, np.ndarray[Any, Any]], topics: Mapping[str, str | None] = IPTC
) -> Calibration:
    """Calibration from held-out predictions; a task without predictions keeps its defaults.

    Args:
        kept: the trunk's predictions.
        topic_words: for each article of them the logits [topics] of its words alone.
        topics: their names with their codes.
    """
    values: dict[str, Any] = {"topics": dict(topics)}
    if kept.topics:
        values |= _topics(kept, topic_words, list(topics))
    if kept.stance:
        values |= _stance(kept)
    if len({label for _, _, label in kept.presence}) == 2:
        present = [score for _, score, label in kept.presence if label]
        values["presence_threshold"] = float(np.quantile(present, PRESENT_LOST))
    return Calibration(**values)


def _logit(probability: np.ndarray[Any, Any]) -> torch.Tensor:
    clipped = np.clip(probability, _TINY, 1 - _TINY)
    return torch.from_numpy(np.log(clipped / (1 - clipped))).float()


def _minimise(parameters: list[torch.Tensor], loss: Any) -> None:
    optimizer = torch.optim.LBFGS(parameters, max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value: torch.Tensor = loss()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(closure)  # type: ignore[no-untyped-call]


def _even(sets: Sequence[str]) -> np.ndarray[Any, Any]:
    """A weight for each row, of mean 1, so that all rows of one set weigh as much as those of another."""
    sizes = Counter(sets)
    return np.array([len(sets) / len(sizes) / sizes[name] for name in sets])


def _topics(kept: Predictions, topic_words: Mapping[str, np.ndarray[Any, Any]], names: Sequence[str]) -> dict[str, Any]:
    """Scales, shifts and sizes under which the true sets are likeliest, and the threshold of the best micro F1."""
    even = _even([name for name, *_ in kept.topics])
    scores = np.stack([row.numpy() for *_, row, _ in kept.topics])
    truth = np.stack([row.numpy() for *_, row in kept.topics]) > 0.5
    proper = [number for number, topic in enumerate(names) if topic != OTHER]
    alone = names.index(OTHER) if OTHER in names else None
    logits, labels = _logit(scores).double(), torch.from_numpy(truth)
    lines = torch.from_numpy(np.stack([topic_words[article] for _, article, _, _ in kept.topics])).double()
    counts = labels.sum(-1)
    # Sets that are never given, of no topic or too many, say nothing of the others.
    weights = torch.from_numpy(even).double() * ((counts > 0) & (counts <= MOST_TOPICS))
    counts = counts.clamp(1, MOST_TOPICS)
    scale = torch.ones(1, dtype=torch.double, requires_grad=True)
    lines_scale = torch.zeros(1, dtype=torch.double, requires_grad=True)
    shift = torch.zeros(len(names), dtype=torch.double, requires_grad=True)
    sizes = torch.zeros(MOST_TOPICS, dtype=torch.double, requires_grad=True)

    def loss() -> torch.Tensor:
        mixed = (logits * scale + lines * lines_scale + shift).clamp(-SURE, SURE)
        total, _ = sums(mixed[:, proper].exp(), sizes.exp(), None if alone is None else mixed[:, alone].exp())
        own = (mixed * labels).sum(-1) + sizes[counts - 1]
        # The penalty keeps rare topics, with few articles to go by, near no shift.
        penalty = SHIFT_PENALTY * (shift.pow(2).sum() + sizes.pow(2).sum())
        value: torch.Tensor = (weights * (total.log() - own)).mean() + penalty
        return value

    _minimise([scale, lines_scale, shift, sizes], loss)
    mixed = (logits * scale + lines * lines_scale + shift).detach().numpy()
    found = np.stack([marginals(row, sizes.detach().numpy(), alone) for row in mixed])
    threshold = _best_by(lambda t: f1_score(truth, found >= t, average="micro", zero_division=0, sample_weight=even))
    return {
        "topic_threshold": round(threshold, 4),
        "topic_scale": float(scale.detach()),
        "topic_words_scale": float(lines_scale.detach()),
        "topic_shift": tuple(map(float, shift.detach())),
        "topic_sizes": tuple(map(float, sizes.detach())),
    }


def _best_by(score: Any) -> float:
    grid = np.linspace(0.15, 0.7, 45)
    values = np.array([score(threshold) for threshold in grid])
    # The middle of the plateau, not its first point: less at the mercy of one article.
    return float(np.median(grid[values >= values.max() - 2e-3]))


def _stance(kept: Predictions) -> dict[str, Any]:
    """One temperature and no bias: a bias fitted to news, where most is neutral, costs the sides that opinions take."""
    logits = torch.log(torch.stack([row for _, _, _, row, _ in kept.stance]).clamp_min(_TINY))
    labels = torch.tensor([label for *_, label in kept.stance])
    weights = torch.from_numpy(_even([name for name, *_ in kept.stance])).float()
    log_temperature = torch.zeros(1, requires_grad=True)
    _minimise(
        [log_temperature],
        lambda: (
            weights * nn.functional.cross_entropy(logits / log_temperature.exp(), labels, reduction="none")
        ).mean(),
    )
    scaled = (logits / log_temperature.exp()).detach()
    places = {(article, target): row for row, (_, article, target, _, _) in enumerate(kept.stance)}
    pairs = [
        (row, other)
        for (article, target), row in places.items()
        if (other := places.get((article, opposed(target) or ""))) is not None
    ]
    matrix = torch.zeros(3, 3, requires_grad=True)
    if pairs:
        own, other_side = (list(rows) for rows in zip(*pairs, strict=True))
        centred = (logits - logits.mean(-1, keepdim=True))[other_side]
        _minimise(
            [matrix],
            lambda: (
                nn.functional.cross_entropy(scaled[own] + centred @ matrix, labels[own])
                + OPPOSED_PENALTY * matrix.pow(2).sum()
            ),
        )
        scaled[own] += (centred @ matrix).detach()
    best = torch.softmax(scaled, -1).max(-1).values.numpy()
    return {
        "stance_temperature": float(log_temperature.exp().detach()),
        "stance_opposed": tuple(map(float, matrix.detach().flatten())),
        "abstain_threshold": float(np.quantile(best, 1 - COVERAGE)),
    }
