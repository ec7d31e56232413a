"""Give the first word of an article the letter back that a page sets large and a scraper loses: "taly welcomes …".

Only where the rest of the text has the whole word, always with a capital, one way alone, and never the piece; or where
one well-known name of a state or body, and no word of the text, ends so; or where the piece is what is left of a word
that many articles begin with, and no word itself ("fter the talks …").
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from communique.targets import known_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.document import Sentence

__all__ = ["restore_drop_cap"]

_FIRST: Final = re.compile(r"[a-z][a-z’']{2,}\b|s(?= [a-z])")
#: Shorter ends of names ("ran" of "Iran") are words, too.
_LONG: Final = 4
#: First words of articles whose ends are no words, nor those of others.
_OPENINGS: Final = {
    word[1:]: word[0]
    for word in "As After According Although Because Before Despite During Following Since Speaking Though Under "
    "Until While With Within Without".split()
}


def restore_drop_cap(sentences: Sequence[Sentence], title: str) -> tuple[Sentence, ...]:
    """The sentences, the first with its first letter where that can be told."""
    found = tuple(sentences)
    match = _FIRST.match(found[0].text) if found else None
    if match is None:
        return found
    letter = _OPENINGS.get(match[0]) or _missing(match[0], found, title)
    if letter is None:
        return found
    return (replace(found[0], mapped=found[0].mapped.insert(letter, [0])), *found[1:])


def _missing(piece: str, sentences: Sequence[Sentence], title: str) -> str | None:
    """The capital that makes a name of the piece that the text begins with, by what else text and title say."""
    rest = "\n".join((title, sentences[0].text[len(piece) :], *(sentence.text for sentence in sentences[1:])))
    letters: set[str] = set(re.findall(rf"\b([A-Z]){re.escape(piece)}\b", rest))
    if not letters and len(piece) >= _LONG:
        letters = {name[0] for name in known_names() if name[1:] == piece}
    if len(letters) != 1 or re.search(rf"\b[{min(letters).lower()}]?{re.escape(piece)}\b", rest):
        return None
    return letters.pop()
