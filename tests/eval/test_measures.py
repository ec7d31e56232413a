"""Each measure against a hand count, another implementation, or a property that it must have."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as sk

from eval.intervals import Statistic, interval
from eval.measures.agreement import alpha, jaccard
from eval.measures.calibration import aurc, bins, brier, debiased_ece, debiased_rmsce, plain_ece, risk_at_coverage
from eval.measures.facts import facts, figures
from eval.measures.labels import auc, balanced_accuracy, label_sets, recall_at_false_alarms, single_label
from eval.measures.overlap import bigram_and_unigram_f, rouge, tokens
from eval.measures.wording import fragments, wording


def value(statistic: Statistic, n: int) -> float:
    return interval(statistic, list(range(n))).value


# Wording.


def test_rouge_by_hand_with_two_references() -> None:
    scores = rouge("the cat sat", ["the cat sat down", "a dog ran"])
    assert scores["rouge1"] == pytest.approx(100 * 2 * 3 / 7)
    assert scores["rouge2"] == pytest.approx(100 * 2 * 2 / 5)
    assert scores["rouge1_mean"] == pytest.approx(scores["rouge1"] / 2)


def test_rouge_stems_and_splits_sentences_for_lsum() -> None:
    assert rouge("Soldiers attacked.", ["soldier attack"])["rouge1"] == 100
    turned = rouge("Guns fell silent. Talks began.", ["Talks began. Guns fell silent."])
    assert turned["rougeLsum"] == 100
    assert turned["rouge2"] < 100


def test_rouge_without_references_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one reference"):
        rouge("a", [])


def test_oracle_climbs_on_the_same_counts_as_rouge() -> None:
    given, wanted = "Armenia accused Azerbaijan of shelling.", "Azerbaijan was accused of shelling by Armenia."
    scores = rouge(given, [wanted])
    assert 100 * bigram_and_unigram_f(tokens(given), tokens(wanted)) == pytest.approx(
        scores["rouge1"] + scores["rouge2"]
    )


def test_fragments_of_the_newsroom_paper() -> None:
    article = "a b c d e f g".split()
    assert fragments("b c d x f g".split(), article) == [3, 2]
    scores = wording("b c d x f g", "a b c d e f g")
    assert scores["coverage"] == pytest.approx(5 / 6)
    assert scores["density"] == pytest.approx((9 + 4) / 6)
    assert scores["novel2"] == pytest.approx(2 / 5)
    assert wording("", "a b")["words"] == 0


# Facts.


@pytest.mark.parametrize(
    ("summary", "article", "missing"),
    [
        ("At least 1,600 fled.", "Some 1600 people fled", ()),
        ("Twelve died.", "In all 12 men died.", ()),
        ("Some 12 died.", "twelve were killed", ()),
        ("Thirty-one fell.", "31 fell", ()),
        ("Some 772,000 fled.", "772 soldiers fell", ("772,000",)),
        ("Trade fell 3.5 percent.", "Trade fell by 35 percent.", ("3.5",)),
        ("The toll was 2.50.", "It was 2.5 in May.", ()),
        ("Talks with Kerry.", "Lavrov spoke of talks.", ("Kerry",)),
        ("Armenia's army and Azerbaijani officers.", "The Armenian army; Azerbaijan.", ()),
        ("Talks in Göyçe.", "talks in Goyce", ()),
        ("Heavy fighting began.", "There was fighting.", ()),
        ("Nikol Pashinyan left.", "the premier left", ("Nikol", "Pashinyan")),
        ("One of them left.", "They left.", ()),
    ],
)
def test_facts_that_the_article_lacks(summary: str, article: str, missing: tuple[str, ...]) -> None:
    assert facts(summary, article).missing == missing


def test_figures_are_kept_as_they_stand() -> None:
    assert figures("1,600 and 3.5 and twenty-two") == {"1600": "1,600", "3.5": "3.5", "22": "twenty-two"}


# Labels.


def test_single_labels_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    classes = ("favor", "neutral", "against")
    gold = [classes[i] for i in rng.integers(0, 3, 80)]
    given = [g if rng.random() < 0.6 else classes[rng.integers(0, 3)] for g in gold]
    found = single_label(gold, given, classes)
    assert value(found["macro_f1"], 80) == pytest.approx(sk.f1_score(gold, given, average="macro"))
    assert value(found["accuracy"], 80) == pytest.approx(sk.accuracy_score(gold, given))
    per_class = sk.f1_score(gold, given, labels=classes, average=None)
    assert [value(found[f"f1.{name}"], 80) for name in classes] == pytest.approx(per_class)
    assert value(found["recall.favor"], 80) == pytest.approx(
        sk.recall_score(gold, given, labels=["favor"], average=None)[0]
    )


def test_an_answer_outside_the_classes_is_a_miss() -> None:
    found = single_label(["favor", "favor"], ["favor", "absent"], ("favor", "against"))
    assert value(found["f1.favor"], 2) == pytest.approx(2 / 3)
    assert math.isnan(value(found["f1.against"], 2))
    assert value(found["macro_f1"], 2) == pytest.approx(2 / 3)


def test_label_sets_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    gold, given = rng.random((50, 4)) < 0.4, rng.random((50, 4)) < 0.4
    names = ("a", "b", "c", "d")
    sets = [[{n for n, held in zip(names, row, strict=True) if held} for row in rows] for rows in (gold, given)]
    found = label_sets(*sets, names)
    assert value(found["macro_f1"], 50) == pytest.approx(sk.f1_score(gold, given, average="macro"))
    assert value(found["micro_f1"], 50) == pytest.approx(sk.f1_score(gold, given, average="micro"))
    assert value(found["exact"], 50) == pytest.approx(sk.accuracy_score(gold, given))


def test_areas_agree_with_scikit_learn_ties_included() -> None:
    rng = np.random.default_rng(2)
    gold = rng.random(120) < 0.4
    scores = np.round(rng.random(120) + 0.3 * gold, 1)
    assert value(auc(gold, scores), 120) == pytest.approx(sk.roc_auc_score(gold, scores))
    given = scores > 0.6
    assert value(balanced_accuracy(gold, given), 120) == pytest.approx(sk.balanced_accuracy_score(gold, given))


def test_weights_count_like_repeated_items() -> None:
    gold, scores = [True, False, True, False], [0.9, 0.4, 0.3, 0.1]
    twice = np.array([[2.0, 1.0, 0.0, 3.0]])
    repeated = [0, 0, 1, 3, 3, 3]
    expected = value(auc([gold[i] for i in repeated], [scores[i] for i in repeated]), 6)
    assert auc(gold, scores)(twice)[0] == pytest.approx(expected)
    right = [True, False, True, True]
    expected = value(aurc([scores[i] for i in repeated], [right[i] for i in repeated]), 6)
    assert aurc(scores, right)(twice)[0] == pytest.approx(expected, abs=0.12)


def test_recall_at_false_alarms() -> None:
    negatives = [i / 100 for i in range(100)]
    threshold, recall = recall_at_false_alarms([0.5, 0.96, 0.97, 1.0], negatives, 0.05)
    assert sum(n > threshold for n in negatives) == 5
    assert recall == 0.75


# Calibration.


def test_calibration_errors_of_the_calibrated_and_the_overconfident() -> None:
    rng = np.random.default_rng(3)
    p = rng.random(4000)
    came = rng.random(4000) < p
    n = len(p)
    assert value(debiased_ece(p, came), n) < 0.02
    assert value(debiased_rmsce(p, came), n) < 0.02
    bold = np.clip(0.5 + 1.6 * (p - 0.5), 0, 1)
    assert value(plain_ece(bold, came), n) == pytest.approx(0.094, abs=0.015)
    assert value(debiased_ece(bold, came), n) == pytest.approx(value(plain_ece(bold, came), n), abs=0.01)


def test_debiasing_takes_the_noise_of_small_samples_out() -> None:
    rng = np.random.default_rng(4)
    plain, clean = [], []
    for _ in range(60):
        p = rng.random(150)
        came = rng.random(150) < p
        plain.append(value(plain_ece(p, came), 150))
        clean.append(value(debiased_ece(p, came), 150))
    assert np.mean(clean) < 0.72 * np.mean(plain)


def test_brier_and_reliability_bins() -> None:
    assert value(brier([0.9, 0.2], [True, False]), 2) == pytest.approx((0.01 + 0.04) / 2)
    points = bins([0.1] * 10 + [0.9] * 10, [False] * 9 + [True] + [True] * 8 + [False] * 2, 2)
    assert [(p.probability, p.share, p.n) for p in points] == [
        (pytest.approx(0.1), 0.1, 10),
        (pytest.approx(0.9), 0.8, 10),
    ]


def test_risk_falls_with_coverage_where_confidence_is_informative() -> None:
    confidence = [0.9, 0.8, 0.7, 0.6, 0.5]
    right = [True, True, True, False, False]
    assert value(risk_at_coverage(confidence, right, 1.0), 5) == pytest.approx(0.4)
    assert value(risk_at_coverage(confidence, right, 0.8), 5) == pytest.approx(0.25)
    assert value(risk_at_coverage(confidence, right, 0.6), 5) == 0
    assert value(aurc(confidence, right), 5) == pytest.approx((0 + 0 + 0 + 1 / 4 + 2 / 5) / 5)
    assert value(aurc(confidence, right), 5) < value(aurc(confidence[::-1], right), 5)


# Agreement.


def test_alpha_of_krippendorffs_example() -> None:
    # Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", section C: nominal, missing data, 0.743.
    a = [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None]
    b = [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3]
    c = [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None]
    d = [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None]
    assert alpha(list(zip(a, b, c, d, strict=True))) == pytest.approx(0.743, abs=5e-4)


def test_alpha_of_sets_gives_part_credit() -> None:
    talks, both, fighting = frozenset({"talks"}), frozenset({"talks", "fighting"}), frozenset({"fighting"})
    units = [[talks, both], [fighting, fighting], [talks, talks]]
    assert alpha(units) < alpha(units, jaccard) < 1
    assert math.isnan(alpha([["a", "a"]]))
