"""What the language model learns from: articles with summaries, wherever they lie, with references held to the truth.

A source is a JSONL in the reference form, a folder of texts, or a data set for `datasets`. A reference that names a
figure or a name which its article lacks would teach the model to invent: its sentence is dropped, or all of it.
It knows no tokens: `training/summary_batches.py` makes those.

    >>> found, counts = truthful(gather(["training/corpus/world.jsonl"], None, []))     # doctest: +SKIP
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from communique.errors import UsageError
from communique.grounding import missing
from communique.words import words
from training import data

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from training.data import Labelled

__all__ = ["coverage", "gather", "mended", "read_source", "truthful"]

#: Names that data sets give to the article and to its summary, the first that is there.
_ARTICLE: Final = ("text", "article", "document", "content", "body")
_SUMMARY: Final = ("summary", "highlights", "abstract", "target")
#: What is left of a reference must still tell the story.
FEWEST_WORDS: Final = 20


@dataclass(frozen=True, slots=True)
class _Mended:
    """The references that were kept, and what was done: `kept`, `shortened` or `dropped` for each that was given."""

    summaries: tuple[str, ...]
    done: tuple[str, ...]


def gather(sources: Iterable[str], data_root: Path | None, sets: Iterable[str]) -> list[Labelled]:
    """Articles with summaries, as they came.

    Args:
        sources: JSONL files, folders, or names of data sets.
        data_root: folder of the external sets.
        sets: names of the external sets in it.
    """
    found = [article for source in sources for article in read_source(source)]
    return [article for article in [*found, *data.load_articles([], data_root, sets)] if article.summaries]


def truthful(
    articles: Iterable[Labelled], least_coverage: Mapping[str, float] | None = None
) -> tuple[list[Labelled], Counter[str]]:
    """Articles whose references may be learned from, and counts of what happened to the references.

    Args:
        articles: with summaries.
        least_coverage: by set, references whose coverage by the article is under this share are left out.
    """
    counts: Counter[str] = Counter()
    found: list[Labelled] = []
    for article in articles:
        text = " ".join([article.title, *article.sentences])
        outcome = mended(article.summaries, text)
        counts.update(outcome.done)
        least = (least_coverage or {}).get(article.source_set, 0.0)
        near = tuple(summary for summary in outcome.summaries if coverage(summary, text) >= least)
        counts["far from the article"] += len(outcome.summaries) - len(near)
        if near:
            found.append(replace(article, summaries=near))
    return found, counts


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


def mended(summaries: Sequence[str], article: str) -> _Mended:
    """References without what the article does not hold.

    Where the first sentence is at fault all of it goes, since the others lean on it.
    """
    kept: list[str] = []
    done: list[str] = []
    for summary in summaries:
        whole = data.sentences_of(summary)
        true = [sentence for sentence in whole if not missing(sentence, article)]
        if whole and len(true) == len(whole):
            kept.append(summary)
            done.append("kept")
        elif true and true[0] == whole[0] and sum(len(s.split()) for s in true) >= FEWEST_WORDS:
            kept.append(" ".join(true))
            done.append("shortened")
        else:
            done.append("dropped")
    return _Mended(tuple(kept), tuple(done))


def coverage(summary: str, article: str) -> float:
    """Share in [0, 1] of the summary's content words that the article holds: 1 for a summary that copies."""
    held = {word.key for word in words(article)}
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
