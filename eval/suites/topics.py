"""Topics against references: several labels an article, macro, micro and per-class F1.

Beside: always the commonest topic, and logistic regression over TF-IDF where there is something to learn from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from communique.errors import UsageError
from communique.labels import TOPICS
from eval.baselines.labels import majority, topic_regression
from eval.intervals import Statistic, mean
from eval.measures.agreement import alpha, jaccard
from eval.measures.labels import label_sets
from eval.suites.base import Collected, Setting, Suite, article_of, item_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eval.references import Reference
    from eval.results import Item

__all__ = ["SUITE"]


def collect(setting: Setting) -> Collected:
    """The topics that the system gives, and those of the baselines."""
    references = [reference for reference in setting.references if reference.topics]
    if not references:
        raise UsageError(f"{setting.data.name} has no article with topics: the suite `topics` needs some")
    name = setting.answers.system.name
    items: list[Item] = []
    for reference, record in zip(
        references, setting.answers.of(article_of(reference, setting.modes[0]) for reference in references), strict=True
    ):
        given = [topic["label"] for topic in record["topics"]]
        items.append(_item(reference, name, given) | {"probabilities": dict(record["topic_probabilities"])})
    notes: list[str] = []
    if setting.rivals:
        items += _readers(references, notes)
        commonest = majority([r.topics for r in setting.training or references])
        items += [_item(reference, "majority", [commonest]) for reference in references]
        if setting.training:
            judge = topic_regression(setting.training)
            for reference in references:
                probabilities = judge(reference)
                best = max(probabilities, key=probabilities.__getitem__)
                given = [topic for topic, p in probabilities.items() if p >= 0.5 or topic == best]
                items.append(_item(reference, "tf-idf regression", given) | {"probabilities": probabilities})
        else:
            notes.append("no TF-IDF regression: nothing to learn from (give --train FILE)")
    return Collected(items, (name,), tuple(notes))


def measure(items: Sequence[Item]) -> dict[str, Statistic]:
    """F1s of label sets; `main`: the reference's first topic is the first or best given."""
    statistics = label_sets([item["gold"] for item in items], [item["given"] for item in items], TOPICS)
    statistics["main"] = mean([float(item["given"][:1] == item["gold"][:1]) for item in items])
    return statistics


def _readers(references: Sequence[Reference], notes: list[str]) -> list[Item]:
    """One reader's topics judged by the other's, before they were settled."""
    read = [reference for reference in references if len(reference.readings) > 1]
    if not read:
        return []
    units = [[frozenset(reading.topics) for reading in reference.readings] for reference in read]
    notes.append(
        f"two readers, blind to each other, n={len(read)}: Krippendorff's alpha {alpha(units, jaccard):.3f} (Jaccard)"
    )
    return [
        item_of(r, "second reader, by the first", kind="readers", gold=r.readings[0].topics, given=r.readings[1].topics)
        for r in read
    ]


def _item(reference: Reference, system: str, given: list[str]) -> Item:
    return item_of(reference, system, kind="topics", gold=list(reference.topics), given=given)


SUITE: Final = Suite(
    "topics",
    "Are the topics those that a reader gave?",
    collect,
    measure,
    ("macro_f1", "micro_f1", "exact", "main"),
    ("macro_f1", "micro_f1"),
)
