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

from communique.summary.clauses import DATELINE, FINITE, KEPT
from communique.words import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.words import Word

__all__ = ["is_faithful"]

#: What bears on truth beside `KEPT`: degrees of certainty, attempts. Neither left out nor put in.
_GUARDED: Final = re.compile(
    r"\b(?:nobody|nothing|would|should|must|whether|at least|more than|most|only|just|even|part(?:ly|ially)|look\w*|"
    r"suggest\w*|seem\w*|appear\w*|perhaps|probabl[ey]|potential\w*|unlikely|presumed|supposedly|attempt\w*|tried|fail\w*|"
    r"refus\w*|hopefully|unofficial|preliminary|tentative)\b",
    re.IGNORECASE,
)
#: Limits of what comes after them: they go with it, or not at all.
_LIMIT: Final = re.compile(
    r"\b(?:almost|nearly|about|around|approximately|least|at most|more|less|fewer|over|under|up to|half|part|some|all|"
    r"one|what)\W*$",
    re.IGNORECASE,
)
_MONTH: Final = re.compile(r"\bMay\b")
#: What may be put in: an article, a word that opens a clause, an auxiliary.
_GLUE: Final = frozenset("a an the that which who and it its is are was were be been has have had".split())
#: What may be put in the place of something: of the same kind, or nothing is known of what it stood for.
_REPLACED: Final = _GLUE | frozenset("also still now then so".split())
_SAYS: Final = re.compile(
    r"\b(?:said|says|told|according|reported|added|accused|claimed|announced|denied|warned|insisted|argued|believes?|"
    r"called|urged|wrote|stated)\b",
    re.IGNORECASE,
)
#: A quotation; one that goes on after the sentence does not close.
_SPOKEN: Final = re.compile(r"“[^”]*(?:”|$)|\"[^\"]*(?:\"|$)")
_SAYING: Final = re.compile(
    r"sa(?:id|ys|ying)|t(?:old|ells)|report(?:s|ed)?|according|accus\w+|statement|warn\w*", re.IGNORECASE
)
_ASKED: Final = re.compile(r"\?|^(?:Q|A|Question|Answer)\s?:")
_PREPOSITIONS: Final = frozenset("of to in for on with from by at".split())
#: A whole clause may go with its verb; so many words are none.
_HOLDING: Final = 2
#: So many words in a row that stand twice are a stutter.
_STUTTER: Final = 3


def is_faithful(text: str, sources: Sequence[str]) -> bool:
    """Whether a sentence says what one of `sources` says, with words left out that its truth does not hang on."""
    told = words(text)
    keys = [word.key for word in told]
    if not told or any(map(_ASKED.search, sources)) or _stutters(keys):
        return False
    # The place of a dateline is no word of the sentence: "Washington said" is somebody else.
    bare = [DATELINE.sub("", source) for source in sources]
    known = [words(source) for source in bare]
    matchers = [SequenceMatcher(None, [word.key for word in found], keys, autojunk=False) for found in known]
    best = max(range(len(bare)), key=lambda i: sum(block.size for block in matchers[i].get_matching_blocks()))
    source, held = bare[best], known[best]
    for tag, start, end, first, last in matchers[best].get_opcodes():
        if tag == "equal":
            continue
        if any(key not in _GLUE for key in keys[first:last]):
            return False
        left_out = _MONTH.sub("", source[held[start].start : held[end - 1].end]) if start < end else ""
        # "The Hamas-controlled territory" is not the Hamas.
        split = start < end and "-" in (
            source[held[start].start - 1 : held[start].start],
            source[held[end - 1].end :][:1],
        )
        if split or _turns(left_out):
            return False
        if tag == "replace" and any(word.is_function and word.key not in _REPLACED for word in held[start:end]):
            return False
        if end < len(held) and start < end <= start + _HOLDING and _holds(left_out.lower().split()):
            return False
    kept = [word for block in matchers[best].get_matching_blocks() for word in held[block.a : block.a + block.size]]
    return _still_said(source, kept)


def _still_said(source: str, kept: Sequence[Word]) -> bool:
    """Whether who says it is still there, if somebody does: one of the words of saying that stand in no quotation."""
    spoken = [match.span() for match in _SPOKEN.finditer(source)]
    said = [
        match.start()
        for match in _SAYS.finditer(source)
        if not any(start <= match.start() < end for start, end in spoken)
    ]
    return not said or any(word.start in said for word in kept)


def _turns(left_out: str) -> bool:
    """Whether the truth of the rest hangs on it. One of two sayings may go: that one is left is looked at apart."""
    kept = any(not _SAYING.fullmatch(match[0]) for match in KEPT.finditer(left_out))
    return kept or any(guard.search(left_out) for guard in (_GUARDED, _LIMIT))


def _holds(left_out: Sequence[str]) -> bool:
    """Whether a word or two hold the rest together: a verb, or a preposition."""
    return bool(left_out) and (left_out[-1] in _PREPOSITIONS or any(map(FINITE.fullmatch, left_out)))


def _stutters(keys: Sequence[str]) -> bool:
    """Whether words stand twice in a row, or about an "and", or a run of them comes again."""
    runs = [tuple(keys[at : at + _STUTTER]) for at in range(len(keys) - _STUTTER + 1)]
    twice = any(a == b and a != "that" for a, b in pairwise(keys))
    return twice or len(set(runs)) < len(runs) or any(a == c and b in {"and", "or"} for a, b, c in runs)
