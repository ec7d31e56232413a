"""Put a summary together in the mode asked for, each sentence with its evidence.

`extractive` chooses whole sentences; `compressive` also cuts them at their clauses; `abstractive` has the language
model write, proves each sentence, and puts a chosen one where proof fails; `auto` is compressive.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from communique.errors import NothingToSummarise, TooShort
from communique.reading.sentences import split
from communique.record import Summary, SummarySentence
from communique.summary.clauses import Form, forms
from communique.summary.selection import Candidate, candidates, choose
from communique.summary.standing import is_broken
from communique.text import MappedText

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from communique.document import Document
    from communique.grounding import Checker

__all__ = ["FEWEST_ARTICLE_WORDS", "Summariser"]

#: A shorter article is its own summary.
FEWEST_ARTICLE_WORDS: Final = 40
DEFAULT_WORDS: Final = 60
#: Of a short article so much at most, and in any case so many words.
SHARE: Final = 0.6
FEWEST_WORDS: Final = 30
#: A written sentence stands only where the checker is this sure: of 33 over .8 that were read, 25 were true, of 13 over
#: .9 all 13 (`training/EXPERIMENTS.md`).
SURE: Final = 0.9
#: Chat markers, and orders that are meant for a machine: no news, whoever wrote them into the page.
_ORDER: Final = re.compile(
    r"<\|\w+\|>|^(?:Ignore|Disregard|Forget)\s+(?:all|any|everything|the|your|previous|prior)\b", re.IGNORECASE
)
#: What a reporter of an interview asks, or whom it is put to.
_QUESTION: Final = re.compile(r"^Q\.|\b(?:Q|Question)\s?:")
#: How a sentence ends. What ends otherwise, beside so many that do, is a headline, a caption or a piece of a list.
_CLOSED: Final = re.compile(r"[.!?…][\"'”’»)\]]*$")
#: From these log-odds on a sentence may be of the page: a summary need not rest on it.
_DOUBTFUL: Final = -4.5
#: So many sentences that surely belong to the article are enough to summarise it by.
_ENOUGH: Final = 3


class Summariser:
    """Chooses and cuts by the trunk's salience; proves what is written by the checker."""

    def __init__(self, checker: Checker, sure: float = SURE) -> None:
        self._checker = checker
        self._sure = sure

    def choose(
        self, document: Document, salience: Sequence[NDArray[np.float32]], max_words: int | None, *, cut: bool
    ) -> Summary:
        """A summary of chosen sentences, cut at their clauses where `cut`.

        Raises:
            TooShort: the article has under 40 words.
            NothingToSummarise: no sentence keeps to the words allowed.
        """
        picked = self._pick(document, salience, max_words, cut=cut)
        return Summary(tuple(_sentence(document, candidate) for candidate in picked))

    def rewrite(
        self, document: Document, salience: Sequence[NDArray[np.float32]], written: str, max_words: int | None
    ) -> Summary:
        """The written summary as far as it is proven; chosen sentences in the place of what is not.

        Raises:
            TooShort: the article has under 40 words.
            NothingToSummarise: no sentence keeps to the words allowed.
        """
        limit = _limit(document, max_words)
        picked = self._pick(document, salience, max_words, cut=True)
        drafts = [piece.text for piece in split(MappedText.of(written)) if piece.text[-1:] in '.!?”"’']
        verdicts = self._checker.check(drafts, document)
        kept: list[SummarySentence] = []
        words = 0
        for draft, verdict in zip(drafts, verdicts, strict=True):
            length = len(draft.split())
            if verdict.support >= self._sure and words + length <= limit:
                evidence = tuple(document.sentences[number].span() for number in verdict.evidence)
                kept.append(SummarySentence(draft, "abstractive", verdict.support, evidence))
                words += length
        said = {span.start for sentence in kept for span in sentence.evidence}
        for candidate in picked:
            chosen = _sentence(document, candidate)
            if chosen.evidence[0].start in said or candidate.dangling or words + candidate.length > limit:
                continue
            kept.append(chosen)
            words += candidate.length
        if not kept:
            return self.choose(document, salience, max_words, cut=True)
        kept.sort(key=lambda sentence: sentence.evidence[0].start)
        return Summary(tuple(kept))

    def _pick(
        self, document: Document, salience: Sequence[NDArray[np.float32]], max_words: int | None, *, cut: bool
    ) -> tuple[Candidate, ...]:
        if document.words < FEWEST_ARTICLE_WORDS:
            raise TooShort(f"the article has {document.words} words; a summary needs at least {FEWEST_ARTICLE_WORDS}")
        texts = [sentence.text for sentence in document.sentences]
        closed = [_CLOSED.search(text) is not None for text in texts]
        doubts = [sentence.doubt for sentence in document.sentences]
        sure = [whole and doubt < _DOUBTFUL for whole, doubt in zip(closed, doubts, strict=True)]
        allowed = next((some for some in (sure, closed) if sum(some) >= _ENOUGH), [True] * len(texts))
        options = [
            _usable(forms(text) if cut else forms(text)[:1]) if may else []
            for text, may in zip(texts, allowed, strict=True)
        ]
        limit = _limit(document, max_words)
        table = candidates(options, texts, salience)
        choice = choose(table, limit, min(35, round(limit * 0.6)))
        if choice.candidates:
            return choice.candidates
        # Every sentence is longer than the limit, or leans on another: the best cut of one that fits.
        everything = candidates([forms(text) for text in texts], texts, salience).candidates
        fitting = tuple(candidate for candidate in everything if candidate.length <= limit)
        if not fitting:
            shortest = min((candidate.length for candidate in everything), default=0)
            raise NothingToSummarise(
                f"no sentence of the article, whole or cut, keeps to {limit} words; the shortest has {shortest}"
            )
        return fitting[:1]


def _usable(found: Sequence[Form]) -> list[Form]:
    """Forms that can stand in a summary: no question, no fragment, no half of a quotation, no order to a machine."""
    return [
        form
        for form in found
        if form.words >= 5
        and not is_broken(form.text)
        and not form.text.endswith(("?", "…", ":"))
        and not _ORDER.search(form.text)
        and not _QUESTION.search(form.text)
        and _whole_quotes(form.text)
    ]


def _whole_quotes(text: str) -> bool:
    """Every quotation that opens also closes. Single quotation marks are left alone: they are apostrophes, too."""
    return text.count("“") == text.count("”") and text.count('"') % 2 == 0


def _limit(document: Document, max_words: int | None) -> int:
    """Words allowed: what was asked, and no more than a part of a short article (but at least `FEWEST_WORDS`)."""
    return min(max_words or DEFAULT_WORDS, max(FEWEST_WORDS, round(SHARE * document.words)))


def _sentence(document: Document, candidate: Candidate) -> SummarySentence:
    source = document.sentences[candidate.sentence]
    evidence = tuple(source.span(start, end) for start, end in _trimmed(source.text, candidate.form))
    return SummarySentence(candidate.form.text, "compressive" if candidate.form.cuts else "extractive", 1.0, evidence)


def _trimmed(text: str, form: Form) -> list[tuple[int, int]]:
    """The kept pieces without white space at their ends; empty ones left out."""
    found = []
    for start, end in form.pieces:
        piece = text[start:end]
        begin = start + len(piece) - len(piece.lstrip())
        stop = start + len(piece.rstrip())
        if begin < stop:
            found.append((begin, stop))
    return found
