from __future__ import annotations

from typing import TYPE_CHECKING

from communique.targets import mentions
from communique.trunk.passages import TITLE, TokenIndex, passages
from communique.trunk.windows import Window

if TYPE_CHECKING:
    from collections.abc import Sequence


def found(target: str, *sentences: str) -> list[tuple[int, str]]:
    return [(mention.sentence, mention.text) for mention in mentions(target, sentences)]


def test_a_state_is_found_by_demonym_capital_and_leader() -> None:
    assert found("Azerbaijan", "Baku denied that Azeri forces had fired.", "Aliyev agreed.", "Rain fell.") == [
        (0, "Baku"),
        (0, "Azeri"),
        (1, "Aliyev"),
    ]


def test_a_name_in_capitals_is_found_and_a_word_in_capitals_is_not() -> None:
    assert found("Azerbaijan", "AZERBAIJAN DENIES; BAKU SILENT.") == [(0, "AZERBAIJAN"), (0, "BAKU")]
    assert found("United States", "WASHINGTON: It was up to us.") == [(0, "WASHINGTON")]


def test_another_name_of_a_place_means_the_place() -> None:
    assert found("Türkiye", "Ankara and the Turkish army.") == [(0, "Ankara"), (0, "Turkish")]


def test_a_person_is_found_by_surname_but_not_within_a_word() -> None:
    assert found("Federica Mogherini", "Mogherini left.", "Mogherinis left.") == [(0, "Mogherini")]


def test_an_idea_is_found_by_its_expressions_in_any_case() -> None:
    assert found("peace talks", "Negotiations resumed; the mediators left.") == [(0, "Negotiations"), (0, "mediators")]


def test_an_unknown_idea_is_found_where_most_of_its_content_words_stand() -> None:
    assert found(
        "withdrawal from Syria", "He would withdraw troops from Syria.", "Syria is large.", "He withdrew."
    ) == [(0, "withdraw")]


def test_a_target_that_plays_no_part_has_no_mention() -> None:
    assert found("Paraguay", "Baku denied it.") == []


def test_a_passage_gathers_the_mentions_of_one_sentence_and_the_title_is_read_once() -> None:
    # Two windows: [CLS] Baku [SEP] Baku met Baku [SEP], [CLS] Baku [SEP] rain [SEP]
    first = Window((0,) * 7, (-1, TITLE, -1, 0, 0, 0, -1), (0, 0, 0, 0, 5, 9, 0), (0, 4, 0, 4, 8, 13, 0))
    second = Window((0,) * 5, (-1, TITLE, -1, 1, -1), (0, 0, 0, 0, 0), (0, 4, 0, 4, 0))
    got = passages("Azerbaijan", "Baku", ["Baku met Baku", "rain"], [0, 0], TokenIndex([first, second]))
    named = [(passage.sentence, passage.tokens) for passage in got if passage.named]
    assert named == [(TITLE, ((0, 1),)), (0, ((0, 3), (0, 5)))]
    assert [(passage.sentence, passage.tokens, passage.distance) for passage in got[2:]] == [(1, ((1, 3),), 1)]


def _reached(target: str, title: str, *texts: str, paragraphs: Sequence[int]) -> list[tuple[int, int]]:
    """Sentence and distance of each passage; every sentence is one token of one window, the title none if empty."""
    numbers = [*([TITLE] if title else []), *range(len(texts))]
    ends = [len(text) for text in ([title] if title else []) + list(texts)]
    window = Window((0,) * len(numbers), tuple(numbers), (0,) * len(numbers), tuple(ends))
    return [(p.sentence, p.distance) for p in passages(target, title, texts, paragraphs, TokenIndex([window]))]


def test_what_follows_a_mention_the_title_and_the_end_are_passages_too() -> None:
    texts = ("Petro promised peace.", "He gave war.", "He left.", "Rain fell.", "Snow.", "Hail.", "All know why.")
    got = _reached("Gustavo Petro", "A farewell", *texts, paragraphs=[0, 0, 0, 0, 1, 1, 2])
    assert got == [(0, 0), (1, 1), (2, 2), (TITLE, 3), (5, 3), (6, 3)]


def test_only_the_next_sentence_is_reached_across_paragraphs() -> None:
    texts = ("Petro promised peace.", "He gave war.", "He left.", "Rain.", "Snow.", "Hail.")
    assert [n for n, _ in _reached("Petro", "", *texts, paragraphs=range(6))] == [0, 1, 4, 5]


def test_where_nothing_names_the_target_there_is_no_passage() -> None:
    assert _reached("Gustavo Petro", "A farewell", "He left.", "Rain.", paragraphs=[0, 1]) == []


def test_a_government_is_found_as_its_state() -> None:
    assert found("the UK government", "London refused.", "The British minister left.") == [
        (0, "London"),
        (1, "British"),
    ]


def test_an_institution_is_found_by_the_name_that_news_uses() -> None:
    assert found("the International Committee of the Red Cross", "The Red Cross waited.", "The ICRC left.") == [
        (0, "Red Cross"),
        (1, "ICRC"),
    ]


def test_of_a_phrase_of_two_words_the_head_is_enough() -> None:
    assert found("the border treaty", "The treaty was signed.", "The border stayed shut.") == [(0, "treaty")]


def test_an_idea_is_found_under_other_names_of_its_places_and_other_spellings() -> None:
    assert found("normalisation between Armenia and Turkey", "Ankara wants to normalize ties with Yerevan.") == [
        (0, "normalize")
    ]
