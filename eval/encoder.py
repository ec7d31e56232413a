"""Similarity of texts by an encoder that was not trained here: BERTScore and sentence vectors.

The untuned base encoder is used on purpose: a measure must not move when the shipped trunk is trained again.

BERTScore follows Zhang et al. (2020): tokens are matched greedily by cosine, precision over the prediction's tokens,
recall over the reference's, F1 of both (0-1, of the last layer, without idf weights or rescaling, so absolute values
are high and only differences mean something).

    >>> Encoder(Path("all-MiniLM-L6-v2")).scores(["Baku denied it."], [["Baku denied the report."]])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from communique.errors import EnvironmentFault, ModelMissing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Encoder", "pulled"]

MAX_TOKENS: Final = 256
BATCH: Final = 32


def pulled() -> Path | None:
    """The registry's base encoder, or None where it was not pulled (`communique models pull encoder-base`)."""
    from communique.models import resolve

    try:
        return resolve("encoder-base")
    except ModelMissing:
        return None


class Encoder:
    """A BERT model by folder, on the CPU through transformers. Vectors of texts already seen are kept.

    Raises:
        EnvironmentFault: transformers is not installed, or the folder holds no such model.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from transformers import AutoModel, AutoTokenizer

            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)
            self._model: Any = AutoModel.from_pretrained(folder).eval()
        except (ImportError, OSError, ValueError) as error:
            raise EnvironmentFault(f"no encoder can be loaded from {folder}: {error}") from error
        self._known: dict[str, NDArray[np.float32]] = {}

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors (n, H): the mean over tokens."""
        means = np.stack([tokens.mean(axis=0) for tokens in self._tokens(texts)])
        return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), dtype=np.float32)

    def scores(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
        """BERTScore F1 of each prediction against the best of its references."""
        self._tokens(list(dict.fromkeys([*predictions, *(text for some in references for text in some)])))
        return [
            max(_bertscore(self._tokens([given])[0], self._tokens([wanted])[0]) for wanted in some)
            for given, some in zip(predictions, references, strict=True)
        ]

    def _tokens(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """The last layer's states of each text's tokens (tokens, H), special ones left out."""
        import torch

        missing = sorted({text for text in texts if text not in self._known}, key=len)
        for at in range(0, len(missing), BATCH):
            some = missing[at : at + BATCH]
            fed = self._tokenizer(
                some, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt",
                return_special_tokens_mask=True,
            )  # fmt: skip
            special = fed.pop("special_tokens_mask").bool()
            with torch.inference_mode():
                states = self._model(**fed).last_hidden_state
            for text, row, mask in zip(some, states, special, strict=True):
                kept = row[~mask] if bool((~mask).any()) else row[:1]
                self._known[text] = kept.numpy().astype(np.float32)
        return [self._known[text] for text in texts]


def _bertscore(given: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """F1 of greedy matches of token states (n, H) and (m, H)."""
    a, b = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (given, wanted))
    similar = a @ b.T
    precision, recall = float(similar.max(axis=1).mean()), float(similar.max(axis=0).mean())
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0
