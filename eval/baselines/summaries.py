"""Summaries that need no trained model, and oracles that see the references.

Each takes the article as a reader sees it (boilerplate already out, so that no baseline suffers for the scraper) and a
word budget. Lead is cut in mid-sentence to exactly the budget; the others hold whole sentences.

    >>> lead("Guns fell silent. Talks begin on Monday.", 4)
    'Guns fell silent. Talks'
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from eval.measures.overlap import bigram_and_unigram_f, tokens
from eval.sentences import clauses, cut, sentences, words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "ORACLES",
    "ORACLE_WORDS",
    "SUMMARIZERS",
    "clause_oracle",
    "lead",
    "lead3",
    "lexrank",
    "sentence_oracle",
    "textrank",
]

#: The longest summary of the codebook; what the oracles may use.
ORACLE_WORDS: Final = 60


def lead(article: str, budget: int) -> str:
    """The article's first `budget` words."""
    return cut(article, budget)


def lead3(article: str, budget: int) -> str:  # noqa: ARG001 - every summarizer has a budget; this one's is its nature
    """The article's first three sentences, whatever their length."""
    return " ".join(sentences(article)[:3])


def textrank(article: str, budget: int) -> str:
    """The most central sentences by shared words (Mihalcea and Tarau 2004), as many as fit."""
    from sumy.summarizers.text_rank import TextRankSummarizer

    return _central(TextRankSummarizer, article, budget)


def lexrank(article: str, budget: int) -> str:
    """The most central sentences by TF-IDF cosine (Erkan and Radev 2004), as many as fit."""
    from sumy.summarizers.lex_rank import LexRankSummarizer

    return _central(LexRankSummarizer, article, budget)


def sentence_oracle(article: str, references: Sequence[str], budget: int = ORACLE_WORDS) -> str:
    """Whole sentences that raise ROUGE-1 plus ROUGE-2 F1 the most, chosen greedily against the references."""
    return _oracle(sentences(article), references, budget)


def clause_oracle(article: str, references: Sequence[str], budget: int = ORACLE_WORDS) -> str:
    """The same over pieces of sentences, with no care for grammar: a roof for cutting, not a summary."""
    return _oracle([piece for sentence in sentences(article) for piece in clauses(sentence)], references, budget)


SUMMARIZERS: Final[dict[str, Callable[[str, int], str]]] = {
    "lead": lead,
    "lead-3": lead3,
    "textrank": textrank,
    "lexrank": lexrank,
}
ORACLES: Final[dict[str, Callable[[str, Sequence[str]], str]]] = {
    "oracle sentences": sentence_oracle,
    "oracle clauses": clause_oracle,
}


def _oracle(pieces: Sequence[str], references: Sequence[str], budget: int) -> str:
    """For each reference a greedy climb; the climb that gets highest on its own reference is kept, in article order."""
    counted = [tokens(piece) for piece in pieces]
    best, best_score = "", -1.0
    for reference in references:
        wanted = tokens(reference)
        chosen: list[int] = []
        score = 0.0
        while True:
            room = budget - sum(len(pieces[i].split()) for i in chosen)
            gains = []
            for i, piece in enumerate(pieces):
                if i not in chosen and len(piece.split()) <= room:
                    trial = [token for j in sorted([*chosen, i]) for token in counted[j]]
                    gains.append((bigram_and_unigram_f(trial, wanted), i))
            if not gains or max(gains)[0] <= score:
                break
            score, at = max(gains, key=lambda gain: (gain[0], -gain[1]))
            chosen.append(at)
        if score > best_score:
            best, best_score = " ".join(pieces[i] for i in sorted(chosen)), score
    return best


class _Words:
    """What sumy asks of a tokenizer; its own would fetch data."""

    @staticmethod
    def to_words(text: str) -> tuple[str, ...]:
        return tuple(word.lower() for word in words(text))


@cache
def _language() -> tuple[Any, frozenset[str]]:
    """Stemmer and stop words."""
    from sumy.nlp.stemmers import Stemmer
    from sumy.utils import get_stop_words

    return Stemmer("english"), get_stop_words("english")


def _central(kind: type[Any], article: str, budget: int) -> str:
    """The largest number of best sentences that fits the budget, at least one, in article order."""
    from sumy.models.dom import ObjectDocumentModel, Paragraph, Sentence

    # sumy keys ratings by sentence: one that stands twice would be returned twice, and one without words divides by 0.
    texts = [text for text in dict.fromkeys(sentences(article)) if len(words(text)) > 2]
    if not texts:
        return cut(article, budget)
    document = ObjectDocumentModel([Paragraph([Sentence(text, _Words) for text in texts])])
    stemmer, stop_words = _language()
    summarizer = kind(stemmer)
    summarizer.stop_words = stop_words
    kept = ""
    for count in range(1, len(texts) + 1):
        shown = " ".join(str(sentence) for sentence in summarizer(document, count))
        if kept and len(shown.split()) > budget:
            break
        kept = shown
        if len(shown.split()) > budget:
            break
    return kept
