"""Put a summary together in the mode asked for, each sentence with its evidence.

`extractive` chooses whole sentences; `compressive` also cuts them at their clauses; `abstractive` has the language
model shorten some and lets what is proven compete with the rest; `auto` is compressive.
"""

from __future__ import annotations

import math
import re
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from communique.errors import NothingToSummarise, TooShort
from communique.grounding import missing
from communique.record import Summary, SummarySentence
from communique.summary.clauses import Form, forms
from communique.summary.drafts import Draft, sources
from communique.summary.faithful import is_faithful
from communique.summary.interview import Turn, turns
from communique.summary.introduction import introduced, people
from communique.summary.selection import REFERENCE_WORDS, Candidate, Proven, candidates, choose
from communique.summary.standing import is_broken, is_own_voice, spoken
from communique.summary.statement import attributed, is_statement, speaker_of
from communique.words import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.document import Document, Sentence
    from communique.grounding import Checker
    from communique.reader import Salience

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
#: With fewer whole sentences than this an article has none to be choosy about.
_ENOUGH: Final = 3


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
        texts = [sentence.text for sentence in document.sentences]
        allowed = _allowed(document, turns(texts), told=False)
        usable = [one and not _ORDER.search(text) for one, text in zip(allowed, texts, strict=True)]
        return sources(salience.words, texts, usable)

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
            if _whole(draft.text)
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
        texts = [sentence.text for sentence in document.sentences]
        spoken_by = turns(texts)
        options = [
            _usable(_told(forms(text), spoken_by, number) if cut else forms(text)[:1]) if may else []
            for number, (text, may) in enumerate(zip(texts, _allowed(document, spoken_by, told=cut), strict=True))
        ]
        speaker = speaker_of(document) if cut else None
        most = max_words or DEFAULT_WORDS
        limit = min(_limit(document, max_words), most - (speaker.words if speaker else 0))
        # Who allows more words than is usual wants a longer summary; who allows fewer wants the same in fewer.
        longer = max(1.0, limit / DEFAULT_WORDS)
        choice = choose(
            candidates(options, texts, salience, proven, speaker_known=is_statement(texts)),
            limit,
            min(round(FEWEST_WANTED * longer), round(limit * 0.6)),
            most_sentences=math.ceil(MOST_SENTENCES * longer),
            target_words=round(REFERENCE_WORDS * longer),
        )
        # Where every sentence is longer than the limit, or leans on another: if need be into what is allowed at most
        # and not only into a short article's share.
        picked = choice.candidates or (_best_cut(texts, salience, most),)
        picked = _introduced(picked, texts, most - (speaker.words if speaker else 0)) if cut else picked
        found = [_sentence(document, candidate) for candidate in picked]
        return Summary(tuple(attributed(found, speaker, most) if speaker else found))


def _best_cut(texts: Sequence[str], salience: Salience, limit: int) -> Candidate:
    """The best form of any one sentence that keeps to so many words: of those that stand alone, if there are any.

    Raises:
        NothingToSummarise: none does.
    """
    usable = candidates([_usable(forms(text)) for text in texts], texts, salience).candidates
    rest = [[form for form in forms(text) if not _ORDER.search(form.text)] for text in texts]
    everything = (*sorted(usable, key=lambda one: one.dangling), *candidates(rest, texts, salience).candidates)
    fitting = next((candidate for candidate in everything if candidate.length <= limit), None)
    if fitting is None:
        shortest = min((candidate.length for candidate in everything), default=0)
        raise NothingToSummarise(
            f"no sentence of the article, whole or cut, keeps to {limit} words; the shortest has {shortest}"
        )
    return fitting


def _allowed(document: Document, spoken_by: Sequence[Turn | None], *, told: bool) -> list[bool]:
    """Which sentences a summary may rest on, where there are enough: whole ones, none from within a quotation, none of
    doubt, none in which the writer speaks of themselves, and of what somebody says in an interview only what names
    them, or can be `told` with their name. Never what the interviewer asks."""
    texts = [sentence.text for sentence in document.sentences]
    inside = spoken(texts, [sentence.paragraph for sentence in document.sentences])
    whole = [_CLOSED.search(text) is not None and not text[:1].islower() for text in texts]
    voiced = [
        turn is None or (bool(turn.speaker) and not turn.asks and (told or turn.begins == number))
        for number, turn in enumerate(spoken_by)
    ]
    closed = [one and not said and heard for one, said, heard in zip(whole, inside, voiced, strict=True)]
    if sum(closed) < _ENOUGH:
        return [turn is None or not turn.asks for turn in spoken_by]
    if not is_statement(texts):
        reported = [
            one and (turn is not None or not is_own_voice(text))
            for one, turn, text in zip(closed, spoken_by, texts, strict=True)
        ]
        closed = reported if sum(reported) >= _ENOUGH else closed
    doubts = _filled(document.sentences)
    # Where nearly all is in doubt, the surer half.
    most = max(_DOUBTFUL, statistics.median(doubt for doubt, one in zip(doubts, closed, strict=True) if one))
    return [one and doubt <= most for one, doubt in zip(closed, doubts, strict=True)]


def _told(found: Sequence[Form], spoken_by: Sequence[Turn | None], number: int) -> list[Form]:
    """The forms of sentence `number` with the name of who says it, where only an earlier one has it."""
    turn = spoken_by[number]
    if turn is None or not turn.speaker or turn.begins == number:
        return list(found)
    name = (turn.begins, 0, len(turn.speaker))
    return [Form(f"{turn.speaker}: {form.text}", form.pieces, form.cuts, (name,)) for form in found]


def _filled(sentences: Sequence[Sentence]) -> list[float]:
    """The doubt of each sentence, or that of a neighbouring block, the lesser of two, if both are doubted more: another
    story goes on from block to block."""
    blocks = {sentence.block: sentence.doubt for sentence in sentences}
    around = dict.fromkeys(blocks, -math.inf)
    for before, number, after in zip(blocks, list(blocks)[1:], list(blocks)[2:], strict=False):
        around[number] = min(blocks[before], blocks[after])
    return [max(sentence.doubt, around[sentence.block]) for sentence in sentences]


def _whole(text: str) -> bool:
    """Whether what was written reads as a sentence."""
    return _CLOSED.search(text) is not None and bool(_usable([Form(text, (), 0)]))


def is_copy(document: Document, draft: Draft) -> bool:
    """Whether it is a sentence of the article word for word, which can be chosen as it stands."""
    written = [word.key for word in words(draft.text)]
    return any(written == [word.key for word in words(sentence.text)] for sentence in document.sentences)


def _held(document: Document, draft: Draft) -> str:
    """What a draft may draw on: the title, and the sentence that it was made of."""
    return f"{document.title} {document.sentences[draft.sentence].text}"


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
