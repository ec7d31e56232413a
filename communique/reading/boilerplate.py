"""Which blocks of a page are not article, and why.

Blocks that repeat another are told first, then the runs of prose, then which of these are the article, and last each
block in its place. Where the words of a line leave no doubt (a cookie notice, a copyright line) the models are not
asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from communique.reading.look import LOOKS, look_at
from communique.reading.phrases import words_of
from communique.reading.place import places
from communique.reading.repeats import repeated
from communique.reading.stories import stems, stories_of
from communique.reading.telling import Odds, telling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.reading.block import Block
    from communique.reading.cleaner import Cleaner
    from communique.reading.look import Look
    from communique.reading.stories import Story

__all__ = ["CERTAIN", "judge"]

#: Kinds whose phrases hardly ever stand in a news story.
CERTAIN: Final = frozenset("cookie newsletter copyright subscription donation messenger share credit".split())
#: Log-odds from which a block is removed: to lose article is worse than to leave boilerplate.
_DOUBT: Final = 2.0
#: And for a paragraph of prose that nothing but its place in the story gives away: half an article may hang on it.
_PROSE_DOUBT: Final = 3.5
_PROSE_WORDS: Final = 20
_SCENE: Final = LOOKS.index("scene")


def judge(blocks: Sequence[Block], title: str, cleaner: Cleaner) -> list[str]:
    """For each block "" if it is article, else the kind of boilerplate it is."""
    looks = [look_at(block) for block in blocks]
    title_words = words_of(title)
    again = repeated(looks, title_words)
    rows = [look.row for look in looks]
    odds = Odds(cleaner.furniture(rows), cleaner.headline(rows), cleaner.opening(rows))
    titled = stems(title_words)
    stories = stories_of(blocks, looks, odds.furniture, again)
    other = cleaner.other(telling(stories, blocks, looks, odds, titled, cleaner.rarity))
    standing = places(looks, odds, stories, other, titled, cleaner.rarity)
    removal = cleaner.blocks([[*look.row, *place] for look, place in zip(looks, standing, strict=True)])
    kinds = [
        "repeated"
        if copy
        else _kind(block, look, head)
        if score > _doubt(block, look, head) or look.kind in CERTAIN
        else ""
        for block, look, head, score, copy in zip(blocks, looks, odds.headline, removal, again, strict=True)
    ]
    _name_stories(kinds, stories, other)
    return _named(kinds, looks)


def _doubt(block: Block, look: Look, headline: float) -> float:
    """The log-odds that a block must pass to be removed."""
    plain = not look.kind and not block.hint and headline <= 0 and len(look.words) >= _PROSE_WORDS
    return _PROSE_DOUBT if plain else _DOUBT


def _kind(block: Block, look: Look, headline: float) -> str:
    """What a block that goes is, as far as it shows by itself; "?" if it does not show."""
    if look.kind or block.hint:
        return look.kind or block.hint
    if headline > 0 or block.linked > 0.7:
        return "related"
    return "caption" if look.row[_SCENE] else "?"


def _name_stories(kinds: list[str], stories: Sequence[Story], other: Sequence[float]) -> None:
    """Calls what goes of another story, and the headline above it, by that name."""
    for story, score in zip(stories, other, strict=True):
        if score > 0:
            for index in story.members:
                kinds[index] = kinds[index] and "other-story"
            if story.gap and kinds[story.gap[-1]] in ("?", "related") and kinds[story.members[0]]:
                kinds[story.gap[-1]] = "other-story"


def _named(kinds: list[str], looks: Sequence[Look]) -> list[str]:
    """With a name for what does not show by itself: short lines are navigation, others like what stands above."""
    for index, kind in enumerate(kinds):
        if kind == "?":
            above = kinds[index - 1] if index else ""
            kinds[index] = "navigation" if len(looks[index].words) < 4 else above or "notice"
    return kinds
