"""Find where an article speaks of a target: by name, by alias, by a byword such as a capital or a leader.

Names of states and bodies with their aliases stand in `places.toml`; any other target is matched by what it is
called: the whole phrase, a person's surname, an abbreviation spelled in the text, or the content words of an idea.
It does not judge anything, and it knows no model.

    >>> [m.text for m in mentions("Azerbaijan", ["Baku denied that Azeri forces had fired."])]
    ['Baku', 'Azeri']
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

from communique.places import places

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Mention", "is_place", "known_names", "mentions", "opposed"]

#: Words that carry no content of a target's name.
_HOLLOW: Final = frozenset(
    "the a an of for to in on at by and or with against between from over its his her their our s president prime minister "
    "mr mrs ms dr sir gen sen rep administration government regime leadership authorities officials team plan plans "
    "deal policy group movement party forces lawmakers supporters".split()
)
_PREPOSITIONS: Final = frozenset("of from in on at with between against for to over by".split())
_TITLES: Final = re.compile(
    r"^(?:the\s+|president\s+|prime minister\s+|mr\.?\s+|mrs\.?\s+|ms\.?\s+|dr\.?\s+|sir\s+|sen\.?\s+|rep\.?\s+|gen\.?\s+)+",
    re.IGNORECASE,
)
_OF: Final = re.compile(r"^.*\bof (?:the )?(?=[A-Z]\w+ [A-Z])")
#: Letters of an abbreviation at most.
_ABBREVIATION: Final = 3
_POSSESSIVE: Final = re.compile(r"['’]s?$")
#: The two sides of the conflict that the models were trained on.
_OPPOSED: Final = {"armenia": "Azerbaijan", "azerbaijan": "Armenia"}


@dataclass(frozen=True, slots=True)
class Mention:
    """Characters [start, end) of sentence number `sentence` speak of the target."""

    sentence: int
    start: int
    end: int
    text: str


def mentions(target: str, sentences: Sequence[str]) -> list[Mention]:
    """Every mention of `target`, in reading order; none overlaps another.

    An idea whose exact phrase is nowhere is looked for by its content words: a sentence that holds most of them.
    """
    patterns = _patterns(target)
    found = _search(patterns[0], sentences)
    if not found and len(patterns) > 1:
        return _by_content(patterns[1:], sentences)
    return found


def opposed(target: str) -> str | None:
    """The other side, of a target that is one of two: who blames the one is seldom against the other."""
    return _OPPOSED.get(target.strip().lower())


@cache
def known_names() -> frozenset[str]:
    """Names of states and bodies with all their aliases."""
    names, _ = _tables()
    return frozenset(alias for aliases in names.values() for alias in aliases)


def is_place(name: str) -> bool:
    """Whether it is the name of a state or body, and not a byword for one or a leader of it."""
    return name.casefold() in _tables()[0]


def _search(pattern: re.Pattern[str], sentences: Sequence[str]) -> list[Mention]:
    return [
        Mention(number, match.start(), match.end(), match[0])
        for number, sentence in enumerate(sentences)
        for match in pattern.finditer(sentence)
        if match.end() > match.start()
    ]


def _by_content(patterns: Sequence[re.Pattern[str]], sentences: Sequence[str]) -> list[Mention]:
    """Sentences that hold more than half of the content words; of two words the second, the head, is enough."""
    found = []
    for number, sentence in enumerate(sentences):
        hits = [pattern.search(sentence) for pattern in patterns]
        held = [match for match in hits if match]
        if len(held) > len(patterns) // 2 or (len(patterns) == 2 and hits[1]):
            mention = hits[-1] or min(held, key=lambda match: match.start())
            found.append(Mention(number, mention.start(), mention.end(), mention[0]))
    return found


@cache
def _tables() -> tuple[dict[str, list[str]], dict[str, str]]:
    known = places()
    names: dict[str, list[str]] = {}
    for name, aliases in known.called.items():
        names[name.casefold()] = [name, *aliases]
    for name, aliases in known.called.items():
        for alias in aliases:
            # "Türkiye" or "EU" asked for as a target means the place; a leader asked for by name means the leader.
            if alias.casefold() not in names and (alias.isupper() or alias in _OTHER_NAMES):
                names[alias.casefold()] = [alias, name, *(other for other in aliases if other != alias)]
    return names, {name.casefold(): pattern for name, pattern in known.ideas.items()}


_OTHER_NAMES: Final = frozenset(
    {"Türkiye", "Turkiye", "Britain", "Artsakh", "Nato", "U.S.", "U.N.", "America", "Palestine", "Al Qaeda",
     "Al-Qaeda", "Al-Qaida", "al-Qaida", "Polisario", "Houthi", "Minsk Group", "Security Council", "Republican",
     "Democrat", "Hizbullah", "Burma", "Congo", "DR Congo", "Kremlin"}
)  # fmt: skip


@lru_cache(4096)  # an archive may ask of every article for other targets
def _patterns(target: str) -> tuple[re.Pattern[str], ...]:
    """The pattern of the target's names; for a phrase with content words, a pattern for each of them besides."""
    name = " ".join(target.split())
    bare = _TITLES.sub("", name) or name
    known, ideas = _tables()
    for key in (name.casefold(), bare.casefold()):
        if key in ideas:
            return (re.compile(rf"\b(?:{ideas[key]})\b", re.IGNORECASE),)
        if key in known:
            return (_any_of(known[key]),)
    words = bare.split()
    # "the UK government", "Assad's forces": whoever is governed or led stands for it.
    ruled = " ".join(_POSSESSIVE.sub("", word) for word in words if word.casefold() not in _HOLLOW)
    if ruled.casefold() in known and ruled != bare:
        return (_any_of([bare, *known[ruled.casefold()]]),)
    names = [name, bare]
    if _OF.search(bare):
        names.append(_OF.sub("", bare))  # "the International Committee of the Red Cross" is the Red Cross
    if _looks_like_person(words):
        names += [words[-1]] if words[-1].rstrip(".").casefold() not in {"jr", "sr"} else [words[-2]]
    if len(words) > 1 and (initials := "".join(word[0] for word in words if word[0].isupper())) and len(initials) > 1:
        names.append(initials)
    content = _content(words)
    stems = [_any_form(word, known) for word in content if len(word) > 1]
    whole = _any_of(dict.fromkeys(names), ignore_case=not any(character.isupper() for character in bare))
    return (whole, *stems)


