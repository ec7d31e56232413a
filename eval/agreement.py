"""How far two readers of the same articles agree: Krippendorff's alpha of each label set, with n and 95% intervals.

Reads two files of labels: JSON lines with `id`, `topics` (main one first) and `stance` (target to label, or to an
object with `label`). Only articles in both are compared. A target that one reader judged and the other left out is
`absent` for the other. It does not know which reader is right, nor what was settled later.

    python -m eval.agreement eval/references/labels/first.jsonl eval/references/labels/second.jsonl
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from communique.errors import UsageError
from communique.labels import DEFAULT_TARGETS, STANCES, TOPICS
from eval import command
from eval.intervals import interval
from eval.measures.agreement import Distance, agreement, jaccard, nominal
from eval.references import read_jsonl
from eval.tables import Grid, number, show

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from eval.intervals import Interval

__all__ = ["Agreement", "Labels", "agreements", "compared", "main", "read_labels"]

ABSENT: Final = "absent"
#: Who names one of these is read as an article of the conflict, and judged for all default targets.
SIDES: Final = frozenset(DEFAULT_TARGETS[:2])

EXAMPLES: Final = """\
  python -m eval.agreement eval/references/labels/first.jsonl eval/references/labels/second.jsonl
  python -m eval.agreement training/corpus/labels/first.jsonl training/corpus/labels/second.jsonl"""


@dataclass(frozen=True, slots=True)
class Labels:
    """What one reader found in one article."""

    topics: tuple[str, ...]
    stance: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Agreement:
    """One label set: `raw` is the share of units with equal labels, `alpha` has its interval by article."""

    name: str
    units: int
    raw: float
    alpha: Interval


#: A pair of labels of one unit, and the article that it belongs to.
Unit = tuple[str, "Hashable", "Hashable"]


def read_labels(path: Path) -> dict[str, Labels]:
    """The labels of a file by article id.

    Raises:
        UsageError: not readable, an id twice, or a label that does not exist.
    """
    found: dict[str, Labels] = {}
    for where, item in read_jsonl(path):
        if not isinstance(item, dict) or not {"id", "topics", "stance"} <= item.keys():
            raise UsageError(f"{where}: labels are a JSON object with `id`, `topics` and `stance`")
        stance = {target: _label(judged) for target, judged in item["stance"].items()}
        wrong = [topic for topic in item["topics"] if topic not in TOPICS]
        wrong += [label for label in stance.values() if label not in STANCES]
        if wrong or not item["topics"]:
            raise UsageError(
                f"{where}: unknown labels {wrong or 'no topic'}; allowed: {', '.join((*TOPICS, *STANCES))}"
            )
        if str(item["id"]) in found:
            raise UsageError(f"{where}: id {item['id']!r} stands twice")
        found[str(item["id"])] = Labels(tuple(item["topics"]), stance)
    return found


def agreements(first: Mapping[str, Labels], second: Mapping[str, Labels]) -> list[Agreement]:
    """Every label set of the articles that both have.

    Raises:
        UsageError: no article in common.
    """
    ids = sorted(first.keys() & second.keys())
    if not ids:
        raise UsageError("the two files have no id in common")
    pairs = [(i, first[i], second[i]) for i in ids]
    five = [unit for pair in pairs if _in_conflict(pair[1:]) for unit in _stances(pair, DEFAULT_TARGETS)]
    chosen = [unit for pair in pairs for unit in _stances(pair, _named(pair[1:]) - set(DEFAULT_TARGETS))]
    elsewhere = [
        unit
        for pair in pairs
        if not _in_conflict(pair[1:])
        for unit in _stances(pair, _named(pair[1:]) & set(DEFAULT_TARGETS))
    ]
    everything = five + chosen + elsewhere
    return [
        compared("main topic", [(i, a.topics[0], b.topics[0]) for i, a, b in pairs]),
        compared(
            "topics, as sets (Jaccard)", [(i, frozenset(a.topics), frozenset(b.topics)) for i, a, b in pairs], jaccard
        ),
        *(
            compared(f"topic {topic}", [(i, topic in a.topics, topic in b.topics) for i, a, b in pairs])
            for topic in TOPICS
        ),
        compared("stance, default targets, with absent", five),
        compared("default targets, present or not", [(i, a != ABSENT, b != ABSENT) for i, a, b in five]),
        compared("stance, default targets, both present", [u for u in five if ABSENT not in u[1:]]),
        compared("stance, chosen targets, with absent", chosen),
        compared("stance, all targets, with absent", everything),
    ]


def compared(name: str, units: Sequence[Unit], distance: Distance = nominal) -> Agreement:
    """Alpha of pairs of labels; whole articles are drawn for the interval."""
    labels = [(a, b) for _, a, b in units]
    raw = sum(a == b for a, b in labels) / len(labels) if labels else float("nan")
    return Agreement(name, len(units), raw, interval(agreement(labels, distance), [i for i, _, _ in units]))


def main(argv: list[str] | None = None) -> int:
    """0 when the two files could be compared."""
    options = command.parser(__doc__, EXAMPLES)
    options.add_argument("first", type=Path, help="labels of one reader")
    options.add_argument("second", type=Path, help="labels of the other")
    arguments = options.parse_args(argv)
    first, second = read_labels(arguments.first), read_labels(arguments.second)
    found = agreements(first, second)
    binary = [a.alpha.value for a in found if a.name.startswith("topic ") and a.alpha.value == a.alpha.value]
    rows = tuple(
        (a.name, str(a.units), number(a.raw), number(a.alpha.value), f"{number(a.alpha.low)}–{number(a.alpha.high)}")
        for a in found
    )
    both = len(first.keys() & second.keys())
    mean = f"mean of the {len(binary)} topics each taken alone: {number(sum(binary) / len(binary))}" if binary else ""
    title = f"Agreement of {arguments.first} and {arguments.second}: {both} articles"
    show(Grid(title, ("labels", "n", "raw", "alpha", "95%"), rows, mean), command.console)
    return 0


def _stances(pair: tuple[str, Labels, Labels], targets: Iterable[str]) -> list[Unit]:
    i, a, b = pair
    return [(i, a.stance.get(target, ABSENT), b.stance.get(target, ABSENT)) for target in sorted(targets)]


def _named(readers: Sequence[Any]) -> set[str]:
    return {target for reader in readers for target in reader.stance}


def _in_conflict(readers: Sequence[Any]) -> bool:
    return bool(SIDES & _named(readers))


def _label(judged: object) -> str:
    return str(judged.get("label") if isinstance(judged, dict) else judged)


if __name__ == "__main__":
    command.run(main)
