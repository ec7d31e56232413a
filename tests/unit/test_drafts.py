"""Which sentences are shortened, and how what was written competes with what stands in the article."""

from __future__ import annotations

import numpy as np
import pytest

from communique.summary.clauses import forms
from communique.summary.drafts import MOST_SOURCES, Draft, sources
from communique.summary.selection import Proven, Weights, candidates, choose
from communique.trunk.reader import Salience
from communique.words import words

TEXTS = [
    "Riga opened a bridge over the Daugava on Monday after four years of work by two hundred men.",
    "It cost 12 million euros, the council of the city said in a statement that it sent to the papers.",
    "Bands played.",
    "The mayor of Riga walked across the bridge first and promised another one before the spring of next year.",
]


def salience(*levels: float) -> Salience:
    wanted = [np.full((len(words(text)), 2), level, np.float32) for text, level in zip(TEXTS, levels, strict=True)]
    return Salience(wanted, [0.0] * len(levels))


def test_what_is_most_wanted_is_rewritten_first_and_only_what_is_allowed() -> None:
    wanted = salience(0.2, 0.1, 0.1, 0.9).words
    assert sources(wanted, TEXTS, [True] * 4)[0] == 3
    assert set(sources(wanted, TEXTS, [True, True, False, True])) == {0, 1, 3}


def test_no_more_are_rewritten_than_the_language_model_has_time_for() -> None:
    long = ["word " * 130, *["word " * 30] * 12]
    wanted = [np.full((len(words(text)), 2), 0.5, np.float32) for text in long]
    found = sources(wanted, long, [True] * 13)
    assert len(found) == MOST_SOURCES
    assert 0 not in found  # over MOST_WORDS


def test_a_written_sentence_is_worth_what_its_words_are_worth_in_its_source() -> None:
    text = "Riga opened a bridge after four years of work."
    options = [forms(sentence) for sentence in TEXTS]
    table = candidates(options, TEXTS, salience(0.6, 0.6, 0.1, 0.2), [Proven(Draft(0, text), 0.95)])
    [row] = [i for i, candidate in enumerate(table.candidates) if candidate.proven]
    assert table.singles[row].sum() == pytest.approx(0.6 * len(words(text)), abs=0.01)
    strange = candidates(options, TEXTS, salience(0.6, 0.6, 0.1, 0.2), [Proven(Draft(2, text), 0.95)])
    [row] = [i for i, candidate in enumerate(strange.candidates) if candidate.proven]
    assert strange.singles[row].sum() == 0  # nothing of it stands in "Bands played."
    [chosen] = choose(table, 12, 5, most_sentences=1).candidates
    assert chosen.form.text == text


def test_of_equal_sentences_the_written_one_is_taken_for_its_flow() -> None:
    text = "Riga opened a bridge over the Daugava on Monday."
    table = candidates([[form] for form in forms(text)[:1]], [text], Salience([np.full((9, 2), 0.6, np.float32)], [0.0]), [
        Proven(Draft(0, text), 0.95)
    ])  # fmt: skip
    [chosen] = choose(table, 12, 5, Weights(written=0.03), most_sentences=1).candidates
    assert chosen.proven
    [chosen] = choose(table, 12, 5, Weights(written=-0.03), most_sentences=1).candidates
    assert not chosen.proven


def test_a_written_sentence_that_leans_on_another_is_left_out() -> None:
    table = candidates([], TEXTS, salience(0.6, 0.6, 0.1, 0.2), [Proven(Draft(1, "It cost 12 million euros."), 1.0)])
    assert not table.candidates
