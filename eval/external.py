"""Readers of public sets under `--data-root DIR`. None of their text is in this tree; figures from them are marked.

karabakh/train.jsonl, world/train.jsonl   articles in the reference form with one `summary` each
allsides/international_full.jsonl.gz      articles, of which this project labelled some (`training/corpus`)
grounding/train.jsonl                     sentences of machine summaries of `world`, read and labelled
newsmtsc/train.jsonl.gz                   sentences with targets and polarity (Hamborg and Donnay 2021)
plover/PLV_train.tsv.gz                   event sentences with source and target marked (Hu et al. 2024)
summedits/news_evaluation.json.gz         summaries, consistent or edited to be wrong (Laban et al. 2023)
qags/mturk_xsum.jsonl.gz                  machine summaries with votes a sentence (Wang, Cho and Lewis 2020)

>>> claims(Path("/data"))[0]
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from communique.errors import UsageError
from eval.references import Data, Reference, load, read_jsonl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "ARTICLES",
    "Claim",
    "Mention",
    "PloverEvent",
    "articles",
    "claims",
    "newsmtsc",
    "plover",
    "qags",
    "summedits",
]

#: Sets that are articles in the reference form.
ARTICLES: Final = ("karabakh", "world", "allsides")
#: Labels of articles of the AllSides repository by its ids, and how many words of each were read for them.
ALLSIDES_LABELS: Final = Path(__file__).parent.parent / "training" / "corpus" / "allsides-labels.jsonl"
_READ_WORDS: Final = 560


class Claim(NamedTuple):
    """A sentence or summary about an article, and whether readers found it supported."""

    id: str
    event: str
    title: str
    article: str
    sentence: str
    supported: bool


class Mention(NamedTuple):
    """A target in a sentence, [start, end) in code points, and the polarity that readers gave; `event` splits."""

    id: str
    event: str
    sentence: str
    start: int
    end: int
    target: str
    label: str


class PloverEvent(NamedTuple):
    """A sentence with its source and target, and the event's class: fine (15) and coarse (5)."""

    id: str
    sentence: str
    source: str
    target: str
    fine: str
    coarse: str


def articles(root: Path, name: str) -> Data:
    """One of `ARTICLES`, as references.

    Raises:
        UsageError: the set is unknown or not under the root.
    """
    if name not in ARTICLES:
        raise UsageError(f"unknown external set {name!r}; allowed: {', '.join(ARTICLES)}")
    data = _allsides(root) if name == "allsides" else load([_path(root, f"{name}/train.jsonl")], name, external=True)
    stories = _stories(data.references)
    return replace(data, references=tuple(replace(r, event=stories[r.id]) for r in data.references))


def _allsides(root: Path) -> Data:
    """The articles that this project labelled: whole paragraphs, so far as they were read."""
    path = _path(root, "allsides/international_full.jsonl.gz")
    labels = {item["id"]: (where, item) for where, item in read_jsonl(ALLSIDES_LABELS)}
    found = []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for item in map(json.loads, file):
            if (name := f"as-{item['ID']}") not in labels:
                continue
            where, label = labels[name]
            paragraphs = [text for text in item["text"].split("\n\n") if text.strip()]
            totals = accumulate(len(text.split()) for text in paragraphs)
            shown = [text for text, total in zip(paragraphs, totals, strict=True) if total <= _READ_WORDS]
            own = {key: item[key] for key in ("title", "source", "date")}
            stance = {target: {"label": value} for target, value in label["stance"].items()}
            whole = {**label, **own, "text": "\n\n".join(shown or paragraphs[:1]), "stance": stance}
            found.append(Reference.from_dict(whole, where))
    if len(found) < len(labels):
        raise UsageError(f"{path}: lacks {len(labels) - len(found)} of the labelled articles")
    return Data("allsides", tuple(found), external=True)


