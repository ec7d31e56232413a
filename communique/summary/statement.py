"""Whose words a statement is: one that says "we" throughout, or is called one; its title names the speaker, if at all.

>>> is_statement(["We condemn it.", "Our aim is peace.", "The road is shut."])
True
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from communique.record import Span
from communique.summary.standing import is_own_voice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.document import Document
    from communique.record import Field, SentenceMode, SummarySentence

__all__ = ["Speaker", "attributed", "is_statement", "speaker_of"]

_KINDS: Final = (
    r"(?:[Ss]tatement|[Cc]omment(?:ary|s)?|[Rr]emarks|[Pp]ress [Rr]elease|[Aa]ddress|[Ss]peech|[Mm]essage|[Aa]ppeal|"
    r"[Cc]ommuniqu[eé]|[Dd]eclaration|[Nn]ote)"
)
_ABOUT: Final = r"(?=\s+(?i:on|regarding|concerning|about|in|at|following|after|over|to)\s|\s*[,:;–—]|\s+-\s|\s*\(|$)"
#: How a title begins: "Statement by X on …", "Joint communiqué of the delegations", "Press release on …". Where it
#: names nobody, it is the statement itself that speaks.
_BEGINS: Final = tuple(
    re.compile(rf"(?:^|[:–—-]\s+){head}{_ABOUT}")
    for head in (
        rf"(?:[A-Z]\w+\s)?{_KINDS}(?:\s+No\.?\s*\d+)?\s+(?:issued\s+|made\s+)?(?:by|of|from)\s+(?:the\s+)?(?P<speaker>[A-Z][^,:;–—]{{2,90}}?)",
        rf"(?P<speaker>(?:(?:Joint|Official|MFA)\s)?{_KINDS}(?:\s+(?:by|of|from)\s+the\s+[a-z][^,:;–—]{{2,40}}?)?)",
    )
)
#: "X's statement", "X on the situation in …".
_SPEAKERS: Final = (
    re.compile(
        rf"(?:^|:\s+)(?!(?:No|Full|Official|New|Joint|Press|Final|In|The|An?|This)\s|{_KINDS}\b)(?P<speaker>[A-Z][^,:;–—]{{1,60}}?)(?:['’]s)?\s+(?:[Jj]oint\s+|[Oo]fficial\s+|[Pp]ress\s+)?{_KINDS}\b"
    ),
    re.compile(
        r"^(?P<speaker>(?:[A-Z][\w.’'-]*\s){2,5})on\s+(?:the\s+)?(?:situation|agreement|attacks?|clashes|ceasefire)\b"
    ),
)
#: A sentence that says itself whose words it reports.
_TOLD: Final = re.compile(r"\b(?:said|says|according to)\b", re.IGNORECASE)
#: With fewer sentences than this that do not say "we" an article is a statement; or with fewer than say it.
_REPORTED: Final = 3
#: What is called somebody's statement is one where this share says "we"; a report of one says it less.
_OWN: Final = 1 / 3


def is_statement(sentences: Sequence[str], title: str = "") -> bool:
    """Whether an article speaks of itself as "we" or "I" nearly throughout, outside of quotations, or does so
    at all and is called a statement."""
    own = sum(map(is_own_voice, sentences))
    if own > 1 and len(sentences) - own < max(_REPORTED, own):
        return True
    if own and any(pattern.search(title) for pattern in _BEGINS):
        return True
    return own >= _OWN * len(sentences) > 0 and any(pattern.search(title) for pattern in _SPEAKERS)


@dataclass(frozen=True, slots=True)
class Speaker:
    """Whose statement an article is, or that it is one ("Press release"), and where it says so."""

    name: str
    span: Span

    @property
    def words(self) -> int:
        return len(self.name.split())


def speaker_of(document: Document) -> Speaker | None:
    """Whom the title of a statement (`is_statement`) names, or else what it calls itself; None where neither."""
    match = next(filter(None, (pattern.search(document.title) for pattern in (*_BEGINS, *_SPEAKERS))), None)
    if match is None:
        return None
    name, article = match["speaker"].strip(), document.article
    field: Field = "title" if name in article.title else "text"
    start = (article.title if field == "title" else article.text).find(name)
    return Speaker(name[0].upper() + name[1:], Span(start, start + len(name), field)) if start >= 0 else None


def attributed(found: Sequence[SummarySentence], speaker: Speaker, most: int) -> list[SummarySentence]:
    """The sentences of a summary of at most so many words; the first says whose words these are, or where it does so
    itself, the first in which somebody says "we"."""
    voiced = [at for at, sentence in enumerate(found) if is_own_voice(sentence.text)]
    first = voiced[0] if voiced and _TOLD.search(found[0].text) else 0
    told = found[first]
    words = sum(len(sentence.text.split()) for sentence in found) + speaker.words
    if words > most or _TOLD.search(told.text) or speaker.name.split()[-1] in told.text:
        return list(found)
    mode: SentenceMode = "compressive" if told.mode == "extractive" else told.mode
    named = replace(told, text=f"{speaker.name}: {told.text}", mode=mode, evidence=(*told.evidence, speaker.span))
    return [*found[:first], named, *found[first + 1 :]]
