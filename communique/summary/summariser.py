"""Put a summary together in the mode asked for, each sentence with its evidence.

`extractive` chooses whole sentences; `compressive` also cuts them at their clauses; `abstractive` has the language
model shorten some and lets what is proven compete with the rest; `auto` is compressive.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from communique.errors import NothingToSummarise, TooShort
from communique.grounding import missing
from communique.record import Summary, SummarySentence
from communique.summary.clauses import Form, forms
from communique.summary.drafts import Draft, sources
from communique.summary.faithful import is_faithful
from communique.summary.footing import Footing, is_order, is_whole, usable
from communique.summary.introduction import introduced, people
from communique.summary.selection import REFERENCE_WORDS, Candidate, Proven, candidates, choose
from communique.summary.statement import attributed, speaker_of
from communique.words import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.document import Document
    from communique.grounding import Checker
    from communique.trunk.reader import Salience

__all__ = ["FEWEST_ARTICLE_WORDS", "Summariser", "is_copy"]

#: A shorter article is its own summary.
FEWEST_ARTICLE_WORDS: Final = 40
DEFAULT_WORDS: Final = 60
#: A summary of that length has so many words at least, and so many sentences at most.
FEWEST_WANTED: Final = 35
MOST_SENTENCES: Final = 3
#: Of a short article so much at most, and in any case so many words.
SHARE: Final = 0.6
FEWEST_WORDS: Final = 30


class Summariser:
    """Chooses and cuts by the trunk's salience; what was written stands from a support by the checker on."""

    def __init__(self, checker: Checker, written_support: float) -> None:
        self._checker = checker
        self._written_support = written_support

    def choose(self, document: Document, salience: Salience, max_words: int | None, *, cut: bool) -> Summary:
        """A summary of chosen sentences, cut at their clauses where `cut`.

        Raises:
            TooShort: the article has under 40 words.
            NothingToSummarise: no sentence keeps to the words allowed.
        """
        return self._pick(document, salience, max_words, cut=cut)

    def sources(self, document: Document, salience: Salience) -> list[int]:
        """Sentences, by their numbers, that are worth shortening. An order to a machine is not shown to one."""
        footing = Footing.of(document)
        allowed = [
            one and not is_order(text) for one, text in zip(footing.allowed(named=False), footing.texts, strict=True)
        ]
        return sources(salience.words, footing.texts, allowed)

    def rewrite(
        self,
        document: Document,
        salience: Salience,
        drafts: Sequence[Draft],
        max_words: int | None,
    ) -> Summary:
        """A summary of chosen sentences, cut at their clauses, and of what was written and is proven.

        Raises:
            TooShort: the article has under 40 words.
            NothingToSummarise: no sentence keeps to the words allowed.
        """
        proven = self.proven(document, drafts)
        return self._pick(document, salience, max_words, cut=True, proven=proven)

    def proven(self, document: Document, drafts: Sequence[Draft]) -> list[Proven]:
        """Drafts that only leave things out, and of which the checker is sure; copies are left out."""
        sound = [
            draft
            for draft in drafts
            if is_whole(draft.text)
            and not is_copy(document, draft)
            and is_faithful(draft.text, document.sentences[draft.sentence].text)
            and not missing(draft.text, _held(document, draft))
        ]
        verdicts = self._checker.check([draft.text for draft in sound], document)
        return [
            Proven(draft, verdict.support)
            for draft, verdict in zip(sound, verdicts, strict=True)
            if verdict.support >= self._written_support
        ]

    def _pick(
        self,
        document: Document,
        salience: Salience,
        max_words: int | None,
        *,
        cut: bool,
        proven: Sequence[Proven] = (),
    ) -> Summary:
        if document.words < FEWEST_ARTICLE_WORDS:
            held = "1 word" if document.words == 1 else f"{document.words} words"
            raise TooShort(f"the article has {held}; a summary needs at least {FEWEST_ARTICLE_WORDS}")
        footing = Footing.of(document)
        speaker = speaker_of(document) if cut and footing.statement else None
        most = max_words or DEFAULT_WORDS
        limit = min(_limit(document, max_words), most - (speaker.words if speaker else 0))
        # Who allows more words than is usual wants a longer summary; who allows fewer wants the same in fewer.
        longer = max(1.0, limit / DEFAULT_WORDS)
        choice = choose(
            candidates(footing.forms(cut=cut), footing.texts, salience, proven, speaker_known=footing.statement),
            limit,
            min(round(FEWEST_WANTED * longer), round(limit * 0.6)),
            most_sentences=math.ceil(MOST_SENTENCES * longer),
            target_words=round(REFERENCE_WORDS * longer),
        )
        # Where every sentence is longer than the limit, or leans on another: if need be into what is allowed at most
        # and not only into a short article's share.
        picked = choice.candidates or (_best_cut(footing.texts, salience, most),)
        picked = _introduced(picked, footing.texts, most - (speaker.words if speaker else 0)) if cut else picked
        found = [_sentence(document, candidate) for candidate in picked]
        return Summary(tuple(attributed(found, speaker, most) if speaker else found))


