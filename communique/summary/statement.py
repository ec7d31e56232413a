"""Whose words a statement is: one that says "we" throughout names its speaker in its title, if at all.

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
    r"(?:[Ss]tatement|[Cc]omment(?:ary|s)?|[Rr]emarks|[Pp]ress release|[Aa]ddress|[Ss]peech|[Mm]essage|[Aa]ppeal|"
    r"[Cc]ommuniqu[eé]|[Dd]eclaration|[Nn]ote)"
)
#: Of whom a title says whose words follow: "Statement by X on …", "X's statement", "X on the situation in …".
_SPEAKERS: Final = (
    re.compile(
        rf"\b{_KINDS}\s+(?:issued\s+|made\s+)?(?:by|of|from)\s+(?:the\s+)?(?P<speaker>[A-Z][^,:;–—]{{2,90}}?)"
        r"(?=\s+(?:on|regarding|concerning|about|in|at|following|after|over|to)\s|\s*[,:;–—]|\s+-\s|$)"
    ),
    re.compile(
        rf"(?:^|:\s+)(?!(?:No|Full|Official|New|Joint|Press|Final|In|The|An?|This)\s)(?P<speaker>[A-Z][^,:;–—]{{1,60}}?)(?:['’]s)?\s+(?:joint\s+|press\s+)?{_KINDS}\b"
    ),
    re.compile(
        r"^(?P<speaker>(?:[A-Z][\w.’'-]*\s){2,5})on\s+(?:the\s+)?(?:situation|agreement|attacks?|clashes|ceasefire)\b"
    ),
)
#: With fewer sentences than this that do not say "we" an article is a statement; or with fewer than say it.
_REPORTED: Final = 3


def is_statement(sentences: Sequence[str]) -> bool:
    """Whether an article speaks of itself as "we" or "I" nearly throughout, outside of quotations."""
    own = sum(map(is_own_voice, sentences))
    return own > 1 and len(sentences) - own < max(_REPORTED, own)


@dataclass(frozen=True, slots=True)
class Speaker:
    """Whose statement an article is, and where it says so."""

    name: str
    span: Span

    @property
    def words(self) -> int:
        return len(self.name.split())


def speaker_of(document: Document) -> Speaker | None:
    """Whom the title of a statement (`is_statement`) names; None where it names nobody."""
    match = next(filter(None, (pattern.search(document.title) for pattern in _SPEAKERS)), None)
    if match is None:
        return None
    name, article = match["speaker"].strip(), document.article
    field: Field = "title" if name in article.title else "text"
    start = (article.title if field == "title" else article.text).find(name)
    return Speaker(name, Span(start, start + len(name), field)) if start >= 0 else None


def attributed(found: Sequence[SummarySentence], speaker: Speaker, most: int) -> list[SummarySentence]:
    """The sentences of a summary of at most so many words; the first in which somebody says "we" says who that is."""
    first = next((at for at, sentence in enumerate(found) if is_own_voice(sentence.text)), None)
    words = sum(len(sentence.text.split()) for sentence in found) + speaker.words
    if first is None or words > most or speaker.name.split()[-1] in found[first].text:
        return list(found)
    told = found[first]
    mode: SentenceMode = "compressive" if told.mode == "extractive" else told.mode
    named = replace(told, text=f"{speaker.name}: {told.text}", mode=mode, evidence=(*told.evidence, speaker.span))
    return [*found[:first], named, *found[first + 1 :]]
