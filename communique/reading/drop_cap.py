"""Give the first word of an article the letter back that a page sets large and a scraper loses: "taly welcomes …".

Only where the rest of the text has the whole word, always with a capital, one way alone, and never the piece; or where
one well-known name of a state or body, and no word of the text, ends so.
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

_FIRST: Final = re.compile(r"[a-z][a-z’']{2,}\b")
#: Shorter ends of names ("ran" of "Iran") are words, too.
_LONG: Final = 4


def restore_drop_cap(sentences: Sequence[Sentence], title: str) -> tuple[Sentence, ...]:
    """The sentences, the first with its first letter where that can be told."""
    found = tuple(sentences)
    match = _FIRST.match(found[0].text) if found else None
    if match is None:
        return found
    rest = "\n".join((title, found[0].text[match.end() :], *(sentence.text for sentence in found[1:])))
    letters = set(re.findall(rf"\b([A-Z]){re.escape(match[0])}\b", rest))
    if not letters and len(match[0]) >= _LONG:
        letters = {name[0] for name in known_names() if name[1:] == match[0]}
    if len(letters) != 1 or re.search(rf"\b[{min(letters).lower()}]?{re.escape(match[0])}\b", rest):
        return found
    return (replace(found[0], mapped=found[0].mapped.insert(letters.pop(), [0])), *found[1:])
