"""Train the checker: from features of claims and their articles to calibrated support.

    python -m training.checker --config training/configs/checker.yaml --data-root DATA
    python -m training.checker --config training/configs/checker.yaml --smoke    # a minute, for tests

Figures are of folds by event, each scored by a model that never saw it: OUT/validation.json. The model for serving is
then fitted on everything: OUT/checker.json.
"""

from __future__ import annotations

import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from rich.console import Console
from rich.progress import track

from communique.evidence import EvidenceIndex
from communique.grounding import missing
from communique.grounding.features import features
from communique.grounding.source import Source
from communique.grounding.support import SupportModel
from communique.perturbation import KINDS, perturb
from communique.reading.sentences import split
from communique.text import MappedText
from training import command, data
from training.checker_card import checker_card
from training.settings import CheckerSettings, as_yaml
from training.trees import served

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["Case", "cases", "figures", "fit", "main", "train"]

console = Console(stderr=True)
#: The kind of sentences that people read.
READ: Final = "read"
REFERENCE: Final = "reference"
FALSE_ALARMS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Case:
    """A claim as the model sees it. `kind` is `read`, `reference`, `article`, or how a sentence was broken."""

    article: str
    event: str
    kind: str
    supported: bool
    lost: bool
    values: dict[str, float]


def cases(
    article: data.Labelled, read: Sequence[data.Claim], settings: CheckerSettings, *, breaking: bool = True
) -> Iterator[Case]:
    """Sentences of machine summaries that were read, and those of the references and the article, whole and broken."""
    rng = random.Random(f"{settings.seed}/{article.id}")
    text = " ".join(article.sentences)
    claims: list[tuple[str, bool, str]] = [(claim.text, claim.supported, READ) for claim in read]
    if breaking:
        claims += _made(article, text, settings, rng)
    source, whole = Source(article.title, article.sentences), f"{article.title} {text}"
    index = EvidenceIndex(article.sentences)
    for claim, supported, kind in claims:
        lost = bool(missing(claim, whole)) or not index.find(claim)
        yield Case(article.id, article.event, kind, supported, lost, features(claim, source))


def _made(
    article: data.Labelled, text: str, settings: CheckerSettings, rng: random.Random
) -> Iterator[tuple[str, bool, str]]:
    sources = [(s.text, REFERENCE) for summary in article.summaries for s in split(MappedText.of(summary))]
    sources += [(s, "article") for s in rng.sample(article.sentences, min(1, len(article.sentences)))]
    for sentence, kind in sources:
        yield sentence, True, kind
        broken = perturb(sentence, text, rng)
        for name in rng.sample(sorted(broken), min(settings.broken_per_sentence, len(broken))):
            yield broken[name], False, name


def fit(
    rows: NDArray[np.float64], names: Sequence[str], made: Sequence[Case], settings: CheckerSettings
) -> dict[str, Any]:
    """A model of `SupportModel`'s form, uncalibrated, from the cases that the exact checks let through."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    kept = np.array([not case.lost for case in made])
    x, wanted = rows[kept], np.array([case.supported for case in made])[kept]
    read = np.array([case.kind == READ for case in made])[kept]
    weights = np.where(read, settings.read_weight, 1.0)
    if wanted[~read].any() and not wanted[~read].all():
        # Of one true sentence several broken ones are made: together they weigh as much as it does.
        weights[~read & wanted] *= (~wanted[~read]).sum() / wanted[~read].sum()
    mean, scale = x.mean(0), x.std(0) + 1e-6
    line = LogisticRegression(C=settings.line_c, max_iter=500)
    # The line is for the sentences that people read, where there are enough of them: they are few, and it is stiff.
    own = read if read.sum() >= 100 else np.ones(len(x), bool)
    line.fit(((x - mean) / scale)[own], wanted[own])
    trees = HistGradientBoostingClassifier(
        max_iter=settings.trees, learning_rate=settings.rate, max_leaf_nodes=settings.leaves, min_samples_leaf=20,
        l2_regularization=5.0, max_features=0.5, early_stopping=False, random_state=settings.seed,
    )  # fmt: skip
    trees.fit(x, wanted, sample_weight=weights)
    return {
        "schema": 2,
        "mean": _rounded(mean),
        "scale": _rounded(scale),
        "weights": _rounded(line.coef_[0]),
        "bias": float(line.intercept_[0]),
        "floor": settings.line_floor,
        "trees": served(trees, names).as_dict(),
        "share": settings.trees_share,
        "calibration": [1.0, 0.0],
    }


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.7g}") for value in values]


def calibration(logits: NDArray[np.float64], made: Sequence[Case]) -> list[float]:
    """Platt's scale and shift, on logits of what the model had not seen: of read sentences where there are any."""
    from sklearn.linear_model import LogisticRegression

    read = np.array([case.kind == READ and not case.lost for case in made])
    used = read if read.sum() >= 100 else np.array([not case.lost for case in made])
    platt = LogisticRegression(C=100.0).fit(
        logits[used, None], [case.supported for case, u in zip(made, used, strict=True) if u]
    )
    return [float(platt.coef_[0, 0]), float(platt.intercept_[0])]


