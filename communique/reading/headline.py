"""The headline that a page gives itself, for an article that was sent without a title."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from communique.reading.phrases import kind_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.reading.block import Block

__all__ = ["headline_of"]

#: Words of a headline, and of a paragraph that one may stand over.
_HEADLINE_WORDS: Final = (3, 25)
_PROSE_WORDS: Final = 15
_CLOSED: Final = re.compile(r"[.!?…][\"'”’»)\]]*$")


def headline_of(blocks: Sequence[Block]) -> str:
    """The text of the page's only first-level heading; of plain text the first line where it heads prose; or ""."""
    headings = {block.text for block in blocks if block.tag == "h1" and not block.hint}
    if headings:
        return headings.pop() if len(headings) == 1 else ""
    return blocks[0].text if len(blocks) > 1 and not blocks[0].tag and _heads(blocks[0].text, blocks[1].text) else ""


def _heads(line: str, following: str) -> bool:
    """A line that neither ends as sentences do nor says that it is of the page, and prose right after it."""
    few, most = _HEADLINE_WORDS
    closed = _CLOSED.search(line) is not None or line[-1] in ":,;"
    says = closed or line[0].islower() or kind_of(line)
    return few <= len(line.split()) <= most and not says and _is_prose(following)


def _is_prose(text: str) -> bool:
    return len(text.split()) >= _PROSE_WORDS and _CLOSED.search(text) is not None
