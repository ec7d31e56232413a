"""The items that went worst, as a reader wants to see them: what was given, what was wanted, and why it is bad.

>>> worst("summaries", result.suites["summaries"], {})[0].id
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from eval.references import Reference
    from eval.results import Item, SuiteResult

__all__ = ["Worst", "worst"]


class Worst(NamedTuple):
    """`id` is the article's; `html` shows what was answered."""

    id: str
    label: str
    html: str


def worst(suite: str, held: SuiteResult, references: Mapping[str, Reference]) -> list[Worst]:
    """What went wrong in the first system under test, the worst first; empty where nothing did, or nobody ranks it."""
    main = held.extra["main"]
    items = [item for item in held.items if main and item["system"] == main[0]]
    return _RANKED[suite](items, references) if suite in _RANKED else []


def _summaries(items: Sequence[Item], references: Mapping[str, Reference]) -> list[Worst]:
    """Those with something that the article lacks, then those that share the least with their references."""
    ranked = sorted(items, key=lambda item: (not item["missing"], item["scores"]["rouge1"]))
    return [
        Worst(item["id"], f"ROUGE-1 {item['scores']['rouge1']:.1f}", _summary(item, references.get(item["id"])))
        for item in ranked
    ]


def _stance(items: Sequence[Item], _: Mapping[str, Reference]) -> list[Worst]:
    """The surest wrong answers."""
    wrong = [item for item in items if item["forced"] != item["gold"]]
    wrong.sort(key=lambda item: -max((item["probabilities"] or {"absent": 1.0}).values()))
    return [
        Worst(
            item["id"].rsplit("/", 1)[0],
            item["target"],
            f"<p>found {escape(item['gold'])}<br>answered {escape(item['given'])} "
            f"{escape(str(item['probabilities'] or ''))}</p>",
        )
        for item in wrong
    ]


def _topics(items: Sequence[Item], _: Mapping[str, Reference]) -> list[Worst]:
    """Those with the most topics missed or invented."""
    wrong = [item for item in items if set(item["given"]) != set(item["gold"])]
    wrong.sort(key=lambda item: -len(set(item["given"]) ^ set(item["gold"])))
    return [
        Worst(
            item["id"],
            "",
            f"<p>found {escape(', '.join(item['gold']))}<br>answered {escape(', '.join(item['given']))}</p>",
        )
        for item in wrong
    ]


def _cleaning(items: Sequence[Item], _: Mapping[str, Reference]) -> list[Worst]:
    """Those with the most text lost or left."""
    ranked = sorted(items, key=lambda item: -len(item["lost"]) - len(item["left"]))
    return [
        Worst(
            item["id"],
            "",
            f"<p>of the article lost:</p><pre>{escape(item['lost']) or '(nothing)'}</pre>"
            f"<p>of the rest left:</p><pre>{escape(item['left']) or '(nothing)'}</pre>",
        )
        for item in ranked
        if item["lost"] or item["left"]
    ]


def _summary(item: Item, reference: Reference | None) -> str:
    text = escape(item["text"])
    for missing in item["missing"]:
        text = text.replace(escape(missing), f"<mark>{escape(missing)}</mark>")
    wanted = reference.summaries if reference else ()
    return f"<p>{text or '(empty)'}</p>" + "".join(f"<p><small>reference</small><br>{escape(s)}</p>" for s in wanted)


_RANKED: Final[dict[str, Callable[[Sequence[Item], Mapping[str, Reference]], list[Worst]]]] = {
    "summaries": _summaries,
    "stance": _stance,
    "topics": _topics,
    "cleaning": _cleaning,
}
