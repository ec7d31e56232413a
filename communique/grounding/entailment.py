"""Read a claim beside its evidence with a small encoder: a logit, the higher the surer the one follows from the other.

It is made by `python -m training.entailment`, and loaded when the first claim asks for it: who only chooses and cuts
sentences never pays for it.

    >>> Entailment(resolve("checker"), resolve("trunk")).logits([("Baku said 12 died.", evidence)])   # doctest: +SKIP
    array([3.1], dtype=float32)
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from communique.trunk.encoder import Encoder

__all__ = ["Entailment"]


class Entailment:
    """A graph `entailment.xml` in `folder`, with its settings beside it; its tokenizer is the one of the trunk.

    Args:
        folder: holds `entailment.xml`, `entailment.bin` and `entailment.json`.
        trunk: holds `tokenizer.json`.
    """

    def __init__(self, folder: Path, trunk: Path) -> None:
        self._folder, self._trunk = folder, trunk
        self._window_tokens = int(json.loads((folder / "entailment.json").read_text(encoding="utf-8"))["window_tokens"])
        self._lock = threading.Lock()
        self._loaded: tuple[Encoder, Tokenizer] | None = None

    def logits(self, pairs: Sequence[tuple[str, Sequence[str]]]) -> NDArray[np.float32]:
        """[N], one for each claim with its evidence, in order."""
        from communique.trunk.windows import pair

        if not pairs:
            return np.zeros(0, dtype=np.float32)
        encoder, tokenizer = self._load()
        return encoder.logits([pair(tokenizer, claim, found, self._window_tokens) for claim, found in pairs])

    def _load(self) -> tuple[Encoder, Tokenizer]:
        from communique.trunk.encoder import Encoder
        from communique.trunk.windows import load_tokenizer

        with self._lock:
            if self._loaded is None:
                tokenizer = load_tokenizer(self._trunk / "tokenizer.json")
                self._loaded = Encoder(self._folder / "entailment.xml"), tokenizer
            return self._loaded
