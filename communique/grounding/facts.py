"""Exact checks: figures, dates, names and quotations of a claim that its source does not hold.

What is checked is form, not role: a right name with the wrong deed passes here and is for `checker.py`.

    >>> missing("Kerry said 14 died on Monday.", "US Secretary of State John Kerry said twelve people died.")
    ('14', 'Monday')
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from communique.places import places

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["COMMON", "SPELLED", "missing", "names"]

_ONES: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety".split()
SPELLED: Final = {word: number for number, word in enumerate(_ONES)} | {
    word: 10 * (number + 2) for number, word in enumerate(_TENS)
}
_FIGURE: Final = re.compile(r"\d+(?:[.,]\d+)*")
_SPELLED: Final = re.compile(
    rf"\b(?:{'|'.join(_TENS)})(?:-(?:{'|'.join(_ONES[1:10])}))?\b|\b(?:{'|'.join(_ONES[3:])})\b", re.IGNORECASE
)
_TIME: Final = re.compile(
    r"\b(?:January|February|March|April|June|July|August|September|October|November|December|"
    r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)\b"
)
_NAME: Final = re.compile(r"\b(?:[A-Z][\w’'-]*\w|[A-Z](?:\.[A-Z])+\.?)")
_QUOTE: Final = re.compile(r"[“\"]([^“”\"]{3,400})[”\"]")
_PUNCTUATION: Final = re.compile(r"[\s,.;:!?“”\"'’‘]+")
#: Seats of government that stand for it.
_CAPITALS: Final = frozenset(
    "Yerevan Baku Moscow Ankara Tehran Washington Beijing London Paris Berlin Kabul Damascus Jerusalem Tokyo Delhi "
    "Islamabad Riyadh Cairo Kyiv Kiev Brussels Tbilisi Pyongyang Seoul Taipei Baghdad Kremlin Belgrade Athens".split()
)
#: What makes of a place its people, of one the many.
_ENDINGS: Final = ("s", "n", "an", "ian", "ese", "i", "ish", "ern")
_SHORTEST_STEM: Final = 4
#: Words that open sentences: capitals there say nothing.
COMMON: Final = frozenset(
    "the a an in on at by of for to from with and or but as it its he she they his her their this that these those there "
    "after before during while when where who which what how both some many most all one two three no not more than "
    "according about over under between against since until because although though if also earlier later last next "
    "new former other another each such only still yet now then here i we you our your my mr mrs ms dr officials "
    "authorities leaders people soldiers troops forces civilians residents families government president minister "
    "prime foreign defense defence ministry police parliament talks protesters thousands hundreds dozens".split()
)


def missing(claim: str, source: str) -> tuple[str, ...]:
    """What the claim names and the source does not hold, as the claim writes it: figures, dates, names, quotations."""
    held = _Source(source)
    lost = [match[0] for match in _FIGURE.finditer(claim) if not held.figure(match[0])]
    lost += [match[0] for match in _SPELLED.finditer(claim) if not held.spelled(match[0])]
    lost += [match[0] for match in _TIME.finditer(claim) if match[0].casefold() not in held.folded]
    spelled_out = held.several(claim)
    lost += [
        name
        for name in names(claim)
        if not held.name(name) and name not in spelled_out and not _forename(name, claim, held)
    ]
    lost += [match[1] for match in _QUOTE.finditer(claim) if _bare(match[1]) not in held.bare]
    return tuple(dict.fromkeys(lost))


def names(text: str) -> list[str]:
    """Capitalised words that are names: dates and the ordinary words that open sentences left out."""
    found = []
    for match in _NAME.finditer(text):
        word = re.sub(r"['’]s$", "", match[0])
        if word.casefold() not in COMMON and not _TIME.fullmatch(word):
            opens = match.start() == 0 or text[: match.start()].rstrip(" “\"‘'")[-1:] in {".", "!", "?", ""}
            if not opens or not word.isalpha() or _known(word) or text.count(word) > 1 or word.isupper():
                found.append(word)
    return found


def _forename(name: str, claim: str, held: _Source) -> bool:
    """Whether the claim has a held surname behind the name: the world's knowledge of who Obama is does no harm."""
    following = re.search(rf"\b{re.escape(name)} (?P<surname>[A-Z][\w’'-]*\w)", claim)
    return following is not None and held.name(re.sub(r"['’]s$", "", following["surname"]))


class _Source:
    def __init__(self, text: str) -> None:
        self.folded = text.casefold()
        self.bare = _bare(text)
        self._figures = {_number(match[0]) for match in _FIGURE.finditer(text)}
        self._figures |= {str(_spelled_value(match[0])) for match in _SPELLED.finditer(text)}
        self._words = set(re.findall(r"[^\W_]+", self.folded))

    def figure(self, figure: str) -> bool:
        return _number(figure) in self._figures

    def spelled(self, word: str) -> bool:
        return word.casefold() in self.folded or str(_spelled_value(word)) in self._figures

    def name(self, name: str) -> bool:
        """Held as written, or under another name of the same place ("Artsakh", "Stepanakert" and "Khankendi")."""
        folded = name.casefold().rstrip(".")
        # Of "Russian-brokered" the name is "Russian".
        parts = [part.casefold() for part in re.findall(r"[^\W_]+", name) if part[0].isupper()]
        if folded in self.folded or (parts and all(self._part(part) for part in parts)):
            return True
        return any(other in self.folded for other in _aliases().get(folded, ()))

    def several(self, claim: str) -> frozenset[str]:
        """Words of names of several words in the claim ("United States") that are held under another name ("U.S.")."""
        folded = claim.casefold()
        found = [
            claim[at : at + len(name)]
            for name, others in _aliases().items()
            if " " in name and (at := folded.find(name)) >= 0 and any(other in self.folded for other in others)
        ]
        return frozenset(word for name in found for word in name.split())

    def _part(self, part: str) -> bool:
        """As written, with another ending ("Algeria" and "Algerian", "Arab" and "Arabs"), or under another name."""
        if part in self._words or any(part + ending in self._words for ending in _ENDINGS):
            return True
        stems = {part.removesuffix(ending) for ending in _ENDINGS if part.endswith(ending)}
        if any(len(stem) >= _SHORTEST_STEM and stem in self._words for stem in stems):
            return True
        return any(other in self.folded for other in _aliases().get(part, ()))


def _bare(text: str) -> str:
    return _PUNCTUATION.sub(" ", text.casefold()).strip()


def _number(figure: str) -> str:
    """A figure without its thousands commas: "1,200" and "1200" are one."""
    return re.sub(r",(?=\d{3}\b)", "", figure).rstrip(".,")


def _spelled_value(word: str) -> int:
    return sum(SPELLED.get(part, 0) for part in word.casefold().split("-"))


def _known(word: str) -> bool:
    return word.casefold() in _aliases()


@cache
def _aliases() -> dict[str, tuple[str, ...]]:
    """Names that stand for one another word for word, folded: demonyms of one state, two names of one town."""
    known = places()
    groups: list[Iterable[str]] = [*known.same]
    for name, others in known.called.items():
        state = [name, *(other for other in others if known.of_itself(name, other))]
        groups.append(state)
        # A capital may stand for its state, where the article names the state alone: the model reads the rest.
        groups.extend([other, *state] for other in others if other in _CAPITALS)
    found: dict[str, set[str]] = {}
    for group in groups:
        folded = {name.casefold().rstrip(".") for name in group}
        for name in folded:
            found.setdefault(name, set()).update(folded - {name})
    return {name: tuple(sorted(others)) for name, others in found.items()}
