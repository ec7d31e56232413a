"""Pages as a careless cleaner leaves them, on which the trunk learns to tell the article from what is not.

Each is the beginning of an article between passages of several site patterns and openings of other stories, some of
them gone already. What is known of a page is which characters of its sentences are foreign; it has no other labels.
The layout itself is `training/cleaner_pages.py`'s.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from communique.reading.characters import collapse, normalise
from communique.reading.layout import text_blocks
from communique.reading.markup import html_blocks
from communique.reading.sentences import split
from communique.text import MappedText
from training.cleaner_pages import mixed_pages
from training.data import Labelled

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Mapping, Sequence

    from training.corpus.pages import Passage

__all__ = ["foreign_pages", "marked_pages"]

#: Words of an article that its page shows: what the trunk reads while it learns is short.
_WORDS: Final = (60, 240)
#: Some articles came without their paragraphs.
_LONG_PARAGRAPH: Final = 45
#: How much of the furniture a cleaner left, page by page; and of the openings of other stories.
_FURNITURE: Final = (0.1, 0.3, 1.0)
_STORIES: Final = (0.5, 1.0)
#: Teasers are of so many other articles at least.
_STORIES_AT_HAND: Final = 24
_STORY_KINDS: Final = frozenset(("other-story", "related"))


def foreign_pages(
    articles: Sequence[Labelled], patterns: Mapping[str, list[Passage]], count: int, rng: random.Random
) -> Iterator[Labelled]:
    """What is left of pages of at most `count` articles drawn at random, each by its beginning alone."""
    for page in marked_pages(articles, patterns, count, rng, _WORDS):
        if found := _labelled(page, rng):
            yield found


def marked_pages(
    articles: Sequence[Labelled],
    patterns: Mapping[str, list[Passage]],
    count: int,
    rng: random.Random,
    words: tuple[int, int],
) -> Iterator[dict[str, Any]]:
    """Pages with their spans marked, of at most `count` articles drawn at random; each is teaser to the others.

    Of an article so many `words` are shown, from the fewest to the most.
    """
    chosen = rng.sample(articles, min(max(count, _STORIES_AT_HAND), len(articles)))
    items = [_item(article, rng, rng.randint(*words)) for article in chosen]
    if len({item["event"] for item in items}) > 1:
        yield from islice(mixed_pages(items, dict(patterns), 1, rng.randrange(1 << 30)), count)


def _item(article: Labelled, rng: random.Random, most: int) -> dict[str, Any]:
    """The first `most` words of an article, to the end of a paragraph, in the form that pages are made of."""
    paragraphs: list[list[str]] = []
    for index, (text, number) in enumerate(zip(article.sentences, article.paragraphs, strict=True)):
        begins = index == 0 or number != article.paragraphs[index - 1]
        if begins or sum(len(sentence.split()) for sentence in paragraphs[-1]) >= _LONG_PARAGRAPH:
            paragraphs.append([])
        paragraphs[-1].append(text)
    shown: list[str] = []
    words = 0
    for sentences in paragraphs:
        if shown and words >= most:
            break
        shown.append(" ".join(sentences))
        words += len(shown[-1].split())
    return {
        "id": article.id,
        "event": article.event,
        "title": article.title or article.sentences[0],
        "source": "",
        "manner": "",
        "date": f"20{rng.randint(16, 25)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
        "text": "\n\n".join(shown),
        "stance": article.stance,
    }


def _labelled(page: dict[str, Any], rng: random.Random) -> Labelled | None:
    text = page["text"]
    marked = np.zeros(len(text) + 1)
    for span in page["boilerplate"]:
        marked[span["start"] : span["end"]] = 2 if span["kind"] in _STORY_KINDS else 1
    blocks = html_blocks(text)[0] if page["format"] == "html" else text_blocks(normalise(MappedText.of(text)))
    furniture, stories = rng.choice(_FURNITURE), rng.choice(_STORIES)
    sentences: list[str] = []
    paragraphs: list[int] = []
    foreign: dict[int, tuple[tuple[int, int], ...]] = {}
    title = page["title"].split()
    number = -1
    for block in blocks:
        a, b = block.mapped.span(0, len(block.mapped))
        kind = marked[a:b].max(initial=0)
        if kind and rng.random() > (stories if kind == 2 else furniture):
            continue
        if block.text.split() == title:
            continue
        pieces = split(collapse(block.mapped))
        if pieces and (not block.joined or number < 0):
            number += 1
        for piece in pieces:
            spans = _spans(piece, marked)
            if spans:
                foreign[len(sentences)] = spans
            sentences.append(piece.text)
            paragraphs.append(number)
    if not sentences or not foreign:
        return None
    return Labelled(
        id=page["id"], source_set="pages", event=page["event"], title=page["title"], sentences=tuple(sentences),
        paragraphs=tuple(paragraphs), topics=(), stance={}, foreign=foreign,
    )  # fmt: skip


def _spans(piece: MappedText, marked: np.ndarray[Any, Any]) -> tuple[tuple[int, int], ...]:
    """The foreign characters of a sentence: runs of words that stand on marked ones."""
    spans: list[tuple[int, int]] = []
    at = 0
    for word in piece.text.split(" "):
        end = at + len(word)
        if word:
            a, b = piece.span(at, end)
            if marked[a:b].mean() > 0.5:
                if spans and spans[-1][1] == at - 1:
                    spans[-1] = (spans[-1][0], end)
                else:
                    spans.append((at, end))
        at = end + 1
    return tuple(spans)
