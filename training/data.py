"""What the models learn from: articles with labels, sentences with a target, claims with evidence.

Reads the reference form (this project's corpus and any JSONL like it) and, under `--data-root`, the external sets
`karabakh`, `world`, `allsides` (its labels are in `training/corpus`), `newsmtsc` and `grounding`. Splits are by event,
so that no story stands on both sides.
It knows no tensors: `training/batches.py` makes those.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from communique.document import Document, Sentence
from communique.errors import ItemError
from communique.labels import STANCES, TOPICS
from communique.reading import read
from communique.reading.sentences import split
from communique.record import Article
from communique.text import MappedText

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

__all__ = [
    "Claim",
    "Labelled",
    "TargetSentence",
    "allsides",
    "articles",
    "claims",
    "document_of",
    "fold_of",
    "inshorts",
    "labelled",
    "lines",
    "load_articles",
    "sentences_of",
    "target_sentences",
    "with_choices",
]

#: The targets that every article of the conflict sets was judged for; a missing one is absent.
CONFLICT_TARGETS: Final = ("Armenia", "Azerbaijan", "Turkey", "Russia", "peace talks")

#: Labels of articles of the AllSides repository, by its ids; the texts stay where they are.
ALLSIDES_LABELS: Final = Path(__file__).parent / "corpus" / "allsides-labels.jsonl"
_READ_WORDS: Final = 560
#: Sets that were labelled with this project's topics, and its corpus.
EXTERNAL: Final = ("karabakh", "world", "allsides")
_CORPUS: Final = Path("training") / "corpus"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A cleaned article with its labels.

    `absent` are targets known to play no part; `foreign` says which characters of a sentence are not the article's own
    but left over from a page; `choice` is for each sentence what a reader who chose a summary made of it: 1 taken, 0.5
    nearly, -1 it should not be, 0 the rest. `evidence` is by target what a reader gave for its stance, word for word.
    """

    id: str
    source_set: str
    event: str
    title: str
    sentences: tuple[str, ...]
    paragraphs: tuple[int, ...]
    topics: tuple[str, ...]
    stance: dict[str, str]
    absent: tuple[str, ...] = ()
    summaries: tuple[str, ...] = ()
    foreign: dict[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    choice: tuple[float, ...] = ()
    evidence: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TargetSentence:
    """A sentence, the characters of a target in it, and the polarity toward it."""

    id: str
    event: str
    text: str
    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence and the article that it is to be read against. `kind` names how a false one was broken."""

    id: str
    event: str
    text: str
    sentences: tuple[str, ...] = field(repr=False)
    supported: bool
    kind: str


def document_of(article: Labelled) -> Document:
    """The article as the models' side of serving takes it, cleaned and cut as it is."""
    sentences = tuple(
        Sentence(MappedText.of(text), paragraph)
        for text, paragraph in zip(article.sentences, article.paragraphs, strict=True)
    )
    whole = Article(id=article.id, text=" ".join(article.sentences), title=article.title)
    return Document(whole, article.title, sentences, removed=(), language="en", truncated=False)


def fold_of(event: str, folds: int = 5) -> int:
    """The fold in 0..folds-1 that an event belongs to: fixed by its name alone."""
    return int.from_bytes(hashlib.sha256(event.encode()).digest()[:8], "big") % folds


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Decoded objects of a JSONL file, gzip or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def articles(path: Path, source_set: str, topics: Collection[str] = TOPICS) -> Iterator[Labelled]:
    """Labelled articles of a JSONL in the reference form; those that cannot be read are left out."""
    return labelled(list(lines(path)), source_set, str(path), topics)


def labelled(
    items: Sequence[dict[str, Any]], source_set: str, origin: str, topics: Collection[str] = TOPICS
) -> Iterator[Labelled]:
    """Labelled articles of objects in the reference form; `origin` names where they came from when one is wrong.

    Where `topics` are the trainer's own, the project's articles, and others labelled with its topics, count as without.
    """
    undated = [item for item in items if not item.get("event") and not item.get("date")]
    clusters = _clusters(undated) if undated else {}
    for item in items:
        article = Article.from_dict(item, default_id=item.get("id", ""))
        try:
            document = read(article)
        except ItemError:
            continue
        judgements = item.get("stance", {})
        stance = {target: value["label"] for target, value in judgements.items()}
        conflict = source_set == "corpus" and stance.keys() & set(CONFLICT_TARGETS[:2])
        judged = CONFLICT_TARGETS if source_set == "karabakh" or conflict else ()
        own = tuple(item.get("topics", ()))
        if (source_set in EXTERNAL or str(_CORPUS) in origin) and set(topics) != set(TOPICS):
            own = ()
        unknown = [topic for topic in own if topic not in topics and topic not in TOPICS]
        if unknown or any(label not in STANCES for label in stance.values()):
            raise ValueError(f"{origin}: {article.id}: unknown labels {unknown or stance}")
        yield Labelled(
            id=article.id,
            source_set=source_set,
            event=item.get("event") or _event(item, clusters),
            title=document.title,
            sentences=tuple(sentence.text for sentence in document.sentences),
            paragraphs=tuple(sentence.paragraph for sentence in document.sentences),
            topics=own if all(topic in topics for topic in own) else (),
            stance=stance,
            absent=(*item.get("absent", ()), *(target for target in judged if target not in stance)),
            summaries=tuple(item.get("summaries") or ([item["summary"]] if item.get("summary") else [])),
            evidence={
                target: value["evidence"]
                for target, value in judgements.items()
                if isinstance(value.get("evidence"), str)
            },
        )


def _event(item: dict[str, Any], clusters: dict[str, str]) -> str:
    """Sets without events: stories of one month stand together, or, without dates, those that tell the same thing."""
    if date := item.get("date"):
        return str(date)[:7]
    return clusters[item["id"]]


def _clusters(items: list[dict[str, Any]], threshold: float = 0.4) -> dict[str, str]:
    """{id: id of the first article of its cluster}: linked where the cosine of TF-IDF vectors is over the threshold."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer(sublinear_tf=True, stop_words="english").fit_transform([item["text"] for item in items])
    near = (vectors @ vectors.T).toarray() > threshold
    cluster = list(range(len(items)))
    for index in range(len(items)):
        root = min(cluster[other] for other in near[index].nonzero()[0])
        joined = {cluster[other] for other in near[index].nonzero()[0]}
        cluster = [root if number in joined else number for number in cluster]
    return {item["id"]: items[cluster[index]]["id"] for index, item in enumerate(items)}


def load_articles(
    corpus: Iterable[Path], data_root: Path | None, sets: Iterable[str], topics: Collection[str] = TOPICS
) -> list[Labelled]:
    """The project's corpus files and the named external sets; `topics` as in `labelled`."""
    found = [labelled for path in corpus for labelled in articles(path, "corpus", topics)]
    for name in sets:
        if data_root is None:
            raise ValueError(f"set {name!r} is external: say where it is with --data-root")
        if name == "allsides":
            found.extend(allsides(data_root / name / "international_full.jsonl.gz", topics=topics))
        else:
            found.extend(articles(data_root / name / "train.jsonl", name, topics))
    return found


def allsides(path: Path, labels: Path = ALLSIDES_LABELS, topics: Collection[str] = TOPICS) -> list[Labelled]:
    """This project's labels beside the texts that they are of: whole paragraphs, so far as they were read."""
    judged = {item["id"]: item for item in lines(labels)}
    found = []
    for item in lines(path):
        if label := judged.pop(f"as-{item['ID']}", None):
            paragraphs = [text for text in item["text"].split("\n\n") if text.strip()]
            totals = accumulate(len(text.split()) for text in paragraphs)
            read_ = [text for text, total in zip(paragraphs, totals, strict=True) if total <= _READ_WORDS]
            stance = {target: {"label": value} for target, value in label["stance"].items()}
            own = {"title": item["title"], "source": item["source"], "date": item["date"]}
            found.append({**label, **own, "text": "\n\n".join(read_ or paragraphs[:1]), "stance": stance})
    if judged:
        raise ValueError(f"{path}: lacks {len(judged)} labelled articles, such as {min(judged)}")
    return list(labelled(found, "allsides", str(path), topics))


def with_choices(articles: Iterable[Labelled], path: Path) -> list[Labelled]:
    """The articles with the choices of a JSONL: `id`, `sentences` (how many) and numbers `best`, `next` and `weak`.

    An article that is cut into another number of sentences by now keeps none.
    """
    known = {item["id"]: item for item in lines(path)}
    found = []
    for article in articles:
        item = known.get(article.id)
        if item and item["sentences"] == len(article.sentences):
            values = [0.0] * item["sentences"]
            for name, value in (("weak", -1.0), ("next", 0.5), ("best", 1.0)):
                for number in item[name]:
                    values[number] = value
            article = replace(article, choice=tuple(values))
        found.append(article)
    return found


_POLARITY: Final = {2.0: "against", 4.0: "neutral", 6.0: "favor"}


def target_sentences(path: Path) -> Iterator[TargetSentence]:
    """NewsMTSC: a sentence a target, polarity as stance. The event is the article that a sentence came from."""
    for item in lines(path):
        parts = item["primary_gid"].split("_")
        for target in item["targets"]:
            label = _POLARITY.get(target["polarity"])
            if label and target["from"] < target["to"]:
                yield TargetSentence(
                    id=target["Input.gid"],
                    event="_".join(parts[:2]),
                    text=item["sentence_normalized"],
                    start=target["from"],
                    end=target["to"],
                    label=label,
                )


def sentences_of(summary: str) -> list[str]:
    """The sentences of a summary."""
    return [sentence.text for sentence in split(MappedText.of(" ".join(summary.split())))]


def inshorts(path: Path, most_characters: int = 8000) -> Iterator[Labelled]:
    """Inshorts: articles with summaries of about 60 words. Pairs that are no summary of each other are left out.

    Each article is an event of its own; `coverage` and exact checks tell later which sentences may be learned from.
    """
    with zipfile.ZipFile(path) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".csv"))
        rows = csv.DictReader(io.StringIO(archive.read(name).decode("cp1252")))
        for number, row in enumerate(rows):
            text, summary = " ".join((row["ctext"] or "").split()), " ".join((row["text"] or "").split())
            if len(text.split()) < 1.5 * len(summary.split()) or len(text) > most_characters:
                continue
            sentences = tuple(sentences_of(text))
            if len(sentences) >= 4:
                yield Labelled(
                    id=f"inshorts-{number}", source_set="inshorts", event=f"inshorts-{number}", title="",
                    sentences=sentences, paragraphs=(0,) * len(sentences), topics=(), stance={}, summaries=(summary,),
                )  # fmt: skip


def claims(grounding: Path, pool: dict[str, Labelled], part: Literal["train", "all"] = "all") -> Iterator[Claim]:
    """Sentences of machine summaries, marked supported or not by reading (`grounding` set), with their articles."""
    for item in lines(grounding):
        labelled = pool.get(item["id"])
        if labelled is None or (part == "train" and item.get("borderline")):
            continue
        supported = item["label"] == "supported"
        yield Claim(
            id=f"{item['id']}#{item['n']}-{item['system']}",
            event=labelled.event,
            text=item["sentence"],
            sentences=labelled.sentences,
            supported=supported,
            kind="supported" if supported else (item["errors"] or ["unsupported"])[0],
        )
