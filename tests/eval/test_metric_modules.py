"""The `evaluate` modules load from disk and say what the measures say."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from eval.intervals import interval
from eval.measures.calibration import debiased_ece
from eval.measures.overlap import rouge

evaluate = pytest.importorskip("evaluate")

METRICS = Path(__file__).parent.parent.parent / "eval" / "metrics"


@pytest.fixture(autouse=True)
def _quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def load(name: str) -> Any:
    return evaluate.load(str(METRICS / name))


def test_every_folder_is_a_module_that_loads() -> None:
    names = [path.name for path in METRICS.iterdir() if (path / f"{path.name}.py").is_file()]
    assert len(names) == 7
    for name in names:
        assert load(name).description


def test_rouge_and_wording_and_facts() -> None:
    given, wanted = ["Baku denied it.", "Talks began."], [["Baku denied the report."], ["Talks began.", "No."]]
    each = [rouge(a, b)["rouge1"] for a, b in zip(given, wanted, strict=True)]
    assert load("rouge").compute(predictions=given, references=wanted)["rouge1"] == pytest.approx(sum(each) / 2)
    assert load("wording").compute(predictions=["Baku denied"], references=["Baku denied it"])["coverage"] == 1.0
    facts = load("facts").compute(predictions=["Some 31 fell, Kerry said."], references=["thirty-one fell"])
    assert (facts["figure_precision"], facts["name_precision"], facts["missing"]) == (1.0, 0.0, [["Kerry"]])


def test_labels_calibration_and_agreement() -> None:
    f1 = load("label_f1").compute(predictions=[["a"], ["a", "b"]], references=[["a"], ["b"]], labels=["a", "b", "c"])
    assert f1["micro_f1"] == pytest.approx(0.8)
    assert math.isnan(f1["f1.c"])
    p, came = [0.9, 0.8, 0.3, 0.2], [1, 1, 0, 1]
    expected = interval(debiased_ece(p, [bool(c) for c in came]), range(4)).value
    assert load("calibration").compute(predictions=p, references=came)["ece_debiased"] == pytest.approx(expected)
    agreed = load("agreement").compute(predictions=[["a"], ["b"], ["a"]], references=[["a"], ["b"], ["b"]])
    assert agreed["alpha"] == pytest.approx(0.4444444)
