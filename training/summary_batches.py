"""Turn pairs of sentences into batches of token ids: prompts as in serving, answers, and the forks in them.

A fork is a place in an answer where a false form of the sentence (another figure, the other side, another speaker)
would part from the true one: the true token is to be likelier there. A rejected answer is to be less likely than the
right one as a whole. Batches hold samples of like length, padded on the right, up to a number of tokens; a step holds
one or several batches.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Protocol

import torch

from communique.perturbation import perturb

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from training.summaries import Pair

__all__ = ["Batch", "Encoder", "Sample", "collate", "in_order", "make_sample", "steps"]

Fork = tuple[int, int]  # (index in the answer, the false token there)


class Encoder(Protocol):
    """Texts to ids, as one kind of model wants them."""

    def prompt(self, title: str, sentences: Sequence[str], most: int) -> list[int]: ...

    def answer(self, text: str) -> list[int]: ...


@dataclass(frozen=True, slots=True)
class Sample:
    """Prompt and answer (its end token included) as ids."""

    id: str
    prompt: list[int]
    answer: list[int]
    forks: tuple[Fork, ...]
    rejected: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


@dataclass(frozen=True, slots=True)
class Batch:
    """Prompts [B, P] and answers [B, A], padded on the right with zeros; lengths [B]; forks as rows and columns.

    `forks` is [F, 3]: sample, index in its answer, false token. `rejected` [R, A'] are the rejected answers of the
    samples `rejected_rows` [R].
    """

    prompts: torch.Tensor
    prompt_lengths: torch.Tensor
    answers: torch.Tensor
    answer_lengths: torch.Tensor
    forks: torch.Tensor
    rejected: torch.Tensor
    rejected_lengths: torch.Tensor
    rejected_rows: torch.Tensor

    @property
    def answer_tokens(self) -> int:
        return int(self.answer_lengths.sum())

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""
        return Batch(*(getattr(self, one.name).to(device) for one in fields(self)))


def make_sample(encoder: Encoder, pair: Pair, most: int, *, title: bool = True) -> Sample:
    """The sample of one pair; its prompt has at most `most` tokens."""
    shown = pair.article.title if title else ""
    answer = encoder.answer(pair.sentence)
    return Sample(
        id=pair.article.id,
        prompt=encoder.prompt(shown, pair.sources, most),
        answer=answer,
        forks=_forks(encoder, pair, answer),
        rejected=encoder.answer(pair.rejected) if pair.rejected else [],
    )


def _forks(encoder: Encoder, pair: Pair, answer: Sequence[int]) -> tuple[Fork, ...]:
    found: set[Fork] = set()
    source = " ".join([pair.article.title, *pair.sources])
    for broken in perturb(pair.sentence, source, random.Random(pair.article.id)).values():
        false = encoder.answer(broken)
        at = next((i for i, (a, b) in enumerate(zip(answer, false, strict=False)) if a != b), None)
        if at is not None:
            found.add((at, false[at]))
    return tuple(sorted(found))


def steps(
    samples: Iterable[Sample], batch_tokens: int, step_tokens: int, rng: random.Random
) -> list[list[list[Sample]]]:
    """The optimiser's steps of one pass: each a list of batches, each batch samples of like length."""
    groups = in_order(samples, batch_tokens, rng)
    rng.shuffle(groups)
    found: list[list[list[Sample]]] = []
    step: list[list[Sample]] = []
    for group in groups:
        if step and sum(map(_tokens, [*step, group])) > step_tokens:
            found.append(step)
            step = []
        step.append(group)
    return [*found, step] if step else found


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
    rejected = [(row, sample.rejected) for row, sample in enumerate(group) if sample.rejected]
    return Batch(
        prompts=_padded([sample.prompt for sample in group]),
        prompt_lengths=torch.tensor([len(sample.prompt) for sample in group]),
        answers=_padded([sample.answer for sample in group]),
        answer_lengths=torch.tensor([len(sample.answer) for sample in group]),
        forks=torch.tensor(forks, dtype=torch.long).reshape(-1, 3),
        rejected=_padded([ids for _, ids in rejected]),
        rejected_lengths=torch.tensor([len(ids) for _, ids in rejected], dtype=torch.long),
        rejected_rows=torch.tensor([row for row, _ in rejected], dtype=torch.long),
    )


def _padded(rows: Sequence[Sequence[int]]) -> torch.Tensor:
    found = torch.zeros(len(rows), max(map(len, rows), default=0), dtype=torch.long)
    for row, ids in enumerate(rows):
        found[row, : len(ids)] = torch.tensor(ids)
    return found
