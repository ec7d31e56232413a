"""Sets that others have published figures on, scored here beside those figures, with who wins where.

    newsmtsc    stance toward a target in a sentence; the held-out fifth of its training file, split by story
    plover      event classes from the trunk's states, five folds; the published model was never trained on them
    summedits   is a summary consistent with its article? news part
    qags        is a sentence of an XSum summary supported?

None of the sets is in this tree; figures are marked external. A published figure is of its authors' test set and
protocol, named beside; ours is comparable only as far as the note says.

    python -m eval.published --data-root DIR
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from communique.errors import UsageError
from communique.labels import STANCES
from communique.record import Article
from eval import command, external
from eval.intervals import Interval, Statistic, interval
from eval.measures.facts import facts
from eval.measures.labels import auc, balanced_accuracy, single_label
from eval.provenance import commit
from eval.references import fold_of
from eval.systems import Answers, System, opened
from eval.tables import Grid, bounds, heading, json_line, markdown, number, show

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from eval.external import Claim

__all__ = ["Row", "main"]

EXAMPLES: Final = """\
  python -m eval.published --data-root DIR
  python -m eval.published --data-root DIR --set newsmtsc --set qags --markdown published.md
  python -m eval.published --data-root DIR --model http://127.0.0.1:3000 --set newsmtsc"""

FOLDS: Final = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One system on one set; `held` are its figures with intervals, or plain values where published."""

    system: str
    held: dict[str, Interval | float]
    n: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One set: what was measured here and what was published."""

    name: str
    metrics: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)


#: What the authors report, on their own test sets.
PUBLISHED: Final[dict[str, tuple[Row, ...]]] = {
    "newsmtsc": (
        Row("GRU-TSC", {"macro_f1": 0.831}, 0, "Hamborg and Donnay 2021, test set devtest_rw; 0.825 on devtest_mt"),
        Row("BERT-base pair", {"macro_f1": 0.801}, 0, "the same, devtest_rw; 0.737 on devtest_mt"),
    ),
    "plover": (
        Row(
            "roberta-large, zero-shot", {"accuracy": 0.838, "macro_f1": 0.824}, 0, "best published; never trained on it"
        ),
    ),
    "summedits": (
        Row("QAFactEval", {"balanced_accuracy": 0.744}, 0, "Laban et al. 2023, news"),
        Row("GPT-4", {"balanced_accuracy": 0.833}, 0, "the same"),
        Row("people", {"balanced_accuracy": 0.900}, 0, "the same"),
    ),
    "qags": (),
}


def main(argv: list[str] | None = None) -> int:
    """0 when the sets could be scored."""
    options = command.parser(__doc__, EXAMPLES)
    options.add_argument("--data-root", type=Path, required=True, metavar="DIR", help="the folder of external sets")
    options.add_argument("--set", action="append", choices=list(SETS), help="only this set; may be repeated")
    options.add_argument("--model", default="registry", help="as in eval.run")
    options.add_argument("--limit", type=int, metavar="N", help="the first N items of each set")
    options.add_argument("--markdown", type=Path, metavar="FILE")
    arguments = options.parse_args(argv)
    grids = []
    found = {}
    with opened(arguments.model) as system:
        for name in arguments.set or list(SETS):
            table = SETS[name](arguments, system)
            table.rows.extend(PUBLISHED[name])
            grids.append(_grid(table))
            found[name] = [
                {"system": row.system, "n": row.n, **{m: _plain(v) for m, v in row.held.items()}} for row in table.rows
            ]
            show(grids[-1], command.console)
    if arguments.markdown:
        arguments.markdown.write_text("\n".join(map(markdown, grids)), encoding="utf-8")
    print(json_line({"external": True, "commit": commit(), "sets": found}))
    return 0


def newsmtsc(arguments: argparse.Namespace, system: System) -> Table:
    """Each mention judged in its sentence alone; an absent or abstained answer counts by its best probability."""
    mentions = [m for m in external.newsmtsc(arguments.data_root) if fold_of(m.event, FOLDS) == 0][: arguments.limit]
    with command.progress("newsmtsc", len(mentions)) as step:
        records = Answers(system, step).of(
            Article(id=m.id, text=m.sentence, targets=(m.target,), max_words=60) for m in mentions
        )
    given = []
    for record in records:
        probabilities = record["stance"][0]["probabilities"] if record["stance"] else None
        given.append(max(probabilities, key=probabilities.__getitem__) if probabilities else "absent")
    gold, events = [m.label for m in mentions], [m.event for m in mentions]
    figures = single_label(gold, given, STANCES)
    absent = sum(label == "absent" for label in given)
    table = Table("newsmtsc", ("macro_f1", "accuracy", "f1.favor", "f1.neutral", "f1.against"))
    note = f"fold 1/{FOLDS} of train by story; {absent} called absent count as wrong"
    table.rows.append(Row(system.name, _held(figures, events, table.metrics), len(gold), note))
    always = single_label(gold, ["against"] * len(gold), STANCES)
    table.rows.append(Row("always against", _held(always, events, table.metrics), len(gold)))
    return table