def _best_cut(texts: Sequence[str], salience: Salience, limit: int) -> Candidate:
    """The best form of any one sentence that keeps to so many words: of those that stand alone, if there are any.

    Raises:
        NothingToSummarise: none does.
    """
    whole = candidates([usable(forms(text)) for text in texts], texts, salience).candidates
    rest = [[form for form in forms(text) if not is_order(form.text)] for text in texts]
    everything = (*sorted(whole, key=lambda one: one.dangling), *candidates(rest, texts, salience).candidates)
    fitting = next((candidate for candidate in everything if candidate.length <= limit), None)
    if fitting is None:
        shortest = min((candidate.length for candidate in everything), default=0)
        raise NothingToSummarise(
            f"no sentence of the article, whole or cut, keeps to {limit} words; the shortest has {shortest}"
        )
    return fitting


def is_copy(document: Document, draft: Draft) -> bool:
    """Whether it is a sentence of the article word for word, which can be chosen as it stands."""
    written = [word.key for word in words(draft.text)]
    return any(written == [word.key for word in words(sentence.text)] for sentence in document.sentences)


def _held(document: Document, draft: Draft) -> str:
    """What a draft may draw on: the title, and the sentence that it was made of."""
    return f"{document.title} {document.sentences[draft.sentence].text}"


def _limit(document: Document, max_words: int | None) -> int:
    """Words allowed: what was asked, and no more than a part of a short article (but at least `FEWEST_WORDS`)."""
    return min(max_words or DEFAULT_WORDS, max(FEWEST_WORDS, round(SHARE * document.words)))


def _introduced(picked: Sequence[Candidate], texts: Sequence[str], limit: int) -> tuple[Candidate, ...]:
    """What was picked, with the whole names of people of whom it has only surnames, while the words allowed last."""
    known = people(texts)
    room = limit - sum(candidate.length for candidate in picked)
    told, found = "", []
    for candidate in picked:
        form = introduced(candidate.form, candidate.sentence, known, told, room)
        room -= form.words - candidate.form.words
        told += f" {form.text}"
        found.append(replace(candidate, form=form, length=form.words))
    return tuple(found)


def _sentence(document: Document, candidate: Candidate) -> SummarySentence:
    form, source = candidate.form, document.sentences[candidate.sentence]
    borrowed = [document.sentences[number].span(start, end) for number, start, end in form.borrowed]
    if candidate.proven is not None:
        return SummarySentence(form.text, "abstractive", candidate.proven.support, (source.span(), *borrowed))
    evidence = [source.span(start, end) for start, end in _trimmed(source.text, form)]
    changed = form.cuts or borrowed
    return SummarySentence(form.text, "compressive" if changed else "extractive", 1.0, (*evidence, *borrowed))


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
