"""What is cut out of a paragraph that is article, and where its sentences end when spaces were lost."""

from __future__ import annotations

import time

import pytest

from communique.reading.inside import cuts
from communique.reading.sentences import split
from communique.text import MappedText


def _without(text: str) -> str:
    for start, end, _ in reversed(cuts(text)):
        text = text[:start] + text[end:]
    return text


@pytest.mark.parametrize(
    ("run_together", "meant"),
    [
        (
            "Former nominee Ann Ferry Annabel (Ann) Mary FerryQuay closed after flood Band hires a hall MORE was stopped.",
            "Former nominee Ann Ferry was stopped.",
        ),
        (
            "President Quay Donald QuayQuay says 'no' to new ramp Senators ask for 2 boats: report MORE said so on Sunday.",
            "President Quay said so on Sunday.",
        ),
    ],
)
def test_headlines_that_ran_into_a_sentence_behind_a_name_are_cut(run_together: str, meant: str) -> None:
    assert _without(run_together) == meant


@pytest.mark.parametrize(
    "sentence",
    [
        "The ferry Ann Ferry took ran MORE often than the one that her brother Tom Ferry had, and nobody on the quay knew.",
        "McDonald said that the band will play once MORE, and MacDonald said that it will not.",
    ],
)
def test_a_name_named_twice_stays(sentence: str) -> None:
    assert _without(sentence) == sentence


def test_a_paragraph_of_names_is_read_at_once() -> None:
    started = time.monotonic()
    cuts("Ann Ferry Annabel " * 4000 + " MORE")
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("paragraph", "sentences"),
    [
        (
            'The ferry ran over the bar."All of us saw it coming," Ann Quay said.',
            ["The ferry ran over the bar.", '"All of us saw it coming," Ann Quay said.'],
        ),
        (
            "With the latest Quayside! ™ show about to begin, the band is late. Nobody minds.",
            ["With the latest Quayside! ™ show about to begin, the band is late.", "Nobody minds."],
        ),
        (
            'Ann Quay said: "The ferry ran over the bar."Tom Quay said nothing of it.',
            ['Ann Quay said: "The ferry ran over the bar."', "Tom Quay said nothing of it."],
        ),
        (
            'It had "no lights" then."Nobody saw it," he said."We all sleep at night."Then it sank.',
            ['It had "no lights" then.', '"Nobody saw it," he said.', '"We all sleep at night."', "Then it sank."],
        ),
    ],
)
def test_a_mark_between_sentences_without_a_space_goes_to_its_quotation(paragraph: str, sentences: list[str]) -> None:
    assert [sentence.text for sentence in split(MappedText.of(paragraph))] == sentences
