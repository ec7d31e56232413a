from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from communique.errors import EnvironmentFault
from communique.grounding.features import features
from communique.grounding.rivals import rivals
from communique.grounding.source import Line, Source
from communique.grounding.support import SupportModel
from communique.grounding.tokens import FIGURE, FUNCTION, NAME, TIME, tokens

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = Source(
    "Truce broken",
    [
        "Baku said on Monday that 12 soldiers died near Shusha and 30 villages burned.",
        "Armenia's Prime Minister Nikol Pashinyan denied that his army had fired first.",
        "Kerry may visit the region, according to the State Department.",
    ],
)


def keys(text: str) -> list[tuple[str, int]]:
    return [(token.key, token.kind) for token in tokens(text) if token.kind != FUNCTION]


def test_one_thing_has_one_key_however_it_is_written() -> None:
    assert keys("The U.S. said twelve died.")[0] == keys("He met United States troops.")[1]
    assert ("12", FIGURE) in keys("Twelve died.")
    assert ("1200", FIGURE) in keys("Some 1,200 died.")
    assert keys("Artsakh wept.")[0] == keys("In Nagorno-Karabakh")[0]
    assert ("monday", TIME) in keys("It ended on Monday.")


def test_a_capital_and_its_state_share_a_side_and_not_a_key() -> None:
    baku, state = tokens("Baku")[0], tokens("Azerbaijan")[0]
    assert (baku.kind, baku.side) == (NAME, state.side)
    assert baku.key != state.key


def test_tokens_keep_their_places() -> None:
    text = "It didn't join the United States."
    assert [text[t.start : t.end] for t in tokens(text)][-1] == "United States"


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("covered_by_one", "Baku said 12 soldiers died.", "Baku promised 12 hospitals."),
        ("run_share", "Baku said on Monday that 12 soldiers died.", "On Monday soldiers, Baku 12 died."),
        ("link_counted", "Baku said 12 soldiers died.", "Baku said 30 soldiers died."),
        ("speaker_agrees", "Baku said 12 soldiers died.", "Kerry said 12 soldiers died."),
        ("role_before_mean", "Pashinyan denied that his army fired.", "Kerry denied that his army fired."),
        ("in_order", "Baku said 12 soldiers died near Shusha.", "Shusha soldiers died, 12 said Baku."),
    ],
)
def test_what_agrees_with_the_article_scores_higher(name: str, good: str, bad: str) -> None:
    assert features(good, SOURCE)[name] > features(bad, SOURCE)[name]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("negation_added", "Pashinyan denied his army fired.", "Pashinyan denied his army had not fired."),
        ("hedges_lost", "Kerry may visit the region.", "Kerry will visit the region."),
        ("attribution_dropped", "Baku said 12 soldiers died.", "12 soldiers died near Shusha."),
        ("quotes_open", "Kerry may visit “the region”.", "Kerry may visit “the region."),
        ("unfinished", "Kerry may visit.", "Kerry may visit the"),
    ],
)
def test_what_is_suspicious_is_counted(name: str, good: str, bad: str) -> None:
    assert features(good, SOURCE)[name] == 0
    assert features(bad, SOURCE)[name] == 1


def test_features_have_the_same_names_for_any_claim() -> None:
    names = features("Baku said 12 soldiers died.", SOURCE).keys()
    for text in ("", "…", "No.", "30 30 30", "He said: “no"):
        found = features(text, SOURCE)
        assert found.keys() == names
        assert np.isfinite(list(found.values())).all()
    assert features("Baku said so.", Source("", [])).keys() == names


def test_another_filler_fits_better_where_roles_or_figures_are_exchanged() -> None:
    source = Source("", ["Russia rained missiles on Ukraine.", "Berlin sent 40 tanks and 9 lorries."])
    right, wrong = Line("Russia rained missiles on Ukraine."), Line("Ukraine rained missiles on Russia.")
    assert rivals(right, source)["rival_swap"] > 0 > rivals(wrong, source)["rival_swap"]
    assert rivals(Line("It sent 40 tanks."), source)["rival_figure"] > 0
    assert rivals(Line("It sent 9 tanks."), source)["rival_figure"] < 0


TREE = {
    "feature": [0, 0, 1, 0, 0], "threshold": [0.5, 0, 1.0, 0, 0], "left": [1, 1, 3, 3, 4], "right": [2, 1, 4, 3, 4],
    "value": [0, -2.0, 0, 1.0, 3.0],
}  # fmt: skip
LEAF = {"feature": [0], "threshold": [0.0], "left": [0], "right": [0], "value": [0.5]}


def model(names: tuple[str, ...] = ("covered_by_one", "words"), **changes: object) -> dict[str, object]:
    return {
        "schema": 2, "mean": [0.0, 0.0], "scale": [1.0, 2.0], "weights": [1.0, -1.0], "bias": 0.5, "floor": -2.0,
        "trees": {"names": names, "bias": 0.25, "trees": [TREE, LEAF]}, "share": 0.5, "calibration": [2.0, -1.0],
    } | changes  # fmt: skip


def test_trees_and_line_are_added_up_and_calibrated() -> None:
    rows = np.array([[0.5, 9.0], [0.6, 1.0], [0.6, 1.5]])
    trees = np.array([-2.0, 1.0, 3.0]) + 0.5 + 0.25
    line = np.maximum(rows[:, 0] - rows[:, 1] / 2 + 0.5, -2.0)
    assert line[0] == -2.0  # the line alone would be at -3.5
    loaded = SupportModel(model())
    np.testing.assert_allclose(loaded.logits(rows), (trees + line) / 2)
    np.testing.assert_allclose(loaded.probabilities(rows), 1 / (1 + np.exp(-(trees + line) + 1)), atol=1e-6)


def test_a_line_alone_is_a_model() -> None:
    np.testing.assert_allclose(SupportModel(model(share=0.0)).logits(np.array([[1.0, 2.0]])), [0.5])


def test_a_model_made_for_other_features_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="train it again"):
        SupportModel(model(("gone", "words"))).support(["Baku said so."], SOURCE)
    (tmp_path / "checker.json").write_text(json.dumps(model(schema=0)), encoding="utf-8")
    with pytest.raises(EnvironmentFault, match="schema"):
        SupportModel.load(tmp_path / "checker.json")