def _stories(references: Sequence[Reference]) -> dict[str, str]:
    """These sets name no events. Articles of one month stand together; without dates, those that tell the same thing:
    linked where the cosine of their TF-IDF vectors is over 0.4. Training splits by the same rule.
    """
    stories = {r.id: r.date[:7] for r in references if r.date}
    undated = [r for r in references if not r.date]
    if undated:
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectors = TfidfVectorizer(sublinear_tf=True, stop_words="english").fit_transform([r.text for r in undated])
        near = (vectors @ vectors.T).toarray() > 0.4
        cluster = list(range(len(undated)))
        for at in range(len(undated)):
            joined = {cluster[other] for other in near[at].nonzero()[0]}
            cluster = [min(joined) if number in joined else number for number in cluster]
        stories |= {r.id: undated[number].id for r, number in zip(undated, cluster, strict=True)}
    return stories


def claims(root: Path) -> tuple[Claim, ...]:
    """The labelled sentences of `grounding`, with their articles of `world`; borderline ones included."""
    texts = {r.id: r for r in articles(root, "world").references}
    found = []
    for where, item in read_jsonl(_path(root, "grounding/train.jsonl")):
        reference = texts.get(str(item["id"]))
        if reference is None:
            raise UsageError(f"{where}: article {item['id']!r} is not in world/train.jsonl")
        identifier = f"{item['id']}/{item['system']}/{item['n']}"
        found.append(
            Claim(
                identifier,
                reference.id,
                reference.title,
                reference.text,
                item["sentence"],
                item["label"] == "supported",
            )
        )
    return tuple(found)


def newsmtsc(root: Path) -> tuple[Mention, ...]:
    """Every target of every sentence."""
    labels = {2.0: "against", 4.0: "neutral", 6.0: "favor"}
    return tuple(
        Mention(
            target["Input.gid"], "_".join(item["primary_gid"].split("_")[:2]), item["sentence_normalized"],
            target["from"], target["to"], target["mention"], labels[float(target["polarity"])],
        )
        for item in _json_lines(_path(root, "newsmtsc/train.jsonl.gz"))
        for target in item["targets"]
    )  # fmt: skip


def plover(root: Path) -> tuple[PloverEvent, ...]:
    """All rows; the file has quotes that mean nothing and a first column without a name."""
    rows = csv.DictReader(
        io.StringIO(_text(_path(root, "plover/PLV_train.tsv.gz"))), delimiter="\t", quoting=csv.QUOTE_NONE
    )
    return tuple(
        PloverEvent(
            row["sentence_id"], row["sentence"], row["source"], row["target"], row["gold_root"], row["gold_penta"]
        )
        for row in rows
    )


def summedits(root: Path) -> tuple[Claim, ...]:
    """Whole summaries; supported: consistent with the article. Clustered by article."""
    held = json.loads(_text(_path(root, "summedits/news_evaluation.json.gz")))
    documents = {item["doc"]: f"doc-{number}" for number, item in enumerate({i["doc"]: i for i in held}.values())}
    return tuple(
        Claim(item["id"], documents[item["doc"]], "", item["doc"], item["summary"], bool(item["label"]))
        for item in held
    )


def qags(root: Path) -> tuple[Claim, ...]:
    """Sentences of XSum summaries, supported by the majority of three votes."""
    found = []
    for number, item in enumerate(_json_lines(_path(root, "qags/mturk_xsum.jsonl.gz"))):
        for place, sentence in enumerate(item["summary_sentences"]):
            votes = Counter(response["response"] for response in sentence["responses"])
            supported = votes["yes"] > votes["no"]
            found.append(Claim(f"{number}/{place}", str(number), "", item["article"], sentence["sentence"], supported))
    return tuple(found)


def _path(root: Path, name: str) -> Path:
    path = root / name
    if not path.is_file():
        raise UsageError(f"--data-root {root} has no {name}")
    return path


def _text(path: Path) -> str:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return file.read()


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    return (json.loads(line) for line in _text(path).split("\n") if line.strip())
