"""Pages on which the trunk learns to tell the article from what is not."""

from __future__ import annotations

import random

import pytest

from training.corpus.pages import Passage
from training.data import Labelled
from training.trunk_pages import foreign_pages

PATTERNS = {
    "paper": [
        Passage("paper", "top", "caption", "p", ("A bridge in winter. Photo: The Paper",)),
        Passage("paper", "inside", "related", "p", ("Also read: {headline}",)),
        Passage("paper", "foot", "other-story", "div", ("{story1}",)),
    ]
}


def article(name: str, word: str) -> Labelled:
    sentences = tuple(f"The {word} of part {n} was told to the {word} council on Monday." for n in range(8))
    return Labelled(
        id=name, source_set="corpus", event=name, title=f"All about {word}", sentences=sentences,
        paragraphs=(0, 0, 1, 1, 2, 2, 3, 3), topics=("talks",), stance={},
    )  # fmt: skip


ARTICLES = [article(f"a{n}", word) for n, word in enumerate(("harbour", "railway", "orchard", "tunnel"))]


def test_what_is_foreign_is_what_another_wrote() -> None:
    pages = [page for seed in range(12) for page in foreign_pages(ARTICLES, PATTERNS, 4, random.Random(seed))]
    stories = furniture = 0
    for page in pages:
        own = next(a for a in ARTICLES if page.event == a.event)
        word = own.title.split()[-1]
        assert page.foreign
        assert page.topics == ()
        assert list(page.paragraphs) == sorted(page.paragraphs)
        for number, sentence in enumerate(page.sentences):
            clean = sentence.replace("\u200b", "").replace("\u00ad", "")
            if number not in page.foreign:
                assert word in clean.lower() or len(clean.split()) < 8  # a heading of its own
            elif page.foreign[number] == ((0, len(sentence)),):
                stories += " council on Monday" in clean and word not in clean
                furniture += "Photo" in clean or "Also read" in clean
    assert stories > 20
    assert furniture > 5


def test_pages_follow_from_the_seed() -> None:
    once, again = (list(foreign_pages(ARTICLES, PATTERNS, 4, random.Random(3))) for _ in range(2))
    assert once == again


@pytest.mark.parametrize("count", [1, 3])
def test_no_more_pages_than_asked(count: int) -> None:
    assert len(list(foreign_pages(ARTICLES, PATTERNS, count, random.Random(1)))) <= count