def _any_of(names: Sequence[str] | dict[str, None], *, ignore_case: bool = False) -> re.Pattern[str]:
    """Any of the names, with case or, unless they are short, in capitals: "IS" and "US" are words in a headline."""
    shouted = [] if ignore_case else [name.upper() for name in names if len(name) > _ABBREVIATION]
    ordered = sorted(dict.fromkeys((*names, *shouted)), key=len, reverse=True)
    body = "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in ordered)
    return re.compile(rf"(?<![\w-])(?:{body})(?!\w)", re.IGNORECASE if ignore_case else 0)


def _content(words: Sequence[str]) -> list[str]:
    """The words that carry the meaning, the head last: "withdrawal from Syria" is a withdrawal."""
    at = next((i for i, word in enumerate(words) if i and word.casefold() in _PREPOSITIONS), len(words))
    ordered = [_POSSESSIVE.sub("", word) for word in (*words[at:], *words[:at])]
    return [word for word in ordered if word.casefold() not in _HOLLOW]


def _any_form(word: str, known: dict[str, list[str]]) -> re.Pattern[str]:
    """A content word in its forms and spellings; a place under all its names."""
    if word.casefold() in known:
        return _any_of(known[word.casefold()])
    stem = re.sub(r"(?<=\w\w)i[sz](?=ation|e|ing|$)", "i[sz]", re.escape(_stem(word)))
    return re.compile(rf"\b{stem}\w*", re.IGNORECASE)


def _looks_like_person(words: Sequence[str]) -> bool:
    return 2 <= len(words) <= 4 and all(word[0].isupper() for word in words) and not any(w.isupper() for w in words)


def _stem(word: str) -> str:
    """The part of an English word that its forms share, roughly."""
    lowered = word.casefold()
    for ending in ("ations", "ation", "ings", "ing", "ies", "ed", "es", "s", "al"):
        if lowered.endswith(ending) and len(lowered) - len(ending) >= 4:
            return word[: -len(ending)]
    return word
