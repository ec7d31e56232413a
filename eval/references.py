"""What a reader found in each article: loading, checking, cutting and naming of reference files.

A reference file is JSON lines in the reference form (`communique/schemas/reference.schema.json`). A data set is named
by the sha256 of what it holds, so that two results can be seen to be about the same thing. It knows nothing of models.

    >>> data = load([Path("eval/references")])
    >>> len(data.articles), data.sha256[:12]
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from communique.errors import UsageError
from communique.labels import TOPICS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

__all__ = ["REFERENCES", "SLICES", "Boilerplate", "Data", "Reading", "Reference", "fold_of", "load", "read_jsonl"]

#: The held-out articles of this project.
REFERENCES: Final = Path(__file__).parent / "references"

GOLD_STANCES: Final = ("favor", "neutral", "against")


@dataclass(frozen=True, slots=True)
class Boilerplate:
    """[start, end) of a page's `text`, code points, that is not article. `pattern` says how sites make that kind."""

    start: int
    end: int
    kind: str
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reader alone found, before two were settled."""

    topics: tuple[str, ...]
    stance: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reference:
    """One article with what a reader found in it. `stance` maps target to label, absent targets left out.

    Of a page: `article` is the id of the article that it carries, and `unseen_patterns` are patterns of boilerplate
    that the cleaner's author never saw. `readings` are those of single readers, blind to each other.
    `evidence` maps targets to what a reader gave for the stance, word for word.
    """

    id: str
    text: str
    event: str
    title: str = ""
    format: Literal["text", "html"] = "text"
    source: str = ""
    date: str = ""
    manner: str = ""
    topics: tuple[str, ...] = ()
    stance: Mapping[str, str] = field(default_factory=dict)
    summaries: tuple[str, ...] = ()
    boilerplate: tuple[Boilerplate, ...] = ()
    article: str = ""
    article_text: str = ""
    unseen_patterns: tuple[str, ...] = ()
    readings: tuple[Reading, ...] = ()
    evidence: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_page(self) -> bool:
        """An article as a scraper leaves it, not the article alone."""
        return bool(self.article or self.boilerplate or self.format == "html")

    @property
    def body(self) -> str:
        """The article as a reader sees it: an HTML page's `article_text`, else the text without what is marked."""
        if self.article_text:
            return self.article_text
        kept, at = [], 0
        for span in self.boilerplate:
            kept.append(self.text[at : span.start])
            at = span.end
        return "".join([*kept, self.text[at:]])

    @property
    def words(self) -> int:
        return len(self.body.split())

    @classmethod
    def from_dict(cls, item: object, where: str) -> Reference:
        """A reference from a decoded JSON line.

        Raises:
            UsageError: not of the reference form; the message says where, what was given and what is allowed.
        """
        if not isinstance(item, dict) or not isinstance(item.get("text"), str) or "id" not in item:
            raise UsageError(f"{where}: a reference is a JSON object with at least `id` and `text`")
        stance = {
            target: _label(judged, f"{where}: stance toward {target!r}") for target, judged in _stance(item, where)
        }
        for topic in item.get("topics", ()):
            if topic not in TOPICS:
                raise UsageError(f"{where}: unknown topic {topic!r}; allowed: {', '.join(TOPICS)}")
        spans = [
            Boilerplate(s["start"], s["end"], s["kind"], s.get("pattern") or s["kind"])
            for s in item.get("boilerplate", ())
        ]
        spans.sort(key=lambda span: span.start)
        ends = [0, *(span.end for span in spans)]
        for previous, span in zip(ends, spans, strict=False):
            if not previous <= span.start < span.end <= len(item["text"]):
                raise UsageError(
                    f"{where}: boilerplate [{span.start}, {span.end}) overlaps, is empty or leaves the text"
                )
        summaries = item.get("summaries") or ([item["summary"]] if item.get("summary") else [])
        return cls(
            id=str(item["id"]),
            text=item["text"],
            event=str(item.get("event") or item["id"]),
            title=item.get("title") or "",
            format=item.get("format") or "text",
            source=str(item.get("source") or item.get("country") or ""),
            date=str(item.get("date") or ""),
            manner=item.get("manner") or "",
            topics=tuple(item.get("topics", ())),
            stance=stance,
            summaries=tuple(summaries),
            boilerplate=tuple(spans),
            article=str(item.get("article") or ""),
            article_text=item.get("article_text") or "",
            unseen_patterns=tuple(item.get("unseen_patterns") or ()),
            evidence={
                target: str(judged["evidence"])
                for target, judged in _stance(item, where)
                if isinstance(judged, dict) and judged.get("evidence")
            },
        )


