"""Who is meant by a surname alone: a chosen sentence gets the whole name that an earlier one of the article has.

>>> article = ["Energy Minister Taner Yildiz flew to Soma on Monday.", "Yildiz said that 450 had been rescued."]
>>> people(article)["Yildiz"].name, named(article[1])
('Energy Minister Taner Yildiz', (set(), {'Yildiz'}))
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from communique.grounding.facts import COMMON
from communique.summary.clauses import QUOTED
from communique.summary.standing import is_broken
from communique.targets import is_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from communique.summary.clauses import Form

__all__ = ["Person", "introduced", "named", "people"]

_NAME: Final = re.compile(r"[A-Z][\w’-]*\w(?:['’]s)?")
_POSSESSIVE: Final = re.compile(r"['’]s$")
_STYLES: Final = frozenset(("Mr", "Mrs", "Ms", "Dr"))
#: What stands before a name and is none.
_OFFICES: Final = frozenset(
    "president premier minister prime foreign defense defence interior energy finance vice deputy chancellor secretary "
    "senator sen rep gov governor general gen lt maj col colonel admiral director ambassador envoy chairman chairwoman "
    "chief commander speaker king queen prince pope judge justice attorney commissioner congressman congresswoman "
    "leader spokesman spokeswoman professor prof mayor sir lord mr mrs ms dr".split()
)
#: Words of a name with what stands before it at most, and of a name.
_LONGEST: Final = 6
_LONGEST_NAME: Final = 3
#: That it speaks tells a person.
_SPEAKS: Final = re.compile(r"\s(?:said|says|told|added|wrote|asked|replied|warned)\b")
_SMALL: Final = re.compile(r"\b[a-z][\w-]+")
_LONGEST_WORD: Final = 40
_WORD_BEFORE: Final = re.compile(r"([\w’'-]+)\.?\s$")


@dataclass(frozen=True, slots=True)
class Person:
    """Whose whole `name`, with the office before it, first stands at [start, end) of sentence number `sentence`."""

    name: str
    sentence: int
    start: int
    end: int


def people(sentences: Sequence[str]) -> dict[str, Person]:
    """{surname: who bears it}, of those to whom the article gives one forename and no other, and of whom it shows that
    they are people: by an office before the name, or because they speak. No places, no words ("Human Rights Watch")."""
    found: dict[str, Person] = {}
    forenames: dict[str, set[str]] = {}
    shown: set[str] = set()
    surnames: set[str] = set()
    for number, text in enumerate(sentences):
        if is_broken(text):
            continue
        for run in _runs(text):
            names = [_POSSESSIVE.sub("", match[0]) for match in run]
            offices = [at for at, name in enumerate(names[:-1]) if name.casefold() in _OFFICES]
            # "Secretary of State John Kerry": how much of it is the office, nobody can tell by its form.
            of_office = text[: run[0].start()].endswith(" of ")
            first = max(offices[-1] + 1 if offices else 0, len(names) - 2 if of_office else 0)
            if offices or of_office or _SPEAKS.match(text, run[-1].end()):
                shown.add(names[-1])
            if not 1 < len(names) - first <= _LONGEST_NAME:
                surnames.add(names[-1])
                continue
            forenames.setdefault(names[-1], set()).add(names[first])
            start = run[first if of_office or len(run) > _LONGEST else 0].start()
            end = run[-1].start() + len(names[-1])
            found.setdefault(names[-1], Person(text[start:end], number, start, end))
    small = {word for text in sentences for word in _SMALL.findall(text)}
    return {
        name: one
        for name, one in found.items()
        if name in shown
        and len(forenames[name]) == 1
        and forenames[name].isdisjoint(surnames)
        and not (name.casefold() in small or is_place(name) or is_place(one.name))
    }


def introduced(form: Form, number: int, known: Mapping[str, Person], told: str, room: int) -> Form:
    """The form with the whole names of those whom it calls by their surname alone.

    Args:
        form: of a sentence.
        number: the sentence's.
        known: whom the article names.
        told: what the summary says before it.
        room: words that may be added; a name that needs more stays as it is.
    """
    text, borrowed = form.text, list(form.borrowed)
    for surname in sorted(named(text)[1] - named(told)[0]):
        person, place = known.get(surname), _alone(surname, text)
        if person is None or person.sentence >= number or place is None:
            continue
        longer = text[: place[0]] + person.name + text[place[1] :]
        if len(longer.split()) - form.words <= room:
            text = longer
            borrowed.append((person.sentence, person.start, person.end))
    return replace(form, text=text, borrowed=tuple(borrowed))


def named(text: str) -> tuple[set[str], set[str]]:
    """Last words of names of several words ("Suraya Dalil"), and names of one ("Dalil", "Mr. Dalil")."""
    full: set[str] = set()
    bare: set[str] = set()
    end, run = -1, 0
    matches = list(_NAME.finditer(text))
    for at, match in enumerate(matches):
        run = run + 1 if text[end : match.start()] in (" ", ". ") and run else 1
        if match[0] in _STYLES or match[0].casefold() in COMMON:
            run = 0
        end = match.end()
        follows = at + 1 < len(matches) and text[end : matches[at + 1].start()] == " "
        if match[0] not in _STYLES and match[0].casefold() not in COMMON and not follows:
            (full if run > 1 else bare).add(_POSSESSIVE.sub("", match[0]))
    return full, bare - full


def _runs(text: str) -> Iterator[list[re.Match[str]]]:
    """Capitalised words that stand together; a possessive ends them, and small words with a capital are none."""
    run: list[re.Match[str]] = []
    for match in _NAME.finditer(text):
        word = match[0].casefold()
        apart = run and (text[run[-1].end() : match.start()] not in (" ", ". ") or _POSSESSIVE.search(run[-1][0]))
        if run and (apart or (word in COMMON and word not in _OFFICES)):
            yield run
            run = []
        if word in _OFFICES or word not in COMMON:
            run.append(match)
    if run:
        yield run


def _alone(surname: str, text: str) -> tuple[int, int] | None:
    """Where [start, end) a surname first stands alone or after "Mr", outside quotations and other names."""
    quoted = [match.span() for match in QUOTED.finditer(text)]
    for match in re.finditer(rf"(?<![\w-]){re.escape(surname)}(?![\w-]| [A-Z])", text):
        before = _WORD_BEFORE.search(text, max(0, match.start() - _LONGEST_WORD), match.start())
        word = before[1] if before else ""
        styled = before is not None and word in _STYLES
        of_other = word.casefold() == "the" or (word[:1].isupper() and not styled and word.casefold() not in COMMON)
        within = any(start < match.end() and match.start() < end for start, end in quoted)
        if not of_other and not within and word.casefold() not in _OFFICES - {style.casefold() for style in _STYLES}:
            return before.start() if before is not None and styled else match.start(), match.end()
    return None
