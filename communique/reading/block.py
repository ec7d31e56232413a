"""One line or paragraph of a page, with what the layout or the markup says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from communique.text import MappedText

__all__ = ["Block"]


@dataclass(slots=True)
class Block:
    """White space collapsed, none at the ends; never empty.

    `tag` is the HTML element it stands in, "" on a text page. `hint` is the kind of boilerplate that the markup
    names, or "". `linked` is the share of its characters inside links, 0 to 1. `main` tells that it stands in the
    part of the page that holds most of the prose. `joined` tells that it follows the block before it on the same line.
    """

    mapped: MappedText
    tag: str = ""
    hint: str = ""
    linked: float = 0.0
    main: bool = True
    joined: bool = False

    @property
    def text(self) -> str:
        return self.mapped.text