@dataclass(frozen=True, slots=True)
class Data:
    """A named, hashed list of references. `external`: not of this project's tree; results are marked so."""

    name: str
    references: tuple[Reference, ...]
    external: bool = False

    @property
    def articles(self) -> tuple[Reference, ...]:
        """Those that are the article alone."""
        return tuple(reference for reference in self.references if not reference.is_page)

    @property
    def pages(self) -> tuple[Reference, ...]:
        """Those that are scraped pages."""
        return tuple(reference for reference in self.references if reference.is_page)

    @property
    def sha256(self) -> str:
        """Of what the references say, whatever their order or file."""
        return digest(self.references)

    def only(self, ids: Iterable[str]) -> Data:
        """Those whose id is given.

        Raises:
            UsageError: an id that the data does not have.
        """
        wanted = set(ids)
        unknown = wanted - {reference.id for reference in self.references}
        if unknown:
            raise UsageError(f"{self.name} has no id {', '.join(sorted(unknown)[:5])}")
        return replace(self, references=tuple(r for r in self.references if r.id in wanted))

    def fold(self, k: int, n: int) -> Data:
        """Part k of n (1-based), whole events together, the same whatever else is among the data."""
        if not 1 <= k <= n:
            raise UsageError(f"--fold {k}/{n}: k must be from 1 to n")
        return replace(self, references=tuple(r for r in self.references if fold_of(r.event, n) == k - 1))

    def first(self, limit: int) -> Data:
        """The first `limit` articles and the first `limit` pages."""
        return replace(self, references=(*self.articles[:limit], *self.pages[:limit]))


def fold_of(event: str, folds: int) -> int:
    """The fold, from 0, that an event belongs to: fixed by its name alone, and the same that training holds out."""
    return int.from_bytes(hashlib.sha256(event.encode()).digest()[:8], "big") % folds


def digest(references: Iterable[Reference]) -> str:
    """sha256 of what the references say, in order of their ids."""
    total = hashlib.sha256()
    for reference in sorted(references, key=lambda r: r.id):
        shown: list[Any] = [
            reference.id,
            reference.title,
            reference.text,
            list(reference.topics),
            sorted(reference.stance.items()),
        ]
        shown += [list(reference.summaries), [[s.start, s.end] for s in reference.boilerplate], reference.article_text]
        total.update(json.dumps(shown, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    return total.hexdigest()


def read_jsonl(path: Path) -> Iterator[tuple[str, Any]]:
    """Each line's place ("file:number") and value; empty lines are passed over.

    Raises:
        UsageError: the file cannot be read, or a line is not JSON.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield f"{path}:{number}", json.loads(line)
            except json.JSONDecodeError as error:
                raise UsageError(f"{path}:{number} is not JSON: {error}") from error


def load(paths: Sequence[Path], name: str = "", *, external: bool = False) -> Data:
    """All references of files, or of the `*.jsonl` files of folders.

    A page takes from its article, where that is among them, what it does not say itself: labels, summaries, and the
    text that a reader of the HTML sees. Where a folder `labels` stands beside a file, each of its files holds what one
    reader found (`id`, `topics`, `stance`).

    Raises:
        UsageError: no such file, nothing in it, a line that is not a reference, or an id that stands twice.
    """
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UsageError(f"no reference file {path}; the project's own are in {REFERENCES}")
        files += sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    references: dict[str, Reference] = {}
    for file in files:
        for where, item in read_jsonl(file):
            reference = Reference.from_dict(item, where)
            if reference.id in references:
                raise UsageError(f"{where}: id {reference.id!r} stands twice")
            references[reference.id] = reference
    if not references:
        raise UsageError(f"no references in {', '.join(map(str, paths))}")
    readers = [
        _readings(path) for folder in {file.parent for file in files} for path in sorted(folder.glob("labels/*.jsonl"))
    ]
    whole = tuple(
        replace(
            _completed(reference, references.get(reference.article)),
            readings=tuple(reader[reference.id] for reader in readers if reference.id in reader),
        )
        for reference in references.values()
    )
    return Data(name or ", ".join(path.stem for path in paths), whole, external)


def _readings(path: Path) -> dict[str, Reading]:
    """By id, what one reader found."""
    return {
        str(item["id"]): Reading(
            tuple(item["topics"]), {target: _label(judged, where) for target, judged in _stance(item, where)}
        )
        for where, item in read_jsonl(path)
    }


def _completed(page: Reference, article: Reference | None) -> Reference:
    if article is None:
        return page
    return replace(
        page,
        topics=page.topics or article.topics,
        stance=page.stance or article.stance,
        summaries=page.summaries or article.summaries,
        article_text=page.article_text or (article.text if page.format == "html" else ""),
    )


def _length(reference: Reference) -> str:
    for bound in (200, 400, 800):
        if reference.words < bound:
            return f"under {bound} words"
    return "800 words and more"


def _period(reference: Reference) -> str:
    year = reference.date[:4]
    if not year.isdigit():
        return "unknown"
    return "to 2019" if year < "2020" else "2020 to 2022" if year < "2023" else "2023 and later"


#: How references are cut into parts that get figures of their own.
SLICES: Final[dict[str, Callable[[Reference], str]]] = {
    "length": _length,
    "manner": lambda reference: reference.manner or "unknown",
    "boilerplate": lambda reference: reference.format if reference.is_page else "none",
    "date": _period,
}


def _stance(item: dict[str, Any], where: str) -> Iterable[tuple[str, Any]]:
    stance = item.get("stance") or {}
    if not isinstance(stance, dict):
        raise UsageError(f"{where}: `stance` is an object, target to label")
    return stance.items()


def _label(judged: object, where: str) -> str:
    label = judged.get("label") if isinstance(judged, dict) else judged
    if label not in GOLD_STANCES:
        raise UsageError(f"{where} is {label!r}; allowed: {', '.join(GOLD_STANCES)} (an absent target is left out)")
    return str(label)
