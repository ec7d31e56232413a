"""Do the probabilities of topics and stance mean what they say?

Topics: one item a (article, topic), the probability of the topic. Stance: one item a (article, present target), the
probability of the answer. Errors are debiased (Kumar, Liang and Ma 2019). The reliability diagram's bins are kept.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from communique.labels import TOPICS
from eval.intervals import Statistic, mean
from eval.measures.calibration import aurc, bins, brier, debiased_ece, debiased_rmsce, plain_ece, risk_at_coverage
from eval.suites.base import Collected, Setting, Suite, article_of, item_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eval.results import Item

__all__ = ["SUITE"]


def collect(setting: Setting) -> Collected:
    """Every probability that was given, with whether it came true."""
    items: list[Item] = []
    name = setting.answers.system.name
    references = [r for r in setting.references if r.topics or r.stance]
    records = setting.answers.of(article_of(r, setting.modes[0]) for r in references)
    for reference, record in zip(references, records, strict=True):
        for topic in TOPICS if reference.topics else ():
            if topic in record["topic_probabilities"]:
                p, came = record["topic_probabilities"][topic], topic in reference.topics
                items.append(
                    item_of(reference, f"{name}: topics", kind="topics", probability=p, outcome=came,
                            confidence=max(p, 1 - p), right=(p >= 0.5) == came)
                    | {"id": f"{reference.id}/{topic}"}
                )  # fmt: skip
        for stance in record["stance"]:
            gold, probabilities = reference.stance.get(stance["target"]), stance["probabilities"]
            if gold is not None and probabilities:
                best = max(probabilities, key=probabilities.__getitem__)
                items.append(
                    item_of(reference, f"{name}: stance", kind="stance", probability=probabilities[best],
                            outcome=best == gold, confidence=probabilities[best], right=best == gold)
                    | {"id": f"{reference.id}/{stance['target']}"}
                )  # fmt: skip
    main = tuple(dict.fromkeys(item["system"] for item in items))
    diagrams = {
        system: [
            asdict(point)
            for point in bins(
                [i["probability"] for i in items if i["system"] == system],
                [i["outcome"] for i in items if i["system"] == system],
            )
        ]
        for system in main
    }
    return Collected(items, main, (), {"reliability": diagrams})


def measure(items: Sequence[Item]) -> dict[str, Statistic]:
    """Calibration errors, Brier score, and the errors by confidence."""
    given, came = [i["probability"] for i in items], [i["outcome"] for i in items]
    confidence, right = [i["confidence"] for i in items], [i["right"] for i in items]
    return {
        "ece_debiased": debiased_ece(given, came),
        "rmsce_debiased": debiased_rmsce(given, came),
        "ece": plain_ece(given, came),
        "brier": brier(given, came),
        "aurc": aurc(confidence, right),
        "error": mean([float(not r) for r in right]),
        "error_at_80": risk_at_coverage(confidence, right, 0.8),
    }


SUITE: Final = Suite(
    "calibration",
    "Do probabilities mean what they say?",
    collect,
    measure,
    ("ece_debiased", "rmsce_debiased", "brier", "aurc", "error", "error_at_80"),
    ("ece_debiased", "brier"),
    frozenset({"ece_debiased", "rmsce_debiased", "ece", "brier", "aurc", "error", "error_at_80"}),
)
