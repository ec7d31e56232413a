from __future__ import annotations

from communique.passages import TITLE, TokenIndex, passages
from communique.targets import mentions
from communique.windows import Window


def found(target: str, *sentences: str) -> list[tuple[int, str]]:
    return [(mention.sentence, mention.text) for mention in mentions(target, sentences)]


def test_a_state_is_found_by_demonym_capital_and_leader() -> None:
    assert found("Azerbaijan", "Baku denied that Azeri forces had fired.", "Aliyev agreed.", "Rain fell.") == [
        (0, "Baku"),
        (0, "Azeri"),
        (1, "Aliyev"),
    ]


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
    first = Window((0,) * 7, (-1, TITLE, -1, 0, 0, 0, -1), (0, 0, 0, 0, 5, 9, 0), (0, 4, 0, 4, 8, 13, 0), (0,) * 7)
    second = Window((0,) * 5, (-1, TITLE, -1, 1, -1), (0, 0, 0, 0, 0), (0, 4, 0, 4, 0), (0,) * 5)
    got = passages("Azerbaijan", "Baku", ["Baku met Baku", "rain"], TokenIndex([first, second]))
    assert [(passage.sentence, passage.tokens) for passage in got] == [(TITLE, ((0, 1),)), (0, ((0, 3), (0, 5)))]


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
