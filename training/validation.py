"""Figures on held-out samples while training: quick, without intervals (those are `eval/`'s)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from communique.labels import STANCES, TOPICS

if TYPE_CHECKING:
    from training.losses import Predictions

__all__ = ["figures"]


def figures(kept: Predictions) -> dict[str, Any]:
    """F1 of topics, stance by set and polarity; ranking quality of salience, presence and claims. All in [0, 1]."""
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
        found["topics_f1"] = dict(zip(TOPICS, map(float, each), strict=True))
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
    if len({label for _, _, label in kept.presence}) == 2:
        found["presence_auc"] = float(roc_auc_score([p[2] for p in kept.presence], [p[1] for p in kept.presence]))
    if kept.claim:
        found |= _claims(kept)
    return found


def _claims(kept: Predictions) -> dict[str, Any]:
    """AUC of claims read by people, and share of broken references caught at 5% false alarms, by kind."""
    read = [(score, label) for name, _, score, label in kept.claim if name.count("-") and not _made(name)]
    made = [(kind, score, label) for name, kind, score, label in kept.claim if _made(name)]
    found: dict[str, Any] = {}
    if len({label for _, label in read}) == 2:
        found["claims_read_n"] = len(read)
        found["claims_read_auc"] = float(roc_auc_score([label for _, label in read], [score for score, _ in read]))
    true = sorted(score for kind, score, label in made if label)
    if true:
        threshold = true[int(0.05 * len(true))]
        kinds = sorted({kind for kind, _, label in made if not label})
        found["claims_caught_at_5"] = {
            kind: float(np.mean([score < threshold for k, score, _ in made if k == kind])) for kind in kinds
        }
    return found


def _made(name: str) -> bool:
    """Whether a claim was made by perturbation: its kind ends its id; those read by people end in a system's name."""
    from communique.perturbation import KINDS

    tail = name.split("#")[-1]
    return tail.isdigit() or any(tail.endswith("-" + kind) for kind in KINDS)
