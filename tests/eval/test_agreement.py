"""Agreement of two readers: what counts as a unit, what absent means, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from communique.errors import UsageError
from eval.agreement import Labels, agreements, main, read_labels

if TYPE_CHECKING:
    from pathlib import Path


def written(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_target_that_one_reader_leaves_out_is_absent() -> None:
    first = {"a": Labels(("talks",), {"Armenia": "favor", "Iran": "neutral"}), "b": Labels(("fighting",), {})}
    second = {"a": Labels(("talks",), {"Armenia": "favor", "Azerbaijan": "against"}), "c": Labels(("talks",), {})}
    found = {agreement.name: agreement for agreement in agreements(first, second)}
    assert found["main topic"].units == 1  # only what both have
    five = found["stance, default targets, with absent"]
    assert (five.units, five.raw) == (5, 0.8)  # three targets absent for both count as agreement
    assert found["stance, default targets, both present"].units == 1
    assert (found["stance, chosen targets, with absent"].units, found["stance, chosen targets, with absent"].raw) == (
        1,
        0,
    )


def test_an_article_without_a_side_is_not_judged_for_all_default_targets() -> None:
    labels = {"a": Labels(("talks",), {"Turkey": "neutral", "Greece": "favor"})}
    found = {agreement.name: agreement.units for agreement in agreements(labels, labels)}
    assert found["stance, default targets, with absent"] == 0
    assert found["stance, all targets, with absent"] == 2


@pytest.mark.parametrize(
    "row",
    [
        {"id": "a", "topics": ["war"], "stance": {}},
        {"id": "a", "topics": [], "stance": {}},
        {"id": "a", "topics": ["talks"], "stance": {"Armenia": "friendly"}},
        {"id": "a", "topics": ["talks"]},
    ],
)
def test_labels_that_do_not_exist_are_refused(tmp_path: Path, row: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"labels\.jsonl:1"):
        read_labels(written(tmp_path / "labels.jsonl", row))


def test_labels_may_be_objects_and_files_without_common_ids_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"id": "a", "topics": ["talks"], "stance": {"Armenia": {"label": "favor", "evidence": "…"}}}
    first = written(tmp_path / "first.jsonl", row, {**row, "id": "b", "topics": ["fighting"]})
    second = written(tmp_path / "second.jsonl", row, {**row, "id": "b", "topics": ["talks"]})
    assert main([str(first), str(second)]) == 0
    assert "2 articles" in " ".join(capsys.readouterr().out.split())
    other = written(tmp_path / "other.jsonl", {**row, "id": "z"})
    with pytest.raises(UsageError, match="no id in common"):
        main([str(first), str(other)])
