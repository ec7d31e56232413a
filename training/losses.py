"""From a batch to its loss and its predictions: gather the states, ask the heads, compare with the labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from communique.trunk.features import PASSAGE_FEATURES
from communique.trunk.passages import TITLE
from training.batches import ArticleSample, SentenceSample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from training.batches import Batch, Position, TargetLabel
    from training.model import Heads, MultiTaskModel

__all__ = ["TASKS", "LossWeights", "Predictions", "batch_loss"]


@dataclass(frozen=True)
class LossWeights:
    """How much each task counts.

    Attributes:
        topics: binary cross-entropy over the topics of an article.
        stance: cross-entropy over an article's targets, classes weighted by `stance_classes`.
        presence: binary cross-entropy: does the target play a part.
        salience: binary cross-entropy over an article's words.
        sentence: cross-entropy of sentence-level polarity.
        foreign: binary cross-entropy over a page's words: is one not the article's own.
        stance_classes: weights of favor, neutral, against.
    """

    topics: float = 1.0
    stance: float = 1.0
    presence: float = 0.3
    salience: float = 1.0
    sentence: float = 1.0
    foreign: float = 1.0
    stance_classes: tuple[float, float, float] = (2.0, 1.0, 1.3)


@dataclass
class Predictions:
    """Probabilities by task, with what is true: filled while validating."""

    topics: list[tuple[str, str, Tensor, Tensor]] = field(default_factory=list)  # set, article
    stance: list[tuple[str, str, str, Tensor, int]] = field(default_factory=list)  # set, article, target
    presence: list[tuple[str, float, int]] = field(default_factory=list)
    salience: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    sentence: list[tuple[str, Tensor, int]] = field(default_factory=list)
    foreign: list[tuple[Tensor, Tensor]] = field(default_factory=list)


#: The tasks, in the order in which their losses are told.
TASKS: Final = ("topics", "stance", "presence", "salience", "foreign", "sentence")


def batch_loss(
    model: MultiTaskModel, batch: Batch, weights: LossWeights, keep: Predictions | None = None
) -> dict[str, Tensor]:
    """The losses [N] of each task that a batch has labels for, one a judged thing; with `keep`, predictions are
    collected there."""
    states = model.states(batch.ids, batch.mask, batch.types)
    if batch.kind == "article":
        return _articles(model, states, batch, weights, keep)
    return _sentences(model, states, batch, keep)


def _gather(states: Tensor, offset: int, places: Sequence[Position]) -> Tensor:
    """[N, H]: the states at positions of a sample whose first window is `offset`."""
    at = torch.tensor([(offset + number, place) for number, place in places], device=states.device)
    return states[at[:, 0], at[:, 1]]


def _beside(states: Tensor, values: NDArray[np.float32]) -> Tensor:
    """Numbers as a tensor where the states are."""
    return torch.from_numpy(values).to(states.device)


def _articles(
    model: MultiTaskModel, states: Tensor, batch: Batch, weights: LossWeights, keep: Predictions | None
) -> dict[str, Tensor]:
    heads = model.heads
    found: dict[str, list[Tensor]] = {"topics": [], "stance": [], "presence": [], "salience": [], "foreign": []}
    classes = weights.stance_classes
    for sample, offset in zip(batch.samples, batch.offsets, strict=True):
        assert isinstance(sample, ArticleSample)
        vectors = {number: _gather(states, offset, places).mean(0) for number, places in sample.places.items()}
        first = states[offset, 0]
        body = [number for number in vectors if number != TITLE]
        if not body:
            continue
        if sample.topics is not None:
            logits = heads.topics(first, torch.stack([vectors[number] for number in body]))
            truth = _beside(states, sample.topics)
            found["topics"].append(nn.functional.binary_cross_entropy_with_logits(logits, truth))
            if keep:
                keep.topics.append((sample.source_set, sample.id, logits.sigmoid().detach().cpu(), truth.cpu()))
        if sample.words:
            numbers = [number for _, number in sample.words]
            tokens = _gather(states, offset, [place for place, _ in sample.words])
            sentences = torch.stack([vectors[number] for number in numbers])
            features = _beside(states, sample.features[numbers])
            if sample.salience is not None:
                logits, truth = heads.salience(tokens, sentences, features), _beside(states, sample.salience)
                found["salience"].append(nn.functional.binary_cross_entropy_with_logits(logits, truth))
                if keep:
                    keep.salience.append((logits.sigmoid().detach().cpu(), truth.cpu()))
            if sample.foreign is not None:
                logits = heads.foreign(tokens, sentences, first, features)
                truth = _beside(states, sample.foreign)
                found["foreign"].append(nn.functional.binary_cross_entropy_with_logits(logits, truth))
                if keep:
                    keep.foreign.append((logits.sigmoid().detach().cpu(), truth.cpu()))
        for target in sample.targets:
            hidden = _passages(heads, states, offset, target, vectors)
            logits, present = heads.stance(hidden, target.named, _beside(states, target.mention_features))
            if target.stance >= 0:
                truth = torch.tensor(target.stance, device=states.device)
                found["stance"].append(nn.functional.cross_entropy(logits, truth) * classes[target.stance])
                if keep:
                    answer = logits.softmax(-1).detach().cpu()
                    keep.stance.append((sample.source_set, sample.id, target.target, answer, target.stance))
            if target.present >= 0:
                truth = torch.tensor([float(target.present)], device=states.device)
                found["presence"].append(nn.functional.binary_cross_entropy_with_logits(present, truth))
                if keep:
                    keep.presence.append((sample.source_set, float(present.sigmoid()), target.present))
    return {name: torch.stack(terms) for name, terms in found.items() if terms}


def _passages(heads: Heads, states: Tensor, offset: int, target: TargetLabel, vectors: Mapping[int, Tensor]) -> Tensor:
    """[P, width]: a target's passages. Where it is not named, what is most like its mentions stands for one."""
    tokens = [_gather(states, offset, places) for places in target.tokens]
    mentions = [found.mean(0) for found in tokens[: target.named]]
    sought = torch.stack(mentions).mean(0)
    mentions += [heads.sought(found, sought) for found in tokens[target.named :]]
    return heads.passages(
        torch.stack(mentions),
        torch.stack([vectors[number] for number in target.sentences]),
        torch.stack([states[offset + places[0][0], 0] for places in target.tokens]),
        _beside(states, target.passage_features),
    )


def _sentences(model: MultiTaskModel, states: Tensor, batch: Batch, keep: Predictions | None) -> dict[str, Tensor]:
    samples = [sample for sample in batch.samples if isinstance(sample, SentenceSample)]
    mentions = [_gather(states, at, s.tokens).mean(0) for s, at in zip(samples, batch.offsets, strict=True)]
    bodies = [_gather(states, at, s.body).mean(0) for s, at in zip(samples, batch.offsets, strict=True)]
    features = torch.zeros(len(samples), PASSAGE_FEATURES, device=states.device)
    hidden = model.heads.passages(torch.stack(mentions), torch.stack(bodies), states[batch.offsets, 0], features)
    logits = model.heads.passage_out(model.heads.dropout(hidden))
    truth = torch.tensor([sample.label for sample in samples], device=states.device)
    if keep:
        for sample, row in zip(samples, logits.softmax(-1).detach().cpu(), strict=True):
            keep.sentence.append((sample.id, row, sample.label))
    return {"sentence": nn.functional.cross_entropy(logits, truth, reduction="none")}
