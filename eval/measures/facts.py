"""Figures and names that a summary has and its article has not.

This is a floor of truthfulness, not a proof: it sees an invented figure, not a figure given to the wrong side.
Figures are compared by value ("1,600" is "1600", "twelve" is "12"), names by word, in any case of possessive.

    >>> facts("Baku lost 31 men, Kerry said.", "Baku says that thirty-one died.").missing
    ('Kerry',)
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from eval.sentences import sentences

__all__ = ["Facts", "facts", "figures", "names"]

_UNITS: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_SPELLED: Final = {word: value for value, word in enumerate(_UNITS)} | {
    word: 10 * value for value, word in enumerate(_TENS, 2)
}
_FIGURE: Final = re.compile(r"\d+(?:[,.\u00a0\u202f]\d{3})*(?![\d])(?:[.,]\d+)?|\d+")
#: "one" counts only after a ten: alone it is a pronoun as often as a figure.
_SPELLED_OUT: Final = re.compile(
    rf"\b(?:({'|'.join(_TENS)})[- ]({'|'.join(_UNITS[1:10])})|({'|'.join([*_UNITS[2:], *_TENS])}))\b", re.IGNORECASE
)
_NAME: Final = re.compile(r"\b[^\W\d_][\w’'.-]*")
#: Words that are written with a capital and name nothing that could be invented.
_PLAIN: Final = frozenset("i mr mrs ms dr the a an in on at of and but by for from to he she it they we".split())


@dataclass(frozen=True, slots=True)
class Facts:
    """Counts over one summary, and what its article lacks, as written."""

    figures: int
    figures_found: int
    names: int
    names_found: int
    missing: tuple[str, ...]


def facts(summary: str, article: str) -> Facts:
    """Figures and names of the summary looked up in the article (its title included by the caller)."""
    values = figures(article)
    written = figures(summary)
    vocabulary = {_bare(word) for word in _NAME.findall(article)}
    called = names(summary, article)
    lost_figures = [shown for value, shown in written.items() if value not in values]
    lost_names = [name for name in called if not _known(_bare(name), vocabulary)]
    return Facts(
        figures=len(written),
        figures_found=len(written) - len(lost_figures),
        names=len(called),
        names_found=len(called) - len(lost_names),
        missing=(*lost_figures, *lost_names),
    )


def figures(text: str) -> dict[str, str]:
    """Value as digits to how it stands in the text."""
    found: dict[str, str] = {}
    for match in _FIGURE.finditer(text):
        found.setdefault(_value(match.group()), match.group())
    for match in _SPELLED_OUT.finditer(text):
        value = sum(_SPELLED[word.lower()] for word in match.groups() if word)
        found.setdefault(str(value), match.group())
    return found


def names(summary: str, article: str) -> list[str]:
    """Capitalised words of the summary.

    A word that opens a sentence counts only where another capital follows it ("Nikol Pashinyan"), or where summary or
    article write it with a capital elsewhere in a sentence: "Heavy fighting" names nobody.
    """
    split = [_NAME.findall(sentence) for sentence in sentences(summary)]
    inside = {word for sentence in sentences(article) for word in _NAME.findall(sentence)[1:]}
    inside.update(word for spoken in split for word in spoken[1:])
    found: dict[str, None] = {}
    for spoken in split:
        for place, word in enumerate(spoken):
            bare = word.rstrip(".'’-")
            parts = bare.lower().split("-")
            if not bare[:1].isupper() or bare.lower() in _PLAIN or all(part in _SPELLED for part in parts):
                continue
            follows = place + 1 < len(spoken) and spoken[place + 1][:1].isupper()
            if place > 0 or follows or word in inside:
                found.setdefault(bare, None)
    return list(found)


def _value(figure: str) -> str:
    figure = figure.replace("\u00a0", ",").replace("\u202f", ",")
    grouped = re.fullmatch(r"(\d{1,3}(?:[,.]\d{3})+)(?:[.,](\d+))?", figure)
    if grouped and not figure.startswith("0"):
        whole, rest = re.sub(r"[,.]", "", grouped[1]), grouped[2]
    else:
        whole, _, rest = figure.replace(",", ".").partition(".")
    rest = (rest or "").rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{rest}" if rest else "")


def _bare(word: str) -> str:
    """Lower case, without accents, possessive and full stops."""
    flat = "".join(c for c in unicodedata.normalize("NFKD", word.lower()) if not unicodedata.combining(c))
    return re.sub(r"(?:['’]s?)$", "", flat.replace(".", "").rstrip("-"))


def _known(name: str, vocabulary: set[str]) -> bool:
    """The article has the word, its parts, or one of the same stem of five letters and more ("Azerbaijani")."""
    if name in vocabulary or all(part in vocabulary for part in re.split(r"[-’']", name) if part):
        return True
    stem = name[: max(5, len(name) - 3)]
    return len(name) >= 6 and any(word.startswith(stem) and abs(len(word) - len(name)) <= 3 for word in vocabulary)
