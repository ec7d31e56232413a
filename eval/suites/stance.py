"""Stance toward targets against references, with controls that a model which guesses from the topic would fail.

Figures are over (article, target) pairs whose target plays a part. An abstention counts in `macro_f1` by its most
probable label and in `answered_macro_f1` not at all; a target called absent counts as a miss. `evidence` is the
share of right sides whose evidence holds what a reader gave for the same side.

Controls, each the share that follows: `absent` asks for targets that play no part, and the answer is `absent`; `swap`
asks for the opponent in the same article, and favor minus against differs the right way; `mirror` swaps the two sides
throughout the article, and the labels swap too; `stranger` asks for another article's target, of which this text has no
word, and the answer is `absent`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from communique.errors import UsageError
from communique.labels import DEFAULT_TARGETS, STANCES
from communique.perturbation import swap_sides
from eval.baselines.labels import majority, stance_regression
from eval.intervals import Statistic, mean
from eval.measures.agreement import alpha
from eval.measures.calibration import risk_at_coverage
from eval.measures.labels import single_label
from eval.sentences import words
from eval.suites.base import OPPONENTS, Collected, Setting, Suite, article_of, asked, item_of, means

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eval.references import Reference
    from eval.results import Item
    from eval.systems import Record

__all__ = ["SUITE"]


def collect(setting: Setting) -> Collected:
    """Judgements, baselines and controls."""
    references = [reference for reference in setting.references if reference.stance]
    if not references:
        raise UsageError(f"{setting.data.name} has no article with stance: the suite `stance` needs some")
    name = setting.answers.system.name
    records = setting.answers.of(article_of(r, setting.modes[0]) for r in references)
    items: list[Item] = []
    for reference, record in zip(references, records, strict=True):
        judged = {stance["target"]: stance for stance in record["stance"]}
        items += [_item(reference, name, target, judged.get(target)) for target in reference.stance]
    notes: list[str] = []
    if setting.rivals:
        items += _readers(references, notes)
        items += _baselines(setting, references, notes)
        items += _controls(setting, references, records, notes)
    return Collected(items, (name,), tuple(notes))


def measure(items: Sequence[Item]) -> dict[str, Statistic]:
    """F1s, abstention, and the error of all and of the surest; for controls the mean of `follows`."""
    if not items or items[0]["kind"] == "control":
        return means(items)
    gold, given, forced = ([item[key] for item in items] for key in ("gold", "given", "forced"))
    statistics = single_label(gold, forced, STANCES)
    answered = [label != "unsure" for label in given]
    # An unanswered pair has no gold and no answer: it counts nowhere.
    statistics["answered_macro_f1"] = single_label(
        [label if counts else None for label, counts in zip(gold, answered, strict=True)],
        [label if counts else None for label, counts in zip(given, answered, strict=True)],
        STANCES,
    )["macro_f1"]
    statistics["answered"] = mean([float(counts) for counts in answered])
    statistics["called_absent"] = mean([float(label == "absent") for label in given])
    right = [a == b for a, b in zip(forced, gold, strict=True)]
    # A target called absent comes without probabilities: it is wrong, and it was sure.
    confidence = [max((item["probabilities"] or {"absent": 1.0}).values()) for item in items]
    statistics["evidence"] = mean([_number(item.get("shown")) for item in items])
    statistics["error"] = risk_at_coverage(confidence, right, 1.0)
    statistics["error_at_80"] = risk_at_coverage(confidence, right, 0.8)
    return statistics


def _item(reference: Reference, system: str, target: str, judged: dict[str, Any] | None) -> Item:
    judged = judged or {"label": "absent", "probabilities": None}
    probabilities = judged["probabilities"]
    label = judged["label"]
    forced = max(probabilities, key=probabilities.__getitem__) if label == "unsure" else label
    item = item_of(reference, system, kind="stance", target=target, gold=reference.stance[target])
    item |= {"id": f"{reference.id}/{target}", "given": label, "forced": forced, "probabilities": probabilities}
    if forced == item["gold"]:
        item["shown"] = _shown(reference, target, judged.get("evidence"))
    return item


def _shown(reference: Reference, target: str, evidence: Sequence[dict[str, Any]] | None) -> float | None:
    """Whether the evidence holds any of what a reader gave for the same stance; None where either gave none."""
    passage = reference.evidence.get(target, "")
    start = reference.text.find(passage)
    if not passage or start < 0 or evidence is None:
        return None
    spans = [(span["start"], span["end"]) for span in evidence if span["field"] == "text"]
    return float(any(a < start + len(passage) and start < b for a, b in spans))


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _readers(references: Sequence[Reference], notes: list[str]) -> list[Item]:
    """One reader's stances judged by the other's, before they were settled."""
    items = []
    units = []
    for reference in references:
        if len(reference.readings) < 2:
            continue
        first, second = (reading.stance for reading in reference.readings[:2])
        units += [[first.get(t, "absent"), second.get(t, "absent")] for t in dict.fromkeys([*first, *second])]
        for target, gold in first.items():
            judged = {"given": second.get(target, "absent"), "forced": second.get(target, "absent")}
            item = item_of(reference, "second reader, by the first", kind="readers", target=target, gold=gold)
            items.append(item | {"id": f"{reference.id}/{target}", "probabilities": None, **judged})
    if units:
        notes.append(
            f"two readers, blind to each other, n={len(units)}: Krippendorff's alpha {alpha(units):.3f} (nominal)"
        )
    return items


def _baselines(setting: Setting, references: Sequence[Reference], notes: list[str]) -> list[Item]:
    training = setting.training or tuple(references)
    commonest = majority([list(r.stance.values()) for r in training])
    judged: dict[str, Any] = {"label": commonest, "probabilities": None}
    items = [_item(r, "majority", target, judged) for r in references for target in r.stance]
    if not setting.training:
        notes.append("no TF-IDF regression: nothing to learn from (give --train FILE)")
        return items
    judge = stance_regression(setting.training)
    for reference in references:
        for target in reference.stance:
            probabilities = judge(reference, target)
            label = max(probabilities, key=probabilities.__getitem__)
            found = {"label": label, "probabilities": probabilities}
            items.append(_item(reference, "tf-idf regression", target, found))
    return items


def _controls(
    setting: Setting, references: Sequence[Reference], records: Sequence[Record], notes: list[str]
) -> list[Item]:
    items: list[Item] = []
    sided = [
        (reference, {s["target"]: s for s in record["stance"]})
        for reference, record in zip(references, records, strict=True)
        if OPPONENTS.keys() <= reference.stance.keys()
    ]
    for reference, judged in sided:
        gold = _side(reference.stance["Armenia"]) - _side(reference.stance["Azerbaijan"])
        if gold:
            given = _lean(judged.get("Armenia")) - _lean(judged.get("Azerbaijan"))
            items.append(_control(reference, "control: swap", "", gold * given > 0))
    for reference, record in zip(references, records, strict=True):
        judged = {s["target"]: s for s in record["stance"]}
        for target in asked(reference):
            if target not in reference.stance:
                follows = _label(judged.get(target)) == "absent"
                items.append(_control(reference, "control: absent", target, follows))
    try:
        mirrored = setting.answers.of(
            article_of(r, setting.modes[0], id=f"{r.id}#mirror", text=swap_sides(r.text), title=swap_sides(r.title))
            for r, _ in sided
        )
        for (reference, judged), record in zip(sided, mirrored, strict=True):
            other = {s["target"]: s for s in record["stance"]}
            for target, opponent in OPPONENTS.items():
                follows = _label(judged.get(target)) == _label(other.get(opponent))
                items.append(_control(reference, "control: mirror", target, follows))
        strangers = [(r, name) for r in references if (name := _stranger(r, references))]
        asked_for = setting.answers.of(
            article_of(r, setting.modes[0], [name], id=f"{r.id}#stranger") for r, name in strangers
        )
        for (reference, stranger), record in zip(strangers, asked_for, strict=True):
            items.append(_control(reference, "control: stranger", stranger, record["stance"][0]["label"] == "absent"))
    except UsageError as error:
        notes.append(f"no mirror and stranger controls: {error}")
    return items


def _control(reference: Reference, system: str, target: str, follows: bool) -> Item:
    item = item_of(reference, system, kind="control", target=target, scores={"follows": float(follows)})
    return item | {"id": f"{reference.id}/{target}"}


def _stranger(reference: Reference, references: Sequence[Reference]) -> str | None:
    """A target of the nearest article after this one whose name shares no word with this text; None where all do."""
    spoken = _stems(f"{reference.title} {reference.text}")
    at = references.index(reference)
    for other in (*references[at + 1 :], *references[:at]):
        for target in other.stance:
            stems = _stems(target)
            if target not in DEFAULT_TARGETS and stems and not stems & spoken:
                return target
    return None


def _stems(text: str) -> set[str]:
    """The first letters of every word of four and more."""
    return {word[:5] for word in words(text.lower()) if len(word) > 3}


def _side(label: str) -> int:
    return {"favor": 1, "against": -1}.get(label, 0)


def _lean(judged: dict[str, Any] | None) -> float:
    probabilities = (judged or {}).get("probabilities")
    return probabilities["favor"] - probabilities["against"] if probabilities else 0.0


def _label(judged: dict[str, Any] | None) -> str:
    return judged["label"] if judged else "absent"


SUITE: Final = Suite(
    "stance",
    "Is the stance toward each target that which a reader found?",
    collect,
    measure,
    (
        "macro_f1",
        "answered_macro_f1",
        "answered",
        "f1.favor",
        "f1.neutral",
        "f1.against",
        "evidence",
        "error",
        "error_at_80",
        "follows",
    ),
    ("macro_f1", "answered_macro_f1", "accuracy"),
    frozenset({"error", "error_at_80"}),
)
