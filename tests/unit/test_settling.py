"""The cleaner's doubt weighed with what the trunk read."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import pytest

from communique.document import Document, Sentence
from communique.errors import EnvironmentFault, NothingToSummarise
from communique.reading.settling import COLUMNS, Blocks, Settling, settle
from communique.record import Article, Removal
from communique.text import MappedText

TEXT = "Baku denied it. Home | News\nYerevan said so. It was late.\nWin a car today."


def piece(start: int, end: int, paragraph: int, doubt: float, block: int, kind: str = "other-story") -> Sentence:
    return Sentence(MappedText.of(TEXT, start, end), paragraph, doubt, kind, block)


def document(doubts: tuple[float, float, float] = (-3.0, 0.5, 1.0)) -> Document:
    sentences = (
        piece(0, 15, 0, doubts[0], 0),
        piece(28, 44, 1, doubts[1], 2),
        piece(45, 57, 1, doubts[1], 2),
        piece(58, 74, 2, doubts[2], 3, "promo"),
    )
    removed = (Removal(16, 27, "navigation"),)
    return Document(Article(id="1", text=TEXT), "", sentences, removed, "en", truncated=False)


def line(**weights: float) -> Settling:
    """Weighs these columns alone."""
    names = {name.replace("_", "-"): value for name, value in weights.items()}
    first = (names.get("doubt", 0.0), names.get("read", 0.0), 0.0)
    return Settling(first=first, weights=tuple(names.get(name, 0.0) for name in COLUMNS))


def test_a_block_goes_where_both_together_say_so() -> None:
    settled, kept = settle(document(), [-2.0, -4.0, 2.0, 3.0], None, line(doubt=1.0, read=1.0))
    assert kept == [0, 1, 2]
    assert [sentence.text for sentence in settled.sentences] == ["Baku denied it.", "Yerevan said so.", "It was late."]
    assert settled.removed == (Removal(16, 27, "navigation"), Removal(58, 74, "promo"))
    assert [sentence.doubt for sentence in settled.sentences] == pytest.approx([-5.0, -0.929, -0.929], abs=1e-3)


def test_a_block_goes_or_stays_as_a_whole_and_paragraphs_are_counted_anew() -> None:
    settled, kept = settle(document(), [-9.0, 1.0, -0.5, -9.0], None, line(doubt=1.0, read=1.0))
    assert kept == [0, 3]
    assert [sentence.paragraph for sentence in settled.sentences] == [0, 1]
    assert settled.removed == (Removal(16, 27, "navigation"), Removal(28, 57, "other-story"))


def test_neighbours_of_one_kind_are_one_removal() -> None:
    page = document()
    sentences = tuple(
        Sentence(s.mapped, s.paragraph, s.doubt, "navigation" if s.block == 2 else s.kind, s.block)
        for s in page.sentences
    )
    page = Document(page.article, "", sentences, page.removed, "en", truncated=False)
    settled, _ = settle(page, [-9.0, 9.0, 9.0, -9.0], None, line(read=1.0))
    assert settled.removed == (Removal(16, 57, "navigation"),)


def test_what_was_never_in_doubt_is_not_touched() -> None:
    page = document((-math.inf,) * 3)
    assert settle(page, [9.0] * 4, None, line(doubt=1.0, read=1.0)) == (page, [0, 1, 2, 3])


def test_a_page_of_which_nothing_stays_says_what_it_held() -> None:
    with pytest.raises(NothingToSummarise, match="navigation, other-story, promo"):
        settle(document(), [9.0] * 4, None, line(doubt=1.0, read=1.0))


def test_the_cleaner_is_no_surer_than_five_and_long_sentences_count_more() -> None:
    blocks = Blocks([piece(0, 15, 0, 40.0, 0), piece(28, 33, 0, 40.0, 0)], [1.0, 5.0], None)
    assert blocks.columns(np.zeros(1))[0, :2] == pytest.approx((5.0, (15 * 1.0 + 5 * 5.0) / 20))


#: The first two blocks are about one thing, the third about another.
MEANINGS = np.array([[1.0, 0.0], [0.9, 0.1], [0.9, 0.1], [0.0, 1.0]], dtype=np.float32)


def test_what_is_about_something_else_goes() -> None:
    settling = Settling(line(doubt=1.0).first, line(like_article=-4.0).weights, bias=2.0)
    settled, kept = settle(document((-3.0, -0.5, -0.5)), [0.0] * 4, MEANINGS, settling)
    assert kept == [0, 1, 2]
    assert settled.sentences[0].doubt < 0


def test_what_is_about_the_article_stays_though_the_cleaner_doubts_it() -> None:
    settling = Settling(line(doubt=1.0).first, line(doubt=0.1, like_article=-4.0, like_rest=2.0).weights, bias=1.0)
    _, kept = settle(document((-3.0, 0.5, 1.0)), [0.0] * 4, MEANINGS, settling)
    assert kept == [0, 1, 2]


def test_likeness_is_to_the_others_and_what_is_sure_counts_wholly() -> None:
    page = document((-math.inf, 0.0, 0.0))
    columns = Blocks(page.sentences, [0.0] * 4, MEANINGS).columns(np.zeros(3))
    by = dict(zip(COLUMNS, columns.T, strict=True))
    assert by["most-like-article"] == pytest.approx([0.497, 0.994, 0.055], abs=2e-3)
    assert by["most-like-rest"] == pytest.approx([0.497, 0.055, 0.055], abs=2e-3)
    assert by["above"] == pytest.approx([1.0, 1.0, 0.5])
    assert by["below"] == pytest.approx([0.5, 0.5, 0.0])
    assert by["parted"].tolist() == [0.0, 1.0, 0.0]
    assert by["like-article"][1] > 0.9 > by["like-article"][2]


def test_one_block_alone_is_like_nothing() -> None:
    columns = Blocks([piece(0, 15, 0, 0.0, 0)], [0.0], MEANINGS[:1]).columns(np.zeros(1))
    assert columns[0, 2:8].tolist() == [0.0] * 6


def test_weights_of_other_columns_are_refused() -> None:
    assert Settling.from_dict({"first": [1, 2, 3], **asdict(Settling()) | {"first": [1, 2, 3]}}).first == (1, 2, 3)
    with pytest.raises(EnvironmentFault, match="weighs 2 columns"):
        Settling.from_dict({"weights": [1.0, 2.0], "bias": 0.0, "threshold": 0.0})
