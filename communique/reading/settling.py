"""The last word on what the cleaner left undecided: its own doubt, what the trunk read, and what the page is about.

The cleaner knows the look and the place of a line, the trunk what it says beside the rest, and what each sentence is
about: a block that is like the article, and unlike the rest of the page, stays. What is the article is not known but
guessed, at first by doubt and reading alone, then once more by all. Neither cleaner nor trunk is known here: their
numbers come with the sentences, and the weights come from `training/settling.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from communique.errors import EnvironmentFault, NothingToSummarise
from communique.record import Removal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from communique.document import Document, Sentence

__all__ = ["COLUMNS", "Blocks", "Settling", "is_open", "only_boilerplate", "settle"]

#: The cleaner's doubt counts so far either way: beyond, it is sure of itself without reason.
_MOST: Final = 5.0
#: How often it is guessed which blocks are the article, knowing the guess before.
_ROUNDS: Final = 2
#: A block weighs as many characters in what the page is about, at most.
_WEIGHT: Final = 400.0
#: What is weighed of a block.
COLUMNS: Final = (
    "doubt", "read", "like-article", "like-rest", "most-like-article", "most-like-rest", "like-above", "like-below",
    "above", "below", "parted", "place", "length",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settling:
    """Weights for the log-odds that a block is boilerplate, and the log-odds over which it goes.

    Attributes:
        first: of the cleaner's doubt and the trunk's reading, and the bias, as long as nothing else is known.
        weights: of the `COLUMNS`.
        bias: added to them.
        threshold: over it a block goes.
    """

    first: tuple[float, float, float] = (1.0, 0.0, 0.0)
    weights: tuple[float, ...] = (1.0, *(0.0,) * (len(COLUMNS) - 1))
    bias: float = 0.0
    threshold: float = 0.0

    @classmethod
    def from_dict(cls, item: Mapping[str, Any]) -> Settling:
        """Raises EnvironmentFault where other columns were weighed."""
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in item.items()}
        if len(values["weights"]) != len(COLUMNS):
            raise EnvironmentFault(
                f"the trunk's calibration weighs {len(values['weights'])} columns of a block, not {len(COLUMNS)}: "
                "python -m training.export classifier"
            )
        return cls(**values)

    def __call__(self, blocks: Blocks) -> NDArray[np.float64]:
        """The log-odds [B] that each block is boilerplate."""
        odds = blocks.first(self.first)
        for _ in range(_ROUNDS):
            odds = blocks.columns(odds) @ np.array(self.weights) + self.bias
        return odds


def is_open(sentence: Sentence) -> bool:
    """Whether the cleaner has any doubt of a sentence."""
    return sentence.doubt > -math.inf


class Blocks:
    """What is known of the B blocks of a page, from its sentences.

    Attributes:
        members: the numbers of the sentences of each.
        open: whether the cleaner has any doubt of each, [B].
    """

    def __init__(
        self, sentences: Sequence[Sentence], foreign: Sequence[float], meanings: NDArray[np.float32] | None
    ) -> None:
        """
        Args:
            sentences: of a page, in order.
            foreign: for each the trunk's log-odds that it is not the article's own.
            meanings: for each what it is about, [S, M], where the trunk tells.
        """
        found: dict[int, list[int]] = {}
        for number, sentence in enumerate(sentences):
            found.setdefault(sentence.block, []).append(number)
        self.members = list(found.values())
        self.open = np.array([is_open(sentences[numbers[0]]) for numbers in self.members])
        lengths = np.array([len(sentence.text) for sentence in sentences], dtype=np.float64)
        starts = [numbers[0] for numbers in self.members]
        self._lengths = np.add.reduceat(lengths, starts)
        self._doubts = np.clip([sentences[start].doubt for start in starts], -_MOST, _MOST)
        self._read = np.add.reduceat(lengths * foreign, starts) / self._lengths
        # Between a block and the one above it something of the page has gone already.
        self._parted = np.diff(np.array(list(found)), prepend=-1) > 1
        vectors = np.zeros((len(sentences), 1), dtype=np.float32) if meanings is None else meanings
        self._meanings = _unit(np.add.reduceat(vectors * lengths[:, None].astype(np.float32), starts))
        self._alike = self._meanings @ self._meanings.T

    def first(self, weights: tuple[float, float, float]) -> NDArray[np.float64]:
        """Log-odds [B] by the cleaner's doubt and the trunk's reading."""
        return weights[0] * self._doubts + weights[1] * self._read + weights[2]

    def columns(self, odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """[B, COLUMNS] as long as the log-odds that each is boilerplate are taken to be these, [B]."""
        article = np.where(self.open, 0.5 - 0.5 * np.tanh(0.5 * odds), 1.0).astype(np.float32)
        others = ~np.eye(len(article), dtype=bool)
        above, below = _moved(article, 1, 1.0), _moved(article, -1, 0.0)
        near = np.diagonal(self._alike, 1)
        return np.column_stack(
            [
                self._doubts,
                self._read,
                self._like(article),
                self._like(1.0 - article),
                np.max(self._alike * article, axis=1, where=others, initial=0.0),
                np.max(self._alike * (1.0 - article), axis=1, where=others, initial=0.0),
                np.append(0.0, near) * (2.0 * above - 1.0),
                np.append(near, 0.0) * (2.0 * below - 1.0),
                above,
                below,
                self._parted,
                np.linspace(0.0, 1.0, len(article)),
                np.log1p(self._lengths),
            ]
        )

    def _like(self, shares: NDArray[np.float32]) -> NDArray[np.float32]:
        """How like each block [B] is to all others together, so far as each of them has a share."""
        weights = (shares * np.minimum(self._lengths, _WEIGHT)).astype(np.float32)[:, None]
        together = (self._meanings * weights).sum(axis=0) - self._meanings * weights
        found: NDArray[np.float32] = (self._meanings * _unit(together)).sum(axis=1)
        return found


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + np.float32(1e-6))
    return found


def _moved(values: NDArray[np.float32], by: int, edge: float) -> NDArray[np.float32]:
    """The values of the neighbours above (1) or below (-1), `edge` where there is none."""
    found = np.roll(values, by)
    found[0 if by > 0 else -1] = edge
    return found


def settle(
    document: Document, foreign: Sequence[float], meanings: NDArray[np.float32] | None, settling: Settling
) -> tuple[Document, list[int]]:
    """The document without the blocks that are boilerplate after all, and the numbers of the sentences that stay.

    Args:
        document: read `undecided`.
        foreign: for each sentence the trunk's log-odds that it is not the article's own.
        meanings: for each sentence what it is about, [S, M], where the trunk tells.
        settling: how to weigh them.

    Raises:
        NothingToSummarise: no sentence stays.
    """
    blocks = Blocks(document.sentences, foreign, meanings)
    if not blocks.open.any():
        return document, list(range(len(document.sentences)))
    odds = settling(blocks) - settling.threshold
    gone = [
        numbers for numbers, doubt, asked in zip(blocks.members, odds, blocks.open, strict=True) if asked and doubt > 0
    ]
    kept = sorted(set(range(len(document.sentences))).difference(*gone))
    removed = _merged(
        document, [_removal([document.sentences[number] for number in numbers]) for numbers in gone], kept
    )
    if not kept:
        raise only_boilerplate(removed)
    doubts = {
        document.sentences[numbers[0]].block: float(doubt)
        for numbers, doubt, asked in zip(blocks.members, odds, blocks.open, strict=True)
        if asked
    }
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
