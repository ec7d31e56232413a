"""Whether a rewritten sentence only leaves things out: it has its source's own words in their order, and no other.

The checker weighs what a claim says; this looks at what was done to the sentence that it was made of. A small language
model that shortens is mostly true, one that names anew whom "he" means or runs two sentences into one mostly is not.

>>> is_faithful("Riga opened a bridge on Monday.", "The port of Riga opened a long bridge on Monday.")
True
>>> is_faithful("Riga opened a bridge on Monday.", "Riga may have opened a bridge on Monday.")
False
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from communique.summary.clauses import DATELINE
from communique.summary.gaps import Gap, is_harmful
from communique.words import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.words import Word

__all__ = ["is_faithful"]

_SAYS: Final = re.compile(
    r"\b(?:said|says|told|according|report(?:s|ed)|added|accused|claimed|announced|denied|warned|insisted|argued|believes?|"
    r"called|urged|wrote|stated)\b",
    re.IGNORECASE,
)
#: A quotation; one that goes on after the sentence does not close.
_SPOKEN: Final = re.compile(r"“[^”]*(?:”|$)|\"[^\"]*(?:\"|$)")
_ASKED: Final = re.compile(r"\?|^(?:Q|A|Question|Answer)\s?:")
#: So many words in a row that stand twice are a stutter.
_STUTTER: Final = 3


def is_faithful(text: str, source: str) -> bool:
    """Whether a sentence says what `source` says, with words left out that its truth does not hang on."""
    # The place of a dateline is no word of the sentence: "Washington said" is somebody else.
    source = DATELINE.sub("", source)
    told, held = _forms(text), words(source)
    if not told or _ASKED.search(source) or _stutters(told):
        return False
    if not (_whole_quotations(source) and _whole_quotations(text)):
        return False
    matcher = SequenceMatcher(None, _forms(source), told, autojunk=False)
    blocks = matcher.get_matching_blocks()
    if sum(block.size for block in blocks) < len(told):
        return False
    kept = frozenset(number for block in blocks for number in range(block.a, block.a + block.size))
    gaps = [Gap(source, held, start, end, kept) for tag, start, end, _, _ in matcher.get_opcodes() if tag == "delete"]
    return not any(map(is_harmful, gaps)) and _still_said(source, [held[number] for number in kept])


def _forms(text: str) -> list[str]:
    """Its words in small letters: "is" is not "was"."""
    return [text[word.start : word.end].lower() for word in words(text)]


def _still_said(source: str, kept: Sequence[Word]) -> bool:
    """Whether who says it is still there, if somebody does: one of the words of saying that stand in no quotation."""
    spoken = [match.span() for match in _SPOKEN.finditer(source)]
    said = [
        match.start()
        for match in _SAYS.finditer(source)
        if not any(start <= match.start() < end for start, end in spoken)
    ]
    return not said or any(word.start in said for word in kept)


def _whole_quotations(source: str) -> bool:
    """Whether every quotation opens and closes in it: else it is somebody's words, and whose is said elsewhere."""
    return source.count("“") == source.count("”") and source.count('"') % 2 == 0


def _stutters(forms: Sequence[str]) -> bool:
    """Whether words stand twice in a row, or about an "and", or a run of them comes again."""
    runs = [tuple(forms[at : at + _STUTTER]) for at in range(len(forms) - _STUTTER + 1)]
    twice = any(a == b and a != "that" for a, b in pairwise(forms))
    return twice or len(set(runs)) < len(runs) or any(a == c and b in {"and", "or"} for a, b, c in runs)
