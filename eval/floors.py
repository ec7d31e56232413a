"""Pinned floors: what each figure may not fall below, and who lowered one and why.

A floor is broken when a figure is beyond it by more than noise. Noise is judged pair by pair against the items of the
result that the floors were pinned from, where that is at hand; else by the figure's own interval.

    >>> judge(read_floors(FLOORS), result, pinned=None)
"""

from __future__ import annotations

import json
import math
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from communique.errors import UsageError
from eval.suites import SUITES
from eval.suites.base import contrasts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eval.results import Figure, Result

__all__ = ["FLOORS", "Floor", "Floors", "Lowered", "Verdict", "judge", "read_floors", "write_floors"]

FLOORS: Final = Path(__file__).parent / "floors.toml"

_HEAD: Final = """\
# What each figure of `python -m eval.run` may not fall below (at_least) or rise above (at_most).
# Raised by `python -m eval.gate --raise`; lowered only by `python -m eval.gate --lower NAME VALUE --because "…"`, which
# is written down at the end. `full` floors are checked by `python -m eval.gate --full` alone.
"""


@dataclass(frozen=True, slots=True)
class Floor:
    """`name` is "suite/system/metric"; exactly one of the bounds is set. `n` and `commit` are of the pinning run."""

    name: str
    at_least: float | None = None
    at_most: float | None = None
    n: int = 0
    commit: str = ""
    full: bool = False

    def __post_init__(self) -> None:
        if (self.at_least is None) == (self.at_most is None):
            raise UsageError(f"floor {self.name}: give either at_least or at_most")
        if self.name.count("/") != 2 or self.name.split("/")[0] not in SUITES:
            raise UsageError(f"floor {self.name!r}: a name is suite/system/metric, with a suite of {', '.join(SUITES)}")

    @property
    def bound(self) -> float:
        return self.at_least if self.at_least is not None else self.at_most or 0.0

    def short(self, value: float) -> float:
        """How far a value is on the wrong side; negative on the right one, infinite where there is none."""
        if math.isnan(value):
            return math.inf
        return self.bound - value if self.at_least is not None else value - self.bound

    def moved(self, value: float) -> Floor:
        """The same floor at another bound."""
        return replace(self, at_least=value) if self.at_least is not None else replace(self, at_most=value)


@dataclass(frozen=True, slots=True)
class Lowered:
    """An act of lowering."""

    name: str
    before: float
    after: float
    because: str
    commit: str
    date: str


@dataclass(frozen=True, slots=True)
class Floors:
    """All floors. `data` is the hash of the references, `pinned` the result whose items they were pinned from."""

    floors: tuple[Floor, ...]
    data: str = ""
    pinned: str = ""
    lowered: tuple[Lowered, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one floor: `held`, `noise` (beyond it, but no more than chance), `broken` or `missing`."""

    floor: Floor
    value: float
    state: str
    why: str = ""


def judge(floors: Iterable[Floor], result: Result, pinned: Result | None) -> list[Verdict]:
    """A verdict for each floor on the figures of a result."""
    return [_judge(floor, result, pinned) for floor in floors]


def read_floors(path: Path) -> Floors:
    """The floors of a file.

    Raises:
        UsageError: no such file, or something in it that is no floor.
    """
    try:
        held = tomllib.loads(path.read_text(encoding="utf-8"))
        return Floors(
            floors=tuple(Floor(**floor) for floor in held.get("floor", ())),
            data=held.get("data", ""),
            pinned=held.get("pinned", ""),
            lowered=tuple(Lowered(**act) for act in held.get("lowered", ())),
        )
    except OSError as error:
        raise UsageError(f"floors cannot be read: {error}") from error
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise UsageError(f"{path} is not a floors file: {error}") from error


def write_floors(floors: Floors, path: Path) -> None:
    """The file again, in the order of the suites."""
    order = {name: at for at, name in enumerate(SUITES)}
    lines = [_HEAD, f"data = {_toml(floors.data)}", f"pinned = {_toml(floors.pinned)}", ""]
    for floor in sorted(floors.floors, key=lambda f: (order[f.name.split("/")[0]], f.name)):
        lines += ["[[floor]]", *_fields(floor, ("name", "at_least", "at_most", "n", "commit", "full")), ""]
    for act in floors.lowered:
        lines += ["[[lowered]]", *_fields(act, ("name", "before", "after", "because", "commit", "date")), ""]
    path.write_text("\n".join(lines), encoding="utf-8")


def _judge(floor: Floor, result: Result, pinned: Result | None) -> Verdict:
    figure = _figure(floor, result)
    if figure is None:
        return Verdict(floor, math.nan, "missing", "the run has no such figure")
    short = floor.short(figure.value)
    if short <= 1e-9:
        return Verdict(floor, figure.value, "held")
    change = _change(floor, result, pinned)
    if change is not None:
        worse, better = change
        state = "broken" if worse > 0 else "noise"
        return Verdict(
            floor, figure.value, state, f"against the pinned items it is worse by {worse:.4g} to {better:.4g}"
        )
    edge = figure.high if floor.at_least is not None else figure.low
    state = "broken" if math.isnan(edge) or floor.short(edge) > 0 else "noise"
    return Verdict(floor, figure.value, state, f"its interval is [{figure.low:.4g}, {figure.high:.4g}]")


def _change(floor: Floor, result: Result, pinned: Result | None) -> tuple[float, float] | None:
    """By how much a figure is worse than pinned, least and most of the 95% interval; None without common items."""
    suite, system, metric = floor.name.split("/")
    if pinned is None or suite not in pinned.suites:
        return None
    now, then = ([i for i in r.suites[suite].items if i["system"] == system] for r in (result, pinned))
    if {item["id"] for item in now} != {item["id"] for item in then}:
        return None
    found = contrasts(SUITES[suite], now, then, [metric])
    if not found or math.isnan(found[0].low):
        return None
    low, high = found[0].low, found[0].high
    return (-high, -low) if floor.at_least is not None else (low, high)


def _figure(floor: Floor, result: Result) -> Figure | None:
    suite, system, metric = floor.name.split("/")
    try:
        return result.suites[suite].figure(system, metric)
    except KeyError:
        return None


def _fields(held: object, names: Sequence[str]) -> list[str]:
    values = [(name, getattr(held, name)) for name in names]
    return [f"{name} = {_toml(value)}" for name, value in values if value is not None and value is not False]


def _toml(value: Any) -> str:
    """A string, number or truth value; JSON writes these as TOML does."""
    return json.dumps(value, ensure_ascii=False)
