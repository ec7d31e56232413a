"""A run, kept: figures, item scores, and where they came from, as one JSON file.

    {"schema": 1, "provenance": {…}, "system": {"name", "models"}, "data": {"name", "n", "sha256", "external"},
     "suites": {"summaries": {"seconds", "figures": […], "contrasts": […], "items": […]}}}

An item is one answer of one system: `id`, `event`, `system`, `slices`, and what its suite's measures need. Figures can
always be computed again from the items, which is what `eval.compare` does.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from communique.errors import UsageError

__all__ = ["RESULTS", "Contrast", "Figure", "Item", "Result", "SuiteResult", "read", "write"]

RESULTS: Final = Path(__file__).parent / "results"
SCHEMA: Final = 1

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its 95% interval; `n` items in `clusters` events. `slice` is "all" or such as "length: …"."""

    system: str
    metric: str
    value: float
    low: float
    high: float
    n: int
    clusters: int
    slice: str = "all"


@dataclass(frozen=True, slots=True)
class Contrast:
    """`first` minus `second` on the same items."""

    first: str
    second: str
    metric: str
    difference: float
    low: float
    high: float
    p: float
    n: int


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """What one suite found. `notes` say what was left out and why."""

    figures: tuple[Figure, ...]
    contrasts: tuple[Contrast, ...] = ()
    items: tuple[Item, ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    def figure(self, system: str, metric: str, part: str = "all") -> Figure:
        """The one figure of that name.

        Raises:
            KeyError: there is none.
        """
        for figure in self.figures:
            if (figure.system, figure.metric, figure.slice) == (system, metric, part):
                return figure
        raise KeyError(f"{system} / {metric} / {part}")


@dataclass(frozen=True, slots=True)
class Result:
    """One run over one data set."""

    provenance: dict[str, Any]
    system: dict[str, Any]
    data: dict[str, Any]
    suites: dict[str, SuiteResult]

    def as_dict(self, *, items: bool = True) -> dict[str, Any]:
        """The JSON form; without items, and without parts of the data, for a last line that is read by machines."""
        suites = {}
        for name, suite in self.suites.items():
            shown = asdict(suite)
            if not items:
                del shown["items"], shown["extra"]
                shown["figures"] = [figure for figure in shown["figures"] if figure["slice"] == "all"]
            suites[name] = shown
        whole = {
            "schema": SCHEMA, "provenance": self.provenance, "system": self.system, "data": self.data, "suites": suites
        }  # fmt: skip
        clean: dict[str, Any] = _finite(whole)
        return clean


def write(result: Result, path: Path) -> None:
    """As one JSON file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    beside.write_text(json.dumps(result.as_dict(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)


def read(path: Path) -> Result:
    """A result that `write` wrote.

    Raises:
        UsageError: no such file, or not a result.
    """
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        if held["schema"] != SCHEMA:
            raise UsageError(f"{path} has schema {held['schema']}; this harness reads {SCHEMA}")
        suites = {
            name: SuiteResult(
                figures=tuple(Figure(**_numbers(f)) for f in suite["figures"]),
                contrasts=tuple(Contrast(**_numbers(c)) for c in suite["contrasts"]),
                items=tuple(suite["items"]),
                seconds=suite["seconds"],
                notes=tuple(suite["notes"]),
                extra=suite["extra"],
            )
            for name, suite in held["suites"].items()
        }
        return Result(held["provenance"], held["system"], held["data"], suites)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error}; `python -m eval.run` writes results to {RESULTS}") from error
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is not a result of `python -m eval.run`: {error!r}") from error


def _finite(value: Any) -> Any:
    """JSON has no NaN: it is written as null. Floats keep six significant digits."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(held) for key, held in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(held) for held in value]
    return value


def _numbers(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: math.nan if value is None else value for key, value in fields.items()}
