"""The trunk and its heads as a torch module: one reading of an article, from which every head drinks.

Shapes: W windows of at most L tokens, hidden size H = 384. The same arithmetic stands in numpy in
`communique/trunk/heads.py`, and a test holds the two together.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from communique.labels import STANCES, TOPICS
from communique.trunk.features import MENTION_FEATURES, PASSAGE_FEATURES, SENTENCE_FEATURES

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Heads", "MultiTaskModel", "best_arithmetic"]


class Heads(nn.Module):
    """All heads. Every size is small: the trunk does the reading."""

    def __init__(self, hidden: int = 384, topics: int = len(TOPICS), width: int = 256, dropout: float = 0.1) -> None:
        super().__init__()
        self.topic_attention = nn.Linear(hidden, 1)
        self.topic_hidden = nn.Linear(2 * hidden, width)
        self.topic_out = nn.Linear(width, topics)
        self.salience_hidden = nn.Linear(2 * hidden + SENTENCE_FEATURES, 128)
        self.salience_out = nn.Linear(128, 2)
        self.foreign_hidden = nn.Linear(3 * hidden + SENTENCE_FEATURES, 128)
        self.foreign_out = nn.Linear(128, 1)
        self.target_query = nn.Linear(hidden, hidden)
        nn.init.eye_(self.target_query.weight)  # to begin with, what is like the target is about it
        nn.init.zeros_(self.target_query.bias)
        self.passage_hidden = nn.Linear(3 * hidden + PASSAGE_FEATURES, width)
        self.passage_attention = nn.Linear(width, 1)
        self.passage_out = nn.Linear(width, len(STANCES))  # a lone passage, as sentence-level sets label it
        self.stance_hidden = nn.Linear(2 * width + MENTION_FEATURES, width)
        self.stance_out = nn.Linear(width, len(STANCES))
        self.presence_out = nn.Linear(width, 1)
        self.dropout = nn.Dropout(dropout)

    def topics(self, first: Tensor, sentences: Tensor) -> Tensor:
        """Logits [topics] from the first window's CLS [H] and the sentence vectors [S, H]."""
        weights = torch.softmax(self.topic_attention(sentences), dim=0)
        pooled = torch.cat([first, (weights * sentences).sum(0)])
        return self.topic_out(self.dropout(nn.functional.gelu(self.topic_hidden(pooled))))  # type: ignore[no-any-return]

    def salience(self, tokens: Tensor, sentences: Tensor, features: Tensor) -> Tensor:
        """Logits [N, 2] from token states [N, H], their sentence's vector [N, H] and its features [N, F]."""
        hidden = self.salience_hidden(torch.cat([tokens, sentences, features], dim=-1))
        return self.salience_out(self.dropout(nn.functional.gelu(hidden)))  # type: ignore[no-any-return]

    def foreign(self, tokens: Tensor, sentences: Tensor, first: Tensor, features: Tensor) -> Tensor:
        """Logits [N] that words are not the article's own, from their states, their sentence's vectors, the first
        window's CLS [H] and the features."""
        beside = first.expand(len(tokens), -1)
        hidden = self.foreign_hidden(torch.cat([tokens, sentences, beside, features], dim=-1))
        return self.foreign_out(self.dropout(nn.functional.gelu(hidden)))[:, 0]  # type: ignore[no-any-return]

    def sought(self, tokens: Tensor, target: Tensor) -> Tensor:
        """[H]: what in a sentence without the target's name is most like the target [H], of its tokens [N, H]."""
        scores = tokens @ self.target_query(target) / math.sqrt(tokens.shape[-1])
        return torch.softmax(scores, dim=0) @ tokens

    def passages(self, mentions: Tensor, sentences: Tensor, windows: Tensor, features: Tensor) -> Tensor:
        """[P, width] from mention vectors, their sentences' vectors and their windows' CLS, each [P, H], and the
        passages' features [P, F]."""
        read = self.dropout(torch.cat([mentions, sentences, windows], dim=-1))
        return nn.functional.gelu(self.passage_hidden(torch.cat([read, features], dim=-1)))

    def stance(self, passages: Tensor, named: int, features: Tensor) -> tuple[Tensor, Tensor]:
        """Stance logits [3] and the presence logit [1] from a target's passages [P, width], the first `named` of which
        name it, and features of its mentions [F]. Presence goes by those alone."""
        scores = self.passage_attention(passages)
        hidden = self._pooled(passages, torch.softmax(scores, dim=0), named, features)
        present = self._pooled(passages[:named], torch.softmax(scores[:named], dim=0), named, features)
        return self.stance_out(hidden), self.presence_out(present)

    def _pooled(self, passages: Tensor, weights: Tensor, named: int, features: Tensor) -> Tensor:
        pooled = torch.cat([(weights * passages).sum(0), passages[:named].amax(0), features])
        return self.dropout(nn.functional.gelu(self.stance_hidden(pooled)))  # type: ignore[no-any-return]


class MultiTaskModel(nn.Module):
    """The encoder with its heads."""

    def __init__(self, base: Path | str, dropout: float = 0.1, topics: int = len(TOPICS)) -> None:
        super().__init__()
        from transformers import AutoModel

        # Attention without dropout takes the fused kernel; with it, a step on a processor takes half as long again.
        self.trunk = AutoModel.from_pretrained(
            base,
            attn_implementation="sdpa",
            add_pooling_layer=False,
            attention_probs_dropout_prob=0.0,
            hidden_dropout_prob=dropout,
        )
        self.heads = Heads(self.trunk.config.hidden_size, topics, dropout=dropout)

    def states(self, ids: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        """Hidden states [W, L, H] of windows ids [W, L] with mask [W, L] and token types [W, L]."""
        device, arithmetic = best_arithmetic(ids.device.type)
        with torch.autocast(device, torch.bfloat16, enabled=arithmetic == "bf16"):
            states = self.trunk(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state
        return states.float()  # type: ignore[no-any-return]


def best_arithmetic(device: str = "") -> tuple[str, str]:
    """The device type (the best there is, unless given), and `bf16` where it computes in it fast, else `fp32`."""
    if device == "cuda" or (not device and torch.cuda.is_available()):
        return "cuda", "bf16"
    return "cpu", "bf16" if torch.ops.mkldnn._is_mkldnn_bf16_supported() else "fp32"
