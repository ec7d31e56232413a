"""The letter that a page sets large and a scraper loses."""

from __future__ import annotations

import pytest

from communique.document import Sentence
from communique.reading.drop_cap import restore_drop_cap
from communique.text import MappedText


def first(*texts: str, title: str = "") -> Sentence:
    sentences = [Sentence(MappedText.of(text), 0) for text in texts]
    return restore_drop_cap(sentences, title)[0]


def test_the_letter_comes_back_and_offsets_stay() -> None:
    found = first("taly welcomes the truce.", "The truce was hailed by Italy.")
    assert found.text == "Italy welcomes the truce."
    assert (found.span(0, 5).start, found.span(0, 5).end) == (0, 4)
    assert first("taly welcomes the truce.", title="Italy hails truce").text == "Italy welcomes the truce."


def test_the_letter_of_a_state_comes_back_though_nothing_else_names_it() -> None:
    assert first("taly welcomes the truce.", "Rome is glad.").text == "Italy welcomes the truce."


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("s part of the deal Baku’s men left as agreed.", "As part of the deal Baku’s men left as agreed."),
        ("fter the talks both left.", "After the talks both left."),
        ("s. Then it ends.", "s. Then it ends."),
    ],
)
def test_the_end_of_a_common_first_word_is_made_whole(sent: str, read: str) -> None:
    assert first(sent, "They met after all.").text == read


@pytest.mark.parametrize(
    "texts",
    [
        ("artu welcomes the truce.", "Riga is glad."),  # nobody says which letter
        ("ran away.", "Rome is glad."),  # a word, whatever state ends so
        ("the truce holds.", "Clothe the poor.", "Bathe in it, the mayor said."),  # a word of its own
        ("arm sales rose.", "Farm sales fell.", "A farm burned."),  # no name
        ("ran away.", "Iran said so.", "Gran said so."),  # two letters would do
        ("Italy welcomes the truce.", "Italy hails it."),
    ],
)
def test_where_it_cannot_be_told_nothing_changes(texts: tuple[str, ...]) -> None:
    assert first(*texts).text == texts[0]
