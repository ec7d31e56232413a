"""ROUGE against several references, and the n-gram counts that oracles climb on.

>>> round(rouge("Baku denied it.", ["Baku denied the report."])["rouge1"], 1)
57.1
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any

from eval.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ROUGE", "bigram_and_unigram_f", "rouge", "tokens"]

ROUGE = ("rouge1", "rouge2", "rougeLsum")


@cache
def _scorer() -> Any:
    from rouge_score import rouge_scorer

    return rouge_scorer.RougeScorer(list(ROUGE), use_stemmer=True)


def rouge(prediction: str, references: Sequence[str]) -> dict[str, float]:
    """ROUGE-1, ROUGE-2 and ROUGE-Lsum F1 (0-100), Porter stemmed, of rouge_score (Lin 2004).

    With several references, `rougeX` is the best one's (as `score_multi`), `rougeX_mean` the mean over references.

    Raises:
        ValueError: no references.
    """
    if not references:
        raise ValueError("ROUGE needs at least one reference")
    lines = "\n".join(sentences(prediction))
    each = [_scorer().score("\n".join(sentences(reference)), lines) for reference in references]
    figures: dict[str, float] = {}
    for name in ROUGE:
        values = [100 * scores[name].fmeasure for scores in each]
        figures[name] = max(values)
        figures[f"{name}_mean"] = sum(values) / len(values)
    return figures


def tokens(text: str) -> list[str]:
    """The tokens that ROUGE counts: lower case, letters and digits, stemmed when longer than three."""
    found: list[str] = _scorer()._tokenizer.tokenize(text)
    return found


def bigram_and_unigram_f(prediction: Sequence[str], reference: Sequence[str]) -> float:
    """ROUGE-1 F1 plus ROUGE-2 F1 (0-2) of two token lists."""
    return sum(_f(prediction, reference, n) for n in (1, 2))


def _f(prediction: Sequence[str], reference: Sequence[str], n: int) -> float:
    given, wanted = (Counter(zip(*(side[i:] for i in range(n)), strict=False)) for side in (prediction, reference))
    common = sum((given & wanted).values())
    return 2 * common / max(1, given.total() + wanted.total())
