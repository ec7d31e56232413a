"""Fail when quality falls below its floors by more than noise.

The quick part (in `make test`) scores this project's references without baselines; `--full` (in `make eval`) adds every
summary mode and the controls. Exit code 1: a floor is broken or cannot be checked.

    python -m eval.gate
"""

from __future__ import annotations

import argparse
import math
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from communique.errors import UsageError
from eval import command
from eval.floors import FLOORS, Floor, Floors, Lowered, Verdict, judge, read_floors, write_floors
from eval.provenance import commit
from eval.references import REFERENCES, load
from eval.results import Figure, Result, read
from eval.run import measure, training_corpus
from eval.suites import SUITES
from eval.systems import opened
from eval.tables import Grid, json_line, number, show

if TYPE_CHECKING:
    from communique.record import RequestedMode

__all__ = ["lowered", "main", "raised"]

ALL_MODES: Final[tuple[RequestedMode, ...]] = ("auto", "extractive", "compressive", "abstractive")

#: What a summary is like, and how fast a page is read, is shown but has no floor: it is no better for being more.
UNJUDGED: Final = frozenset({"words", "coverage", "density", "pages_per_second"})

EXAMPLES: Final = """\
  python -m eval.gate                                  the quick part, under three minutes
  python -m eval.gate --full                           every mode and control
  python -m eval.gate --result eval/results/x.json     judge a run that is already there
  python -m eval.gate --raise --result x.json          raise floors to what was measured; lowers none
  python -m eval.gate --lower "topics/communique/macro_f1" 0.74 --because "two labels were merged" """


def main(argv: list[str] | None = None) -> int:
    """0 when all floors hold, 1 when one is broken."""
    arguments = _options().parse_args(argv)
    floors = read_floors(arguments.floors)
    if arguments.lower:
        name, value = arguments.lower
        write_floors(lowered(floors, name, value, arguments.because), arguments.floors)
        command.console.print(f"lowered {name} to {value}, because {arguments.because}")
        return 0
    result = read(arguments.result) if arguments.result else _measured(arguments)
    if arguments.raise_floors:
        source = os.path.relpath(arguments.result, arguments.floors.parent) if arguments.result else ""
        write_floors(raised(floors, result, source), arguments.floors)
        command.console.print(f"wrote {arguments.floors}")
        return 0
    if floors.data and floors.data != result.data["sha256"]:
        raise UsageError(
            f"the floors were pinned on references {floors.data[:12]}, these are {result.data['sha256'][:12]}: "
            "measure again with eval.run and re-pin with `python -m eval.gate --raise --result FILE`"
        )
    pinned = arguments.floors.parent / floors.pinned
    wanted = [floor for floor in floors.floors if arguments.full or not floor.full]
    verdicts = judge(wanted, result, read(pinned) if floors.pinned and pinned.is_file() else None)
    show(_grid(verdicts), command.console)
    broken = [v.floor.name for v in verdicts if v.state in ("broken", "missing")]
    counts = {state: sum(v.state == state for v in verdicts) for state in ("held", "noise", "broken", "missing")}
    print(json_line({"gate": "broken" if broken else "held", **counts, "names": broken}))
    return 1 if broken else 0


def raised(floors: Floors, result: Result, source: str) -> Floors:
    """Floors at the headline figures of a result, where they are better than what stands; none is lowered.

    A figure without a floor gets one. When the references changed, all floors are pinned anew.
    """
    known = {floor.name: floor for floor in floors.floors} if floors.data in ("", result.data["sha256"]) else {}
    for suite, held in result.suites.items():
        for figure in held.figures:
            # What a control follows is a floor too; what a baseline gets is not.
            ours = figure.system in held.extra["main"] or figure.system.startswith("control:")
            if not ours or figure.slice != "all" or figure.metric not in SUITES[suite].headline:
                continue
            if math.isnan(figure.value) or figure.metric.split(".")[-1] in UNJUDGED:
                continue
            less = figure.metric.split(".")[-1] in SUITES[suite].less_is_better
            value = _rounded(figure.value, up=less)
            name = f"{suite}/{figure.system}/{figure.metric}"
            bound = {"at_most": value} if less else {"at_least": value}
            # What was kept for the full part, as it needs a model that not everybody has, stays there.
            full = _only_in_full(suite, figure) or (name in known and known[name].full)
            found = Floor(name, n=figure.n, commit=result.provenance["commit"], full=full, **bound)
            if name not in known or known[name].short(value) < 0:
                known[name] = found
    return Floors(tuple(known.values()), result.data["sha256"], source or floors.pinned, floors.lowered)