def figures(scores: NDArray[np.float64], made: Sequence[Case], seed: int) -> dict[str, Any]:
    """AUC on read sentences with its 95% interval by article, and the share of broken references caught, by kind."""
    from sklearn.metrics import roc_auc_score

    kinds = np.array([case.kind for case in made])
    wanted = np.array([case.supported for case in made])
    found: dict[str, Any] = {}
    read = [i for i, case in enumerate(made) if case.kind == READ]
    if len(set(wanted[read])) == 2:
        found["read_n"] = len(read)
        found["read_auc"] = float(roc_auc_score(wanted[read], scores[read]))
        found["read_auc_interval"] = _interval(scores[read], wanted[read], [made[i].article for i in read], seed)
        found["read_balanced_accuracy"] = float(
            (np.mean(scores[read][wanted[read]] >= 0.5) + np.mean(scores[read][~wanted[read]] < 0.5)) / 2
        )
        sure = scores[read] >= 0.8
        found["read_over_0.8_n"] = int(sure.sum())
        found["read_over_0.8_supported"] = float(wanted[read][sure].mean()) if sure.any() else 0.0
        for name in ("names_in_all", "covered_by_one", "run_share_of_three", "link_mean"):
            values = np.array([made[i].values[name] for i in read])
            found[f"read_auc_of_{name}"] = float(roc_auc_score(wanted[read], values))
        exact = np.array([not made[i].lost for i in read])
        found["read_auc_of_exact_checks"] = float(roc_auc_score(wanted[read], exact))
    whole = scores[kinds == REFERENCE]
    if len(whole):
        threshold = float(np.quantile(whole, FALSE_ALARMS))
        found["references_n"] = len(whole)
        found["references_lost"] = float(np.mean([case.lost for case in made if case.kind == REFERENCE]))
        found["caught_at_5"] = {k: float(np.mean(scores[kinds == k] < threshold)) for k in KINDS if (kinds == k).any()}
        found["broken_n"] = {k: int((kinds == k).sum()) for k in KINDS}
    return found


def _interval(
    scores: NDArray[np.float64], wanted: NDArray[np.bool_], articles: Sequence[str], seed: int
) -> list[float]:
    """Percentile bootstrap over articles, 500 draws."""
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(seed)
    groups: dict[str, list[int]] = {}
    for index, article in enumerate(articles):
        groups.setdefault(article, []).append(index)
    lists = list(groups.values())
    drawn = []
    for _ in range(500):
        rows = [i for at in rng.integers(0, len(lists), len(lists)) for i in lists[at]]
        if len(set(wanted[rows])) == 2:
            drawn.append(roc_auc_score(wanted[rows], scores[rows]))
    return [float(value) for value in np.percentile(drawn, (2.5, 97.5))]


def train(settings: CheckerSettings, data_root: Path | None, smoke: bool = False) -> dict[str, Any]:
    """Cross-validate, fit, write; returns the figures of the folds."""
    out = Path(settings.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "settings.yaml").write_text(as_yaml(settings), encoding="utf-8")
    articles = data.load_articles([Path(path) for path in settings.corpus], data_root, settings.sets)
    if smoke:
        articles = articles[:: max(1, len(articles) // 40)]
    read: dict[str, list[data.Claim]] = {}
    if settings.grounding and data_root:
        for claim in data.claims(data_root / settings.grounding, {a.id: a for a in articles}):
            read.setdefault(claim.id.split("#")[0], []).append(claim)
    breaking = _chosen(articles, settings.broken_articles)
    made = [
        case
        for article in track(articles, "reading", console=console)
        for case in cases(article, read.get(article.id, ()), settings, breaking=article.id in breaking)
    ]
    names = list(made[0].values)
    rows = np.array([[case.values[name] for name in names] for case in made])
    folds = np.array([data.fold_of(case.event, settings.folds) for case in made])
    logits = np.zeros(len(made))
    for fold in track(range(settings.folds), "folds", console=console):
        train_rows = np.flatnonzero(folds != fold)
        if len(train_rows) == len(made):
            continue
        model = SupportModel(fit(rows[train_rows], names, [made[i] for i in train_rows], settings))
        logits[folds == fold] = model.logits(rows[folds == fold])
    final = fit(rows, names, made, settings)
    final["calibration"] = [scale, shift] = calibration(logits, made)
    scores = np.where([case.lost for case in made], 0.0, 1 / (1 + np.exp(-logits * scale - shift)))
    result = figures(scores, made, settings.seed)
    (out / "checker.json").write_text(json.dumps(final, separators=(",", ":")), encoding="utf-8")
    (out / "validation.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    (out / "CARD.md").write_text(checker_card(settings, result, external=data_root is not None), encoding="utf-8")
    return result


def _chosen(articles: Sequence[data.Labelled], most: int) -> set[str]:
    """Ids of at most `most` articles of each set, spread over it; 0 for all."""
    by_set: dict[str, list[str]] = {}
    for article in articles:
        by_set.setdefault(article.source_set, []).append(article.id)
    return {i for ids in by_set.values() for i in (ids[:: max(1, -(-len(ids) // most))] if most else ids)}


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    arguments = command.options("checker", __doc__).parse_args(argv)

    def work() -> dict[str, Any]:
        external = {"sets": (), "grounding": None}
        settings = command.settings(CheckerSettings, arguments, external=external, smoke={"trees": 10})
        return train(settings, arguments.data_root, arguments.smoke)

    return command.answer(work, arguments, console)


if __name__ == "__main__":
    sys.exit(main())
