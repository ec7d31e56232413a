"""What a cleaner may leave in a scraped article: lines of the page and openings of other stories.

Put back into clean articles while the trunk learns, so that it looks past them: their words are in no summary, whatever
the reference says. The article's labels stay, but not its choices, whose numbers no longer fit. It knows nothing of
how a page looks; `communique/reading` does.
"""

from __future__ import annotations

import html
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from training.data import lines

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from training.data import Labelled

__all__ = ["Leftovers"]

#: Duplicated ledes are the article's own words.
_OWN: Final = "repeated"
_MOST_WORDS: Final = 60
#: Where leftovers stand: most below the article, some between its paragraphs, few above.
_BELOW, _BETWEEN = 0.55, 0.85
_GLUED: Final = 0.25


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Lines marked as not article on the corpus' pages, and articles whose openings serve as teasers."""

    furniture: Sequence[str]
    stories: Sequence[Labelled]

    @classmethod
    def of(cls, pages: Iterable[Path], stories: Sequence[Labelled], held: Callable[[str], bool]) -> Leftovers:
        """From files of marked pages; pages of events that are `held` out give nothing."""
        found = dict.fromkeys(
            text
            for path in pages
            for page in lines(path)
            if not held(page["event"])
            for span in page["boilerplate"]
            if span["kind"] != _OWN
            for line in html.unescape(page["text"][span["start"] : span["end"]]).splitlines()
            if 1 < len((text := " ".join(line.split())).split()) <= _MOST_WORDS
        )
        return cls(tuple(found), tuple(story for story in stories if story.sentences))

    def litter(self, article: Labelled, rng: random.Random) -> Labelled:
        """The article with one to three pieces of a page in it; `foreign` says which words are not its own."""
        sentences = [
            (text, paragraph, 0) for text, paragraph in zip(article.sentences, article.paragraphs, strict=True)
        ]
        for _ in range(rng.choice((1, 1, 2, 3))):
            piece = self._piece(article, rng)
            ends = [n for n in range(1, len(sentences)) if sentences[n][1] != sentences[n - 1][1]]
            place = rng.random()
            at = len(sentences) if place < _BELOW or not ends else rng.choice(ends) if place < _BETWEEN else 0
            if at < len(sentences) and len(piece) == 1 and rng.random() < _GLUED:
                text, paragraph, foreign = sentences[at]
                sentences[at] = (piece[0] + text, paragraph, foreign + len(piece[0]))
            else:
                sentences[at:at] = [(text, -1, len(text)) for text in piece]
        paragraphs, number = [], -1
        for n, (_, paragraph, _) in enumerate(sentences):
            number += n == 0 or paragraph != sentences[n - 1][1] or paragraph < 0
            paragraphs.append(number)
        return replace(
            article,
            sentences=tuple(text for text, _, _ in sentences),
            paragraphs=tuple(paragraphs),
            foreign={n: ((0, foreign),) for n, (_, _, foreign) in enumerate(sentences) if foreign},
            choice=(),
        )

    def _piece(self, article: Labelled, rng: random.Random) -> list[str]:
        """A line of a page, or the title or the first sentences of a story about something else."""
        story = rng.choice(self.stories)
        if rng.random() < 0.5 or story.event == article.event:
            return [rng.choice(self.furniture)]
        if story.title and rng.random() < 0.3:
            return [story.title]
        return list(story.sentences[: rng.choice((1, 1, 2, 3))])
