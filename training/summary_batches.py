"""Turn articles with summaries into batches of token ids: prompts as in serving, answers, and the forks in them.

A fork is a place in an answer where a false form of the summary (another figure, the other side, another speaker)
would part from the true one: the true token is to be likelier there. Batches hold samples of like length, padded on
the right, up to a number of tokens; a step holds one or several batches.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, Protocol

import torch

from communique.evidence import EvidenceIndex
from communique.perturbation import perturb
from training.data import sentences_of
from training.summaries import coverage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from training.data import Labelled

__all__ = ["Batch", "Encoder", "Sample", "collate", "in_order", "make_sample", "steps"]

#: Stages of a pass in which near-source references come first.
_STAGES: Final = 4

Fork = tuple[int, int]  # (index in the answer, the false token there)


class Encoder(Protocol):
    """Texts to ids, as one kind of model wants them."""

    def prompt(
        self, title: str, sentences: Sequence[str], ranking: Sequence[int], most: int
    ) -> tuple[list[int], bool]: ...

    def answer(self, text: str) -> list[int]: ...


@dataclass(frozen=True, slots=True)
class Sample:
    """Prompt and answer (its end token included) as ids; `cut` where the article did not fit whole."""

    id: str
    prompt: list[int]
    answer: list[int]
    forks: tuple[Fork, ...]
    near: float
    cut: bool

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


@dataclass(frozen=True, slots=True)
class Batch:
    """Prompts [B, P] and answers [B, A], padded on the right with zeros; lengths [B]; forks as rows and columns.

    `forks` is [F, 3]: sample, index in its answer, false token.
    """

    prompts: torch.Tensor
    prompt_lengths: torch.Tensor
    answers: torch.Tensor
    answer_lengths: torch.Tensor
    forks: torch.Tensor

    @property
    def answer_tokens(self) -> int:
        return int(self.answer_lengths.sum())

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""
        return Batch(*(getattr(self, field.name).to(device) for field in fields(self)))


def make_sample(encoder: Encoder, article: Labelled, summary: str, most: int, *, title: bool = True) -> Sample:
    """The sample of one article and one of its summaries.

    An article that is longer than `most` tokens keeps its lead and then the sentences that the summary rests on: what
    the answer says must stand in the prompt, or the model would learn to invent.
    """
    index = EvidenceIndex(article.sentences)
    whole = sentences_of(summary)
    ranking = [number for sentence in whole for number in index.find(sentence)]
    prompt, cut = encoder.prompt(article.title if title else "", article.sentences, ranking, most)
    answer = encoder.answer(summary)
    text = " ".join([article.title, *article.sentences])
    return Sample(
        id=article.id,
        prompt=prompt,
        answer=answer,
        forks=_forks(encoder, whole, answer, text, random.Random(article.id)),
        near=coverage(summary, text),
        cut=cut,
    )


def _forks(
    encoder: Encoder, sentences: Sequence[str], answer: Sequence[int], article: str, rng: random.Random
) -> tuple[Fork, ...]:
    found: set[Fork] = set()
    for number, sentence in enumerate(sentences):
        for broken in perturb(sentence, article, rng).values():
            false = encoder.answer(" ".join([*sentences[:number], broken, *sentences[number + 1 :]]))
            at = next((i for i, (a, b) in enumerate(zip(answer, false, strict=False)) if a != b), None)
            if at is not None:
                found.add((at, false[at]))
    return tuple(sorted(found))


def steps(
    samples: Iterable[Sample], batch_tokens: int, step_tokens: int, rng: random.Random, *, near_first: bool = False
) -> list[list[list[Sample]]]:
    """The optimiser's steps of one pass: each a list of batches, each batch samples of like length.

    With `near_first` the pass goes in stages, those whose summary keeps nearest to its article first.
    """
    ordered = list(samples)
    rng.shuffle(ordered)
    stages = [ordered]
    if near_first:
        ordered.sort(key=lambda sample: -sample.near)
        size = max(1, -(-len(ordered) // _STAGES))
        stages = [ordered[at : at + size] for at in range(0, len(ordered), size)]
    found: list[list[list[Sample]]] = []
    for stage in stages:
        groups = in_order(stage, batch_tokens, rng)
        rng.shuffle(groups)
        step: list[list[Sample]] = []
        for group in groups:
            if step and sum(map(_tokens, [*step, group])) > step_tokens:
                found.append(step)
                step = []
            step.append(group)
        if step:
            found.append(step)
    return found


def in_order(samples: Iterable[Sample], batch_tokens: int, rng: random.Random | None = None) -> list[list[Sample]]:
    """Batches of like length, at most `batch_tokens` padded tokens each (or one sample)."""
    keyed = [(len(sample) + (rng.random() * 32 if rng else 0.0), sample) for sample in samples]
    groups: list[list[Sample]] = []
    group: list[Sample] = []
    for _, sample in sorted(keyed, key=lambda pair: pair[0]):
        if group and _tokens([*group, sample]) > batch_tokens:
            groups.append(group)
            group = []
        group.append(sample)
    return [*groups, group] if group else groups


def _tokens(group: Sequence[Sample]) -> int:
    return len(group) * max(map(len, group))


def collate(group: Sequence[Sample]) -> Batch:
    """Padded tensors of a batch."""
    forks = [(row, at, token) for row, sample in enumerate(group) for at, token in sample.forks]
    return Batch(
        prompts=_padded([sample.prompt for sample in group]),
        prompt_lengths=torch.tensor([len(sample.prompt) for sample in group]),
        answers=_padded([sample.answer for sample in group]),
        answer_lengths=torch.tensor([len(sample.answer) for sample in group]),
        forks=torch.tensor(forks, dtype=torch.long).reshape(-1, 3),
    )


def _padded(rows: Sequence[Sequence[int]]) -> torch.Tensor:
    found = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    for row, ids in enumerate(rows):
        found[row, : len(ids)] = torch.tensor(ids)
    return found
