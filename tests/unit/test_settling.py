"""The cleaner's doubt weighed with what the trunk read."""

from __future__ import annotations

import math

import pytest

from communique.document import Document, Sentence
from communique.errors import NothingToSummarise
from communique.reading.settling import Settling, columns, settle
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


def test_a_block_goes_where_both_together_say_so() -> None:
    settling = Settling(weights=(1.0, 1.0), bias=0.0, threshold=0.0)
    settled, kept = settle(document(), [-2.0, -4.0, 2.0, 3.0], settling)
    assert kept == [0, 1, 2]
    assert [sentence.text for sentence in settled.sentences] == ["Baku denied it.", "Yerevan said so.", "It was late."]
    assert settled.removed == (Removal(16, 27, "navigation"), Removal(58, 74, "promo"))
    assert [sentence.doubt for sentence in settled.sentences] == pytest.approx([-5.0, -0.929, -0.929], abs=1e-3)


def test_a_block_goes_or_stays_as_a_whole_and_paragraphs_are_counted_anew() -> None:
    settled, kept = settle(document(), [-9.0, 1.0, -0.5, -9.0], Settling(weights=(1.0, 1.0)))
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
    settled, _ = settle(page, [-9.0, 9.0, 9.0, -9.0], Settling(weights=(0.0, 1.0)))
    assert settled.removed == (Removal(16, 57, "navigation"),)


def test_what_was_never_in_doubt_is_not_touched() -> None:
    page = document((-math.inf,) * 3)
    assert settle(page, [9.0] * 4, Settling(weights=(1.0, 1.0))) == (page, [0, 1, 2, 3])


def test_a_page_of_which_nothing_stays_says_what_it_held() -> None:
    with pytest.raises(NothingToSummarise, match="navigation, other-story, promo"):
        settle(document(), [9.0] * 4, Settling(weights=(1.0, 1.0)))


def test_the_cleaner_is_no_surer_than_five_and_long_sentences_count_more() -> None:
    first, second = piece(0, 15, 0, 40.0, 0), piece(28, 33, 0, 40.0, 0)
    assert columns([first, second], [1.0, 5.0]) == pytest.approx((5.0, (15 * 1.0 + 5 * 5.0) / 20))
