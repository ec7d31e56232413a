"""Score an archive shard by shard: N items in, N records out, in order, each once, however often it is interrupted.

It knows nothing of terminals; `report` is called after each shard. What scores is handed in, so that this module loads
no model, and none is loaded where nothing is left to do.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

import communique
from communique.archive.shards import Shards, check_same, read_manifest, record_of
from communique.archive.sources import FORMS, labels, read_all
from communique.archive.streams import OPENERS
from communique.errors import EnvironmentFault, Internal, UsageError
from communique.models import names_for, revision
from communique.record import SCHEMA_VERSION, Record
from communique.wire import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from communique.archive.item import Item
    from communique.archive.sources import Source
    from communique.config import Settings
    from communique.record import Article

__all__ = ["Outcome", "Plan", "Progress", "Scorer", "score_archive"]

log = logging.getLogger(__name__)

#: Settings that change what a record says; a run is taken up only where they are the same.
_TELLING: Final = (
    "targets", "max_words", "mode", "topic_threshold", "abstain_below", "written_support", "max_characters",
    "shard_size",
)  # fmt: skip

#: Characters of a shard's items from which it is cut off, so that a few long articles do not fill the memory.
_SHARD_CHARACTERS: Final = 64 << 20

#: Shards scored at once: while the graph reads one on all cores, Python cleans and chooses for the other.
_AT_ONCE: Final = 2


class Scorer(Protocol):
    """What scores: `communique.Pipeline`.

    `score_many` is a pure function of the articles that it is given together; several threads call it at once.
    """

    @property
    def models(self) -> Mapping[str, str]: ...
    def score_many(self, articles: Sequence[Article]) -> list[Record]: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None: ...


def _revisions() -> dict[str, str]:
    """Every model that may have a hand in a record, the language model too: none may change within one run."""
    return {name: revision(name) for name in names_for("serving")}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to score and where to.

    An `output` that ends in `.jsonl` is one file, and the shards stand beside it in `output.part` until it is whole;
    any other is the folder of the shards. `limit` takes the first items only. `restart` forgets an earlier run.

    Raises:
        UsageError: the output is one of the inputs, an input is given twice, or the output is no place for what would
            be written.
    """

    sources: Sequence[Source]
    output: Path
    settings: Settings
    limit: int | None = None
    restart: bool = False

    def __post_init__(self) -> None:
        if any(source.path.resolve() == self.output.resolve() for source in self.sources):
            raise UsageError(f"{self.output} is an input too; choose another --output")
        if len({source.path.resolve() for source in self.sources}) < len(self.sources):
            raise UsageError("an input is given twice; give each once")
        if self.one_file and self.output.is_dir():
            raise UsageError(f"{self.output} is a folder; an --output that ends in .jsonl is a file")
        if not self.one_file and (self.output.suffix.lower() in (*FORMS, *OPENERS) or self.output.is_file()):
            raise UsageError(f"{self.output} would be a folder; an --output is a file that ends in .jsonl, or a folder")

    @property
    def one_file(self) -> bool:
        return self.output.suffix.lower() == ".jsonl"

    @property
    def folder(self) -> Path:
        return self.output.with_name(self.output.name + ".part") if self.one_file else self.output

    @property
    def seal(self) -> Path:
        """What says, beside an output of one file, which run it is the whole of."""
        return self.output.with_name(f".{self.output.name}.run.json")


@dataclass(slots=True)
class Progress:
    """How far a run is. `resumed` of the `items` were done by an earlier run; `errors` counts by type."""

    items: int = 0
    resumed: int = 0
    duplicates: int = 0
    summary_words: int = 0
    summaries: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one record in its JSON form."""
        self.items += 1
        self.duplicates += record["duplicate_of"] is not None
        if record["error"] is not None:
            self.errors[record["error"]["type"]] += 1
        if record["summary"] is not None:
            self.summaries += 1
            self.summary_words += record["summary"]["words"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run that is complete. `seconds` is the time of this run alone, the loading of the models left out."""

    progress: Progress
    seconds: float


def score_archive(
    plan: Plan, open_scorer: Callable[[Settings], Scorer], report: Callable[[Progress], None] = lambda _: None
) -> Outcome:
    """Score what is not scored yet.

    Raises:
        UsageError: the output belongs to another run, or an input holds nothing that could be read.
        EnvironmentFault: the models or the engine failed; what is done is kept.
        OSError: the disk is full or cannot be written; what is done is kept.
    """
    if plan.one_file and plan.output.exists() and not plan.folder.exists() and not plan.restart:
        return _done_already(plan)
    plan.output.parent.mkdir(parents=True, exist_ok=True)
    for source in plan.sources:  # before a run of hours, not in its middle
        source.check()
    shards = Shards.open(plan.folder, restart=plan.restart)
    try:
        return _run(plan, shards, open_scorer, report)
    finally:
        shards.close()


def _done_already(plan: Plan) -> Outcome:
    """The outcome of the run that wrote the one file that is there, if it was the same run."""
    if not plan.seal.exists():
        raise UsageError(f"{plan.output} is there already; choose another --output, or replace it with --restart")
    manifest = read_manifest(plan.seal)
    check_same(manifest, _fingerprint(plan), plan.output)
    progress = Progress()
    try:
        with plan.output.open("rb") as stream:
            for line in stream:
                progress.add(record_of(line))
    except ValueError:
        pass  # then there are fewer
    if progress.items != manifest.get("items"):
        raise UsageError(f"{plan.output} is not as its run left it; replace it with --restart")
    progress.resumed = progress.items
    return Outcome(progress, 0.0)


