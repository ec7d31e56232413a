"""What every suite is: items collected from systems and baselines, and figures computed from items.

Collecting asks models; measuring does not. So figures, slices, contrasts and later comparisons all come from the same
items by the same function, and a stored result can be measured again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from communique.labels import DEFAULT_TARGETS
from communique.record import Article, RequestedMode
from eval.intervals import Statistic, interval, mean, paired
from eval.references import SLICES, Data, Reference
from eval.results import Contrast, Figure, Item, SuiteResult

if TYPE_CHECKING:
    from eval.external import Claim
    from eval.systems import Answers

__all__ = [
    "OPPONENTS",
    "Check",
    "Collected",
    "Embed",
    "Setting",
    "Similarity",
    "Suite",
    "article_of",
    "asked",
    "contrasts",
    "evaluate",
    "figures",
    "item_of",
    "means",
]

#: Two sides of the conflict that most references are about.
OPPONENTS: Final = {"Armenia": "Azerbaijan", "Azerbaijan": "Armenia"}

Measures = Mapping[str, Statistic]
#: BERTScore of predictions, each against several references.
Similarity = Callable[[Sequence[str], Sequence[Sequence[str]]], list[float]]
#: Unit vectors (n, H) of sentences.
Embed = Callable[[Sequence[str]], Any]
#: Support in [0, 1] of sentences by their article.
Check = Callable[[Article, Sequence[str]], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Setting:
    """What a suite may use.

    Attributes:
        modes: summary modes to ask for, each a system of its own.
        pages: judge summaries and labels on scraped pages instead of the articles alone.
        training: references that learned baselines may learn from; empty leaves them out.
        rivals: baselines beside; off for a quick look.
        similarity: BERTScore of a summary against references, or None where no encoder is at hand.
        checker: support in [0, 1] of each sentence by its article, or None where the system cannot be asked.
        embed: unit vectors of sentences, or None.
        claims: sentences labelled by reading, of external sets.
    """

    data: Data
    answers: Answers
    modes: tuple[RequestedMode, ...] = ("auto",)
    pages: bool = False
    training: tuple[Reference, ...] = ()
    rivals: bool = True
    similarity: Similarity | None = None
    checker: Check | None = None
    embed: Embed | None = None
    claims: tuple[Claim, ...] = ()

    @property
    def references(self) -> tuple[Reference, ...]:
        return self.data.pages if self.pages else self.data.articles


@dataclass(frozen=True, slots=True)
class Collected:
    """Items of all systems. `main` are the systems under test; the others stand beside."""

    items: list[Item]
    main: tuple[str, ...]
    notes: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Suite:
    """One question. `headline` metrics stand in the table and are cut into slices; `contrasted` ones are compared.

    `less_is_better` names metrics by their last dotted part.
    """

    name: str
    question: str
    collect: Callable[[Setting], Collected]
    measure: Callable[[Sequence[Item]], Measures]
    headline: tuple[str, ...]
    contrasted: tuple[str, ...]
    less_is_better: frozenset[str] = frozenset()


def evaluate(suite: Suite, setting: Setting) -> SuiteResult:
    """Collect, measure, cut and contrast."""
    start = time.perf_counter()
    collected = suite.collect(setting)
    systems = list(dict.fromkeys(item["system"] for item in collected.items))
    by_system = {name: [item for item in collected.items if item["system"] == name] for name in systems}
    found: list[Figure] = []
    for name in systems:
        found += figures(suite, name, by_system[name])
    for name in collected.main:
        for kind, label in dict.fromkeys(pair for item in by_system.get(name, ()) for pair in item["slices"].items()):
            part = [item for item in by_system[name] if item["slices"].get(kind) == label]
            if len(part) < len(by_system[name]):
                found += figures(suite, name, part, f"{kind}: {label}", suite.headline)
    compared = [
        contrast
        for first in collected.main
        if first in by_system
        for second in systems
        if second != first and (second not in collected.main or systems.index(first) < systems.index(second))
        for contrast in contrasts(suite, by_system[first], by_system[second], suite.contrasted)
    ]
    return SuiteResult(
        figures=tuple(found),
        contrasts=tuple(compared),
        items=tuple(collected.items),
        seconds=time.perf_counter() - start,
        notes=collected.notes,
        extra={"main": list(collected.main), **collected.extra},
    )


def figures(
    suite: Suite, system: str, items: Sequence[Item], part: str = "all", metrics: Sequence[str] | None = None
) -> list[Figure]:
    """Every metric of the items, or those named, with its interval."""
    events = [item["event"] for item in items]
    found = []
    for metric, statistic in suite.measure(items).items():
        if metrics is None or metric in metrics:
            held = interval(statistic, events)
            found.append(Figure(system, metric, held.value, held.low, held.high, len(items), held.clusters, part))
    return found


def contrasts(suite: Suite, first: Sequence[Item], second: Sequence[Item], metrics: Sequence[str]) -> list[Contrast]:
    """Differences on the items that both have; none where they share none or measure different things."""
    others = {item["id"]: item for item in second}
    shared = [item for item in first if item["id"] in others]
    if not shared or {item.get("kind") for item in first} != {item.get("kind") for item in second}:
        return []
    events = [item["event"] for item in shared]
    statistics = suite.measure([*shared, *(others[item["id"]] for item in shared)])
    found = []
    for metric in metrics:
        if metric in statistics:
            held = paired(statistics[metric], events)
            names = shared[0]["system"], second[0]["system"]
            found.append(Contrast(*names, metric, held.difference, held.low, held.high, held.p, len(shared)))
    return found


def means(items: Sequence[Item]) -> dict[str, Statistic]:
    """The mean of each of the items' `scores`; an item without the score does not count."""
    names = dict.fromkeys(name for item in items for name in item.get("scores", ()))
    nan = float("nan")
    return {name: mean([_number(item.get("scores", {}).get(name, nan)) for item in items]) for name in names}


def item_of(reference: Reference, system: str, **content: Any) -> Item:
    """An item about a reference, with the parts that the reference belongs to."""
    slices = {name: cut(reference) for name, cut in SLICES.items()}
    return {"id": reference.id, "event": reference.event, "system": system, "slices": slices, **content}


def article_of(
    reference: Reference, mode: RequestedMode = "auto", targets: Iterable[str] | None = None, **changes: Any
) -> Article:
    """What is sent for a reference; its labels are never part of it."""
    fields: dict[str, Any] = {
        "id": reference.id, "text": reference.text, "title": reference.title, "format": reference.format,
        "mode": mode, "targets": tuple(asked(reference) if targets is None else targets),
        "meta": {name: value for name in ("source", "date") if (value := getattr(reference, name))},
    }  # fmt: skip
    return Article(**(fields | changes))


def asked(reference: Reference) -> list[str]:
    """The targets judged, and in an article on the conflict also those default targets that play no part."""
    absent = (
        [t for t in DEFAULT_TARGETS if t not in reference.stance] if OPPONENTS.keys() & reference.stance.keys() else []
    )
    return [*reference.stance, *absent]


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
