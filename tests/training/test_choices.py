"""The sentences that readers chose: how they are read, and what is learned from them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from communique.trunk.features import CHOICE_FEATURES
from training import choice, data

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from communique.document import Document

ARTICLE = data.Labelled(
    "a", "corpus", "talks", "Ministers meet", ("They met.", "They agreed.", "Rain fell.", "Bye."), (0, 0, 1, 1), (), {}
)


def chosen(tmp_path: Path, **changes: object) -> tuple[float, ...]:
    path = tmp_path / "choices.jsonl"
    item = {"id": "a", "sentences": 4, "best": [1], "next": [0], "weak": [2]} | changes
    path.write_text(json.dumps(item) + "\n", encoding="utf-8")
    (article,) = data.with_choices([ARTICLE], path)
    return article.choice


def test_a_choice_is_a_value_for_each_sentence(tmp_path: Path) -> None:
    assert chosen(tmp_path) == (0.5, 1.0, -1.0, 0.0)


@pytest.mark.parametrize("changes", [{"id": "b"}, {"sentences": 5}])
def test_of_another_article_or_one_cut_otherwise_nothing_is_kept(tmp_path: Path, changes: dict[str, object]) -> None:
    assert chosen(tmp_path, **changes) == ()


class Read:
    """A reading whose inputs are given."""

    def __init__(self, inputs: np.ndarray) -> None:
        self.inputs = inputs

    def choice_inputs(self) -> tuple[list[int], np.ndarray]:
        return list(range(len(self.inputs))), self.inputs


class Reads:
    """A reader of articles of four sentences; the one that is taken has the first feature."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(3)

    def read(self, documents: Sequence[Document]) -> list[Read]:
        found = []
        for document in documents:
            inputs = self.random.normal(size=(4, 6 + CHOICE_FEATURES)).astype(np.float32)
            inputs[:, 6] += 4 * np.array([sentence.text == "They agreed." for sentence in document.sentences])
            found.append(Read(inputs))
        return found


def test_the_line_learns_what_readers_took_and_begins_without_an_opinion() -> None:
    from communique.trunk.heads import Heads

    article = replace(ARTICLE, choice=(0.5, 1.0, -1.0, 0.0))
    weights = choice.fit(Reads(), [article] * 80)  # type: ignore[arg-type]
    inputs = np.zeros((2, 6 + CHOICE_FEATURES), dtype=np.float32)
    inputs[1, 6] = 4
    without, with_it = Heads(weights).choice(inputs)
    assert with_it > 1 > 0 > without
    assert len(set(Heads(choice.none(6)).choice(inputs).tolist())) == 1
