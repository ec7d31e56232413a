"""The pages that the cleaner is trained on, and what is known of each of their blocks.

Each page sets an article between passages of several site patterns and teasers of other articles, so that no site's
layout is learned by heart. Nothing is known here of the models.

    python -m training.cleaner --to models/cleaner
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from communique.reading.characters import normalise
from communique.reading.layout import text_blocks
from communique.reading.look import look_at
from communique.reading.markup import html_blocks
from communique.reading.phrases import words_of
from communique.reading.repeats import repeated
from communique.reading.telling import Odds
from communique.text import MappedText
from training.corpus.pages import Passage, html_page, text_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from communique.reading.block import Block
    from communique.reading.look import Look
    from communique.reading.stories import Story

__all__ = ["Page", "mixed_pages", "prepare"]

#: A block counts by its characters, up to a limit.
_BLOCK_LIMIT: Final = 600.0
_TEASERS: Final = (
    "{story1}", "{story2}", "{story3}", "{tease}", "{headline}|{tease}", "{tease}|Read more", "{story1}|Read more »",
    "{story2}|Continue reading", "{tease}…", "{story1}…", "{digest1}", "{digest2}", "{headline}|{digest2}", "{digest3}",
    "{body1}", "{body2}", "{body3}", "{headline}|{body2}", "{body2}|Read more",
)  # fmt: skip
#: How often an article has teasers set into it, and what stands above and below them.
_SET_IN: Final = 0.5
_LABELS: Final = (
    "Also read", "READ ALSO", "Related", "More on this", "From the same region", "Background", "In other news",
    "Our pick", "See also:", "Must read", "On the same subject", "{date}", "{time}", "Related story", "Meanwhile",
    "Don't miss",
)  # fmt: skip
_FORMS: Final = (
    "{story1}", "{story2}", "{story2}", "{story3}", "{headline}|{digest2}", "{headline}|{digest1}",
    "{headline}|{tease}", "{digest2}", "{body2}", "{body3}",
)  # fmt: skip
_TRAILERS: Final = (
    "Read more", "Full story", "Continue →", "…", "More »", "Read on", "Share", "{date}", "To the article",
    "Read in full",
)  # fmt: skip


@dataclass(slots=True)
class Page:
    """A page's blocks with what is known of each: whether it is boilerplate, another story, a headline, an opening."""

    blocks: list[Block]
    looks: list[Look]
    title: list[str]
    boilerplate: NDArray[np.bool_]
    elsewhere: NDArray[np.bool_]
    headline: NDArray[np.bool_]
    opening: NDArray[np.bool_]
    counted: NDArray[np.float64]
    again: list[bool]
    odds: Odds = field(default_factory=lambda: Odds((), (), ()))
    stories: list[Story] = field(default_factory=list)
    told: list[dict[str, float]] = field(default_factory=list)
    other: list[float] = field(default_factory=list)

    @property
    def looked(self) -> NDArray[np.float64]:
        return np.array([look.row for look in self.looks], dtype=np.float64)

    @property
    def story_labels(self) -> list[bool]:
        """Whether most of a story's characters are boilerplate."""
        sizes = np.array([len(block.text) for block in self.blocks])
        return [
            bool(sizes[story.members][self.boilerplate[story.members]].sum() * 2 > sizes[story.members].sum())
            for story in self.stories
        ]


def mixed_pages(
    articles: Sequence[dict[str, Any]], patterns: dict[str, list[Passage]], rounds: int, seed: int
) -> Iterator[dict[str, Any]]:
    """Pages of each article, `rounds` of them, each after a pattern put together from several."""
    rng = random.Random(seed)
    names = sorted(patterns)
    for number in range(rounds * len(articles)):
        article = articles[number % len(articles)]
        others = [other for other in articles if other["event"] != article["event"]]
        passages = _mixed(patterns, names, f"mixed-{seed}-{number}", rng)
        page = html_page if rng.random() < 0.33 else text_page
        yield page(article, passages, others)


