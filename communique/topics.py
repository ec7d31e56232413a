"""Which topics an article has, told together: one to three of them, or `other` alone.

An article has few topics, and one that has three has hardly a fourth. So what is probable is not each topic by itself
but a set of them: the exponential of its topics' logits and of a number for its size, over that of all such sets.
The sums over all sets are elementary symmetric polynomials, and need no listing.

A logit weighs several kinds of evidence: a second topic often has a passage of its own and is hardly heard in the
whole.

>>> marginals(np.array([2.0, 1.5, -3.0]), np.zeros(3)).round(2).tolist()
[0.9, 0.83, 0.05]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["EVIDENCE", "MOST_TOPICS", "OTHER", "PASSAGE", "SURE", "marginals", "sums"]

#: What speaks for a topic: the trunk's logit of the article, the mean over its passages of what the trunk gives each by
#: itself; the logit of the article's words alone, that of its best passage, the mean of its passages'.
EVIDENCE: Final = ("article", "passages", "words", "best passage's words", "passages' words")
#: Sentences of a passage that is asked for its topics by itself.
PASSAGE: Final = 4

#: A set holds at most so many.
MOST_TOPICS: Final = 3
#: The topic that stands alone.
OTHER: Final = "other"
#: Logits beyond it say no more.
SURE: Final = 12.0


def sums(weights: Any, sizes: Any, alone: Any = None) -> tuple[Any, Any]:
    """The weight of all sets together [...], and for each topic that of the sets with it [..., K].

    The same for arrays and tensors.

    Args:
        weights: exponentials of the topics' logits [..., K].
        sizes: exponentials of the sizes' logits, of one topic first [3].
        alone: exponential of the logit of a topic that stands alone [...]; its set has the first size.
    """
    # By addition alone: differences of cubes would lose the small in the great.
    first, second, third = (0.0 * weights[..., 0] for _ in range(MOST_TOPICS))
    for number in range(weights.shape[-1]):
        one = weights[..., number]
        third = third + one * second
        second = second + one * first
        first = first + one
    total = sizes[0] * first + sizes[1] * second + sizes[2] * third
    if alone is not None:
        total = total + sizes[0] * alone
    others = first[..., None] - weights
    pairs = second[..., None] - weights * others
    return total, weights * (sizes[0] + sizes[1] * others + sizes[2] * pairs)


def marginals(logits: NDArray[Any], sizes: NDArray[Any], alone: int | None = None) -> NDArray[np.float64]:
    """Probabilities [K] that a topic is in the set.

    Args:
        logits: of the topics [K].
        sizes: logits of how many there are, of one first [3].
        alone: the number of a topic that has no other beside it.
    """
    clipped = np.exp(np.clip(logits.astype(np.float64), -SURE, SURE))
    if alone is None:
        total, each = sums(clipped, np.exp(sizes.astype(np.float64)))
        return each / total  # type: ignore[no-any-return]
    proper = np.arange(len(logits)) != alone
    scale = np.exp(sizes.astype(np.float64))
    total, each = sums(clipped[proper], scale, clipped[alone])
    found = np.empty(len(logits))
    found[proper] = each / total
    found[alone] = scale[0] * clipped[alone] / total
    return found
