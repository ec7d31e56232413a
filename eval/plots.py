"""Small plots as inline SVG: lines, dots, bars and a matrix. No library, no script, readable in light and dark.

>>> lines("Risk and coverage", {"model": [(0.0, 0.1), (1.0, 0.4)]}, "coverage", "risk")[:4]
'<svg'
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["bars", "dots", "lines", "matrix"]

Point = tuple[float, float]

WIDTH: Final = 460
HEIGHT: Final = 300
LEFT: Final = 56
BOTTOM: Final = 44
TOP: Final = 34
RIGHT: Final = 16
COLOURS: Final = ("#2563eb", "#d97706", "#059669", "#dc2626", "#7c3aed", "#0891b2")


def lines(
    title: str, series: Mapping[str, Sequence[Point]], x: str, y: str, *, diagonal: bool = False, marks: bool = False
) -> str:
    """Curves over common axes; `diagonal` draws where y equals x, `marks` a dot a point."""
    frame = _Frame(title, [p for points in series.values() for p in points], x, y, unit=diagonal)
    parts = []
    if diagonal:
        (x1, y1), (x2, y2) = frame.place((0, 0)), frame.place((1, 1))
        parts.append(
            f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="currentColor" '
            'stroke-dasharray="4 4" opacity=".4"/>'
        )
    for colour, points in zip(_colours(len(series)), series.values(), strict=True):
        placed = [frame.place(point) for point in points]
        path = "L".join(f"{a:.1f} {b:.1f}" for a, b in placed)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if marks:
            parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in placed]
    return frame.drawn(parts, list(series))


def dots(title: str, series: Mapping[str, Sequence[tuple[float, float, str]]], x: str, y: str) -> str:
    """A dot an item, its name shown when pointed at."""
    frame = _Frame(title, [(a, b) for points in series.values() for a, b, _ in points], x, y)
    parts = []
    for colour, points in zip(_colours(len(series)), series.values(), strict=True):
        for a, b, name in points:
            px, py = frame.place((a, b))
            dot = f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3.5" fill="{colour}" fill-opacity=".6">'
            parts.append(f"{dot}<title>{escape(name)}</title></circle>")
    return frame.drawn(parts, list(series))


def bars(title: str, values: Mapping[str, tuple[float, float, float]], *, top: float | None = None) -> str:
    """Horizontal bars of (value, low, high), with the interval as a line."""
    row, label = 22, 170
    height = TOP + row * len(values) + 12
    most = top or max((high if high == high else value for value, _, high in values.values()), default=1) or 1
    scale = (WIDTH - label - 70) / most
    parts = []
    for at, (name, (value, low, high)) in enumerate(values.items()):
        y = TOP + at * row
        held = 0.0 if value != value else value
        parts.append(f'<text x="{label - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>')
        parts.append(
            f'<rect x="{label}" y="{y + 3}" width="{max(0.0, held * scale):.1f}" height="14" '
            f'fill="{COLOURS[0]}" opacity=".75"/>'
        )
        if low == low and high == high:
            a, b = label + low * scale, label + high * scale
            parts.append(f'<path d="M{a:.1f} {y + 10}L{b:.1f} {y + 10}" stroke="currentColor" stroke-width="1.5"/>')
        parts.append(
            f'<text x="{WIDTH - 6}" y="{y + 14}" text-anchor="end">{"–" if value != value else f"{value:.3g}"}</text>'
        )
    return _svg(title, parts, height)


def matrix(title: str, rows: Sequence[str], columns: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """A confusion matrix: rows are what was found, columns what was answered; shade is the share of the row."""
    label, cell, head = 110, 76, TOP + 24
    parts = []
    for c, name in enumerate(columns):
        parts.append(
            f'<text x="{label + c * cell + cell / 2}" y="{head - 6}" text-anchor="middle">{escape(name)}</text>'
        )
    for r, name in enumerate(rows):
        y = head + r * 36
        parts.append(f'<text x="{label - 8}" y="{y + 22}" text-anchor="end">{escape(name)}</text>')
        total = sum(counts[r]) or 1
        for c in range(len(columns)):
            x = label + c * cell
            shade = counts[r][c] / total
            parts.append(
                f'<rect x="{x}" y="{y}" width="{cell - 3}" height="33" fill="{COLOURS[0]}" '
                f'fill-opacity="{shade:.2f}" stroke="currentColor" stroke-opacity=".2"/>'
            )
            parts.append(f'<text x="{x + cell / 2}" y="{y + 22}" text-anchor="middle">{counts[r][c]}</text>')
    return _svg(title, parts, head + 36 * len(rows) + 10)


class _Frame:
    """Axes over the range of the points, zero included."""

    def __init__(self, title: str, points: Sequence[Point], x: str, y: str, *, unit: bool = False) -> None:
        self.title, self.x, self.y = title, x, y
        self.high_x, self.step_x = (1.0, 0.25) if unit else _round_axis(max((a for a, _ in points), default=1.0))
        self.high_y, self.step_y = (1.0, 0.25) if unit else _round_axis(max((b for _, b in points), default=1.0))

    def place(self, point: Point) -> Point:
        across = LEFT + point[0] / self.high_x * (WIDTH - LEFT - RIGHT)
        return across, HEIGHT - BOTTOM - point[1] / self.high_y * (HEIGHT - BOTTOM - TOP)

    def drawn(self, parts: Sequence[str], names: Sequence[str]) -> str:
        (x0, y0), (x1, _), (_, y1) = self.place((0, 0)), self.place((self.high_x, 0)), self.place((0, self.high_y))
        axes = [f'<path d="M{x0} {y1:.1f}L{x0} {y0}L{x1:.1f} {y0}" fill="none" stroke="currentColor" opacity=".6"/>']
        for at in range(round(self.high_x / self.step_x) + 1):
            px, _ = self.place((at * self.step_x, 0))
            axes.append(f'<text x="{px:.1f}" y="{y0 + 16}" text-anchor="middle">{at * self.step_x:.3g}</text>')
        for at in range(round(self.high_y / self.step_y) + 1):
            _, py = self.place((0, at * self.step_y))
            axes.append(f'<text x="{x0 - 6}" y="{py + 4:.1f}" text-anchor="end">{at * self.step_y:.3g}</text>')
        axes.append(f'<text x="{(x0 + x1) / 2:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(self.x)}</text>')
        middle = (y0 + y1) / 2
        axes.append(
            f'<text x="12" y="{middle:.1f}" text-anchor="middle" transform="rotate(-90 12 {middle:.1f})">'
            f"{escape(self.y)}</text>"
        )
        legend = list(zip(names, _colours(len(names)), strict=True)) if len(names) > 1 else []
        for at, (name, colour) in enumerate(legend):
            y = HEIGHT + 8 + 15 * at
            axes.append(f'<rect x="{x0}" y="{y - 8}" width="10" height="10" fill="{colour}"/>')
            axes.append(f'<text x="{x0 + 14}" y="{y + 1}">{escape(name)}</text>')
        return _svg(self.title, [*axes, *parts], HEIGHT + 15 * len(legend))


def _round_axis(most: float) -> tuple[float, float]:
    """The end of an axis from zero that holds `most`, and the step between its marks: 1, 2, 2.5 or 5 times a ten."""
    ten = 10.0 ** math.floor(math.log10(most / 4)) if most > 0 else 0.25
    step = next(factor * ten for factor in (1, 2, 2.5, 5, 10) if factor * ten * 5 >= most)
    return max(1, math.ceil(most / step)) * step, step


def _svg(title: str, parts: Sequence[str], height: float) -> str:
    head = f'<text x="4" y="18" font-weight="600" font-size="13">{escape(title)}</text>'
    body = "".join([head, *parts])
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}" role="img" '
        f'aria-label="{escape(title)}" font-family="system-ui,sans-serif" font-size="11" fill="currentColor">'
        f"{body}</svg>"
    )


def _colours(count: int) -> list[str]:
    return [COLOURS[at % len(COLOURS)] for at in range(count)]
