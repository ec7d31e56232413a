"""Words as the summariser weighs them: what a sentence is made of, folded so that forms of one word agree.

>>> [w.key for w in words("Shells hit three villages.")]
['shell', 'hit', 'three', 'village']
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["FUNCTION_WORDS", "Word", "words"]

_WORD: Final = re.compile(r"[^\W_]+(?:[.,]\d+)*")

#: Words that hold sentences together; their overlap with a reference says little of content.
FUNCTION_WORDS: Final = frozenset(
    "a an the and or but nor so yet of to in on at by for with from into onto over under after before since until "
    "during about against between among through as than that this these those it its he she they them his her their "
    "him we us our you your i my me who whom whose which what when where why how is are was were be been being am has "
    "have had do does did will would shall should can could may might must not no if then there here also just only "
    "very more most such some any each both all other own same s t".split()
)


@dataclass(frozen=True, slots=True)
class Word:
    """Characters [start, end) of a sentence; `key` is equal for forms of one word."""

    key: str
    start: int
    end: int

    @property
    def is_function(self) -> bool:
        return self.key in FUNCTION_WORDS


def words(sentence: str) -> list[Word]:
    """The words of a sentence, in order."""
    return [Word(_key(match[0]), match.start(), match.end()) for match in _WORD.finditer(sentence)]


def _key(word: str) -> str:
    """Lower case, without the commonest English endings: light on purpose, it must only agree with itself."""
    folded = word.casefold()
    if len(folded) <= 3 or folded in FUNCTION_WORDS or not folded.isalpha():
        return folded
    for ending, kept in (("sses", "ss"), ("ies", "y"), ("ing", ""), ("ied", "y"), ("ed", ""), ("es", "e"), ("s", "")):
        if folded.endswith(ending) and not folded.endswith("ss") and len(folded) - len(ending) >= 3:
            folded = folded[: len(folded) - len(ending)] + kept
            break
    return folded[:-1] if folded.endswith("e") and len(folded) > 4 else folded
