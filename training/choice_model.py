"""The branch of the trunk that reads which sentences a reader would take and what they are about, as torch modules.

Shapes: W windows of at most L tokens, B articles of at most S sentences, hidden size H. The head's arithmetic stands in
numpy in `communique/trunk/heads.py`, and a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor, nn

from communique.trunk.heads import CHOICE_HEADS
from training.model import best_arithmetic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["MEANING", "Branch", "ChoiceHead", "Chooser", "Read", "Scale"]

#: Numbers that tell what a sentence is about.
MEANING: Final = 128
#: What is added to the score of a place that is not to be looked at.
_HIDDEN: Final = -1e4


@dataclass(slots=True)
class Read:
    """An article as the trunk read it.

    Attributes:
        states: of each window's tokens, [tokens, H], at the layer where the branch begins.
        owners: of each window's tokens the row of their sentence, or -1.
        inputs: the trunk's own vectors and the features of the sentences, [S, H + F].
    """

    id: str
    states: list[NDArray[np.float16]]
    owners: list[NDArray[np.int64]]
    inputs: NDArray[np.float32]

    @property
    def size(self) -> int:
        """Tokens."""
        return sum(map(len, self.states))


class Scale:
    """Brings columns to mean 0 and to a spread of 1, or of `shrunk` for all but the last `features`."""

    def __init__(self, rows: NDArray[np.float32], features: int, shrunk: float) -> None:
        self.mean = rows.mean(0)
        self.factor = np.where(np.arange(rows.shape[1]) < rows.shape[1] - features, shrunk, 1.0) / (rows.std(0) + 1e-6)

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return ((rows - self.mean) * self.factor).astype(np.float32)  # type: ignore[no-any-return]


class Branch(nn.Module):
    """The encoder's own last layers, once more: they go on from the layer below them in a way of their own."""

    def __init__(self, base: Path | str, layers: int) -> None:
        super().__init__()
        from transformers import AutoModel

        encoder = AutoModel.from_pretrained(
            base, attn_implementation="sdpa", add_pooling_layer=False, attention_probs_dropout_prob=0.0
        )
        self.begins = len(encoder.encoder.layer) - layers
        self.layers = nn.ModuleList(encoder.encoder.layer[self.begins :])

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """States [W, L, H] from those of the layer where the branch begins, with mask [W, L]."""
        shown = (1.0 - mask[:, None, None, :].to(states.dtype)) * _HIDDEN
        for layer in self.layers:
            found = layer(states, attention_mask=shown)
            states = found[0] if isinstance(found, tuple) else found
        return states


class ChoiceHead(nn.Module):
    """Logits of sentences in sight of each other: a line, and one layer of attention among an article's sentences."""

    def __init__(self, inputs: int, width: int, dropout: float) -> None:
        super().__init__()
        self.line = nn.Linear(inputs, 1)
        self.into = nn.Linear(inputs, width)
        self.first_norm = nn.LayerNorm(width)
        self.attention = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.second_norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 2 * width)
        self.narrow = nn.Linear(2 * width, width)
        self.out = nn.Linear(width, 1)
        self.dropout = nn.Dropout(dropout)
        for part in (self.line.weight, self.out.weight, self.out.bias):
            nn.init.zeros_(part)

    def forward(self, inputs: Tensor, present: Tensor) -> Tensor:
        """Logits [B, S] of sentences [B, S, inputs], of which those `present` [B, S] are there."""
        inputs = self.dropout(inputs)
        x = self.into(inputs)
        rows, count, width = x.shape
        parts = self.attention(self.first_norm(x)).view(rows, count, 3, CHOICE_HEADS, width // CHOICE_HEADS)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        shown = present[:, None, None, :]
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=shown)
        x = x + self.dropout(self.attended(mixed.transpose(1, 2).reshape(rows, count, width)))
        x = x + self.dropout(self.narrow(self.dropout(torch.relu(self.widen(self.second_norm(x))))))
        return (self.line(inputs) + self.out(x))[..., 0]  # type: ignore[no-any-return]

    @torch.no_grad()
    def unscale(self, scale: Scale) -> None:
        """Take the last inputs as they are from now on, no longer scaled."""
        mean, factor = (torch.from_numpy(values).float() for values in (scale.mean, scale.factor))
        for part in (self.line, self.into):
            part.weight[:, -len(mean) :] *= factor
            part.bias.sub_(part.weight[:, -len(mean) :] @ mean)


