from __future__ import annotations

import numpy as np

from communique.summary.clauses import forms
from communique.summary.selection import candidates, choose
from communique.trunk.reader import Salience
from communique.words import words


def table(sentences: list[str], wanted: set[str], worth: list[float] | None = None) -> object:
    salience = [
        np.array([[0.9 if word.key in wanted else 0.05, 0.05] for word in words(text)], dtype=np.float32)
        for text in sentences
    ]
    known = Salience(salience, worth or [0.25] * len(sentences))
    return candidates([forms(text) for text in sentences], sentences, known)


def chosen(sentences: list[str], wanted: set[str], most: int, least: int = 0) -> list[int]:
    return [c.sentence for c in choose(table(sentences, wanted), most, least).candidates]  # type: ignore[arg-type]


def test_it_chooses_what_the_trunk_wants_and_not_the_first_sentence() -> None:
    sentences = ["Rain fell on the old town all day.", "Shells killed three villagers near Fuzuli.", "Birds sang."]
    assert chosen(sentences, {"shell", "kill", "three", "villager", "fuzuli"}, 8) == [1]


def test_what_is_said_twice_counts_once() -> None:
    sentences = [
        "Shells killed three villagers near Fuzuli.",
        "Shells killed three villagers near Fuzuli again.",
        "Moscow called for an immediate truce.",
    ]
    wanted = {"shell", "kill", "three", "villager", "fuzuli", "moscow", "call", "immediat", "truce"}
    assert chosen(sentences, wanted, 13) == [0, 2]


def test_a_dangling_sentence_needs_the_one_before_it() -> None:
    sentences = ["Nikol Pashinyan spoke in Yerevan on Monday.", "Rain fell there.", "He demanded a truce at once."]
    assert 2 not in chosen(sentences, {"demand", "truce"}, 8)
    together = ["Nikol Pashinyan spoke in Yerevan on Monday.", "He demanded a truce at once."]
    assert chosen(together, {"demand", "truce", "nikol", "pashinyan", "yerevan"}, 20) == [0, 1]


def test_the_limit_of_words_holds() -> None:
    sentences = [f"Delegate number {number} spoke of peace and of trade." for number in range(9)]
    picked = choose(table(sentences, {"peac", "trad", "delegat"}), 20, 10).candidates  # type: ignore[arg-type]
    assert sum(c.length for c in picked) <= 20
    assert picked


def test_of_a_longer_summary_a_sentence_is_a_smaller_part() -> None:
    sentences = [
        "Shells killed three villagers near Fuzuli on Monday.",
        "Moscow called for an immediate truce between the armies.",
        "Ambassadors flew to Vienna to see the mediators.",
        "Hospitals in Stepanakert lacked blood and bandages.",
    ]
    wanted = {word.key for text in sentences for word in words(text)}
    everything = table(sentences, wanted, [0.1] * 4)
    usual, longer = (
        len(choose(everything, 60, 0, most_sentences=4, target_words=aim).candidates)  # type: ignore[arg-type]
        for aim in (5, 60)
    )
    assert (usual, longer) == (1, 4)


def test_nothing_in_nothing_out() -> None:
    assert choose(candidates([], [], []), 60, 30).candidates == ()


def test_a_person_whom_another_sentence_introduces_costs() -> None:
    texts = [
        "Health Minister Suraya Dalil opened a hospital in Kabul on Monday morning.",
        "Rain fell on the whole of the valley for the third day in a row.",
        "Dalil promised the people of the valley a second hospital by next spring.",
    ]
    known = Salience([np.full((30, 2), 0.5, np.float32)] * 3, [0.0] * 3)
    found = candidates([forms(text)[:1] for text in texts], texts, known).candidates
    assert {candidate.sentence: candidate.strangers for candidate in found} == {0: 0, 1: 0, 2: 1}


def test_two_sentences_that_tell_the_same_news_are_not_taken_together() -> None:
    sentences = [
        "Police arrested protesters in Yerevan who demand the resignation of Nikol Pashinyan.",
        "In Yerevan police arrested many protesters who demand the resignation of Nikol Pashinyan over a truce.",
        "Moscow sent envoys.",
    ]
    wanted = {word.key for text in sentences for word in words(text)}
    assert chosen(sentences, wanted, 60, 30) == [1, 2]


def test_a_little_short_is_better_than_the_wrong_sentence() -> None:
    lead = "Italy welcomes the ceasefire that both presidents signed in Moscow on Monday and hopes that it holds."
    tail = (
        "Cattle, wine, cheese, oil and wool were sold at the market of the old town on a warm day in May, as ever, "
        "by men in black hats."
    )
    wanted = {word.key for word in words(lead)}
    assert chosen([lead, tail], wanted, 30, 20) == [0]
    assert 1 in chosen(["Italy agrees.", tail], {"ital", "agre"}, 30, 20)


def test_of_sentences_whose_words_are_wanted_alike_it_takes_the_one_that_a_reader_would_take() -> None:
    sentences = ["Rain fell on the old town all day.", "Snow fell on the new town all week.", "Birds sang."]
    for taken in (0, 1):
        worth = [0.9 if n == taken else 0.1 for n in range(3)]
        found = choose(table(sentences, {"fall", "town"}, worth), 8, 0)  # type: ignore[arg-type]
        assert [c.sentence for c in found.candidates] == [taken]
