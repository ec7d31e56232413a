"""Vectors of the shipped trunk, for questions that it has no head for: read, never trained.

>>> vectors("Baku accused Yerevan of shelling.", ("Baku", "Yerevan")).shape
(1152,)
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from communique.models import resolve
from communique.trunk.encoder import Encoder
from communique.trunk.windows import cut, load_tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

__all__ = ["vectors"]


def vectors(sentence: str, mentions: Sequence[str]) -> NDArray[np.float32]:
    """The mean state of the sentence, then of each mention (of the sentence again where it is not found), joined."""
    encoder, tokenizer = _trunk()
    window = cut(tokenizer, "", [sentence])[0]
    states = encoder.states([window])[0]
    held = np.array([number == 0 for number in window.sentences])
    whole = states[held].mean(axis=0)
    parts = [whole]
    for mention in mentions:
        start = sentence.find(mention)
        inside = held & np.array([start <= a < start + len(mention) for a in window.starts]) & (start >= 0)
        parts.append(states[inside].mean(axis=0) if inside.any() else whole)
    return np.concatenate(parts)


@cache
def _trunk() -> tuple[Encoder, Tokenizer]:
    folder = resolve("trunk")
    return Encoder(folder / "trunk.xml"), load_tokenizer(folder / "tokenizer.json")