def lowered(floors: Floors, name: str, value: float, because: str) -> Floors:
    """One floor moved to an easier bound, with the reason kept.

    Raises:
        UsageError: no such floor, no reason, or the new bound is not easier.
    """
    found = {floor.name: floor for floor in floors.floors}
    if name not in found:
        raise UsageError(f"no floor {name!r}; there are: {', '.join(found)}")
    if len(because.split()) < 3:
        raise UsageError("--lower needs --because with a reason that a reviewer can read")
    if found[name].short(value) <= 0:
        raise UsageError(f"{value} is not easier than {found[name].bound}: raise floors with --raise")
    act = Lowered(name, found[name].bound, value, because, commit(), f"{datetime.now(UTC):%Y-%m-%d}")
    moved = tuple(floor.moved(value) if floor.name == name else floor for floor in floors.floors)
    return replace(floors, floors=moved, lowered=(*floors.lowered, act))


def _only_in_full(suite: str, figure: Figure) -> bool:
    """Controls, and summary modes but the default, are left out of the quick part."""
    return figure.system.startswith("control:") or (suite == "summaries" and not figure.system.endswith(" auto"))


def _measured(arguments: argparse.Namespace) -> Result:
    """The run that the floors are about."""
    modes = ALL_MODES if arguments.full else ("auto",)
    with opened("registry") as system:
        return measure(
            load([REFERENCES], "references"),
            system,
            suites=list(SUITES),
            modes=modes,
            training=training_corpus() if arguments.full else (),
            rivals=arguments.full,
        )


def _grid(verdicts: list[Verdict]) -> Grid:
    marks = {"held": "held", "noise": "held (noise)", "broken": "BROKEN", "missing": "MISSING"}
    rows = [
        (
            v.floor.name,
            f"{'≥' if v.floor.at_least is not None else '≤'} {number(v.floor.bound, v.floor.name.split('/')[2])}",
            number(v.value, v.floor.name.split("/")[2]),
            marks[v.state] + (f"\n{v.why}" if v.why else ""),
        )
        for v in verdicts
    ]
    return Grid("Gate", ("figure", "floor", "now", ""), tuple(rows))


def _rounded(value: float, *, up: bool) -> float:
    """Four significant places, never harder than what was measured."""
    if value == 0:
        return 0.0
    places = 3 - math.floor(math.log10(abs(value)))
    scaled = value * 10**places
    whole = math.ceil(scaled - 1e-9) if up else math.floor(scaled + 1e-9)
    return round(float(whole / 10**places), max(0, places))


def _options() -> argparse.ArgumentParser:
    options = command.parser(__doc__, EXAMPLES)
    options.add_argument("--full", action="store_true", help="check the `full` floors too")
    options.add_argument(
        "--result", type=Path, metavar="FILE", help="judge this result of eval.run instead of measuring"
    )
    options.add_argument("--floors", type=Path, default=FLOORS, metavar="FILE", help="default: eval/floors.toml")
    options.add_argument(
        "--raise", dest="raise_floors", action="store_true", help="raise floors to this result's figures"
    )
    options.add_argument(
        "--lower", nargs=2, action=_NameAndValue, metavar=("NAME", "VALUE"), help="lower one floor; needs --because"
    )
    options.add_argument("--because", default="", metavar="WHY", help="why a floor is lowered; it is written down")
    return options


class _NameAndValue(argparse.Action):
    """NAME VALUE, the value a number."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object, option: str | None = None
    ) -> None:
        assert isinstance(values, list)
        try:
            setattr(namespace, self.dest, (values[0], float(values[1])))
        except ValueError:
            parser.error(f"{option} NAME VALUE: {values[1]!r} is not a number")


if __name__ == "__main__":
    command.run(main)
