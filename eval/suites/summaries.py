"""Summaries against references: wording shared (ROUGE), facts invented, how extractive, how long, how well finished.

Beside: Lead cut to the words of the first system's summary (article by article), Lead-3, TextRank, LexRank, the other
reference, and two oracles that see the references. ROUGE takes the best of several references. The mirror control swaps
the two sides of the conflict throughout an article: the summary must be the mirror of what it was.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from communique.errors import UsageError
from communique.perturbation import swap_sides
from eval.baselines.summaries import ORACLES, SUMMARIZERS, lead
from eval.intervals import Statistic, ratio
from eval.measures.facts import facts
from eval.measures.overlap import rouge
from eval.measures.wording import wording
from eval.suites.base import OPPONENTS, Collected, Setting, Suite, article_of, item_of, means

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eval.references import Reference
    from eval.results import Item

__all__ = ["SUITE"]

#: The budget of baselines where the system gave no summary.
DEFAULT_WORDS: Final = 50
_FINISHED: Final = re.compile(r"[.!?…][\"'”’)\]]*$")


def collect(setting: Setting) -> Collected:
    """Summaries of every mode asked for, and of the baselines."""
    references = [reference for reference in setting.references if reference.summaries]
    if not references:
        raise UsageError(f"{setting.data.name} has no article with summaries: the suite `summaries` needs some")
    items: list[Item] = []
    notes: list[str] = []
    for mode in setting.modes:
        records = setting.answers.of(article_of(reference, mode) for reference in references)
        name = f"{setting.answers.system.name} {mode}"
        for reference, record in zip(references, records, strict=True):
            summary = record.get("summary") or {}
            written = summary.get("sentences", ())
            item = _item(reference, name, summary.get("text", ""), reference.summaries)
            item["sentences"] = [{"text": s["text"], "mode": s["mode"], "support": s["support"]} for s in written]
            item["error"] = (record.get("error") or {}).get("type")
            for kind in ("extractive", "compressive", "abstractive"):
                item["scores"][f"share.{kind}"] = _share([s["mode"] == kind for s in written])
            items.append(item)
    if setting.rivals:
        budgets = [int(item["scores"]["words"]) or DEFAULT_WORDS for item in items]
        for at, reference in enumerate(references):
            for number, mode in enumerate(setting.modes[1:], 1):
                cut = lead(reference.body, budgets[number * len(references) + at])
                items.append(_item(reference, f"lead, words of {mode}", cut, reference.summaries))
            for name, summarize in SUMMARIZERS.items():
                items.append(_item(reference, name, summarize(reference.body, budgets[at]), reference.summaries))
            if len(reference.summaries) > 1:
                items.append(_item(reference, "other reference", reference.summaries[0], reference.summaries[1:]))
            for name, choose in ORACLES.items():
                items.append(_item(reference, name, choose(reference.body, reference.summaries), reference.summaries))
        items += _mirrored(setting, references, items[: len(references)], notes)
    if setting.similarity is not None:
        against = {reference.id: reference.summaries for reference in references}
        written = [item for item in items if item["kind"] == "summary"]
        wanted = [against[i["id"]][1:] if i["system"] == "other reference" else against[i["id"]] for i in written]
        for item, score in zip(written, setting.similarity([i["text"] for i in written], wanted), strict=True):
            item["scores"]["bertscore"] = score
    main = tuple(f"{setting.answers.system.name} {mode}" for mode in setting.modes)
    if errors := sum(item.get("error") is not None for item in items):
        notes.append(f"{errors} articles came back with an error and count as empty summaries")
    return Collected(items, main, tuple(notes))


def measure(items: Sequence[Item]) -> dict[str, Statistic]:
    """Means of item scores, and figures and names found over those written, pooled."""
    statistics = means(items)
    if not items or items[0]["kind"] != "summary":
        return statistics
    for kind in ("figures", "names"):
        found, written = ([item["facts"][key] for item in items] for key in (f"{kind}_found", kind))
        statistics[f"{kind[:-1]}_precision"] = ratio(found, written)
    return statistics


def _mirrored(
    setting: Setting, references: Sequence[Reference], answered: Sequence[Item], notes: list[str]
) -> list[Item]:
    """Articles with their two sides swapped throughout: is the summary the mirror of what it was?"""
    sided = [
        (r, item)
        for r, item in zip(references, answered, strict=True)
        if OPPONENTS.keys() <= r.stance.keys() and item["text"]
    ]
    try:
        records = setting.answers.of(
            article_of(r, setting.modes[0], id=f"{r.id}#mirror", text=swap_sides(r.text), title=swap_sides(r.title))
            for r, _ in sided
        )
    except UsageError as error:
        notes.append(f"no mirror control: {error}")
        return []
    items = []
    for (reference, item), record in zip(sided, records, strict=True):
        given, wanted = (record.get("summary") or {}).get("text", ""), swap_sides(item["text"])
        scores = {"mirrored": float(given == wanted), "mirrored_rouge1": rouge(given, [wanted])["rouge1"]}
        items.append(item_of(reference, "control: mirror", kind="mirror", text=given, wanted=wanted, scores=scores))
    return items


def _item(reference: Reference, system: str, text: str, against: Sequence[str]) -> Item:
    checked = facts(text, f"{reference.title}\n{reference.body}")
    scores = rouge(text, against) | wording(text, reference.body)
    scores["unfinished"] = float(not _FINISHED.search(text))
    scores["invented"] = float(bool(checked.missing))
    held = {"figures": checked.figures, "figures_found": checked.figures_found}
    held |= {"names": checked.names, "names_found": checked.names_found}
    return item_of(reference, system, kind="summary", text=text, scores=scores, facts=held, missing=checked.missing)


def _share(held: Sequence[bool]) -> float:
    return sum(held) / len(held) if held else float("nan")


SUITE: Final = Suite(
    "summaries",
    "Do summaries say what references say, and nothing that the article lacks?",
    collect,
    measure,
    (
        "rouge1",
        "rouge2",
        "rougeLsum",
        "bertscore",
        "figure_precision",
        "name_precision",
        "coverage",
        "density",
        "words",
        "mirrored",
    ),
    ("rouge1", "rouge2", "rougeLsum", "bertscore", "figure_precision", "name_precision"),
    frozenset({"unfinished", "invented", "novel1", "novel2"}),
)
