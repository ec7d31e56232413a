"""The heads in numpy: from the trunk's states to topics, stance and salience.

The same arithmetic as `training/model.py`, which trains them; a test holds the two together.
Shapes: H is the trunk's hidden size.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from communique.errors import EnvironmentFault
from communique.trunk.bag import BUCKETS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["CHOICE_HEADS", "Heads", "sigmoid", "softmax"]

#: Heads of the attention among an article's sentences.
CHOICE_HEADS: Final = 4


def sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Elementwise logistic function, without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))  # type: ignore[no-any-return]


def softmax(x: NDArray[np.float32], axis: int = -1) -> NDArray[np.float32]:
    """Exponentials that add up to 1 along `axis`."""
    shifted = np.exp(x - x.max(axis=axis, keepdims=True))
    return shifted / shifted.sum(axis=axis, keepdims=True)  # type: ignore[no-any-return]


def _gelu(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The exact GELU, x · Φ(x) (Hendrycks and Gimpel, 2016); Φ by Abramowitz and Stegun 7.1.26, error < 1.5e-7."""
    z = np.abs(x) / np.float32(np.sqrt(2.0))
    t = 1.0 / (1.0 + 0.3275911 * z)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    erf = 1.0 - series * np.exp(-z * z)
    return (0.5 * x * (1.0 + np.sign(x) * erf)).astype(np.float32)


#: Of the heads that came last: files without them are older.
_LATEST = ("target_query.weight",)


