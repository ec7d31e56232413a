"""Where sentences end in news English.

Knows abbreviations, initials, decimals, quotes and lost spaces ("years.Skirmishes"). It knows nothing of pages: one
paragraph in, its sentences out. Each rule looks at a few characters around a mark, so the time is linear.

    >>> from communique.text import MappedText
    >>> [s.text for s in split(MappedText.of('Lt. Col. A. B. Smith left the U.S. on Nov. 7.Baku said "No."'))]
    ['Lt. Col. A. B. Smith left the U.S. on Nov. 7.', 'Baku said "No."']
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from communique.text import MappedText


__all__ = ["boundaries", "joints", "restore_spaces", "split"]

#: Followed by a name, a number or more of the same: never the end of a sentence before a capital.
_TITLES: Final = frozenset(
    "mr mrs ms messrs dr prof gen lt col maj capt cmdr cpl sgt adm brig cdr sen rep gov hon rev fr amb pres supt insp "
    "dep asst atty det spc pfc pvt vs v st mt ft nos art fig para pp vol ed eds cf ca approx est viz e.g i.e esp mgr "
    "msgr".split()
)
#: An abbreviation before a number ("No. 5", "Nov. 7", "Art. 2"), else a word or the end of a sentence.
_BEFORE_NUMBER: Final = frozenset(
    "no nos jan feb mar apr jun jul aug sep sept oct nov dec art p pp sec ch vol fig para".split()
)
#: May end a sentence: only a word that usually opens one makes it do so.
_MAYBE: Final = frozenset(
    "u.s u.k u.n e.u u.s.s.r u.a.e d.c a.m p.m etc inc ltd co corp bros jr sr llc plc ph.d m.d b.a m.a "
    "jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thurs fri sat sun "
    "ave blvd rd km ft kg lb oz mph sq dept univ assn calif fla mass mich minn conn ariz colo tenn tex wash va pa "
    "ill ind kan ky la md neb nev okla ore wis wyo n.y n.j n.c s.c n.h n.m r.i".split()
)
#: Words that open sentences far more often than they follow an abbreviation.
_OPENERS: Final = frozenset(
    "the a an in on at but and he she it they we i you this that these those there his her its their our my as if when "
    "while after before since for from with by to of or so yet not no some many most all both each one two according "
    "however meanwhile earlier later also still although though because what who why how where which among during "
    "under until despite instead moreover officials police nor only even then now here such another last next asked "
    "speaking neither either several more other once yes".split()
)

_CLOSERS: Final = "\"'”’»)\\]"
_MARK: Final = re.compile(rf"(?<![.!?…])[.!?…]++[{_CLOSERS}]*+(?=\s|$)")
_LAST_WORD: Final = re.compile(r"[\w.’'&-]{1,24}$")
_NEXT: Final = re.compile(r"\s+[\"'“”‘’«(\[–—•*-]*\s*([^\W_]*)(.?)")
_INITIAL: Final = re.compile(r"(?:[A-Z]\.)*[A-Z]|[A-Z][a-z]?(?:-[A-Z])?")
#: A letter, digit or closing mark, the full stop, perhaps a closing quote, and a capitalised word that is not a name's
#: initial or part of an address. The mark with no space after it is asked for first, because it is rare.
_LOST: Final = re.compile(
    r"(?=[.!?…,]\S)(?:"
    r"(?<=[^\W_][^\W\d_])[.!?…][”’»)]?(?=[“‘«(]?[A-Z][^\W_]|[“‘«(]?[AI] |[“‘«]\w)"
    r"|(?<=[\d%)”’»])[.!?][”’»)]?(?=[“‘«(]?[A-Z][^\W_]*[ ,’'-]|[“‘«(]?[AI] |[“‘«]\w)"
    r"|(?<=[^\W_]{2})[.!?,…]\"(?=\"?[A-Z][^\W_]*[ ,’'-]|[AI] )"
    r"|(?<=[^\W\d_]{2})[.!?](?=\"[A-Z])"
    r"|(?<=[^\W\d_]{2})[.?](?=[A-Z] ?: ))"
)
#: A quotation's length at most, in characters.
_QUOTED: Final = 1500
_ADDRESS_BEFORE: Final = re.compile(r"(?:www\.|https?:|@)\S*$|\b[\w-]+\.(?:[\w-]+\.)+$")


def restore_spaces(mapped: MappedText) -> MappedText:
    """The text with the spaces that were lost after full stops, each an inserted character."""
    return mapped.insert(" ", joints(mapped.text))


def joints(text: str) -> list[int]:
    """Offsets where one sentence follows another without a space.

    Of a straight mark between two sentences the marks before it in its line say whether it closes one quotation or
    opens the next: 'over the region."All of us …," he said.'
    """
    found = []
    counted, quotes = 0, 0
    for match in _LOST.finditer(text):
        begin, end = match.span()
        line = text.rfind("\n", counted, begin) + 1
        quotes = text.count('"', line, begin) if line else quotes + text.count('"', counted, begin)
        counted = begin
        if text[begin + 1 : end] == '"' and text[begin] != "," and not quotes % 2 and '"' in text[end : end + _QUOTED]:
            end -= 1
        before = text[max(0, begin - 40) : begin + 1]
        if _ADDRESS_BEFORE.search(before):
            continue
        found.append(end)
    return found


def split(mapped: MappedText) -> list[MappedText]:
    """The sentences of one paragraph, in order, without white space around them."""
    clean = restore_spaces(mapped)
    parts = []
    last = 0
    for end in boundaries(clean.text):
        sentence = clean.slice(last, end).strip()
        if sentence.text:
            parts.append(sentence)
        last = end
    return parts


def boundaries(text: str) -> list[int]:
    """Offsets just past each sentence's last mark; the last one is the text's length."""
    found = []
    for match in _MARK.finditer(text):
        begin, end = match.span()
        if end < len(text) and _ends(text, begin, end):
            found.append(end)
    if text:
        found.append(len(text))
    return found


def _ends(text: str, begin: int, end: int) -> bool:
    """Whether the mark text[begin:end], which white space follows, ends a sentence."""
    following = _NEXT.match(text, end, end + 60)
    if following is None:
        return True
    word = following[1]
    if not word:
        return following[2] not in ",;:.…™®"
    if word[0].islower():
        # "… he said?" and "Yahoo! is" go on; a name such as "al-Assad" or "eBay" after a full stop is too rare.
        return False
    mark = text[begin:end]
    if mark[0] != ".":
        return True
    if mark.startswith(("..", "…")):
        return True
    before = _LAST_WORD.search(text, max(0, begin - 24), begin)
    if before is None:
        return True
    last = before[0].lstrip("'’").rstrip(".")
    lower = last.lower()
    if word[0].isdigit():
        return not (lower in _BEFORE_NUMBER or lower in _TITLES)
    if len(mark) > 1:
        # A closing quote or bracket after the stop: "(Reuters.)", "Inc.”"
        return not (_INITIAL.fullmatch(last) and mark[1] == ")") or word.lower() in _OPENERS
    if lower in _TITLES:
        return False
    if lower in _MAYBE:
        return word.lower() in _OPENERS
    if len(last) == 1 and last.isalpha() and last.isupper():
        return last == "I" and word.lower() in _OPENERS
    if "." in last and _INITIAL.fullmatch(last):
        return word.lower() in _OPENERS
    return True
