"""What readers gave as evidence: how it is read, and what is learned from it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from communique.trunk.features import EVIDENCE_FEATURES
from communique.trunk.passages import TITLE
from training import data, evidence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from communique.document import Document

SENTENCES = ("Ministers met in Baku.", "They agreed on nothing.", "Baku has only itself to blame.", "Rain fell.")
ARTICLE = data.Labelled("a", "corpus", "talks", "Talks fail", SENTENCES, (0, 0, 1, 1), (), {"Baku": "against"})


def test_evidence_comes_with_the_stance(tmp_path: Path) -> None:
    path = tmp_path / "articles.jsonl"
    judged = {"Baku": {"label": "against", "evidence": "only itself to blame"}, "Armenia": {"label": "neutral"}}
    item = {"id": "a", "event": "e", "title": "Talks fail", "text": " ".join(SENTENCES), "stance": judged}
    path.write_text(json.dumps(item) + "\n", encoding="utf-8")
    (article,) = data.load_articles([path], None, ())
    assert article.evidence == {"Baku": "only itself to blame"}


class Read:
    """A reading of the title and four sentences whose features are given."""

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = rows

    def evidence_inputs(self, target: str, stance: str) -> tuple[list[int], np.ndarray]:
        assert (target, stance) == ("Baku", "against")
        return [TITLE, 0, 1, 2, 3], self.rows


class Reads:
    """A reader to whom the third sentence has more of the second feature and less of the sixth."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(3)

    def read(self, documents: Sequence[Document]) -> list[Read]:
        rows = self.random.normal(size=(len(documents), 5, EVIDENCE_FEATURES)).astype(np.float32)
        rows[:, 3, 1] += 2
        rows[:, 3, 5] -= 2
        return [Read(some) for some in rows]


def test_the_line_learns_which_passages_readers_gave() -> None:
    article = replace(ARTICLE, evidence={"Baku": "only itself to blame"})
    line = evidence.fit(Reads(), [article] * 80)  # type: ignore[arg-type]
    assert len(line) == EVIDENCE_FEATURES
    assert line[1] > 1
    assert line[5] < -1
    elsewhere = replace(ARTICLE, evidence={"Baku": "words of another article"})
    assert evidence.fit(Reads(), [elsewhere]) == evidence.Calibration().evidence  # type: ignore[arg-type]
