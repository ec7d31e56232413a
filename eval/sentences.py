"""A plain sentence and clause splitter for baselines, oracles and ROUGE-Lsum.

It is the harness's own on purpose: a baseline must not move when the system's reader does.

    >>> sentences('He met Mr. Kerry in Geneva. "No," he said.')
    ['He met Mr. Kerry in Geneva.', '"No," he said.']
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["clauses", "cut", "sentences", "words"]

_ABBREVIATIONS: Final = frozenset(
    "mr mrs ms dr prof gen col lt maj capt sgt adm sen rep gov st jr sr no vs etc inc ltd co corp jan feb mar apr jun "
    "jul aug sep sept oct nov dec u.s u.k u.n e.g i.e a.m p.m".split()
)
_END: Final = re.compile(r"[.!?…]+[\"'”’)\]]*(?:\s+|(?=[A-Z“\"][a-z]))")
_CLAUSE: Final = re.compile(
    r"(?<=[,;:)])\s+|\s+[—–-]\s+|(?<=\w)—(?=\w)|\s+(?=\()|"
    r"\s+(?=(?:and|but|while|which|who|that|as|after|before|when|because|although|where|saying|adding)\s)"
)
_WORD: Final = re.compile(r"\w+(?:[.,’'-]\w+)*")


def sentences(text: str) -> list[str]:
    """Sentences in order, white space collapsed; a line break of a paragraph always ends one."""
    found: list[str] = []
    for line in re.split(r"\n\s*\n|\n", text):
        line = " ".join(line.split())
        start = 0
        for match in _END.finditer(line):
            last = line[start : match.start()].rsplit(" ", 1)[-1].lstrip("(\"'“‘").lower()
            initial = len(last) == 1 and last.isalpha()
            follows = line[match.end() : match.end() + 1]
            if match.group().startswith(".") and (last in _ABBREVIATIONS or initial or follows.islower()):
                continue
            found.append(line[start : match.end()].strip())
            start = match.end()
        if line[start:].strip():
            found.append(line[start:].strip())
    return found


def clauses(sentence: str) -> list[str]:
    """Pieces of a sentence at commas, dashes, brackets and conjunctions, in order."""
    return [piece.strip() for piece in _CLAUSE.split(sentence) if piece.strip()]


def words(text: str) -> list[str]:
    """Words as written, punctuation apart left out; "1,600" and "cease-fire" are one word each."""
    return _WORD.findall(text)


def cut(text: str, count: int) -> str:
    """The first `count` words, as separated by white space."""
    return " ".join(text.split()[:count])
