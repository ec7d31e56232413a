"""What the language model learns from: sentences of summaries, each beside what it rests on in its article.

A source is a JSONL in the reference form, a folder of texts, or a data set for `datasets`. A sentence that names a
figure or a name which those beside it lack would teach the model to invent, and one that leans on the sentence before
it to write "he": neither is learned from. Truer are sentences that a reader wrote of just those sentences
(`training/corpus/rewrites.jsonl`). It knows no tokens: `training/summary_batches.py` makes those.

    >>> found, counts = pairs(gather(["training/corpus/world.jsonl"], None, []), 0.8)   # doctest: +SKIP
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from communique.errors import UsageError
from communique.evidence import EvidenceIndex
from communique.grounding import missing
from communique.summary.faithful import is_faithful
from communique.summary.standing import is_dangling
from communique.words import words
from training import data

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from training.data import Labelled

__all__ = [
    "REJECTED",
    "Pair",
    "coverage",
    "cuts",
    "edit_of",
    "gather",
    "pairs",
    "read_source",
    "rewritten",
    "with_rejected",
]

#: How sentences are counted that have a rejected one beside them; all else that is not `kept` was left out.
REJECTED: Final = "beside a rejected one"
#: Names that data sets give to the article and to its summary, the first that is there.
_ARTICLE: Final = ("text", "article", "document", "content", "body")
_SUMMARY: Final = ("summary", "highlights", "abstract", "target")
#: Words of a sentence that is learned from, and of what it rests on.
_WORDS: Final = (8, 45)
_MOST_EVIDENCE_WORDS: Final = 160


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence to be written, and the numbers, ascending, of the article's sentences that it rests on.

    `rejected` is what else was written of them and should not have been, if anything.
    """

    article: Labelled
    sentence: str
    evidence: tuple[int, ...]
    rejected: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(self.article.sentences[number] for number in self.evidence)


def gather(sources: Iterable[str], data_root: Path | None, sets: Iterable[str]) -> list[Labelled]:
    """Articles with summaries, as they came.

    Args:
        sources: JSONL files, folders, or names of data sets.
        data_root: folder of the external sets.
        sets: names of the external sets in it.
    """
    found = [article for source in sources for article in read_source(source)]
    return [article for article in [*found, *data.load_articles([], data_root, sets)] if article.summaries]


def pairs(articles: Iterable[Labelled], least_coverage: float) -> tuple[list[Pair], Counter[str]]:
    """Sentences of summaries with what they rest on, and counts of what was kept and of why the others were not.

    Args:
        articles: with summaries.
        least_coverage: share of a sentence's words that what it rests on must hold: what is further away is told anew
            and not rewritten.
    """
    counts: Counter[str] = Counter()
    found: list[Pair] = []
    for article in articles:
        index = EvidenceIndex(article.sentences)
        for sentence in (sentence for summary in article.summaries for sentence in data.sentences_of(summary)):
            pair = Pair(article, sentence, tuple(index.find(sentence)))
            fault = _fault(pair, least_coverage)
            counts[fault or "kept"] += 1
            if not fault:
                found.append(pair)
    return found, counts


def rewritten(
    articles: Iterable[Labelled], path: Path, others: Collection[str] = ()
) -> tuple[list[Pair], Counter[str]]:
    """The rewritten sentences of a JSONL, and counts of what was kept and of why the others were not.

    Those of the articles `others`, by id, are not counted. A line holds the article's `id`, `of` how many sentences it
    was cut into, the numbers `sentences`, and the `sentence` made of them; or, where the article is not this project's
    to print, `edit`: spans [start, end) of those sentences' words, by number, and new words between them.
    """
    known = {article.id: article for article in articles}
    counts: Counter[str] = Counter()
    found: list[Pair] = []
    for item in data.lines(path):
        article = known.get(item["id"])
        if article is None:
            if item["id"] not in others:
                counts["of articles that are not here"] += 1
        elif len(article.sentences) != item["of"]:
            counts["of articles that are cut otherwise by now"] += 1
        else:
            pair = Pair(article, _text(item, article), tuple(item["sentences"]))
            # A reader may leave more unsaid, and say more plainly, than words in common would show.
            fault = _fault(pair, least_coverage=0.0)
            counts[fault or "kept"] += 1
            if not fault:
                found.append(pair)
    return found, counts


def cuts(pairs: Iterable[Pair]) -> list[Pair]:
    """Of the pairs those that serving would let stand: one sentence's own words, some of them left out."""
    found = []
    for pair in pairs:
        keys = [word.key for word in words(pair.sentence)]
        for number in pair.evidence:
            source = pair.article.sentences[number]
            if is_faithful(pair.sentence, source) and keys != [word.key for word in words(source)]:
                found.append(replace(pair, evidence=(number,)))
                break
    return found


def with_rejected(pairs: Iterable[Pair], path: Path) -> list[Pair]:
    """The pairs, each with what the lines of a JSONL in the form of `rewritten` hold of the same sentences."""
    lines: dict[str, list[dict[str, Any]]] = {}
    for item in data.lines(path):
        lines.setdefault(item["id"], []).append(item)
    found = []
    for pair in pairs:
        numbers = list(pair.evidence)
        items = [item for item in lines.get(pair.article.id, ()) if item["sentences"] == numbers]
        cut_alike = [item for item in items if item["of"] == len(pair.article.sentences)]
        text = _text(cut_alike[0], pair.article) if cut_alike else ""
        found.append(replace(pair, rejected=text if text != pair.sentence else ""))
    return found


