"""Break a true sentence in one known way: what the checker learns from, and what it is measured by.

Each way is a kind of error that summarisers make: a wrong `figure`, the other `side`, another `speaker`, a wrong
`place-date`, a dropped `attribution`, a flipped `negation`, two true halves wrongly `joined`. A way that does not
apply to a sentence gives nothing.

    >>> import random
    >>> perturb("Baku says 12 died.", "Baku says 12 died. Yerevan lost 30.", random.Random(1))["figure"]
    'Baku says 30 died.'
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

__all__ = ["KINDS", "perturb", "swap_sides"]

KINDS: Final = ("figure", "side", "speaker", "place-date", "attribution", "negation", "joined")

_FIGURE: Final = re.compile(r"(?<![\w.,-])\d+(?:[.,]\d+)*(?![\w-])")
_NUMBER_WORDS: Final = "two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty".split()
_NUMBER_WORD: Final = re.compile(rf"\b(?:{'|'.join(_NUMBER_WORDS)})\b", re.IGNORECASE)
_NAME: Final = re.compile(r"\b[A-Z][\w’'.-]*[\w](?:\s+(?:of\s+|al-|the\s+)?[A-Z][\w’'.-]*[\w])*")
_MONTHS: Final = "January February March April May June July August September October November December".split()
_DAYS: Final = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_DATE: Final = re.compile(rf"\b(?:{'|'.join(_MONTHS + _DAYS)})\b")
_PLACE: Final = re.compile(r"\b(?:in|at|near|from|to) (?P<place>[A-Z][\w-]+)")
_SAYS: Final = (
    "said|says|say|told|accused|accuses|denied|denies|warned|warns|called|calls|claimed|claims|demanded|demands|announced|"
    "announces|reported|reports|stated|urged|urges|condemned|blamed|blames|added|insisted|stressed|argued|argues"
)
_SPEAKER: Final = re.compile(rf"(?P<name>{_NAME.pattern})(?P<verb>\s+(?:has\s+|have\s+|had\s+|also\s+)?(?:{_SAYS})\b)")
_ATTRIBUTION: Final = re.compile(
    r"^(?:[^,;]{2,90}?\s(?:said|says|say|claimed|claims|reported|reports|announced|announces|argued|argues|stated|insisted)"
    r"(?:\s+(?:on\s+)?(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday))?\s+(?:that\s+)?)(?=[A-Za-z\d“\"])"
)
_TAIL_ATTRIBUTION: Final = re.compile(
    r",\s+(?:according to\s+[^,.;]{2,60}|[^,.;]{2,50}\s(?:said|says|reported|claimed|announced))(?=[.]?$)"
)
_NEGATIONS: Final = (
    (re.compile(r"\b(is|are|was|were|has|have|had|will|would|could|should|did|does|do|can) not\b"), r"\1"),
    (re.compile(r"\b(is|are|was|were|will|would|could|should|can|must)\b(?! not)"), r"\1 not"),
    (re.compile(r"\b(has|have|had)\s+(?=\w+ed\b)"), r"\1 not "),
    (re.compile(r"\bdenied\b"), "confirmed"),
    (re.compile(r"\bdenies\b"), "confirms"),
    (re.compile(r"\brejected\b"), "accepted"),
    (re.compile(r"\brejects\b"), "accepts"),
    (re.compile(r"\bconfirmed\b"), "denied"),
    (re.compile(r"\bagreed to\b"), "refused to"),
    (re.compile(r"\brefused to\b"), "agreed to"),
    (re.compile(r"\bwithout\b"), "with"),
    (re.compile(r"\bcondemned\b"), "praised"),
    (re.compile(r"\bwelcomed\b"), "condemned"),
    (re.compile(r"\bincreased?\b"), "decreased"),
    (re.compile(r"\bsupports?\b"), "opposes"),
)

#: Pairs of names that stand for the two sides of the conflict, in matching forms.
SIDES: Final = (
    ("Armenia", "Azerbaijan"),
    ("Armenian", "Azerbaijani"),
    ("Armenians", "Azerbaijanis"),
    ("Yerevan", "Baku"),
    ("Nikol Pashinyan", "Ilham Aliyev"),
    ("Pashinyan", "Aliyev"),
    ("Zohrab Mnatsakanyan", "Jeyhun Bayramov"),
    ("Mnatsakanyan", "Bayramov"),
    ("Ararat Mirzoyan", "Elmar Mammadyarov"),
    ("Mirzoyan", "Mammadyarov"),
)


def swap_sides(text: str, pairs: tuple[tuple[str, str], ...] = SIDES) -> str:
    """The text with every name of one side replaced by the matching name of the other, all at once."""
    other = dict(pairs) | {b: a for a, b in pairs}
    other |= {"Azeri": "Armenian", "Azeris": "Armenians"}
    pattern = re.compile(r"\b(?:" + "|".join(sorted(map(re.escape, other), key=len, reverse=True)) + r")\b")
    return pattern.sub(lambda match: other[match[0]], text)


def perturb(sentence: str, article: str, rng: Random) -> dict[str, str]:
    """Each kind of error that the sentence allows, one change each: {kind: broken sentence}."""
    ways = {
        "figure": _figure,
        "side": _side,
        "speaker": _speaker,
        "place-date": _place_or_date,
        "attribution": _attribution,
        "negation": _negation,
        "joined": _joined,
    }
    broken = {kind: way(sentence, article, rng) for kind, way in ways.items()}
    return {kind: text for kind, text in broken.items() if text and text != sentence}


def _replace(text: str, match: re.Match[str], new: str) -> str:
    return text[: match.start()] + new + text[match.end() :]


def _figure(sentence: str, article: str, rng: Random) -> str | None:
    found = [*_FIGURE.finditer(sentence), *_NUMBER_WORD.finditer(sentence)]
    if not found:
        return None
    match = rng.choice(found)
    old = match[0]
    if not old[0].isdigit():
        new = rng.choice([word for word in _NUMBER_WORDS if word != old.lower()])
        return _replace(sentence, match, new.capitalize() if old[0].isupper() else new)
    others = sorted({m[0] for m in _FIGURE.finditer(article)} - {m[0] for m in _FIGURE.finditer(sentence)})
    if others and rng.random() < 0.6:
        return _replace(sentence, match, rng.choice(others))
    digits = list(old)
    places = [i for i, digit in enumerate(digits) if digit.isdigit()]
    at = rng.choice(places)
    digits[at] = rng.choice([d for d in "123456789" if d != digits[at]])
    return _replace(sentence, match, "".join(digits))


def _names(text: str) -> list[re.Match[str]]:
    """Runs of capitalised words, a sentence's first word among them; none of two letters, no month or day alone."""
    return [match for match in _NAME.finditer(text) if len(match[0]) > 2 and not _DATE.fullmatch(match[0])]


