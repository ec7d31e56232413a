"""Blocks that say again what the title or another block says in full: duplicated ledes and headlines.

It compares words, not meaning, and knows nothing of what else a block is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.reading.look import Look

__all__ = ["repeated"]

#: A shorter line may well be said twice: "No.", "he said."
_SHORTEST: Final = 7
#: A line of at least this many words is body text, in deciding whether two copies stand together at the head.
_BODY: Final = 16


def repeated(looks: Sequence[Look], title: Sequence[str]) -> list[bool]:
    """For each block whether it is the copy of a pair, or the title.

    Of two copies with body text between, the later goes; with none, the earlier, which is then a standfirst. What
    another block begins with goes before it.
    """
    plain = [" ".join(look.words) for look in looks]
    found = [False] * len(looks)
    places: dict[str, list[int]] = {}
    for index, look in enumerate(looks):
        if len(look.words) >= _SHORTEST:
            places.setdefault(plain[index], []).append(index)
    for copies in places.values():
        if len(copies) > 1:
            between = sum(len(look.words) >= _BODY for look in looks[copies[0] + 1 : copies[1]])
            kept = copies[0] if between else copies[1]
            for index in copies:
                found[index] = index != kept
    openings: dict[str, int] = {}
    for index, look in enumerate(looks):
        if not found[index] and len(look.words) >= _SHORTEST:
            opening = " ".join(look.words[:_SHORTEST])
            other = openings.setdefault(opening, index)
            if other != index:
                shorter, longer = sorted((other, index), key=lambda which: len(plain[which]))
                if plain[longer].startswith(plain[shorter]):
                    found[shorter] = True
                    openings[opening] = longer
    if title:
        joined = " ".join(title)
        for index, text in enumerate(plain):
            found[index] = found[index] or text == joined
    return found
