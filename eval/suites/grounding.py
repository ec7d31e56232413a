"""Can the checker tell a supported sentence from an unsupported one?

Two kinds of sentences: those that readers labelled (external sets, `--data-root`), judged by AUC, balanced accuracy at
one half, and calibration; and sentences of this project's reference summaries, each broken in every known way that
applies, judged by the share caught where 5% of the unbroken ones are falsely alarmed.

Beside: the share of figures and names that the article has, the similarity to the nearest sentence of the article, and
the share of its pairs of words that the article has.
"""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Final

import numpy as np

from communique.errors import UsageError
from communique.perturbation import KINDS, perturb
from communique.record import Article
from eval.measures.calibration import brier, debiased_ece
from eval.measures.facts import facts
from eval.measures.labels import auc, balanced_accuracy
from eval.sentences import sentences, words
from eval.suites.base import Check, Collected, Embed, Setting, Suite, article_of, item_of, means

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eval.external import Claim
    from eval.intervals import Statistic
    from eval.references import Reference
    from eval.results import Item

__all__ = ["SUITE"]

FALSE_ALARMS: Final = 0.05
SEED: Final = 7


def collect(setting: Setting) -> Collected:
    """Supports by the checker and the baselines, of labelled and of broken sentences."""
    checks: dict[str, Check] = {} if setting.checker is None else {"checker": setting.checker}
    notes = (
        [] if setting.checker else [f"{setting.answers.system.name} has no checker that can be asked: baselines only"]
    )
    if setting.rivals or not checks:
        checks |= {"figures and names": _by_facts, "shared word pairs": _by_pairs}
        if setting.embed is not None:
            checks["similarity"] = _similarity(setting.embed)
    broken = list(_broken([r for r in setting.data.articles if r.summaries]))
    if not broken and not setting.claims:
        raise UsageError(f"{setting.data.name} has no summaries and no --data-root has labelled sentences")
    items: list[Item] = []
    for name, check in checks.items():
        items += _claims(setting, name, check)
        items += _perturbed(broken, name, check)
    if not setting.claims:
        notes.append("no sentences labelled by readers: --data-root DIR with grounding/ and world/ has them")
    main = tuple(f"checker: {kind}" for kind in ("labelled", "perturbed")) if setting.checker else ()
    return Collected(items, main, tuple(notes))


def measure(items: Sequence[Item]) -> dict[str, Statistic]:
    """Of labelled sentences: areas, accuracy, calibration. Of broken ones: the share caught, by kind."""
    if not items or items[0]["kind"] != "labelled":
        return means(items)
    gold, scores = [item["gold"] for item in items], [item["score"] for item in items]
    return {
        "auc": auc(gold, scores),
        "balanced_accuracy": balanced_accuracy(gold, [score >= 0.5 for score in scores]),
        "ece_debiased": debiased_ece(scores, gold),
        "brier": brier(scores, gold),
    }


def _claims(setting: Setting, name: str, check: Check) -> list[Item]:
    by_article: dict[tuple[str, str], list[Claim]] = {}
    for claim in setting.claims:
        by_article.setdefault((claim.title, claim.article), []).append(claim)
    items = []
    for (title, text), claims in by_article.items():
        scores = check(Article(id=claims[0].event, title=title, text=text), [claim.sentence for claim in claims])
        for claim, score in zip(claims, scores, strict=True):
            items.append({
                "id": claim.id, "event": claim.event, "system": f"{name}: labelled", "slices": {}, "kind": "labelled",
                "text": claim.sentence, "gold": claim.supported, "score": float(score),
            })  # fmt: skip
    return items


def _broken(references: Sequence[Reference]) -> Iterator[tuple[Reference, list[tuple[str, str, str]]]]:
    """For each reference (id, kind, sentence): every sentence of its summaries as it is ("") and broken."""
    for reference in references:
        cases = []
        article = _titled(article_of(reference))
        for number, sentence in enumerate(s for summary in reference.summaries for s in sentences(summary)):
            # Seeded by place, so that what one reference gets does not hang on which others are scored.
            changed = perturb(sentence, article, Random(f"{SEED}/{reference.id}/{number}"))
            cases.append((f"{reference.id}/{number}", "", sentence))
            cases += [(f"{reference.id}/{number}/{kind}", kind, text) for kind, text in changed.items()]
        if cases:
            yield reference, cases


def _perturbed(broken: Sequence[tuple[Reference, list[tuple[str, str, str]]]], name: str, check: Check) -> list[Item]:
    scored = [
        (reference, case, float(score))
        for reference, cases in broken
        for case, score in zip(cases, check(article_of(reference), [text for _, _, text in cases]), strict=True)
    ]
    if not scored:
        return []
    threshold, part = _alarm([score for _, (_, kind, _), score in scored if not kind])
    items = []
    for reference, (identifier, kind, text), score in scored:
        caught = 1.0 if score < threshold else part if score == threshold else 0.0
        below_half = float(score < 0.5)
        if kind:
            scores = {f"caught.{kind}": caught, "caught": caught, "caught_at_half": below_half}
        else:
            scores = {"false_alarms": caught, "false_alarms_at_half": below_half}
        item = item_of(reference, f"{name}: perturbed", kind="perturbed", text=text, score=score, scores=scores)
        items.append(item | {"id": identifier})
    return items


def _alarm(unbroken: Sequence[float]) -> tuple[float, float]:
    """The threshold, and the share of the sentences that lie on it, at which 5% of the unbroken ones are alarmed.

    A checker may give many sentences the same lowest score. Between two points of its ROC curve the line is followed,
    as if ties were broken by lot.
    """
    ordered = np.sort(np.asarray(unbroken, dtype=np.float64))
    allowed = FALSE_ALARMS * len(ordered)
    threshold = float(ordered[int(allowed)])
    below, on = int(np.sum(ordered < threshold)), int(np.sum(ordered == threshold))
    return threshold, (allowed - below) / on


def _titled(article: Article) -> str:
    return f"{article.title}\n\n{article.text}" if article.title else article.text


def _by_facts(article: Article, claims: Sequence[str]) -> list[float]:
    """The share of figures and names that the article has; 1 where a sentence has none."""
    found = [facts(claim, _titled(article)) for claim in claims]
    return [
        (f.figures_found + f.names_found) / max(1, f.figures + f.names) if f.figures + f.names else 1.0 for f in found
    ]


def _by_pairs(article: Article, claims: Sequence[str]) -> list[float]:
    """The share of a sentence's pairs of neighbouring words that the article has."""
    known = _pairs(_titled(article))
    return [len(_pairs(claim) & known) / max(1, len(_pairs(claim))) for claim in claims]


def _pairs(text: str) -> set[tuple[str, str]]:
    spoken = [word.lower() for word in words(text)]
    return set(pairwise(spoken))


def _similarity(embed: Embed) -> Check:
    def check(article: Article, claims: Sequence[str]) -> list[float]:
        known = np.asarray(embed(sentences(_titled(article))))
        nearest = np.max(np.asarray(embed(list(claims))) @ known.T, axis=1)
        return [float(value) for value in (1 + nearest) / 2]

    return check


SUITE: Final = Suite(
    "grounding",
    "Does the checker tell supported sentences from unsupported ones?",
    collect,
    measure,
    (
        "auc",
        "balanced_accuracy",
        "ece_debiased",
        "caught",
        *(f"caught.{kind}" for kind in KINDS),
        "caught_at_half",
        "false_alarms_at_half",
    ),
    ("auc", "balanced_accuracy", "caught"),
    frozenset({"ece_debiased", "brier", "false_alarms", "false_alarms_at_half"}),
)
