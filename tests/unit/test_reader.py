"""What the trunk made of an article, and what is left of it when lines of the page are taken out."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from communique.models import resolve
from communique.reading import read
from communique.reading.settling import COLUMNS, Settling
from communique.record import Article
from communique.trunk.reader import Reader

if TYPE_CHECKING:
    from communique.document import Document

pytestmark = pytest.mark.models

ARTICLE = (
    "Armenia's defence ministry said on Monday that two soldiers were wounded near the village of Sotk, and accused "
    "Baku of breaking the truce.\n\n"
    "Azerbaijan's defence ministry denied it. It said that its positions had come under fire first.\n\n"
    "Cheese makers in Parma have won a prize, and the mayor of the town gave a long speech in their honour.\n\n"
    "The European Union's observers said that they had seen smoke on both sides of the border."
)


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(resolve("trunk"))


def doubted(number: int) -> Document:
    """The article, of which one sentence is for the trunk to judge."""
    document = read(Article(id="1", text=ARTICLE, title="Two soldiers wounded on the border, Yerevan says"))
    assert len(document.sentences) == 5
    sentences = tuple(
        replace(sentence, doubt=0.0 if n == number else -math.inf, kind="other-story", block=n)
        for n, sentence in enumerate(document.sentences)
    )
    return replace(document, sentences=sentences)


def test_the_trunk_tells_another_story_from_the_article(reader: Reader) -> None:
    (reading,) = reader.read([doubted(3)])
    odds = reading.foreign(range(5))
    assert max(range(5), key=odds.__getitem__) == 3


def test_a_settled_reading_is_that_of_the_sentences_that_stay(reader: Reader) -> None:
    (reading,) = reader.read([doubted(3)])
    reader.calibration = replace(reader.calibration, settling=Settling(weights=(0.0,) * len(COLUMNS), bias=1.0))
    settled = reading.settled()
    assert [s.text for s in settled.document.sentences] == [
        s.text for n, s in enumerate(reading.document.sentences) if n != 3
    ]
    (removal,) = settled.document.removed
    assert ARTICLE[removal.start : removal.end].startswith("Cheese makers")
    assert removal.reason == "other-story"
    # The words that stay keep what was read in them, though one sentence fewer stands before the last.
    before, after = reading.foreign([0, 4]), settled.foreign([0, 3])
    assert after == pytest.approx(before, abs=0.5)
    kept, whole = settled.salience(), reading.salience()
    assert [len(rows) for rows in kept.words] == [len(rows) for n, rows in enumerate(whole.words) if n != 3]
    assert len(kept.sentences) == len(whole.sentences) - 1
    assert sum(settled.topics().values()) > 0
    spans = settled.stance("Azerbaijan").evidence
    assert spans
    assert all(removal.end <= span.start or span.end <= removal.start for span in spans)


def test_what_nobody_doubted_is_read_as_it_is(reader: Reader) -> None:
    (reading,) = reader.read([read(Article(id="1", text=ARTICLE))])
    assert reading.settled() is reading
    assert np.isfinite(reading.foreign([0])[0])


def test_evidence_is_given_in_reading_order_and_the_title_only_where_it_was_sent(reader: Reader) -> None:
    from communique.trunk.passages import TITLE

    article = Article(id="1", text=ARTICLE, title="Two soldiers wounded on the border, Yerevan says")
    for title, scores, starts in (
        (article.title, (0.5, 0.4, 0.1), ["text", "text"]),
        (article.title, (0.5, 0.1, 0.4), ["title", "text"]),
        ("", (0.2, 0.3, 0.5), ["text", "text"]),
    ):
        (reading,) = reader.read([read(replace(article, title=title))])
        spans = reading._evidence([4, 1, TITLE], np.array(scores))
        assert [span.field for span in spans] == starts
        texts = [span.start for span in spans if span.field == "text"]
        assert texts == sorted(texts)