class Chooser(nn.Module):
    """Branch and heads. `meaning` tells what a sentence is about, in MEANING numbers; `likeness` guesses what the
    language model makes of it, in training only."""

    def __init__(self, branch: Branch, hidden: int, inputs: int, width: int, dropout: float, likeness: int) -> None:
        super().__init__()
        self.branch = branch
        self.pool = nn.Linear(hidden, 1)
        self.head = ChoiceHead(2 * hidden + inputs, width, dropout)
        self.likeness = nn.Linear(2 * hidden, likeness)
        self.meaning = nn.Linear(2 * hidden, MEANING)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Logits [B, S], and of all sentences in order the guesses [sentences, likeness] and meanings [sentences,
        MEANING]."""
        device, arithmetic = best_arithmetic(batch.states.device.type)
        with torch.autocast(device, torch.bfloat16, enabled=arithmetic == "bf16"):
            states = self.branch(batch.states, batch.mask)
        kept = batch.owners >= 0
        tokens, owners = states.float()[kept], batch.owners[kept]
        vectors = self._pooled(tokens, owners, int(batch.present.sum()))
        spread = vectors.new_zeros(*batch.present.shape, vectors.shape[-1])
        spread[batch.present] = vectors
        logits = self.head(torch.cat([spread, batch.inputs], dim=-1), batch.present)
        return logits, self.likeness(vectors), self.meaning(vectors)

    def _pooled(self, tokens: Tensor, owners: Tensor, count: int) -> Tensor:
        """[count, 2 H]: the mean of each sentence's tokens [N, H], and the mean weighted by attention."""
        weights = torch.exp(self.pool(tokens)[:, 0].clamp(-8, 8))
        ones = torch.ones_like(weights)
        found = []
        for share in (ones, weights):
            total = tokens.new_zeros(count, tokens.shape[-1]).index_add(0, owners, tokens * share[:, None])
            found.append(total / tokens.new_zeros(count).index_add(0, owners, share).clamp(min=1e-6)[:, None])
        return torch.cat(found, dim=-1)


@dataclass(slots=True)
class Batch:
    """Articles together: windows padded to [W, L, H] with their mask, each token's row among all sentences (-1 for
    none), and the sentences' inputs padded to [B, S, H + F] with which of them are `present`."""

    states: Tensor
    mask: Tensor
    owners: Tensor
    inputs: Tensor
    present: Tensor

    @classmethod
    def of(cls, articles: Sequence[Read]) -> Batch:
        windows = [window for article in articles for window in article.states]
        longest, hidden = max(map(len, windows)), windows[0].shape[-1]
        most = max(len(article.inputs) for article in articles)
        states = np.zeros((len(windows), longest, hidden), dtype=np.float32)
        owners = np.full((len(windows), longest), -1, dtype=np.int64)
        inputs = np.zeros((len(articles), most, articles[0].inputs.shape[-1]), dtype=np.float32)
        present = np.zeros((len(articles), most), dtype=bool)
        number = rows = 0
        for at, article in enumerate(articles):
            inputs[at, : len(article.inputs)], present[at, : len(article.inputs)] = article.inputs, True
            for window, owner in zip(article.states, article.owners, strict=True):
                states[number, : len(window)] = window
                owners[number, : len(window)] = np.where(owner >= 0, owner + rows, -1)
                number += 1
            rows += len(article.inputs)
        lengths = np.array([len(window) for window in windows])
        mask = (np.arange(longest) < lengths[:, None]).astype(np.int64)
        return cls(*map(torch.from_numpy, (states, mask, owners, inputs, present)))
