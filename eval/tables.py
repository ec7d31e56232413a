"""Tables for people, Markdown for pages, one JSON line for machines: all from the same grids of cells.

>>> print(markdown(Grid("Speed", ("mode", "articles/s"), (("extractive", "21.4"),))))
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from eval.results import Contrast, Figure, Result, SuiteResult
    from eval.suites.base import Suite

__all__ = [
    "Grid",
    "bounds",
    "contrast_grid",
    "heading",
    "json_line",
    "main_grids",
    "markdown",
    "number",
    "result_grids",
    "show",
    "slice_grid",
]


_HEADINGS: Final = {
    "rouge1": "R-1",
    "rouge2": "R-2",
    "rougeLsum": "R-Lsum",
    "figure_precision": "figures found",
    "name_precision": "names found",
}


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of text. A cell's second line, after a line break, is of less weight."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def number(value: float, metric: str = "") -> str:
    """A figure as it is shown: ROUGE and counts with one place, shares with three, `–` where there is none."""
    if math.isnan(value):
        return "–"
    if metric.startswith("rouge") or 10 <= abs(value) < 100:
        return f"{value:.1f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3f}"


def heading(metric: str) -> str:
    """A metric's name as it heads a column."""
    return _HEADINGS.get(metric, metric.replace("_", " ").replace(".", ": "))


def bounds(low: float, high: float, metric: str = "") -> str:
    """An interval as it is shown; empty where there is none."""
    if math.isnan(low):
        return ""
    low_shown, high_shown = (re.sub(r"^(-?)0\.", r"\1.", number(value, metric)) for value in (low, high))
    return f"[{low_shown}, {high_shown}]"


def result_grids(result: Result, suites: dict[str, Suite], *, slices: bool = True) -> list[Grid]:
    """All tables of a result, with or without the parts of the data."""
    grids = []
    for name, held in result.suites.items():
        grids += main_grids(suites[name], held, result)
        if held.contrasts:
            grids.append(contrast_grid(f"{name}: differences on the same items", held.contrasts))
        if slices and any(figure.slice != "all" for figure in held.figures):
            grids.append(slice_grid(suites[name], held))
    return grids


def main_grids(suite: Suite, held: SuiteResult, result: Result) -> list[Grid]:
    """Systems by headline metrics, with n, and what the figures are of; systems measured by other metrics apart."""
    figures = {(f.system, f.metric): f for f in held.figures if f.slice == "all"}
    groups: dict[tuple[str, ...], list[str]] = {}
    for system in dict.fromkeys(system for system, _ in figures):
        groups.setdefault(tuple(m for m in suite.headline if (system, m) in figures), []).append(system)
    grids: list[Grid] = []
    for metrics, systems in groups.items():
        rows = []
        for system in systems:
            known = next(f for (s, _), f in figures.items() if s == system)
            cells = [_cell(figures[system, metric]) for metric in metrics]
            rows.append((system, f"{known.n}\n{known.clusters} events", *cells))
        apart = "controls" if all(system.startswith("control:") for system in systems) else "further"
        title = f"{suite.name}: {suite.question if not grids else apart}"
        grids.append(Grid(title, ("system", "n", *map(heading, metrics)), tuple(rows)))
    data = result.data
    mark = "EXTERNAL data " if data["external"] else ""
    note = (
        f"{mark}{data['name']}, n={data['n']}, sha256 {data['sha256'][:12]}; 95% intervals by bootstrap over events; "
        f"commit {result.provenance['commit']}; {result.provenance['device']['cpu']}; {held.seconds:.0f} s"
    )
    grids[-1] = replace(grids[-1], note="\n".join([note, *held.notes]))
    return grids


def slice_grid(suite: Suite, held: SuiteResult) -> Grid:
    """Parts of the data by headline metrics, systems under test only."""
    parts = sorted({(f.system, f.slice) for f in held.figures if f.slice != "all"})
    figures = {(f.system, f.slice, f.metric): f for f in held.figures}
    metrics = [m for m in suite.headline if any((system, part, m) in figures for system, part in parts)]
    rows = [
        (system, part, str(next(f.n for f in held.figures if (f.system, f.slice) == (system, part))),
         *(_cell(figures.get((system, part, metric))) for metric in metrics))
        for system, part in parts
    ]  # fmt: skip
    return Grid(f"{suite.name}: by part of the data", ("system", "part", "n", *map(heading, metrics)), tuple(rows))


def contrast_grid(title: str, contrasts: Iterable[Contrast]) -> Grid:
    """First minus second, metric by metric; `*` marks what is more than noise."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for c in contrasts:
        mark = " *" if c.p < 0.05 and (c.low > 0 or c.high < 0) else ""
        shown = f"{_signed(c.difference, c.metric)}{mark}\n{bounds(c.low, c.high, c.metric)} p={c.p:.3f}"
        rows.setdefault((c.first, c.second), {})[c.metric] = shown
    metrics = list(dict.fromkeys(metric for cells in rows.values() for metric in cells))
    table = tuple((f"{a} − {b}", *(cells.get(m, "") for m in metrics)) for (a, b), cells in rows.items())
    note = "paired over the same items; * the 95% interval excludes zero and the randomisation test has p < 0.05"
    return Grid(title, ("difference", *map(heading, metrics)), table, note)


def show(grid: Grid, console: Console) -> None:
    """In a terminal, bounds dimmed; what is wider than the terminal is shown as several tables, one under the other."""
    from rich.markup import escape
    from rich.table import Table

    for number_, group in enumerate(_fitting(grid, console.width)):
        table = Table(title=escape(grid.title) if number_ == 0 else None, title_justify="left")
        for at in group:
            table.add_column(escape(grid.columns[at]), justify="left" if at == 0 else "right")
        for row in grid.rows:
            table.add_row(*(_dimmed(escape(row[at])) for at in group))
        console.print(table)
    if grid.note:
        console.print(grid.note, style="dim italic", highlight=False, markup=False)


def markdown(grid: Grid) -> str:
    """As a Markdown section."""
    lines = [f"### {grid.title}", "", "| " + " | ".join(grid.columns) + " |"]
    lines.append("|" + "|".join("---" if at == 0 else "---:" for at in range(len(grid.columns))) + "|")
    lines += [
        "| " + " | ".join(cell.replace("\n", " ").replace("|", "\\|") for cell in row) + " |" for row in grid.rows
    ]
    return "\n".join([*lines, *(["", grid.note.replace("\n", "  \n")] if grid.note else []), ""])


def json_line(value: dict[str, Any]) -> str:
    """One line; what a program reads last."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _fitting(grid: Grid, width: int) -> list[list[int]]:
    """Columns in groups that fit the width, the first column in each."""
    needed = [
        max(
            max((len(word) for word in grid.columns[at].split()), default=0),
            *(len(line) for row in grid.rows for line in row[at].split("\n")),
            0,
        )
        + 3
        for at in range(len(grid.columns))
    ]
    groups: list[list[int]] = [[0]]
    for at in range(1, len(needed)):
        if len(groups[-1]) > 1 and sum(needed[column] for column in groups[-1]) + needed[at] + 1 > width:
            groups.append([0])
        groups[-1].append(at)
    return groups


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return ""
    return f"{number(figure.value, figure.metric)}\n{bounds(figure.low, figure.high, figure.metric)}"


def _signed(value: float, metric: str) -> str:
    return "–" if math.isnan(value) else ("+" if value >= 0 else "−") + number(abs(value), metric)


def _dimmed(cell: str) -> str:
    first, _, rest = cell.partition("\n")
    return f"{first}\n[dim]{rest}[/dim]" if rest else first