def _mixed(patterns: dict[str, list[Passage]], names: Sequence[str], name: str, rng: random.Random) -> list[Passage]:
    """Passages of a site that there is not: head, top, inside and foot of different ones, and a block of teasers."""
    found: list[Passage] = []
    for place in ("head", "top", "inside"):
        for _ in range(rng.choice((1, 1, 2))):
            among = patterns[rng.choice(names)]
            found += [passage for passage in among if passage.place == place and rng.random() < 0.65]
    if rng.random() < _SET_IN:
        found += [_set_in(name, rng) for _ in range(rng.choice((1, 1, 2)))]
    foot: list[Passage] = []
    for _ in range(rng.choice((1, 2, 2))):
        foot += [passage for passage in patterns[rng.choice(names)] if passage.place == "foot" and rng.random() < 0.7]
    if rng.random() < 0.25:
        rng.shuffle(foot)
    if rng.random() < 0.6:
        at = rng.choice((0, len(foot), rng.randrange(len(foot) + 1)))
        foot[at:at] = _teasers(patterns, name, rng)
    found += foot or [Passage(name, "foot", "copyright", "p", ("© {year}",))]
    return [Passage(name, passage.place, passage.kind, passage.element, passage.lines) for passage in found]


def _set_in(name: str, rng: random.Random) -> Passage:
    """A teaser of another story in the middle of the article, with or without what announces and ends it."""
    lines = [rng.choice(_LABELS)] if rng.random() < 0.4 else []
    lines.append(rng.choice(_FORMS))
    if rng.random() < 0.4:
        lines.append(rng.choice(_TRAILERS))
    element = rng.choice(("div.teaser", "p", "aside.rel", "p.box", "blockquote"))
    return Passage(name, "inside", "other-story", element, tuple("|".join(lines).split("|")))


def _teasers(patterns: dict[str, list[Passage]], name: str, rng: random.Random) -> list[Passage]:
    labels = [
        passage
        for passages in patterns.values()
        for passage in passages
        if passage.kind == "related"
        and passage.place == "foot"
        and len(passage.lines) == 1
        and "{" not in passage.lines[0]
    ]
    element = rng.choice(("div.teaser", "p", "article.card", "li"))
    form = rng.choice(_TEASERS)
    found = [rng.choice(labels)] if labels and rng.random() < 0.5 else []
    for _ in range(rng.randrange(1, 5)):
        form = rng.choice(_TEASERS) if rng.random() < 0.3 else form
        found.append(Passage(name, "foot", "other-story", element, tuple(form.split("|"))))
    return found


def prepare(pages: Iterable[dict[str, Any]], articles: Sequence[dict[str, Any]]) -> list[Page]:
    """The pages' blocks with their labels."""
    titles = {" ".join(words_of(article["title"])) for article in articles}
    openings = {_beginning(words_of(article["text"].split("\n", 1)[0])) for article in articles}
    prepared = []
    for page in pages:
        text = page["text"]
        blocks = html_blocks(text)[0] if page["format"] == "html" else text_blocks(normalise(MappedText.of(text)))
        looks = [look_at(block) for block in blocks]
        marked, elsewhere = np.zeros(len(text) + 1), np.zeros(len(text) + 1)
        for span in page["boilerplate"]:
            marked[span["start"] : span["end"]] = 1
            elsewhere[span["start"] : span["end"]] = span["kind"] in ("other-story", "repeated")
        spans = [block.mapped.span(0, len(block.mapped)) for block in blocks]
        title = words_of(page["title"])
        boilerplate = np.array([marked[a:b].mean() > 0.5 for a, b in spans], dtype=bool)
        # The headline of an HTML page is neither article nor marked.
        counted = np.array(
            [
                0.0 if not bad and (block.tag == "h1" or look.words == title) else min(_BLOCK_LIMIT, len(block.text))
                for block, look, bad in zip(blocks, looks, boilerplate, strict=True)
            ]
        )
        prepared.append(
            Page(
                blocks=blocks,
                looks=looks,
                title=title,
                boilerplate=boilerplate,
                elsewhere=np.array([elsewhere[a:b].mean() > 0.5 for a, b in spans], dtype=bool),
                headline=np.array([" ".join(look.words) in titles for look in looks], dtype=bool),
                opening=np.array([_beginning(look.words) in openings for look in looks], dtype=bool),
                counted=counted,
                again=repeated(looks, title),
            )
        )
    return prepared


def _beginning(words: Sequence[str]) -> str:
    return " ".join(words[:10])
