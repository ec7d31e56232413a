"""The trunk and its heads as a torch module: one reading of an article, from which every head drinks.

Shapes: W windows of at most L tokens, hidden size H = 384. The same arithmetic stands in numpy in
`communique/heads.py`, and a test holds the two together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from communique.features import MENTION_FEATURES, SENTENCE_FEATURES
from communique.labels import STANCES, TOPICS

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Heads", "MultiTaskModel", "best_arithmetic"]


class Heads(nn.Module):
    """All heads. Every size is small: the trunk does the reading."""

    def __init__(self, hidden: int = 384, topics: int = len(TOPICS), width: int = 256) -> None:
        super().__init__()
        self.topic_attention = nn.Linear(hidden, 1)
        self.topic_hidden = nn.Linear(2 * hidden, width)
        self.topic_out = nn.Linear(width, topics)
        self.salience_hidden = nn.Linear(2 * hidden + SENTENCE_FEATURES, 128)
        self.salience_out = nn.Linear(128, 2)
        self.foreign_hidden = nn.Linear(3 * hidden + SENTENCE_FEATURES, 128)
        self.foreign_out = nn.Linear(128, 1)
        self.passage_hidden = nn.Linear(3 * hidden, width)
        self.passage_attention = nn.Linear(width, 1)
        self.passage_out = nn.Linear(width, len(STANCES))  # a lone passage, as sentence-level sets label it
        self.stance_hidden = nn.Linear(2 * width + MENTION_FEATURES, width)
        self.stance_out = nn.Linear(width, len(STANCES))
        self.presence_out = nn.Linear(width, 1)
        self.dropout = nn.Dropout(0.1)

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

    def passages(self, mentions: Tensor, sentences: Tensor, windows: Tensor) -> Tensor:
        """[P, width] from mention vectors, their sentences' vectors and their windows' CLS, each [P, H]."""
        return nn.functional.gelu(self.passage_hidden(self.dropout(torch.cat([mentions, sentences, windows], dim=-1))))

    def stance(self, passages: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """Stance logits [3] and the presence logit [1] from a target's passages [P, width] and features [F]."""
        weights = torch.softmax(self.passage_attention(passages), dim=0)
        pooled = torch.cat([(weights * passages).sum(0), passages.amax(0), features])
        hidden = self.dropout(nn.functional.gelu(self.stance_hidden(pooled)))
        return self.stance_out(hidden), self.presence_out(hidden)


class MultiTaskModel(nn.Module):
    """The encoder with its heads."""

    def __init__(self, base: Path | str) -> None:
        super().__init__()
        from transformers import AutoModel

        # Attention without dropout takes the fused kernel; with it, a step on a processor takes half as long again.
        self.trunk = AutoModel.from_pretrained(
            base, attn_implementation="sdpa", add_pooling_layer=False, attention_probs_dropout_prob=0.0
        )
        self.heads = Heads(self.trunk.config.hidden_size)

    def states(self, ids: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        """Hidden states [W, L, H] of windows ids [W, L] with mask [W, L] and token types [W, L]."""
        device, arithmetic = best_arithmetic()
        with torch.autocast(device, torch.bfloat16, enabled=arithmetic == "bf16"):
            states = self.trunk(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state
        return states.float()  # type: ignore[no-any-return]


def best_arithmetic() -> tuple[str, str]:
    """The device type, and `bf16` where the machine computes in it fast, else `fp32`."""
    if torch.cuda.is_available():
        return "cuda", "bf16"
    return "cpu", "bf16" if torch.ops.mkldnn._is_mkldnn_bf16_supported() else "fp32"
