"""Read a sentence as what it speaks of: names under one spelling, figures by value, dates, verbs of saying, negations.

It knows nothing of articles or of truth; `source.py` and `features.py` compare what is read here.

    >>> [token.key for token in tokens("Kerry said twelve of Baku's troops died.") if token.kind != FUNCTION]
    ['kerry', 'say', '12', 'baku', 'troop', 'die']
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import Final, NamedTuple

from communique.grounding.facts import COMMON, SPELLED
from communique.places import places
from communique.words import FUNCTION_WORDS, words

__all__ = ["CONTENT", "FIGURE", "FUNCTION", "HEDGES", "NAME", "NEGATIONS", "SAYS", "TIME", "Token", "tokens"]

FUNCTION: Final = 0
CONTENT: Final = 1
NAME: Final = 2
FIGURE: Final = 3
TIME: Final = 4

#: Stands for the space, point or hyphen within a known name: a letter to regular expressions.
_LETTER: Final = "ǃ"
NEGATIONS: Final = frozenset("not no never none neither nor without cannot nobody nothing".split())
_LONGEST: Final = 7
_HEDGES: Final = (
    "may might could would should can if likely unlikely possible possibly alleged reported reportedly suspected "
    "appear seem apparently perhaps probably potential potentially plan seek threaten hope "
    "expect consider propose want try "
    "intend almost nearly about around some most many several all every any majority half"
).split()
_SAYS: Final = (
    "say tell accuse deny warn call claim demand announce report urge condemn blame add insist stress argue "
    "declare vow pledge according admit acknowledge describe ask note suggest explain confirm criticize criticise "
    "write tweet respond promise threaten believe think predict estimate conclude"
).split()
_TIMES: Final = frozenset(
    "january february march april june july august september october november december monday tuesday wednesday "
    "thursday friday saturday sunday today yesterday tomorrow".split()
)
#: Forms that no ending gives away, by key.
_IRREGULAR: Final = {
    pair.split(":")[0]: pair.split(":")[1]
    for pair in (
        "said:say say:say told:tell held:hold met:meet led:lead left:leave took:take taken:take made:make gave:give "
        "given:give went:go gone:go came:come won:win lost:lose fell:fall fallen:fall began:begin begun:begin "
        "sent:send spent:spend built:build broke:break broken:break fought:fight brought:bring "
        "thought:think sought:seek "
        "shot:shoot stood:stand saw:see seen:see kept:keep paid:pay rose:rise risen:rise grew:grow grown:grow "
        "fled:flee struck:strike withdrew:withdraw withdrawn:withdraw drew:draw dead:die death:die died:die "
        "denial:deny wound:injury injured:injury injure:injury blast:explosion fire:fire ceasefire:truce "
        "armistice:truce children:child became:become wrote:write written:write sold:sell "
        "bought:buy men:man women:woman"
    ).split()
}
_NOT: Final = re.compile(r"n[’']t\b")


class Token(NamedTuple):
    """A word at [start, end) of its sentence; `key` agrees between forms, `side` between a state and its leaders."""

    key: str
    kind: int
    side: str
    negation: bool
    start: int
    end: int


def tokens(sentence: str) -> list[Token]:
    """The words of a sentence in order; a name of several words that is known counts as one."""
    text = _NOT.sub(lambda m: " not"[: len(m[0])].ljust(len(m[0])), sentence)
    text = _known_names().sub(_joined, text)
    found: list[Token] = []
    opening = True
    for word in words(text):
        raw = text[word.start : word.end]
        folded = raw.casefold()
        if folded == "s":
            continue
        found.append(_token(raw, folded, word.key, opening, word.start, word.end))
        opening = False
    return found


def _token(raw: str, folded: str, key: str, opening: bool, start: int, end: int) -> Token:
    negation = folded in NEGATIONS
    if raw[0].isdigit():
        return Token(re.sub(r",(?=\d{3}\b)", "", folded), FIGURE, "", negation, start, end)
    if folded in SPELLED and folded != "one":
        return Token(str(SPELLED[folded]), FIGURE, "", negation, start, end)
    if folded in _TIMES and (raw[0].isupper() or folded in {"today", "yesterday", "tomorrow"}):
        return Token(folded, TIME, "", negation, start, end)
    capital = raw[0].isupper()
    same = _same().get(folded)
    if same is not None and capital:
        return Token(same, NAME, _sides().get(folded, same), negation, start, end)
    if capital and folded in _sides():
        return Token(folded, NAME, _sides()[folded], negation, start, end)
    if key in FUNCTION_WORDS or (len(folded) == 1 and not raw.isupper()):
        return Token(key, FUNCTION, "", negation, start, end)
    # At the opening any word has a capital: a name unless it is a common word. Its key agrees with the other kind's.
    name = capital and not (opening and folded in COMMON)
    return Token(stem(folded, key), NAME if name else CONTENT, "", negation, start, end)


def stem(folded: str, key: str) -> str:
    """What forms of one word share: "negotiated" and "negotiations", "fell" and "falls"."""
    return (_IRREGULAR.get(folded) or _IRREGULAR.get(key) or key)[:_LONGEST]


def _joined(match: re.Match[str]) -> str:
    """A name of several words as one word of the same length, so that offsets stand."""
    return _one_word(match[0])


@cache
def _groups() -> tuple[dict[str, str], dict[str, str]]:
    """{folded name: one name of the same thing} and {folded name: the state or body that it stands for}."""
    known = places()
    same: dict[str, str] = {}
    side: dict[str, str] = {}
    for group in known.same:
        for name in group:
            same[_folded(name)] = _folded(group[-1])
    counted = Counter(_folded(other) for others in known.called.values() for other in others)
    for name, others in known.called.items():
        key = _folded(name)
        for other in (name, *others):
            folded = _folded(other)
            if counted[folded] > 1:
                continue
            side.setdefault(folded, key)
            if known.of_itself(name, other):
                same.setdefault(folded, key)
    return same, side


def _folded(name: str) -> str:
    return _one_word(name).casefold()


def _one_word(name: str) -> str:
    return "".join(character if character.isalnum() else _LETTER for character in name)


def _same() -> dict[str, str]:
    return _groups()[0]


def _sides() -> dict[str, str]:
    return _groups()[1]


@cache
def _known_names() -> re.Pattern[str]:
    known = places()
    listed = {*known.called}.union(*known.same, *known.called.values())
    composed = sorted((name for name in listed if not name.isalnum()), key=len, reverse=True)
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, composed)) + r")(?!\w)")


HEDGES: Final = frozenset(stem(word, words(word)[0].key) for word in _HEDGES)
#: Keys of the verbs that put words into a mouth.
SAYS: Final = frozenset(stem(word, words(word)[0].key) for word in _SAYS)