def _run(
    plan: Plan, shards: Shards, open_scorer: Callable[[Settings], Scorer], report: Callable[[Progress], None]
) -> Outcome:
    run = _fingerprint(plan)
    shards.check(run)
    progress = Progress()
    count = 0
    scorer: Scorer | None = None
    started = time.monotonic()
    under_way: deque[tuple[int, Future[list[Record]]]] = deque()
    stopped = threading.Event()

    def finish(at_most: int) -> None:
        """Write the oldest shards until at most so many are being scored."""
        while len(under_way) > at_most:
            number, records = under_way.popleft()
            shards.write(number, [_line(record, progress) for record in records.result()])
            report(progress)

    with ExitStack() as stack:
        pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="communique-shard")
        for count, shard in enumerate(_cut(plan), 1):
            found = shards.read(count - 1, len(shard))
            if found is not None:
                for record in found:
                    progress.add(record)
                progress.resumed += len(found)
                report(progress)
                continue
            if scorer is None:
                scorer = stack.enter_context(open_scorer(plan.settings))
                # An interrupt waits for no shard: closing the scorer ends what it has begun.
                stack.callback(pool.shutdown, wait=False, cancel_futures=True)
                stack.callback(stopped.set)
                shards.begin({**run, "models": {**scorer.models, **_revisions()}})
                started = time.monotonic()
            under_way.append((count - 1, pool.submit(_score, scorer, shard, stopped)))
            finish(_AT_ONCE - 1)
        finish(0)
        seconds = time.monotonic() - started
    shards.begin(run)  # an archive without items has begun no run yet
    if plan.one_file:
        shards.assemble(plan.output, count)
        shards.seal(plan.seal, progress.items)
        shards.remove()
    else:
        shards.finish(progress.items)
    return Outcome(progress, seconds)


def _cut(plan: Plan) -> Iterator[list[Item]]:
    """The items in shards of `shard_size`, or fewer where they are long: by the items alone, as a resume needs."""
    shard: list[Item] = []
    held = 0
    first: dict[bytes, str] = {}  # some 200 bytes an article
    for item in islice(read_all(plan.sources), plan.limit):
        kept = item.within(plan.settings.max_characters)
        if (digest := kept.digest) is not None:
            kept = replace(kept, duplicate_of=first.get(digest))
            first.setdefault(digest, kept.article.id)
        shard.append(kept)
        held += kept.characters
        if len(shard) == plan.settings.shard_size or held >= _SHARD_CHARACTERS:
            yield shard
            shard, held = [], 0
    if shard:
        yield shard


def _score(scorer: Scorer, shard: Sequence[Item], stopped: threading.Event) -> list[Record]:
    """The records of a shard, in the order of its items; what fails once the run has stopped is nobody's any more."""
    records = iter(_score_articles(scorer, [item.article for item in shard if item.error is None], stopped))
    return [
        next(records).with_(duplicate_of=item.duplicate_of) if item.error is None else item.failure() for item in shard
    ]


def _score_articles(scorer: Scorer, articles: Sequence[Article], stopped: threading.Event) -> list[Record]:
    if not articles:
        return []
    try:
        return _checked(scorer, articles)
    except EnvironmentFault:
        raise
    except Exception:
        if stopped.is_set():
            raise
        log.exception("a shard of %d articles failed; scoring them one by one", len(articles))
    return [_score_one(scorer, article) for article in articles]


def _score_one(scorer: Scorer, article: Article) -> Record:
    try:
        return _checked(scorer, [article])[0]
    except EnvironmentFault:
        raise
    except Exception as error:
        log.exception("article %r failed", article.id)
        return Record.failed(article, Internal(f"{type(error).__name__} while scoring; the log holds the trace"))


def _checked(scorer: Scorer, articles: Sequence[Article]) -> list[Record]:
    records = scorer.score_many(articles)
    if [record.id for record in records] != [article.id for article in articles]:
        raise RuntimeError(f"{len(articles)} articles gave {len(records)} records, or not in their order")
    return records


def _line(record: Record, progress: Progress) -> bytes:
    """A record's line; a record that JSON cannot hold (a probability that is no number) becomes an error."""
    form = record.as_dict()
    try:
        line = encode(form)
    except (TypeError, ValueError) as error:
        log.exception("record %r cannot be written", record.id)
        form = Record(id=record.id, error=Internal(f"the record cannot be written: {error}")).as_dict()
        line = encode(form)
    progress.add(form)
    return line


def _fingerprint(plan: Plan) -> dict[str, Any]:
    """What a record depends on besides the models."""
    settings = plan.settings.as_dict()
    return {
        "schema_version": SCHEMA_VERSION,
        "version": communique.__version__,
        "inputs": {
            str(number): {**source.fingerprint(), "name": name}
            for number, (name, source) in enumerate(zip(labels(plan.sources), plan.sources, strict=True), 1)
        },
        "settings": {name: settings[name] for name in _TELLING},
        "limit": plan.limit,
    }