def _side(sentence: str, article: str, _: Random) -> str | None:
    swapped = swap_sides(sentence)
    if swapped != sentence:
        # "Armenia and Azerbaijan agreed" says the same with its sides swapped: nothing is broken.
        return None if _sorted_pairs(swapped) == _sorted_pairs(sentence) else swapped
    # Elsewhere two names of the sentence change places: the same words, other roles.
    names = [m for m in _names(sentence) if article.count(m[0]) > 1]
    for first in names:
        for second in names:
            if first.end() < second.start() and first[0] not in second[0] and second[0] not in first[0]:
                between = sentence[first.end() : second.start()]
                if len(between.split()) < 2 or between.strip() in {"and", ",", "or"} or " and " in between[:5]:
                    continue
                return sentence[: first.start()] + second[0] + between + first[0] + sentence[second.end() :]
    return None


def _sorted_pairs(text: str) -> str:
    return re.sub(r"\b(\w+)( and |-)(\w+)\b", lambda m: m[2].join(sorted((m[1], m[3]))), text)


def _speaker(sentence: str, article: str, rng: Random) -> str | None:
    match = _SPEAKER.search(sentence)
    if not match:
        return None
    name = match["name"]
    others = sorted({m[0] for m in _names(article) if len(m[0].split()) <= 3} - {m[0] for m in _names(sentence)})
    others = [other for other in others if other not in name and name not in other and article.count(other) > 1]
    if not others:
        return None
    begin = match.start("name")
    return sentence[:begin] + rng.choice(others) + sentence[begin + len(name) :]


def _place_or_date(sentence: str, article: str, rng: Random) -> str | None:
    dates = list(_DATE.finditer(sentence))
    found = {m["place"] for m in _PLACE.finditer(article)} - {*_MONTHS, *_DAYS}
    others = sorted(place for place in found if place not in sentence)
    places = [m for m in _PLACE.finditer(sentence) if m["place"] not in (*_MONTHS, *_DAYS)] if others else []
    if dates and (not places or rng.random() < 0.6):
        match = rng.choice(dates)
        pool = _MONTHS if match[0] in _MONTHS else _DAYS
        return _replace(sentence, match, rng.choice([other for other in pool if other != match[0]]))
    if not places:
        return None
    match = rng.choice(places)
    return sentence[: match.start("place")] + rng.choice(others) + sentence[match.end("place") :]


def _attribution(sentence: str, _article: str, _: Random) -> str | None:
    tail = _TAIL_ATTRIBUTION.search(sentence)
    if tail:
        return _replace(sentence, tail, "")
    head = _ATTRIBUTION.match(sentence)
    if not head or len(sentence) - head.end() < 25:
        return None
    rest = sentence[head.end() :]
    return rest[0].upper() + rest[1:]


def _negation(sentence: str, _: str, rng: Random) -> str | None:
    applicable = [(pattern, new) for pattern, new in _NEGATIONS if pattern.search(sentence)]
    if not applicable:
        return None
    pattern, new = rng.choice(applicable)
    return pattern.sub(new, sentence, count=1)


def _joined(sentence: str, article: str, rng: Random) -> str | None:
    """The subject of another sentence of the article with this one's predicate."""
    verb = re.search(
        rf"\s(?:{_SAYS}|has|have|had|was|were|is|are|will|would|met|held|signed|agreed|killed|launched)\b", sentence
    )
    if not verb or verb.start() < 3:
        return None
    subject = sentence[: verb.start()]
    pattern = re.compile(rf"(?:^|[.!?]\s)(?P<subject>{_NAME.pattern})\s(?:{_SAYS}|has|had|was|is|will|would|met)\b")
    others = sorted({m["subject"] for m in pattern.finditer(article)})
    others = [
        o
        for o in others
        if o not in subject
        and subject not in o
        and o not in {"The", "He", "She", "It", "They", "But", "In", "This", "That", "We", "There"}
    ]
    if not others:
        return None
    return rng.choice(others) + sentence[verb.start() :]
