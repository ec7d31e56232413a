"""Vectors of the shipped trunk, for questions that it has no head for: read, never trained.

>>> vectors("Baku accused Yerevan of shelling.", ("Baku", "Yerevan")).shape
(1152,)
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from communique.models import resolve
from communique.trunk.reader import Reader
from communique.trunk.windows import cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["vectors"]


def vectors(sentence: str, mentions: Sequence[str]) -> NDArray[np.float32]:
    """The mean state of the sentence, then of each mention (of the sentence again where it is not found), joined."""
    reader = _reader()
    window = cut(reader.tokenizer, "", [sentence])[0]
    states = reader.encoder.states([window])[0][:, : reader.heads.hidden]
    held = np.array([number == 0 for number in window.sentences])
    whole = states[held].mean(axis=0)
    parts = [whole]
    for mention in mentions:
        start = sentence.find(mention)
        inside = held & np.array([start <= a < start + len(mention) for a in window.starts]) & (start >= 0)
        parts.append(states[inside].mean(axis=0) if inside.any() else whole)
    return np.concatenate(parts)


@cache
def _reader() -> Reader:
    return Reader(resolve("trunk"))
