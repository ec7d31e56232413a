"""Which blocks of a page are not article, and why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from communique.reading.phrases import kind_of, words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.reading.block import Block

__all__ = ["judge"]

_ENDS = re.compile(r"[.!?…:;,][\"'”’»)\]]*$")


def judge(blocks: Sequence[Block], title: str) -> list[str]:
    """For each block "" if it is article, else the kind of boilerplate it is."""
    kinds = []
    seen: set[str] = set()
    plain_title = " ".join(words_of(title))
    for block in blocks:
        words = words_of(block.text)
        plain = " ".join(words)
        kind = kind_of(block.text, words)
        if block.hint and (
            block.linked > 0.3 or not block.main or block.hint in ("caption", "credit") or len(words) < 12
        ):
            kind = kind or block.hint
        elif plain in seen and len(words) > 3:
            kind = "repeated"
        elif plain == plain_title:
            kind = kind or "repeated"
        elif not kind and block.linked > 0.7 and len(words) < 20 and block.tag:
            kind = "related"
        elif not words:
            kind = "navigation"
        seen.add(plain)
        kinds.append(kind)
    in_list = False
    for index, block in enumerate(blocks):
        story = _ENDS.search(block.text) is not None and len(block.text) > 90
        if kinds[index] == "related" and len(block.text) < 60:
            in_list = True
        elif kinds[index] == "":
            if in_list and not story:
                kinds[index] = "related"
            else:
                in_list = False
    return kinds
