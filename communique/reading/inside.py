"""What is not article inside a paragraph that is: credits in brackets with their caption, asides, a prompt at its end.

Only words and marks that leave no doubt count here, because a paragraph that was kept is mostly article.

    >>> text = "Smoke rises over Terter. (Photo: Wire) The shelling went on, he said. Follow us on Telegram."
    >>> [(text[a:b], kind) for a, b, kind in cuts(text)]
    [('Smoke rises over Terter. (Photo: Wire) ', 'caption'), ('Follow us on Telegram.', 'messenger')]
"""

from __future__ import annotations

import re
from typing import Final

from communique.reading.boilerplate import CERTAIN
from communique.reading.phrases import kind_of
from communique.reading.sentences import boundaries

__all__ = ["cuts"]

_BRACKETS: Final = re.compile(r"[(\[]([^()\[\]]{3,160})[)\]]\s?")
#: Kinds that a bracket inside a sentence may be.
_ASIDE: Final = frozenset("caption credit related media-player".split())
_CERTAIN: Final = (CERTAIN - {"credit"}) | {"related"}
#: A caption in front of its credit has at most this many characters.
_CAPTION: Final = 250
#: A name's whole form and the headlines behind it, run into the sentence that named them:
#: "Mitt Romney Willard (Mitt) Mitt RomneyJon Huntsman expected to run … MORE from".
_HEADLINES: Final = re.compile(
    r"\b([A-Z][\w’'-]{2,30})( (?:[\w.()’'-]{1,30} ){1,5}\1(?=[A-Z\"'‘“]|\d)[^\n]{10,600}? MORE)(?=[\s,.;:’'])"
)
_PAST: Final = re.compile(r"\b(?:said|told|according|added|announced|reported)\b")


def cuts(text: str) -> list[tuple[int, int, str]]:
    """Half-open intervals of a paragraph that are not article, with their kinds, ascending."""
    found = [(*match.span(2), "related") for match in _HEADLINES.finditer(text)] if " MORE" in text else []
    if "(" in text or "[" in text:
        found += [one for one in _bracketed(text) if not any(a < one[1] and one[0] < b for a, b, _ in found)]
    ends = boundaries(text)
    if len(ends) > 1:
        begins = [0, *ends]
        for number in (0, len(ends) - 1):
            start, end = begins[number], ends[number]
            start += len(text[start:end]) - len(text[start:end].lstrip())
            kind = kind_of(text[start:end])
            if kind in _CERTAIN and not any(a < end and start < b for a, b, _ in found):
                found.append((start, end, kind))
    return sorted(found)


def _bracketed(text: str) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    for match in _BRACKETS.finditer(text):
        kind = kind_of(match[1]) or kind_of(match[0].strip())
        if kind not in _ASIDE:
            continue
        start, end = match.span()
        before = text[:start].strip()
        if kind in ("caption", "credit") and 0 < len(before) <= _CAPTION and not found:
            whole = end == len(text)
            if not whole and len(boundaries(before)) == 1 and not _PAST.search(before):
                start, kind = 0, "caption"
        found.append((start, end, kind))
    return found
