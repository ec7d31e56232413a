"""The floors hold on the models that are shipped: the quick part of the gate."""

from __future__ import annotations

import json

import pytest

from eval import gate
from eval.floors import FLOORS, read_floors
from eval.results import read


def test_the_pinned_floors_can_be_read_and_are_of_the_run_that_they_name() -> None:
    floors = read_floors(FLOORS)
    assert {floor.name.split("/")[0] for floor in floors.floors} >= {"cleaning", "summaries", "topics", "stance"}
    pinned = read(FLOORS.parent / floors.pinned)
    assert pinned.data["sha256"] == floors.data


@pytest.mark.models
def test_quality_is_not_below_its_floors(capsys: pytest.CaptureFixture[str]) -> None:
    code = gate.main([])
    line = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert code == 0, line["names"]
    assert line["missing"] == 0
