"""The checker's training: what it makes of an article, and that what it writes is what serving reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

from communique.errors import UsageError
from communique.grounding.support import SupportModel
from training.checker import Case, cases, figures, fit
from training.data import Claim, Labelled
from training.settings import CheckerSettings, load

ARTICLE = Labelled(
    id="a",
    source_set="corpus",
    event="e",
    title="Truce broken",
    sentences=("Baku said on Monday that 12 soldiers died near Shusha.", "Yerevan denied that 30 villages burned."),
    paragraphs=(0, 1),
    topics=(),
    stance={},
    summaries=("Baku said 12 soldiers died. Yerevan denied that 30 villages burned.",),
)


def test_the_config_loads_and_wrong_settings_name_themselves() -> None:
    assert load(CheckerSettings, Path("training/configs/checker.yaml")).grounding == "grounding/train.jsonl"
    with pytest.raises(UsageError, match="trees_share=2"):
        CheckerSettings(trees_share=2)
    with pytest.raises(UsageError, match="folds=1"):
        CheckerSettings(folds=1)


def test_cases_hold_read_true_and_broken_sentences() -> None:
    read = Claim("a#0", "e", "Yerevan said 12 died.", ARTICLE.sentences, supported=False, kind="role")
    made = list(cases(ARTICLE, [read], CheckerSettings()))
    assert [case.kind for case in made].count("reference") == 2
    assert made[0].kind == "read"
    assert all(case.supported == (case.kind in {"reference", "article"}) for case in made)
    assert any(case.lost for case in made if not case.supported)
    assert not any(case.lost for case in made if case.supported)
    assert [case.kind for case in cases(ARTICLE, [read], CheckerSettings(), breaking=False)] == ["read"]


def noise(count: int) -> tuple[np.ndarray, list[Case]]:
    """Cases whose truth hangs on the first of three features."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(count, 3))
    kinds = ["read" if i % 2 else "reference" if row[0] > 0 else "figure" for i, row in enumerate(rows)]
    made = [
        Case(
            str(i // 3),
            str(i % 5),
            kinds[i],
            bool(row[0] > 0),
            lost=False,
            values=dict(zip("abc", row, strict=True)),
        )
        for i, row in enumerate(rows)
    ]
    return rows, made


def test_what_is_written_scores_as_what_was_trained() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows, made = noise(400)
    settings = CheckerSettings(trees=12, trees_share=1.0, read_weight=1.0)
    served = SupportModel(fit(rows, ("a", "b", "c"), made, settings))
    weights = np.ones(len(made))
    true, other = (np.array([c.kind == k for c in made]) for k in ("reference", "figure"))
    weights[true] *= other.sum() / true.sum()
    trained = HistGradientBoostingClassifier(
        max_iter=12, learning_rate=settings.rate, max_leaf_nodes=settings.leaves, min_samples_leaf=20,
        l2_regularization=5.0, max_features=0.5, early_stopping=False, random_state=settings.seed,
    ).fit(rows, [c.supported for c in made], sample_weight=weights)  # fmt: skip
    np.testing.assert_allclose(served.logits(rows), trained.decision_function(rows), atol=1e-4)


def test_figures_of_a_perfect_and_of_a_blind_checker() -> None:
    rows, made = noise(600)
    for case in made:
        case.values.update(dict.fromkeys(("names_in_all", "covered_by_one", "run_share_of_three", "link_mean"), 0.0))
    perfect = figures(rows[:, 0], made, seed=1)
    assert perfect["read_auc"] == 1.0
    assert perfect["caught_at_5"]["figure"] == 1.0
    blind = figures(np.random.default_rng(3).random(600), made, seed=1)
    assert blind["read_auc_interval"][0] < 0.5 < blind["read_auc_interval"][1]
    assert blind["caught_at_5"]["figure"] < 0.15
