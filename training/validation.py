"""Figures on held-out samples while training: quick, without intervals (those are `eval/`'s)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from communique.labels import STANCES, TOPICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.losses import Predictions

__all__ = ["figures"]


def figures(kept: Predictions, topics: Sequence[str] = TOPICS) -> dict[str, Any]:
    """F1 of `topics`, stance by set and polarity; ranking quality of salience and presence. All in [0, 1] but
    the counts."""
    found: dict[str, Any] = {}
    if kept.topics:
        truth = np.stack([row.numpy() for *_, row in kept.topics]) > 0.5
        guess = np.stack([row.numpy() for *_, row, _ in kept.topics]) > 0.5
        present = truth.any(axis=0)
        found["topics_n"] = len(truth)
        found["topics_macro_f1"] = float(
            f1_score(truth[:, present], guess[:, present], average="macro", zero_division=0)
        )
        found["topics_micro_f1"] = float(f1_score(truth, guess, average="micro", zero_division=0))
        each = f1_score(truth, guess, average=None, zero_division=0)
        found["topics_f1"] = dict(zip(topics, map(float, each), strict=True))
    by_set: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for source_set, _, _, probabilities, label in kept.stance:
        by_set[source_set].append((label, int(probabilities.argmax())))
        by_set["all"].append((label, int(probabilities.argmax())))
    for name, pairs in by_set.items():
        truths, guesses = zip(*pairs, strict=True)
        found[f"stance_{name}_n"] = len(pairs)
        found[f"stance_{name}_macro_f1"] = float(f1_score(truths, guesses, average="macro", zero_division=0))
        each = f1_score(truths, guesses, labels=range(3), average=None, zero_division=0)
        found[f"stance_{name}_f1"] = dict(zip(STANCES, map(float, each), strict=True))
    if kept.sentence:
        polarity = [(label, int(row.argmax())) for _, row, label in kept.sentence]
        found["sentence_n"] = len(polarity)
        found["sentence_macro_f1"] = float(f1_score(*zip(*polarity, strict=True), average="macro"))
    if kept.salience:
        truth = np.concatenate([row.numpy() for _, row in kept.salience])
        guess = np.concatenate([row.numpy() for row, _ in kept.salience])
        for column, name in enumerate(("single", "double")):
            wanted = truth[:, column] > 0.5
            found[f"salience_{name}_ap"] = float(average_precision_score(wanted, guess[:, column]))
    if kept.foreign:
        truth = np.concatenate([row.numpy() for _, row in kept.foreign])
        guess = np.concatenate([row.numpy() for row, _ in kept.foreign])
        found["foreign_auc"] = float(roc_auc_score(truth, guess))
        found["foreign_ap"] = float(average_precision_score(truth, guess))
    if len({label for _, _, label in kept.presence}) == 2:
        found["presence_auc"] = float(roc_auc_score([p[2] for p in kept.presence], [p[1] for p in kept.presence]))
    return found
