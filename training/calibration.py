"""Fit what turns logits into honest probabilities, on the fold held out from training.

Temperatures for stance (Guo et al. 2017), one for all and one for each label that is the likeliest, with what the other
side's logits add between them; scales and shifts for the sets of topics; thresholds by F1 and by coverage. Each set of
articles counts the same, however many it holds. Written to
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
from communique.targets import opposed
from communique.topics import MOST_TOPICS, OTHER, SURE, marginals, sums

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from training.losses import Predictions

__all__ = ["fit", "fit_topics"]

#: Share of the stances that are answered at the default threshold.
COVERAGE: Final = 0.9
#: Share of the targets that play a part which may be taken for absent.
PRESENT_LOST: Final = 0.02
SHIFT_PENALTY: Final = 0.001
SCALE_PENALTY: Final = 0.003
#: Keeps what the other side adds small where few articles judge both.
OPPOSED_PENALTY: Final = 0.3
SURENESS_PENALTY: Final = 0.001
_TINY: Final = 1e-6


def fit(kept: Predictions) -> dict[str, Any]:
    """What a `Calibration` holds of stance and presence; a task without predictions is left out."""
    values: dict[str, Any] = _stance(kept) if kept.stance else {}
    if len({label for _, _, label in kept.presence}) == 2:
        present = [score for _, score, label in kept.presence if label]
        values["presence_threshold"] = float(np.quantile(present, PRESENT_LOST))
    return values


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


def fit_topics(
    evidence: np.ndarray[Any, Any],
    truth: np.ndarray[Any, Any],
    sets: Sequence[str],
    topics: Mapping[str, str | None] = IPTC,
) -> dict[str, Any]:
    """What a `Calibration` holds of topics: scales, shifts and sizes under which the true sets are likeliest, and the
    threshold of the best micro F1.

    Args:
        evidence: for each of N articles what speaks for its topics, [N, K, E] (`Reading.topic_evidence`).
        truth: which topics it has, [N, K].
        sets: the set that each article is of.
        topics: their names with their codes.
    """
    names = list(topics)
    even = _even(sets)
    proper = [number for number, topic in enumerate(names) if topic != OTHER]
    alone = names.index(OTHER) if OTHER in names else None
    # Kinds of evidence of one spread, so that the penalty is the same for each.
    spread = evidence.reshape(-1, evidence.shape[-1]).std(0).astype(np.float64) + _TINY
    inputs = torch.from_numpy(evidence / spread).double()
    labels = torch.from_numpy(truth)
    counts = labels.sum(-1)
    # Sets that are never given, of no topic or too many, say nothing of the others.
    weights = torch.from_numpy(even).double() * ((counts > 0) & (counts <= MOST_TOPICS))
    counts = counts.clamp(1, MOST_TOPICS)
    scales = torch.tensor([float(spread[0]), *([0.0] * (evidence.shape[-1] - 1))], dtype=torch.double)
    scales.requires_grad_(True)
    shift = torch.zeros(len(names), dtype=torch.double, requires_grad=True)
    sizes = torch.zeros(MOST_TOPICS, dtype=torch.double, requires_grad=True)

    def loss() -> torch.Tensor:
        mixed = (inputs @ scales + shift).clamp(-SURE, SURE)
        total, _ = sums(mixed[:, proper].exp(), sizes.exp(), None if alone is None else mixed[:, alone].exp())
        own = (mixed * labels).sum(-1) + sizes[counts - 1]
        # The penalties keep rare topics, with few articles to go by, near no shift, and no kind of evidence above all.
        penalty = SHIFT_PENALTY * (shift.pow(2).sum() + sizes.pow(2).sum()) + SCALE_PENALTY * scales.pow(2).sum()
        value: torch.Tensor = (weights * (total.log() - own)).mean() + penalty
        return value

    _minimise([scales, shift, sizes], loss)
    mixed = (inputs @ scales + shift).detach().numpy()
    found = np.stack([marginals(row, sizes.detach().numpy(), alone) for row in mixed])
    threshold = _best_by(lambda t: f1_score(truth, found >= t, average="micro", zero_division=0, sample_weight=even))
    return {
        "topics": dict(topics),
        "topic_threshold": round(threshold, 4),
        "topic_scales": tuple((scales.detach().numpy() / spread).tolist()),
        "topic_shift": tuple(map(float, shift.detach())),
        "topic_sizes": tuple(map(float, sizes.detach())),
    }


def _best_by(score: Any) -> float:
    grid = np.linspace(0.15, 0.7, 45)
    values = np.array([score(threshold) for threshold in grid])
    # The middle of the plateau, not its first point: less at the mercy of one article.
    return float(np.median(grid[values >= values.max() - 2e-3]))


def _stance(kept: Predictions) -> dict[str, Any]:
    """Temperatures and no bias: a bias fitted to news, where most is neutral, costs the sides that opinions take."""
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
    sureness = _sureness(scaled, labels, weights)
    best = torch.softmax(scaled / sureness[scaled.argmax(-1), None], -1).max(-1).values.numpy()
    return {
        "stance_temperature": float(log_temperature.exp().detach()),
        "stance_opposed": tuple(map(float, matrix.detach().flatten())),
        "stance_sureness": tuple(map(float, sureness)),
        "abstain_threshold": float(np.quantile(best, 1 - COVERAGE)),
    }


def _sureness(logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """[3]: for each label that is the likeliest, the temperature under which the true ones are."""
    found = logits.argmax(-1)
    # Of a label that is hardly ever the likeliest the penalty keeps it near one.
    logs = torch.zeros(logits.shape[-1], requires_grad=True)
    _minimise(
        [logs],
        lambda: (
            (weights * nn.functional.cross_entropy(logits / logs.exp()[found, None], labels, reduction="none")).mean()
            + SURENESS_PENALTY * logs.pow(2).sum()
        ),
    )
    return logs.exp().detach()
