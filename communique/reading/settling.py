"""The last word on what the cleaner left undecided: its own doubt weighed with what the trunk read.

The cleaner knows the look and the place of a line, the trunk what it says beside the rest. Neither is known here: both
come as log-odds, and the weights come from `training/export.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from communique.errors import NothingToSummarise
from communique.record import Removal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from communique.document import Document, Sentence

__all__ = ["Settling", "columns", "is_open", "only_boilerplate", "settle"]

#: The cleaner's doubt counts so far either way: beyond, it is sure of itself without reason.
_MOST: Final = 5.0


@dataclass(frozen=True, slots=True)
class Settling:
    """Weights of a block's `columns`, the bias, and the log-odds over which it goes."""

    weights: tuple[float, ...] = (1.0, 0.0)
    bias: float = 0.0
    threshold: float = 0.0

    def __call__(self, row: Sequence[float]) -> float:
        """Log-odds that a block is boilerplate."""
        return sum(weight * value for weight, value in zip(self.weights, row, strict=True)) + self.bias


def is_open(sentence: Sentence) -> bool:
    """Whether the cleaner has any doubt of a sentence."""
    return sentence.doubt > -math.inf


def columns(block: Sequence[Sentence], foreign: Sequence[float]) -> tuple[float, ...]:
    """What is weighed of a block: the cleaner's doubt, and the trunk's log-odds, each sentence by its length."""
    lengths = [len(sentence.text) for sentence in block]
    read = sum(size * odds for size, odds in zip(lengths, foreign, strict=True)) / sum(lengths)
    return max(-_MOST, min(_MOST, block[0].doubt)), read


def settle(document: Document, foreign: Sequence[float], settling: Settling) -> tuple[Document, list[int]]:
    """The document without the blocks that are boilerplate after all, and the numbers of the sentences that stay.

    Args:
        document: read `undecided`.
        foreign: for each sentence the trunk's log-odds that it is not the article's own.
        settling: how to weigh them.

    Raises:
        NothingToSummarise: no sentence stays.
    """
    blocks: dict[int, list[int]] = {}
    for number, sentence in enumerate(document.sentences):
        blocks.setdefault(sentence.block, []).append(number)
    doubts: dict[int, float] = {}
    for block, numbers in blocks.items():
        members = [document.sentences[number] for number in numbers]
        if is_open(members[0]):
            doubts[block] = settling(columns(members, [foreign[number] for number in numbers])) - settling.threshold
    if not doubts:
        return document, list(range(len(document.sentences)))
    gone = {block for block, doubt in doubts.items() if doubt > 0}
    kept = [number for number, sentence in enumerate(document.sentences) if sentence.block not in gone]
    removed = _merged(
        document,
        [_removal([document.sentences[number] for number in blocks[block]]) for block in gone],
        kept,
    )
    if not kept:
        raise only_boilerplate(removed)
    sentences = [document.sentences[number] for number in kept]
    paragraphs = {old: new for new, old in enumerate(dict.fromkeys(sentence.paragraph for sentence in sentences))}
    settled = tuple(
        replace(
            sentence,
            paragraph=paragraphs[sentence.paragraph],
            doubt=doubts.get(sentence.block, sentence.doubt),
        )
        for sentence in sentences
    )
    return replace(document, sentences=settled, removed=removed), kept


def _removal(block: Sequence[Sentence]) -> Removal:
    return Removal(block[0].span().start, block[-1].span().end, block[0].kind)


def _merged(document: Document, more: Iterable[Removal], kept: Sequence[int]) -> tuple[Removal, ...]:
    """All removals in order; neighbours of one kind, with nothing of the article between them, as one."""
    starts = {document.sentences[number].span().start for number in kept}
    found: list[Removal] = []
    for removal in sorted((*document.removed, *more), key=lambda one: one.start):
        last = found[-1] if found else None
        if last and last.reason == removal.reason and not any(last.end <= at < removal.start for at in starts):
            found[-1] = Removal(last.start, max(last.end, removal.end), last.reason)
        else:
            found.append(removal)
    return tuple(found)


def only_boilerplate(removed: Iterable[Removal]) -> NothingToSummarise:
    """The error of a page that holds no article."""
    found = ", ".join(sorted({removal.reason for removal in removed}))
    return NothingToSummarise(
        f"all that the page holds is boilerplate ({found})" if found else "the page holds no words"
    )
