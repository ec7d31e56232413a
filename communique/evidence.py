"""Find the sentences of an article that a claim should be read against.

Greedy cover of the claim's content words, rare ones (in this article) counting more. It finds; it does not judge.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from communique.words import words

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["EvidenceIndex"]


class EvidenceIndex:
    """The sentences of one article, ready to be asked for evidence of many claims."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self._keys = [frozenset(word.key for word in words(text) if not word.is_function) for text in sentences]
        seen = Counter(key for keys in self._keys for key in keys)
        total = max(1, len(sentences))
        self._weight = {key: math.log(1 + total / count) for key, count in seen.items()}

    def find(self, claim: str, most: int = 3) -> list[int]:
        """Indices of at most `most` sentences, ascending: each the one that adds the most weight to what is covered."""
        wanted = {word.key for word in words(claim) if not word.is_function}
        missing = wanted & self._weight.keys()
        chosen: list[int] = []
        while missing and len(chosen) < most:
            # Words already covered still count a little: evidence that repeats the claim's actors is better read.
            gains = [
                sum(self._weight[k] for k in keys & missing) + 0.1 * sum(self._weight[k] for k in keys & wanted)
                for keys in self._keys
            ]
            best = max((i for i in range(len(gains)) if i not in chosen), key=gains.__getitem__, default=None)
            if best is None or not self._keys[best] & missing:
                break
            chosen.append(best)
            missing -= self._keys[best]
        return sorted(chosen)

    def coverage(self, claim: str, chosen: Sequence[int]) -> float:
        """Share in [0, 1] of the claim's content words, by weight, that the chosen sentences hold."""
        wanted = {word.key for word in words(claim) if not word.is_function}
        if not wanted:
            return 1.0
        heaviest = math.log(1 + max(1, len(self._keys)))
        held: set[str] = set().union(*(self._keys[i] for i in chosen)) if chosen else set()
        total = sum(self._weight.get(key, heaviest) for key in wanted)
        return sum(self._weight.get(key, heaviest) for key in wanted & held) / total
