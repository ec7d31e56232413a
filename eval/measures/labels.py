"""Figures of labels: per-class, macro and micro F1 of single labels and of label sets, accuracies, areas.

Each function takes what was found and what was answered, in the same order, and returns statistics (functions of item
weights, see `eval.intervals`). F1 of a class that neither side has is NaN and leaves the macro mean.

    >>> from eval.intervals import interval
    >>> gold, given = ["a", "a", "b"], ["a", "b", "b"]
    >>> round(interval(single_label(gold, given, ("a", "b"))["macro_f1"], [1, 2, 3]).value, 3)
    0.667
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eval.intervals import Floats, Statistic, mean

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Sequence

__all__ = ["auc", "balanced_accuracy", "label_sets", "recall_at_false_alarms", "single_label"]


def single_label(gold: Sequence[Hashable], given: Sequence[Hashable], classes: Sequence[str]) -> dict[str, Statistic]:
    """`macro_f1`, `accuracy`, `f1.CLASS`, `recall.CLASS`; an answer outside `classes` is a miss of its gold class."""
    hot_gold = np.array([[label == name for name in classes] for label in gold], dtype=np.float64).reshape(
        -1, len(classes)
    )
    hot_given = np.array([[label == name for name in classes] for label in given], dtype=np.float64).reshape(
        -1, len(classes)
    )
    figures = _f1s(hot_gold, hot_given, classes)
    del figures["micro_f1"]  # of single labels it is the accuracy
    figures["accuracy"] = mean([float(a == b) for a, b in zip(gold, given, strict=True)])
    for at, name in enumerate(classes):
        hits = np.where(hot_gold[:, at] > 0, hot_given[:, at], np.nan)
        figures[f"recall.{name}"] = mean(hits)
    return figures


def label_sets(
    gold: Sequence[Collection[str]], given: Sequence[Collection[str]], classes: Sequence[str]
) -> dict[str, Statistic]:
    """`macro_f1`, `micro_f1`, `f1.CLASS`, `exact` (the same set), of several labels an item."""
    hot_gold = np.array([[name in labels for name in classes] for labels in gold], dtype=np.float64).reshape(
        -1, len(classes)
    )
    hot_given = np.array([[name in labels for name in classes] for labels in given], dtype=np.float64).reshape(
        -1, len(classes)
    )
    figures = _f1s(hot_gold, hot_given, classes)
    figures["exact"] = mean([float(set(a) == set(b)) for a, b in zip(gold, given, strict=True)])
    return figures


def balanced_accuracy(gold: Sequence[bool], given: Sequence[bool]) -> Statistic:
    """The mean of the recall of both classes."""
    truth, answer = np.asarray(gold, dtype=bool), np.asarray(given, dtype=bool)
    yes = mean(np.where(truth, answer.astype(float), np.nan))
    no = mean(np.where(truth, np.nan, (~answer).astype(float)))
    return lambda weights: (yes(weights) + no(weights)) / 2


def auc(gold: Sequence[bool], scores: Sequence[float]) -> Statistic:
    """The area under the ROC curve: how often a positive scores above a negative, ties half."""
    truth, values = np.asarray(gold, dtype=bool), np.asarray(scores, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    truth = truth[order]
    starts = np.flatnonzero(np.r_[True, np.diff(values[order]) > 0]) if len(values) else np.array([], dtype=np.int64)

    def statistic(weights: Floats) -> Floats:
        if not len(starts):
            return np.full(len(weights), np.nan)
        held = weights[:, order]
        positive = np.add.reduceat(held * truth, starts, axis=1)
        negative = np.add.reduceat(held * ~truth, starts, axis=1)
        below = np.cumsum(negative, axis=1) - negative
        with np.errstate(invalid="ignore", divide="ignore"):
            area = (positive * (below + negative / 2)).sum(axis=1)
            return np.asarray(area / (positive.sum(axis=1) * negative.sum(axis=1)))

    return statistic


def recall_at_false_alarms(positives: Sequence[float], negatives: Sequence[float], rate: float) -> tuple[float, float]:
    """The threshold that at most `rate` of the negatives exceed, and the share of positives above it."""
    ordered = np.sort(np.asarray(negatives, dtype=np.float64))
    allowed = int(rate * len(ordered))
    threshold = float(ordered[len(ordered) - 1 - allowed]) if len(ordered) else float("nan")
    return threshold, float(np.mean(np.asarray(positives) > threshold)) if len(positives) else float("nan")


def _f1s(gold: Floats, given: Floats, classes: Sequence[str]) -> dict[str, Statistic]:
    """From one-hot rows (n, classes)."""
    hits, total = gold * given, gold + given

    def each(weights: Floats) -> Floats:
        below = weights @ total
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(below > 0, 2 * (weights @ hits) / below, np.nan))

    def macro(weights: Floats) -> Floats:
        values = each(weights)
        held = ~np.isnan(values)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(held, values, 0.0).sum(axis=1) / held.sum(axis=1))

    def micro(weights: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(2 * (weights @ hits).sum(axis=1) / (weights @ total).sum(axis=1))

    def one(at: int) -> Statistic:
        return lambda weights: each(weights)[:, at]

    return {"macro_f1": macro, "micro_f1": micro} | {f"f1.{name}": one(at) for at, name in enumerate(classes)}
