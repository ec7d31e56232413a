"""What boilerplate says of itself: the phrases and marks of captions, prompts, lists and notices, by kind.

It judges one line by its words alone; where the line stands and what surrounds it is `boilerplate`'s affair. The
patterns stand in `phrases.toml` and name no site.

    >>> kind_of("Sign up for our newsletter and get the news in your inbox.")
    'newsletter'
    >>> kind_of("He signed up for the army and got the news in a letter.")
    ''
"""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Final

from communique.reading.signs import signs_of

__all__ = ["kind_of", "words_of"]


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A line of at most `longest` words that holds a cue, or needs none, and matches a pattern is of this kind.

    `patterns` stand with their signs: a line without any of them is not worth trying.
    """

    kind: str
    cues: frozenset[str]
    longest: int
    patterns: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...]

    def matches(self, text: str, lower: str) -> bool:
        for signs, pattern in self.patterns:
            for sign in signs:
                if sign in lower:
                    if pattern.search(text):
                        return True
                    break
        return False


_WORD: Final = re.compile(r"[^\W_]+(?:['&-][^\W_]+)*|©")
#: Patterns look back and forth within a line; a longer one is no prompt, whatever it says.
_LONGEST: Final = 1200
#: Reported speech: its words are not the page's own.
_SAID: Final = re.compile(
    r"[\"“”].{0,60}\b(?:said|says|told|wrote|added|asked|announced|declared)\b|\b(?:said|says|told|added)\b.{0,40}[\"“]"
)


def words_of(text: str) -> list[str]:
    """The words of a line in lower case."""
    return _WORD.findall(text.lower().replace("’", "'"))


def kind_of(text: str, words: list[str] | None = None) -> str:
    """The kind of boilerplate that a line shows itself to be, or "". `words` are its `words_of`, if at hand."""
    words = words_of(text) if words is None else words
    count = len(words)
    phrases = _phrases()
    if count > phrases[0].longest or len(text) > _LONGEST:
        return ""
    bag, lower = set(words), text.lower()
    quoted: bool | None = None
    for phrase in phrases[1:]:
        if count > phrase.longest or (phrase.cues and bag.isdisjoint(phrase.cues)) or not phrase.matches(text, lower):
            continue
        if phrase.cues and phrase.kind != "related":
            quoted = bool(_SAID.search(text)) if quoted is None else quoted
            if quoted:
                continue
        return phrase.kind
    return ""


@functools.cache
def _phrases() -> tuple[_Phrase, ...]:
    """All phrases in order, after an entry that holds the greatest `longest` of all."""
    data = tomllib.loads(resources.files("communique.reading").joinpath("phrases.toml").read_text(encoding="utf-8"))
    lists = {"{social}": f"(?:{data['social']})", "{agency}": f"(?:{data['agency']})"}

    def phrase(entry: dict[str, object], flags: int) -> _Phrase:
        patterns = entry["patterns"]
        assert isinstance(patterns, list)
        for name, expansion in lists.items():
            patterns = [pattern.replace(name, expansion) for pattern in patterns]
        longest = entry["longest"]
        assert isinstance(longest, int)
        # Every text holds "", the sign of a pattern of which nothing better is known.
        tried = tuple((signs_of(pattern) or ("",), re.compile(pattern, flags)) for pattern in patterns)
        return _Phrase(str(entry["kind"]), frozenset(str(entry.get("cues", "")).split()), longest, tried)

    phrases = [phrase(entry, 0) for entry in data["marks"]] + [
        phrase(entry, re.IGNORECASE) for entry in data["phrases"]
    ]
    limit = _Phrase("", frozenset(), max(entry.longest for entry in phrases), ())
    return (limit, *phrases)