def plover(arguments: argparse.Namespace, _: System) -> Table:
    """Logistic regression over what the trunk makes of the sentence, its source and its target, in five folds."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from eval.trunk import vectors

    events = external.plover(arguments.data_root)[: arguments.limit]
    gold = [event.fine for event in events]
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    classes = sorted(set(gold))
    table = Table("plover", ("macro_f1", "accuracy"))
    states = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, class_weight="balanced", max_iter=2000))
    words = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=10, class_weight="balanced")
    )
    features = np.stack([vectors(event.sentence, (event.source, event.target)) for event in events])
    for name, model, rows in (
        ("trunk and regression", states, features),
        ("tf-idf and regression", words, [event.sentence for event in events]),
    ):
        given = cross_val_predict(model, rows, gold, cv=folds)
        figures = single_label(gold, list(given), classes)
        held = _held(figures, range(len(gold)), table.metrics)
        table.rows.append(Row(name, held, len(gold), f"{FOLDS} folds, trained on the rest"))
    return table


def summedits(arguments: argparse.Namespace, system: System) -> Table:
    """A summary's support is that of its least supported sentence."""
    return _claims("summedits", external.summedits(arguments.data_root)[: arguments.limit], system)


def qags(arguments: argparse.Namespace, system: System) -> Table:
    """Sentence by sentence, against the majority of three votes."""
    return _claims("qags", external.qags(arguments.data_root)[: arguments.limit], system)


def _claims(name: str, claims: Sequence[Claim], system: System) -> Table:
    """The checker, and the overlap of figures and names: at a threshold found on the other half, at 0.5, by area."""
    if system.check is None:
        raise UsageError(f"{system.name} has no checker that can be asked: use --model registry")
    table = Table(name, ("balanced_accuracy", "at_one_half", "auc"))
    gold, events = [claim.supported for claim in claims], [claim.event for claim in claims]
    overlap = [facts(claim.sentence, claim.article) for claim in claims]
    scores = {
        system.name: [system.check(_article(claim), [claim.sentence])[0] for claim in claims],
        "figures and names": [(f.figures_found + f.names_found) / max(1, f.figures + f.names) for f in overlap],
    }
    for label, given in scores.items():
        figures = {
            "balanced_accuracy": balanced_accuracy(gold, _tuned(gold, given)),
            "at_one_half": balanced_accuracy(gold, [s >= 0.5 for s in given]),
            "auc": auc(gold, given),
        }
        note = "threshold of balanced_accuracy found on every other item and applied to the rest, both ways"
        table.rows.append(Row(label, _held(figures, events, table.metrics), len(gold), note))
    return table


def _tuned(gold: Sequence[bool], scores: Sequence[float]) -> list[bool]:
    """Answers at the threshold that is best on the other half of the items."""
    answers = [False] * len(gold)
    for half in (0, 1):
        known = [(score, truth) for at, (score, truth) in enumerate(zip(scores, gold, strict=True)) if at % 2 != half]
        best = max(sorted({score for score, _ in known}), key=lambda threshold: _balance(known, threshold))
        for at in range(half, len(gold), 2):
            answers[at] = scores[at] >= best
    return answers


def _balance(known: Sequence[tuple[float, bool]], threshold: float) -> float:
    """Recall of the supported plus recall of the unsupported (0-2)."""
    recalls = []
    for kind in (True, False):
        right = [(score >= threshold) == truth for score, truth in known if truth is kind]
        recalls.append(sum(right) / max(1, len(right)))
    return sum(recalls)


def _article(claim: Claim) -> Article:
    return Article(id=claim.event, title=claim.title, text=claim.article)


def _held(
    figures: dict[str, Statistic], events: Sequence[object], metrics: Sequence[str]
) -> dict[str, Interval | float]:
    return {metric: interval(figures[metric], list(map(str, events))) for metric in metrics}


def _plain(held: Interval | float) -> list[float] | float:
    return [held.value, held.low, held.high] if isinstance(held, Interval) else held


def _grid(table: Table) -> Grid:
    rows = []
    for row in table.rows:
        cells = []
        for metric in table.metrics:
            held = row.held.get(metric)
            if isinstance(held, Interval):
                cells.append(f"{number(held.value)}\n{bounds(held.low, held.high)}")
            else:
                cells.append("" if held is None else number(held))
        rows.append((row.system, str(row.n or "published"), *cells))
    notes = [f"{row.system}: {row.note}" for row in table.rows if row.note]
    title = f"{table.name} (EXTERNAL data)"
    columns = ("system", "n", *map(heading, table.metrics))
    return Grid(title, columns, tuple(rows), "\n".join([*notes, _winner(table)]))


def _winner(table: Table) -> str:
    """Whether ours, the first row, is ahead of each published figure on a metric that both have, by its interval."""
    ours = table.rows[0]
    said = []
    for row in table.rows[1:]:
        for metric, theirs in row.held.items():
            mine = ours.held.get(metric)
            if isinstance(mine, Interval) and isinstance(theirs, float):
                place = "ahead of" if mine.low > theirs else "behind" if mine.high < theirs else "level with"
                said.append(f"{place} {row.system} in {metric}")
    return f"{ours.system} is {', '.join(said)}" if said else ""


SETS: Final[dict[str, Callable[[argparse.Namespace, System], Table]]] = {
    "newsmtsc": newsmtsc,
    "plover": plover,
    "summedits": summedits,
    "qags": qags,
}

if __name__ == "__main__":
    command.run(main)
