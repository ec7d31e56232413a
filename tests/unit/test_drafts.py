"""Which sentences are rewritten as one, and how what was written competes with what stands in the article."""

from __future__ import annotations

import numpy as np
import pytest

from communique.reader import Salience
from communique.summary.clauses import forms
from communique.summary.drafts import MOST_SOURCES, MOST_WORDS, Draft, sources
from communique.summary.selection import Proven, candidates, choose
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


def test_groups_are_led_by_what_is_most_wanted_and_keep_to_what_is_allowed() -> None:
    groups = sources(salience(0.2, 0.1, 0.1, 0.9).words, TEXTS, [True] * 4)
    assert groups[:2] == [(3,), (2, 3)]
    assert len(groups) == len(set(groups)) <= MOST_SOURCES
    assert all(group == tuple(sorted(group)) for group in groups)
    assert {
        i for group in sources(salience(0.2, 0.1, 0.1, 0.9).words, TEXTS, [True, True, False, True]) for i in group
    } == {
        0,
        1,
        3,
    }


def test_groups_keep_to_their_words() -> None:
    long = ["word " * 100, "word " * 30, "short one."]
    wanted = [np.full((len(words(text)), 2), 0.5, np.float32) for text in long]
    found = sources(wanted, long, [True] * 3)
    assert (0,) in found
    assert all(sum(len(long[i].split()) for i in group) <= MOST_WORDS for group in found)


def test_a_written_sentence_is_worth_what_its_words_are_worth_in_its_sources() -> None:
    text = "Riga opened a bridge that cost 12 million euros."
    options = [forms(sentence) for sentence in TEXTS]
    table = candidates(options, TEXTS, salience(0.6, 0.6, 0.1, 0.2), [Proven(Draft((0, 1), text), 0.95)])
    [row] = [i for i, candidate in enumerate(table.candidates) if candidate.proven]
    assert table.singles[row].sum() == pytest.approx(0.6 * len(words(text)), abs=0.01)
    strange = candidates(options, TEXTS, salience(0.6, 0.6, 0.1, 0.2), [Proven(Draft((2,), text), 0.95)])
    [row] = [i for i, candidate in enumerate(strange.candidates) if candidate.proven]
    assert strange.singles[row].sum() == 0  # nothing of it stands in "Bands played."
    [chosen] = choose(table, 12, 5, most_sentences=1).candidates
    assert chosen.form.text == text


def test_a_written_sentence_that_leans_on_another_is_left_out() -> None:
    table = candidates(
        [], TEXTS, salience(0.6, 0.6, 0.1, 0.2), [Proven(Draft((0, 1), "It cost 12 million euros."), 1.0)]
    )
    assert not table.candidates
