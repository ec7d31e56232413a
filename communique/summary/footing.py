"""Which sentences a summary may rest on, and in what forms they can be shown.

What may not is the page's and not the article's, is said by somebody whom it does not name, or is no whole sentence. It
knows nothing of what a summary should hold.
"""

from __future__ import annotations

import math
import re
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from communique.summary.clauses import Form, forms
from communique.summary.interview import Turn, turns
from communique.summary.standing import is_broken, is_own_voice, spoken
from communique.summary.statement import is_statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.document import Document, Sentence

__all__ = ["Footing", "is_order", "is_whole", "usable"]

#: Chat markers, and orders that are meant for a machine: no news, whoever wrote them into the page.
_ORDER: Final = re.compile(
    r"<\|\w+\|>|^(?:Ignore|Disregard|Forget)\s+(?:all|any|everything|the|your|previous|prior)\b", re.IGNORECASE
)
#: What a reporter of an interview asks, or whom it is put to.
_QUESTION: Final = re.compile(r"^Q\.|\b(?:Q|Question)\s?:")
#: How a sentence ends. What ends otherwise, beside so many that do, is a headline, a caption or a piece of a list.
_CLOSED: Final = re.compile(r"[.!?…][\"'”’»)\]]*$")
#: From these log-odds on a sentence may be of the page: a summary need not rest on it.
_DOUBTFUL: Final = -3.5
#: With fewer whole sentences than this an article has none to be choosy about.
_ENOUGH: Final = 3


@dataclass(frozen=True, slots=True)
class Footing:
    """What an article offers a summary to rest on.

    Attributes:
        sentences: of the article.
        texts: theirs.
        turns: of an interview, for each sentence the turn that it is of.
        statement: whether all of it are somebody's own words.
    """

    sentences: Sequence[Sentence]
    texts: Sequence[str]
    turns: Sequence[Turn | None]
    statement: bool

    @classmethod
    def of(cls, document: Document) -> Footing:
        """The document's."""
        texts = [sentence.text for sentence in document.sentences]
        return cls(document.sentences, texts, turns(texts), is_statement(texts, document.title))

    def forms(self, *, cut: bool) -> list[list[Form]]:
        """For each sentence the forms that may be shown, whole or also `cut`; none where none may be."""
        return [
            [] if not may else usable(self._told(number) if cut else forms(self.texts[number])[:1])
            for number, may in enumerate(self.allowed(named=cut))
        ]

    def allowed(self, *, named: bool) -> list[bool]:
        """Which sentences a summary may rest on, where there are enough: whole ones, none from within a quotation, none
        of doubt, none in which the writer speaks of themselves, and of what somebody says in an interview only what
        names them, or can be `named` with them. Never what the interviewer asks."""
        inside = spoken(self.texts, [sentence.paragraph for sentence in self.sentences])
        whole = [_CLOSED.search(text) is not None and not text[:1].islower() for text in self.texts]
        voiced = [
            turn is None or (bool(turn.speaker) and not turn.asks and (named or turn.begins == number))
            for number, turn in enumerate(self.turns)
        ]
        closed = [one and not said and heard for one, said, heard in zip(whole, inside, voiced, strict=True)]
        if sum(closed) < _ENOUGH:
            return [turn is None or not turn.asks for turn in self.turns]
        if not self.statement:
            reported = [
                one and (turn is not None or not is_own_voice(text))
                for one, turn, text in zip(closed, self.turns, self.texts, strict=True)
            ]
            closed = reported if sum(reported) >= _ENOUGH else closed
        doubts = _filled(self.sentences)
        # Where nearly all is in doubt, the surer half.
        most = max(_DOUBTFUL, statistics.median(doubt for doubt, one in zip(doubts, closed, strict=True) if one))
        return [one and doubt <= most for one, doubt in zip(closed, doubts, strict=True)]

    def _told(self, number: int) -> list[Form]:
        """The forms of a sentence with the name of who says it, where only an earlier one has it."""
        found, turn = forms(self.texts[number]), self.turns[number]
        if turn is None or not turn.speaker or turn.begins == number:
            return found
        name = (turn.begins, 0, len(turn.speaker))
        return [Form(f"{turn.speaker}: {form.text}", form.pieces, form.cuts, (name,)) for form in found]


def is_order(text: str) -> bool:
    """Whether it holds an order to a machine, or what only one reads."""
    return _ORDER.search(text) is not None


def is_whole(text: str) -> bool:
    """Whether what was written reads as a sentence."""
    return _CLOSED.search(text) is not None and bool(usable([Form(text, (), 0)]))


def usable(found: Sequence[Form]) -> list[Form]:
    """Forms that can stand in a summary: no question, no fragment, no half of a quotation, no order to a machine."""
    return [
        form
        for form in found
        if form.words >= 5
        and not is_broken(form.text)
        and not form.text.endswith(("?", "…", ":"))
        and not is_order(form.text)
        and not _QUESTION.search(form.text)
        and _whole_quotes(form.text)
    ]


def _whole_quotes(text: str) -> bool:
    """Every quotation that opens also closes, be it with a mark of the other form. Single quotation marks are left
    alone: they are apostrophes, too."""
    curly, straight = text.count("“") - text.count("”"), text.count('"')
    return (curly + straight) % 2 == 0 if straight else not curly


def _filled(sentences: Sequence[Sentence]) -> list[float]:
    """The doubt of each sentence, or that of a neighbouring block, the lesser of two, if both are doubted more: another
    story goes on from block to block."""
    blocks = {sentence.block: sentence.doubt for sentence in sentences}
    around = dict.fromkeys(blocks, -math.inf)
    for before, number, after in zip(blocks, list(blocks)[1:], list(blocks)[2:], strict=False):
        around[number] = min(blocks[before], blocks[after])
    return [max(sentence.doubt, around[sentence.block]) for sentence in sentences]
