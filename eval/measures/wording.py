"""How a summary stands to its article's wording: extractive coverage and density, novelty, length.

Grusky, Naaman and Artzi (2018), "Newsroom", section 4: fragments are found greedily, longest first, left to right.

    >>> wording("Baku denied the report", "On Monday Baku denied the report.")["coverage"]
    1.0
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eval.sentences import words

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["fragments", "wording"]


def fragments(summary: Sequence[str], article: Sequence[str]) -> list[int]:
    """Lengths of the shared fragments F(A, S) (Grusky et al. 2018, figure 3)."""
    places: dict[str, list[int]] = {}
    for at, token in enumerate(article):
        places.setdefault(token, []).append(at)
    lengths: list[int] = []
    i = 0
    while i < len(summary):
        best = 0
        for j in places.get(summary[i], ()):
            k = 0
            while i + k < len(summary) and j + k < len(article) and summary[i + k] == article[j + k]:
                k += 1
            best = max(best, k)
        if best:
            lengths.append(best)
        i += max(1, best)
    return lengths


def wording(summary: str, article: str) -> dict[str, float]:
    """`coverage` (0-1), `density` (mean length of the fragment that a word stands in), `compression` (article words
    over summary words), `novel1` and `novel2` (share of the summary's n-grams that the article lacks), `words`.

    An empty summary has zeros.
    """
    short, long = ([word.lower() for word in words(text)] for text in (summary, article))
    if not short:
        return dict.fromkeys(("coverage", "density", "compression", "novel1", "novel2", "words"), 0.0)
    shared = fragments(short, long)
    return {
        "coverage": sum(shared) / len(short),
        "density": sum(length * length for length in shared) / len(short),
        "compression": len(long) / len(short),
        "novel1": _novel(short, long, 1),
        "novel2": _novel(short, long, 2),
        "words": float(len(summary.split())),
    }


def _novel(summary: list[str], article: list[str], n: int) -> float:
    grams = [tuple(summary[i : i + n]) for i in range(len(summary) - n + 1)]
    known = {tuple(article[i : i + n]) for i in range(len(article) - n + 1)}
    return sum(gram not in known for gram in grams) / len(grams) if grams else 0.0
