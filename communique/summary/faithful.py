"""Whether a rewritten sentence only leaves things out: it tells one sentence in its own words and their order.

The checker weighs what a claim says; this looks at what was done to the sentence that it was made of. A small language
model that shortens is mostly true, one that names anew whom "he" means or runs two sentences into one mostly is not.

>>> is_faithful("Riga opened a bridge on Monday.", ["The port of Riga opened a long bridge on Monday."])
True
>>> is_faithful("Riga opened a bridge on Monday.", ["Riga may have opened a bridge on Monday."])
False
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from communique.summary.clauses import DATELINE, FINITE
from communique.words import words

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["is_faithful"]

#: What bears on truth: neither left out nor put in. Negations, conditions, degrees of certainty, limits, attempts.
_GUARDED: Final = frozenset(
    word.key
    for word in words(
        "no not never nor neither without cannot none nobody nothing t may might could would should must if "
        "unless although though despite almost nearly about around approximately least most more only just even "
        "part partly partially some all one look looked what suggest suggested seem seemed appear appeared "
        "apparently perhaps possibly possible potentially potential probably likely unlikely reportedly allegedly "
        "alleged claim claimed so called purported suspected presumed supposedly attempted tried failed hopefully "
        "unofficial unconfirmed preliminary tentative"
    )
)
#: Who speaks in a sentence that uses them is known from it alone; put in, they change who.
_SPEAKERS: Final = frozenset("we us our you your i my me".split())
_SAYS: Final = re.compile(
    r"\b(?:said|says|told|according|reported|added|accused|claimed|announced|denied|warned|insisted|argued|believes?|"
    r"called|urged|wrote|stated)\b",
    re.IGNORECASE,
)
_ASKED: Final = re.compile(r"\?|^(?:Q|A|Question|Answer)\s?:")
_PREPOSITIONS: Final = frozenset("of to in for on with from by at".split())
#: A whole clause may go with its verb; so many words are none.
_HOLDING: Final = 2
#: So many words in a row that stand twice are a stutter.
_STUTTER: Final = 3


def is_faithful(text: str, sources: Sequence[str]) -> bool:
    """Whether a sentence says what one of `sources` says, with words left out that its truth does not hang on."""
    told = _keys(text)
    if not told or any(map(_ASKED.search, sources)) or _stutters(told):
        return False
    # The place of a dateline is no word of the sentence: "Washington said" is somebody else.
    known = [_keys(DATELINE.sub("", source)) for source in sources]
    matchers = [SequenceMatcher(None, keys, told, autojunk=False) for keys in known]
    best = max(range(len(sources)), key=lambda i: sum(block.size for block in matchers[i].get_matching_blocks()))
    dropped: set[str] = set()
    put_in: list[int] = []
    for tag, start, end, first, last in matchers[best].get_opcodes():
        if tag != "equal":
            if tag == "delete" and end < len(known[best]) and _holds(known[best][start:end]):
                return False
            dropped.update(known[best][start:end])
            put_in.extend(range(first, last))
    found = words(text)
    added = {told[place] for place in put_in}
    if (dropped | added) & _GUARDED or added & _SPEAKERS or not all(found[place].is_function for place in put_in):
        return False
    return bool(_SAYS.search(text)) or not _SAYS.search(sources[best])


def _holds(left_out: Sequence[str]) -> bool:
    """Whether a word or two hold the rest together: a verb, or a preposition."""
    return len(left_out) <= _HOLDING and (left_out[-1] in _PREPOSITIONS or any(map(FINITE.fullmatch, left_out)))


def _keys(text: str) -> list[str]:
    """Keys of the words; the month's is not that of the verb "may"."""
    return ["May" if text[word.start : word.end] == "May" else word.key for word in words(text)]


def _stutters(keys: Sequence[str]) -> bool:
    """Whether words stand twice in a row, or about an "and", or a run of them comes again."""
    runs = [tuple(keys[at : at + _STUTTER]) for at in range(len(keys) - _STUTTER + 1)]
    twice = any(a == b and a != "that" for a, b in pairwise(keys))
    return twice or len(set(runs)) < len(runs) or any(a == c and b in {"and", "or"} for a, b, c in runs)