def edit_of(sources: Iterable[str], sentence: str) -> list[str | list[int]]:
    """What was done to the words of `sources`: spans [start, end) of them, and new words, as `rewritten` reads it.

    >>> edit_of(["The port opened a long bridge."], "It opened a bridge.")
    ['It', [2, 4], [5, 6]]
    """
    told, written = " ".join(sources).split(), sentence.split()
    found: list[str | list[int]] = []
    for tag, start, end, first, last in SequenceMatcher(None, told, written, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append([start, end])
        elif first < last:
            found.append(" ".join(written[first:last]))
    return found


def _text(item: dict[str, Any], article: Labelled) -> str:
    """The sentence of a line: as it stands there, or made by its edit."""
    if item.get("sentence"):
        return str(item["sentence"])
    told = " ".join(article.sentences[number] for number in item["sentences"]).split()
    return " ".join(part if isinstance(part, str) else " ".join(told[slice(*part)]) for part in item["edit"])


def _fault(pair: Pair, least_coverage: float) -> str:
    """Why a pair is not learned from, or nothing."""
    held = " ".join([pair.article.title, *pair.sources])
    if missing(pair.sentence, held):
        return "name what their evidence lacks"
    if is_dangling(pair.sentence):
        return "lean on another sentence"
    if not _WORDS[0] <= len(pair.sentence.split()) <= _WORDS[1]:
        return "too short or too long"
    if coverage(pair.sentence, held) < least_coverage:
        return "far from their evidence"
    return "of too long evidence" if sum(len(text.split()) for text in pair.sources) > _MOST_EVIDENCE_WORDS else ""


def read_source(source: str) -> Iterator[Labelled]:
    """Articles of one source, which is also where their ids come from.

    Raises:
        UsageError: the folder holds no summaries, or the data set has no known columns.
    """
    path = Path(source)
    if path.is_dir():
        return data.labelled(list(_folder(path)), "corpus", source)
    if path.is_file():
        return data.articles(path, "corpus")
    if path.suffix in {".jsonl", ".gz", ".csv"}:
        raise UsageError(f"no such file: {source}")
    return data.labelled(list(_data_set(source)), "corpus", source)


def coverage(summary: str, source: str) -> float:
    """Share in [0, 1] of the summary's content words that the source holds: 1 for a summary that copies."""
    held = {word.key for word in words(source)}
    wanted = [word.key for word in words(summary) if not word.is_function]
    return sum(key in held for key in wanted) / len(wanted) if wanted else 0.0


def _folder(folder: Path) -> Iterator[dict[str, Any]]:
    """NAME.txt with NAME.summary beside it, or with a row `id,summary` (id: NAME or NAME.txt) in a CSV there."""
    rows: dict[str, dict[str, str]] = {}
    for table in sorted(folder.glob("*.csv")):
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if not {"id", "summary"} <= set(reader.fieldnames or ()):
                raise UsageError(f"{table} has columns {', '.join(reader.fieldnames or ())}; needed: id, summary")
            rows |= {row["id"].removesuffix(".txt"): row for row in reader}
    found = 0
    for path in sorted(folder.glob("*.txt")):
        row = rows.get(path.stem, {})
        beside = path.with_suffix(".summary")
        summary = beside.read_text(encoding="utf-8") if beside.exists() else row.get("summary", "")
        if summary.strip():
            found += 1
            extra = {name: row[name] for name in ("title", "date", "event") if row.get(name)}
            yield {"id": path.stem, "text": path.read_text(encoding="utf-8"), "summary": summary.strip(), **extra}
    if not found:
        raise UsageError(f"{folder}: no NAME.txt has a NAME.summary beside it or a row `id,summary` in a CSV there")


def _data_set(source: str) -> Iterator[dict[str, Any]]:
    """`NAME`, `NAME:CONFIGURATION` or `NAME:CONFIGURATION:SPLIT` of a hub's data set (split `train` by default)."""
    import datasets

    name, _, rest = source.partition(":")
    configuration, _, part = rest.partition(":")
    try:
        rows = datasets.load_dataset(name, configuration or None, split=part or "train")
    except Exception as error:
        raise UsageError(f"{source} is no file, no folder, and no data set that can be had: {error}") from error
    article = next((column for column in _ARTICLE if column in rows.column_names), None)
    summary = next((column for column in _SUMMARY if column in rows.column_names), None)
    if article is None or summary is None:
        raise UsageError(
            f"{source} has columns {', '.join(rows.column_names)}; an article ({', '.join(_ARTICLE)}) and a summary "
            f"({', '.join(_SUMMARY)}) are needed"
        )
    for number, row in enumerate(rows):
        # Without a date or an event each row is its own event: comparing every pair would take a day.
        extra = {"title": row["title"]} if row.get("title") else {}
        yield {
            "id": str(row.get("id", number)),
            "text": row[article],
            "summary": row[summary],
            "event": f"{name}-{number}",
            **extra,
        }
