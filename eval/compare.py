"""Two results side by side: what changed, and whether it is more than noise.

Both must be about the same references; the figures are computed again from the items that both have.

    python -m eval.compare before.json after.json --items
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from communique.errors import UsageError
from eval import command
from eval.results import Contrast, Item, Result, read
from eval.suites import SUITES
from eval.suites.base import Suite, contrasts
from eval.tables import Grid, contrast_grid, json_line, markdown, number, show

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

__all__ = ["compare", "main", "movers"]

EXAMPLES: Final = """\
  python -m eval.compare eval/results/a.json eval/results/b.json
  python -m eval.compare a.json b.json --suite summaries --items 20
  python -m eval.compare a.json b.json --markdown changes.md"""

#: The score of an item that movers are ranked by.
_RANKED: Final = {"summaries": "rouge1"}


def main(argv: list[str] | None = None) -> int:
    """0 when both could be compared."""
    options = command.parser(__doc__, EXAMPLES)
    options.add_argument("before", type=Path, metavar="A", help="a result of eval.run")
    options.add_argument("after", type=Path, metavar="B", help="another, on the same references")
    options.add_argument("--suite", action="append", choices=list(SUITES), help="only this suite; may be repeated")
    options.add_argument(
        "--items", type=int, nargs="?", const=10, metavar="N", help="the N items that moved the most (10)"
    )
    options.add_argument("--markdown", type=Path, metavar="FILE", help="the tables as Markdown")
    arguments = options.parse_args(argv)
    before, after = read(arguments.before), read(arguments.after)
    grids = [_header(before, after, arguments)]
    changes: dict[str, list[dict[str, Any]]] = {}
    for name, (found, moved) in compare(before, after, arguments.suite).items():
        grids.append(contrast_grid(f"{name}: B − A", found))
        changes[name] = [asdict(contrast) for contrast in found]
        if arguments.items:
            grids.append(_movers_grid(name, moved[: arguments.items]))
    for grid in grids:
        show(grid, command.console)
    if arguments.markdown:
        arguments.markdown.write_text("\n".join(map(markdown, grids)), encoding="utf-8")
    print(json_line({"before": str(arguments.before), "after": str(arguments.after), "changes": changes}))
    return 0


def compare(
    before: Result, after: Result, suites: Sequence[str] | None = None
) -> dict[str, tuple[list[Contrast], list[tuple[Item, Item, float]]]]:
    """By suite: differences (after minus before) of each system that both have, and the items that moved.

    Systems under test are matched in order where their names differ, such as a model and its successor.

    Raises:
        UsageError: the results share no suite, or no items.
    """
    shared = [name for name in SUITES if name in before.suites and name in after.suites and name in (suites or SUITES)]
    if not shared:
        raise UsageError(f"no suite in common: A has {', '.join(before.suites)}; B has {', '.join(after.suites)}")
    found: dict[str, tuple[list[Contrast], list[tuple[Item, Item, float]]]] = {}
    for name in shared:
        pairs = list(zip(after.suites[name].extra["main"], before.suites[name].extra["main"], strict=False))
        changed: list[Contrast] = []
        moved: list[tuple[Item, Item, float]] = []
        for new, old in pairs:
            first = [item for item in after.suites[name].items if item["system"] == new]
            second = [item for item in before.suites[name].items if item["system"] == old]
            changed += contrasts(SUITES[name], first, second, SUITES[name].headline)
            moved += movers(SUITES[name], second, first)
        found[name] = (changed, sorted(moved, key=lambda move: -abs(move[2])))
    if not any(changed for changed, _ in found.values()):
        raise UsageError("the results have no items in common: were they measured on the same references?")
    return found


def movers(suite: Suite, before: Sequence[Item], after: Sequence[Item]) -> list[tuple[Item, Item, float]]:
    """Items that changed, with by how much: a score's difference, or 1 for an answer turned right and -1 for wrong."""
    known = {item["id"]: item for item in before}
    moved = []
    for item in after:
        old = known.get(item["id"])
        if old is not None and (change := _score(suite, item) - _score(suite, old)):
            moved.append((old, item, change))
    return moved


def _score(suite: Suite, item: Item) -> float:
    if suite.name in _RANKED:
        return float(item["scores"][_RANKED[suite.name]])
    if suite.name == "cleaning":
        counts = item["characters"]
        return float(counts.get("boilerplate_removed", 0) - counts.get("article_lost", 0))
    if suite.name == "topics":
        return float(set(item["given"]) == set(item["gold"]))
    if suite.name == "stance":
        return float(item["forced"] == item["gold"])
    return float(item["score"] if "score" in item else item["probability"])


def _header(before: Result, after: Result, arguments: argparse.Namespace) -> Grid:
    rows = []
    for label, path, result in (("A", arguments.before, before), ("B", arguments.after, after)):
        models = ", ".join(f"{kind} {name}" for kind, name in result.system["models"].items())
        data = f"{result.data['name']} {result.data['sha256'][:12]}"
        rows.append((label, str(path), f"{result.system['name']} {models}", result.provenance["commit"], data))
    note = (
        ""
        if before.data["sha256"] == after.data["sha256"]
        else "THE DATA DIFFER: only items of the same id are compared"
    )
    return Grid("Compared", ("", "file", "system", "commit", "data"), tuple(rows), note)


def _movers_grid(name: str, moved: Sequence[tuple[Item, Item, float]]) -> Grid:
    rows = [(new["id"], number(change), _shown(old), _shown(new)) for old, new, change in moved]
    return Grid(f"{name}: items that moved", ("id", "change", "A", "B"), tuple(rows))


def _shown(item: Item) -> str:
    for key in ("text", "given", "forced", "lost"):
        if key in item:
            value = item[key]
            shown = ", ".join(value) if isinstance(value, list) else str(value)
            return shown if len(shown) <= 300 else shown[:299] + "…"
    return number(float(item.get("probability", 0.0)))


if __name__ == "__main__":
    command.run(main)
