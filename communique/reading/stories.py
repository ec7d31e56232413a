"""The stories on a page: its runs of prose, and the words, names and figures that tell them apart.

What parts two runs is whatever is not prose, and a dateline. It knows nothing of which run is the article.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from itertools import pairwise, repeat
from typing import TYPE_CHECKING, Final

from communique.reading.look import DATELINE, FULL_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from communique.reading.block import Block
    from communique.reading.look import Look

__all__ = ["Rarity", "Story", "stems", "stories_of"]

_AROUND: Final = re.compile(r"^\W+|(?:[’']s)?\W*$")


@dataclass(slots=True)
class Story:
    """Blocks `members` in a row, all prose; `gap` and `after` are the blocks between it and its neighbours."""

    members: list[int]
    gap: list[int]
    after: list[int] = field(default_factory=list)
    words: int = 0
    stems: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    surnames: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Rarity:
    """How much a stem tells, 0 to 1: little if every second story has it. `known` are those that tell less than 1."""

    known: Mapping[str, float]

    def __call__(self, found: Iterable[str]) -> float:
        return math.fsum(map(self.known.get, found, repeat(1.0)))  # the same in whatever order a set has

    def shared(self, own: set[str], other: set[str], least: float = 3.0) -> float:
        """The share of what `own` tells that `other` tells too, 0 to 1; kept low where `own` tells less than `least`."""
        return self(own & other) / max(least, self(own)) if own and other else 0.0


def stems(words: Iterable[str]) -> set[str]:
    """What may tell stories apart: figures, and the first six letters of words of four or more."""
    return {word[:6] for word in words if len(word) > 3 or word.isdigit()}


def stories_of(
    blocks: Sequence[Block], looks: Sequence[Look], furniture: Sequence[float], skipped: Sequence[bool]
) -> list[Story]:
    """The runs of prose in order.

    `furniture` are log-odds that a block is no prose, by its look alone; `skipped` blocks are known not to be article.
    """
    stories: list[Story] = []
    between: list[int] = []
    story: Story | None = None
    for index, (block, look) in enumerate(zip(blocks, looks, strict=True)):
        if skipped[index] or furniture[index] >= 0 or not look.closed:
            between.append(index)
            story = None
            continue
        if story is None or DATELINE.match(block.text):
            if stories:
                stories[-1].after = between
            story = Story([], between)
            stories.append(story)
            between = []
        names = FULL_NAME.findall(block.text)
        story.members.append(index)
        story.words += len(look.words)
        story.stems |= stems(look.words)
        story.names.update(names)
        story.surnames.update(_lone(block.text, names))
    if stories:
        stories[-1].after = between
    return stories


def _lone(text: str, names: Iterable[str]) -> set[str]:
    """Capitalised words inside sentences that stand alone, as surnames do once their bearer was introduced."""
    parts = {part for name in names for part in name.split()}
    found = {
        _AROUND.sub("", word)
        for previous, word in pairwise(text.split())
        if word[0].isupper() and previous[-1] not in '.?!:"“'
    }
    return found - parts
