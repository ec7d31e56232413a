"""What people see: figures, tables, plots, the worst items."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

from rich.console import Console

from eval import plots
from eval.results import Contrast, SuiteResult
from eval.tables import Grid, bounds, contrast_grid, markdown, number, show
from eval.worst import worst


def test_numbers_have_the_places_that_they_deserve() -> None:
    assert [number(x) for x in (0.12345, 12.345, 1234.5, math.nan)] == ["0.123", "12.3", "1234", "–"]
    assert number(8.71, "rouge2") == "8.7"
    assert bounds(0.1, 0.25) == "[.100, .250]"
    assert bounds(-0.1, 1.0) == "[-.100, 1.000]"
    assert bounds(math.nan, math.nan) == ""


def test_a_difference_within_noise_has_no_mark() -> None:
    beyond = Contrast("a", "b", "rouge1", 1.5, 0.2, 2.8, 0.01, 9)
    within = Contrast("a", "c", "rouge1", 1.5, -0.2, 2.8, 0.2, 9)
    rows = contrast_grid("d", [beyond, within]).rows
    assert rows[0][1].startswith("+1.5 *")
    assert rows[1][1].startswith("+1.5\n")


def test_a_grid_in_markdown_and_in_a_terminal() -> None:
    grid = Grid("Title [x]", ("system", "R-1"), (("a|b", "1.0\n[.9, 1.1]"),), "a note")
    assert "| a\\|b | 1.0 [.9, 1.1] |" in markdown(grid)
    console = Console(record=True, width=80)
    show(grid, console)
    text = console.export_text()
    assert "Title [x]" in text
    assert "[.9, 1.1]" in text
    assert "a note" in text


def test_a_wide_grid_is_shown_in_parts_that_fit() -> None:
    columns = ("system", *(f"metric {n}" for n in range(12)))
    grid = Grid("Wide", columns, (("communique auto", *("12.3\n[10.1, 14.5]" for _ in range(12))),))
    console = Console(record=True, width=80)
    show(grid, console)
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    assert sum("communique auto" in line for line in lines) == 3
    assert sum(line.count("[10.1, 14.5]") for line in lines) == 12


def test_plots_are_well_formed_and_escape_what_they_show() -> None:
    drawn = [
        plots.lines("a < b", {"one": [(0, 0.5), (1, 0.7)], "two": [(0, 0.1)]}, "x", "y", diagonal=True, marks=True),
        plots.dots("dots", {"one": [(120, 44.1, "id <1>")]}, "words", "ROUGE"),
        plots.bars("bars", {"fighting": (0.5, 0.3, 0.6), "other": (math.nan, math.nan, math.nan)}, top=1.0),
        plots.matrix("matrix", ["favor"], ["favor", "absent"], [[3, 1]]),
    ]
    for svg in drawn:
        root = ET.fromstring(svg)
        assert root.tag == "svg"
        assert "nan" not in svg.lower()
    assert len(ET.fromstring(drawn[0]).findall(".//circle")) == 3


def test_the_worst_summary_is_the_one_that_invents() -> None:
    def item(identifier: str, rouge1: float, *missing: str) -> dict[str, object]:
        text, scores = f"Said <{identifier}> 12.", {"rouge1": rouge1}
        return {"id": identifier, "system": "s", "text": text, "missing": missing, "scores": scores}

    items = (item("good", 50.0), item("poor", 10.0), item("bad", 60.0, "12"))
    held = SuiteResult((), items=items, extra={"main": ["s"]})
    found = worst("summaries", held, {})
    assert [w.id for w in found] == ["bad", "poor", "good"]
    assert "<mark>12</mark>" in found[0].html
    assert "&lt;bad&gt;" in found[0].html