class Heads:
    """Weights of all heads, read from `heads.safetensors`."""

    def __init__(self, weights: dict[str, NDArray[np.float32]]) -> None:
        self._weights = {name: tensor.astype(np.float32) for name, tensor in weights.items()}

    @classmethod
    def load(cls, path: Path) -> Heads:
        """The heads in a file.

        Raises:
            EnvironmentFault: an older version made it, with other heads.
        """
        from safetensors.numpy import load_file

        weights = load_file(path)
        if missing := [name for name in _LATEST if name not in weights]:
            raise EnvironmentFault(
                f"{path} was made by an older version and lacks {missing[0]}: python -m training.export classifier"
            )
        if len(weights["topic_words.idf"]) != BUCKETS:
            raise EnvironmentFault(
                f"{path} was made by another version and counts words otherwise: python -m training.export classifier"
            )
        return cls(weights)

    @cached_property
    def _words_by_bucket(self) -> NDArray[np.float32]:
        """The weights of words [buckets, topics]: an article's few buckets lie together, not each in every row."""
        return np.ascontiguousarray(self._weights["topic_words.weight"].T)

    def _linear(self, name: str, x: NDArray[np.float32]) -> Any:
        return x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]

    def topics(self, first: NDArray[np.float32], sentences: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits [topics] from the first window's CLS [H] and the sentence vectors [S, H]."""
        weights = softmax(self._linear("topic_attention", sentences), axis=0)
        pooled = np.concatenate([first, (weights * sentences).sum(0)])
        return self._linear("topic_out", _gelu(self._linear("topic_hidden", pooled)))  # type: ignore[no-any-return]

    def topic_words(self, buckets: NDArray[np.intp], counts: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits [topics] from the words alone, as `communique.trunk.bag` counts them."""
        values = counts * self._weights["topic_words.idf"][buckets]
        length = float(np.linalg.norm(values))
        if not length:
            return self._weights["topic_words.bias"]
        logits = (values / length) @ self._words_by_bucket[buckets] + self._weights["topic_words.bias"]
        return np.asarray(logits, np.float32)

    def salience(
        self, tokens: NDArray[np.float32], sentences: NDArray[np.float32], features: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Logits [N, 2] from token states [N, H], their sentence's vector [N, H] and its features [N, F]."""
        hidden = _gelu(self._linear("salience_hidden", np.concatenate([tokens, sentences, features], axis=-1)))
        return self._linear("salience_out", hidden)  # type: ignore[no-any-return]

    def foreign(
        self,
        tokens: NDArray[np.float32],
        sentences: NDArray[np.float32],
        first: NDArray[np.float32],
        features: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Logits [N] that words are not the article's own, from their states [N, H], their sentence's vectors [N, H],
        the first window's CLS [H] and the features [N, F]."""
        beside = np.broadcast_to(first, tokens.shape)
        hidden = _gelu(self._linear("foreign_hidden", np.concatenate([tokens, sentences, beside, features], axis=-1)))
        return self._linear("foreign_out", hidden)[:, 0]  # type: ignore[no-any-return]

    @cached_property
    def hidden(self) -> int:
        """H."""
        return int(self._weights["topic_attention.weight"].shape[1])

    @property
    def chooses(self) -> bool:
        """Whether the trunk has a branch that was taught which sentences readers take."""
        return "choice_line.weight" in self._weights

    def pooled(self, tokens: NDArray[np.float32], starts: NDArray[np.intp]) -> NDArray[np.float32]:
        """[S, 2 H]: of the branch's states [N, H] the mean over each sentence, and the mean weighted by attention.

        The sentences' tokens follow each other; `starts` [S] is where each begins.
        """
        weights = np.exp(np.clip(self._linear("choice_pool", tokens), -8, 8))
        counts = np.diff(starts, append=len(tokens))[:, None].astype(np.float32)
        attended = np.add.reduceat(tokens * weights, starts) / np.add.reduceat(weights, starts)
        return np.concatenate([np.add.reduceat(tokens, starts) / counts, attended], axis=-1)

    @property
    def tells_meanings(self) -> bool:
        """Whether the branch was taught what sentences are about, too."""
        return "choice_meaning.weight" in self._weights

    def meanings(self, pooled: NDArray[np.float32]) -> NDArray[np.float32]:
        """[S, M]: what sentences are about, from what is `pooled` of them; angles between them count."""
        return self._linear("choice_meaning", pooled)  # type: ignore[no-any-return]

    def choice(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits [S] that a reader would take a sentence for a summary, in sight of the article's others.

        Args:
            inputs: of each sentence what is `pooled`, the trunk's own vector and the features, [S, 3 H + F].
        """
        x = self._linear("choice_into", inputs)
        parts = self._linear("choice_attention", self._normed("choice_first_norm", x))
        query, key, value = parts.reshape(len(x), 3, CHOICE_HEADS, -1).transpose(1, 2, 0, 3)
        weights = softmax(query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(query.shape[-1])))
        x = x + self._linear("choice_attended", (weights @ value).transpose(1, 0, 2).reshape(x.shape))
        wide = np.maximum(self._linear("choice_widen", self._normed("choice_second_norm", x)), 0)
        x = x + self._linear("choice_narrow", wide)
        return (self._linear("choice_line", inputs) + self._linear("choice_out", x))[:, 0]  # type: ignore[no-any-return]

    def _normed(self, name: str, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Layer normalisation (Ba et al. 2016)."""
        even = (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + np.float32(1e-5))
        return even * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]  # type: ignore[no-any-return]

    def sought(self, tokens: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.float32]:
        """[H]: what in a sentence without the target's name is most like the target [H], of its tokens [N, H]."""
        weights = softmax(tokens @ self._linear("target_query", target) / np.float32(np.sqrt(tokens.shape[-1])))
        return weights @ tokens

    def passages(
        self,
        mentions: NDArray[np.float32],
        sentences: NDArray[np.float32],
        windows: NDArray[np.float32],
        features: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """[P, width] from mention vectors, their sentences' vectors and their windows' CLS, each [P, H], and the
        passages' features [P, F]."""
        inputs = np.concatenate([mentions, sentences, windows, features], axis=-1)
        return _gelu(self._linear("passage_hidden", inputs))

    def passage_logits(self, passages: NDArray[np.float32]) -> NDArray[np.float32]:
        """Polarity logits [P, 3] of each passage by itself."""
        return self._linear("passage_out", passages)  # type: ignore[no-any-return]

    def stance(
        self, passages: NDArray[np.float32], named: int, features: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], float, NDArray[np.float32]]:
        """Stance logits [3], the presence logit, and the passages' weights [P].

        Args:
            passages: their vectors [P, width].
            named: so many of them, the first, name the target; presence goes by them alone.
            features: of the target's mentions [F].
        """
        scores = self._linear("passage_attention", passages)
        weights = softmax(scores, axis=0)
        hidden = self._pooled(passages, weights, named, features)
        present = self._pooled(passages[:named], softmax(scores[:named], axis=0), named, features)
        return self._linear("stance_out", hidden), float(self._linear("presence_out", present)[0]), weights[:, 0]

    def _pooled(
        self, passages: NDArray[np.float32], weights: NDArray[np.float32], named: int, features: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        pooled = np.concatenate([(weights * passages).sum(0), passages[:named].max(0), features])
        return _gelu(self._linear("stance_hidden", pooled))
