"""Who speaks where an article is an interview or a transcript: turns begin with the speaker's name, or with Q and A.

What an interviewer asks is nobody's news ("Why did the talks fail?" supposes that they did), and an answer without its
speaker reads as the article's own word.

    >>> said = ["Talks resumed.", "Q: Why now?", "Aras: We were tired.", "It was late.", "Q: So?", "Aras: Peace."]
    >>> found = turns(said)
    >>> [(turn.begins, turn.speaker, turn.asks) if turn else None for turn in found][:4]
    [None, (1, '', True), (2, 'Aras', False), (2, 'Aras', False)]
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LABEL", "Turn", "turns"]

#: What a turn begins with.
LABEL: Final = re.compile(r"^(?:([A-Z][\w.’'-]*(?: [A-Z][\w.’'-]*){0,3})\s?:|([QA])\.)\s+(?=\S)")
#: Labels that name nobody.
_NAMELESS: Final = frozenset(("Q", "A", "Question", "Answer"))
_QUESTION: Final = re.compile(r"\?[\"”’)]*$")


@dataclass(frozen=True, slots=True)
class Turn:
    """What one of an interview says at a time.

    Attributes:
        begins: the number of the sentence that begins it, with `speaker` at its head.
        speaker: the name, as it stands there; "" where only "Q" or "A" does.
        asks: whether it is an interviewer's, and holds a question.
    """

    begins: int
    speaker: str
    asks: bool


def turns(sentences: Sequence[str]) -> list[Turn | None]:
    """The turn that each sentence is of; all None unless one asks, who speaks twice, and another speaks."""
    labels = [(match[1] or match[2]) if (match := LABEL.match(text)) else "" for text in sentences]
    counts = Counter(labels)
    asking = _asking([label if counts[label] > 1 else "" for label in labels], sentences)
    questions = Counter(labels[begin] for begin in asking)
    askers = {label for label, count in questions.items() if 2 * count >= counts[label]}
    # Whoever speaks once is known by standing right after a question: other lines begin like that, too.
    begins = [
        number
        for number, label in enumerate(labels)
        if label and (counts[label] > 1 or (number and _QUESTION.search(sentences[number - 1])))
    ]
    found: list[Turn | None] = [None] * len(sentences)
    if not askers or {labels[number] for number in begins} <= askers:
        return found
    for begin, end in pairwise((*begins, len(sentences))):
        label = labels[begin]
        name = "" if label in _NAMELESS else label
        found[begin:end] = [Turn(begin, name, label in askers and begin in asking)] * (end - begin)
    return found


def _asking(labels: Sequence[str], sentences: Sequence[str]) -> set[int]:
    """Where the turns begin that hold a question; `labels` are those of the sentences that begin one, else empty."""
    begin, found = None, set()
    for number, (label, text) in enumerate(zip(labels, sentences, strict=True)):
        begin = number if label else begin
        if begin is not None and _QUESTION.search(text):
            found.add(begin)
    return found
