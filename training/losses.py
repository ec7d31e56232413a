"""From a batch to its loss and its predictions: gather the states, ask the heads, compare with the labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from communique.features import PASSAGE_FEATURES
from communique.passages import TITLE
from training.batches import ArticleSample, SentenceSample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from training.batches import Batch, Position, TargetLabel
    from training.model import Heads, MultiTaskModel

__all__ = ["LossWeights", "Predictions", "batch_loss"]


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


def batch_loss(
    model: MultiTaskModel, batch: Batch, weights: LossWeights, keep: Predictions | None = None
) -> tuple[Tensor, Mapping[str, float]]:
    """The weighted loss of one batch, and each task's own for the log; with `keep`, predictions are collected there."""
    states = model.states(batch.ids, batch.mask, batch.types)
    if batch.kind == "article":
        terms = _articles(model, states, batch, weights, keep)
    else:
        terms = _sentences(model, states, batch, keep)
    total = sum((getattr(weights, name) * term for name, term in terms.items()), start=states.sum() * 0.0)
    return total, {name: float(term.detach()) for name, term in terms.items()}


def _gather(states: Tensor, offset: int, places: Sequence[Position]) -> Tensor:
    """[N, H]: the states at positions of a sample whose first window is `offset`."""
    rows = torch.tensor([offset + number for number, _ in places])
    columns = torch.tensor([place for _, place in places])
    return states[rows, columns]


def _articles(
    model: MultiTaskModel, states: Tensor, batch: Batch, weights: LossWeights, keep: Predictions | None
) -> dict[str, Tensor]:
    heads = model.heads
    found: dict[str, list[Tensor]] = {"topics": [], "stance": [], "presence": [], "salience": [], "foreign": []}
    classes = torch.tensor(weights.stance_classes)
    for sample, offset in zip(batch.samples, batch.offsets, strict=True):
        assert isinstance(sample, ArticleSample)
        vectors = {number: _gather(states, offset, places).mean(0) for number, places in sample.places.items()}
        first = states[offset, 0]
        body = [number for number in vectors if number != TITLE]
        if not body:
            continue
        if sample.topics is not None:
            logits = heads.topics(first, torch.stack([vectors[number] for number in body]))
            truth = torch.from_numpy(sample.topics)
            found["topics"].append(nn.functional.binary_cross_entropy_with_logits(logits, truth))
            if keep:
                keep.topics.append((sample.source_set, sample.id, logits.sigmoid().detach(), truth))
        if sample.words:
            numbers = [number for _, number in sample.words]
            tokens = _gather(states, offset, [place for place, _ in sample.words])
            sentences = torch.stack([vectors[number] for number in numbers])
            features = torch.from_numpy(sample.features[numbers])
            if sample.salience is not None:
                logits, truth = heads.salience(tokens, sentences, features), torch.from_numpy(sample.salience)
                found["salience"].append(nn.functional.binary_cross_entropy_with_logits(logits, truth))
                if keep:
                    keep.salience.append((logits.sigmoid().detach(), truth))
            if sample.foreign is not None:
                logits, truth = heads.foreign(tokens, sentences, first, features), torch.from_numpy(sample.foreign)
                found["foreign"].append(nn.functional.binary_cross_entropy_with_logits(logits, truth))
                if keep:
                    keep.foreign.append((logits.sigmoid().detach(), truth))
        for target in sample.targets:
            hidden = _passages(heads, states, offset, target, vectors)
            logits, present = heads.stance(hidden, target.named, torch.from_numpy(target.mention_features))
            if target.stance >= 0:
                truth = torch.tensor(target.stance)
                found["stance"].append(nn.functional.cross_entropy(logits, truth) * classes[target.stance])
                if keep:
                    row = (sample.source_set, sample.id, target.target, logits.softmax(-1).detach(), target.stance)
                    keep.stance.append(row)
            if target.present >= 0:
                truth = torch.tensor([float(target.present)])
                found["presence"].append(nn.functional.binary_cross_entropy_with_logits(present, truth))
                if keep:
                    keep.presence.append((sample.source_set, float(present.sigmoid()), target.present))
    return {name: torch.stack(terms).mean() for name, terms in found.items() if terms}


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
        torch.from_numpy(target.passage_features),
    )


def _sentences(model: MultiTaskModel, states: Tensor, batch: Batch, keep: Predictions | None) -> dict[str, Tensor]:
    samples = [sample for sample in batch.samples if isinstance(sample, SentenceSample)]
    mentions = [_gather(states, at, s.tokens).mean(0) for s, at in zip(samples, batch.offsets, strict=True)]
    bodies = [_gather(states, at, s.body).mean(0) for s, at in zip(samples, batch.offsets, strict=True)]
    features = torch.zeros(len(samples), PASSAGE_FEATURES)
    hidden = model.heads.passages(torch.stack(mentions), torch.stack(bodies), states[batch.offsets, 0], features)
    logits = model.heads.passage_out(model.heads.dropout(hidden))
    truth = torch.tensor([sample.label for sample in samples])
    if keep:
        for sample, row in zip(samples, logits.softmax(-1).detach(), strict=True):
            keep.sentence.append((sample.id, row, sample.label))
    return {"sentence": nn.functional.cross_entropy(logits, truth)}
