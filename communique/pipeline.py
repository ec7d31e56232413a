"""The flow: read → clean → encode → summarise → prove → classify → record, for one article or a shard of them.

    >>> with Pipeline.open() as pipeline:                          # doctest: +SKIP
    ...     record = pipeline.score(Article(id="1", text=page))

A shard is read by the trunk in one go and written by the language model in one batch; its records depend on the shard
alone. An article that cannot be scored yields a record with its error, and its neighbours are unharmed.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from threadpoolctl import threadpool_limits

from communique.config import Settings
from communique.errors import Internal, ItemError, NothingToSummarise, TimedOut, TooShort
from communique.grounding import Checker
from communique.models import resolve
from communique.reading import read
from communique.record import Article, Record
from communique.summary import FEWEST_ARTICLE_WORDS, Draft, Summariser, Writer
from communique.trunk.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from communique.document import Document
    from communique.record import RequestedMode, Summary
    from communique.trunk.reader import Reading

__all__ = ["ALL_TASKS", "Pipeline"]

ALL_TASKS: Final = frozenset({"summary", "topics", "stance"})
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Item:
    """One article on its way: what is known of it so far, or why it stops.

    `drafts` are what the language model wrote, where it was asked.
    """

    article: Article
    document: Document | None = None
    reading: Reading | None = None
    drafts: list[Draft] | None = None
    error: ItemError | None = None


class Pipeline:
    """The models, loaded once; safe to use from many threads. Close it, or use it as a context manager.

    `checker` proves sentences of any origin, for those who measure it.
    """

    def __init__(self, settings: Settings, reader: Reader, checker: Checker) -> None:
        self.settings = settings
        self._reader = reader
        self.checker = checker
        self._summariser = Summariser(self.checker, settings.written_support)
        self._writer: Writer | None = None
        self._writer_lock = threading.Lock()
        self._closed = False
        # The heads' products are small: threads of their own only take cores from the graph (an eighth of the speed).
        self._blas = threadpool_limits(1, user_api="blas")

    @classmethod
    def open(cls, settings: Settings | None = None) -> Pipeline:
        """Load the classifier and the checker; the language model is started when the first article asks for it.

        Raises:
            EnvironmentFault: a model is missing or is not what the registry pins.
        """
        settings = settings or Settings.load()
        reader = Reader(resolve("trunk", home=settings.home), settings.threads)
        return cls(settings, reader, Checker.open(settings.home))

    @property
    def models(self) -> Mapping[str, str]:
        """Names and revisions, as records carry them."""
        return {"summarizer": self._reader.name, "classifier": self._reader.name}

    def score(self, article: Article, tasks: frozenset[str] = ALL_TASKS, deadline: float | None = None) -> Record:
        """The record of one article. Never raises an `ItemError`: the record carries it.

        Args:
            article: the article.
            tasks: which of summary, topics, stance.
            deadline: of `time.monotonic()`, after which the work is given up (`timeout`).
        """
        return self.score_many([article], tasks, deadline)[0]

    def score_many(
        self, articles: Sequence[Article], tasks: frozenset[str] = ALL_TASKS, deadline: float | None = None
    ) -> list[Record]:
        """Records of a shard, in order, one each."""
        items = [_Item(article) for article in articles]
        for item in items:
            self._read(item, deadline)
        readable = [item for item in items if item.document is not None]
        self._encode(readable, deadline)
        if "summary" in tasks:
            self._write(readable, deadline)
        return [self._record(item, tasks, deadline) for item in items]

    def read(self, article: Article) -> Reading:
        """The article proper (its `document`), as every task sees it, with what the trunk says of it.

        Raises:
            ItemError: it cannot be scored.
        """
        document = read(article, max_characters=self.settings.max_characters, undecided=True)
        (reading,) = self._reader.read([document])
        return reading.settled()

    def start_writer(self) -> None:
        """Start the language model's process, which loads while nobody waits; without this the first article does.

        Raises:
            EnvironmentFault: it cannot be started.
        """
        self._started_writer()

    def close(self) -> None:
        """End the language model's process, and give up what is being scored: it ends with `timeout` errors."""
        self._closed = True
        self._reader.close()
        self._blas.restore_original_limits()
        with self._writer_lock:
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, item: _Item, deadline: float | None) -> None:
        """Read one article; what goes wrong stays with it."""
        try:
            self._mind(deadline)
            item.document = read(item.article, max_characters=self.settings.max_characters, undecided=True)
        except ItemError as error:
            item.error = error
        except Exception as error:  # noqa: BLE001
            _log.exception("article %s", item.article.id)
            item.error = Internal(f"{type(error).__name__}: {error}")

    def _encode(self, items: Sequence[_Item], deadline: float | None) -> None:
        documents = [item.document for item in items if item.document is not None]
        try:
            readings = self._reader.read(documents, deadline)
        except TimedOut as error:
            for item in items:
                item.error = error
            return
        for item, reading in zip(items, readings, strict=True):
            try:
                item.reading = reading.settled()
                item.document = item.reading.document
            except ItemError as error:
                item.error = error
            except Exception as error:  # noqa: BLE001
                _log.exception("article %s", item.article.id)
                item.error = Internal(f"{type(error).__name__}: {error}")

    def _write(self, items: Sequence[_Item], deadline: float | None) -> None:
        """Have the language model write, in one batch, for the articles that ask for it and are long enough."""
        asked: list[tuple[_Item, Document, int]] = []
        for item in items:
            document, reading = item.document, item.reading
            if document is None or reading is None or document.words < FEWEST_ARTICLE_WORDS:
                continue
            if self._mode(item.article) == "abstractive":
                item.drafts = []
                numbers = self._summariser.sources(document, reading.salience())
                asked += [(item, document, number) for number in numbers]
        if not asked:
            return
        passages = [(document.title, [document.sentences[number].text]) for _, document, number in asked]
        for (item, _, number), text in zip(asked, self._started_writer().write(passages, deadline), strict=True):
            if text is None:
                item.error = TimedOut("the deadline passed while the summary was written")
            elif item.drafts is not None:
                item.drafts.append(Draft(number, text))

    def _started_writer(self) -> Writer:
        with self._writer_lock:
            if self._writer is None:
                self._writer = Writer.open(self.settings)
            return self._writer

    def _record(self, item: _Item, tasks: frozenset[str], deadline: float | None) -> Record:
        if item.error is not None or item.document is None or item.reading is None:
            return Record.failed(item.article, item.error or Internal("the article was not read"))
        record = Record(
            id=item.article.id,
            meta=item.article.meta,
            removed=item.document.removed,
            language=item.document.language,
            truncated=item.document.truncated,
            models=self.models if item.drafts is None else {**self.models, "summarizer": self._writer_name()},
        )
        try:
            return self._scored(record, item.document, item.reading, item.drafts, tasks, deadline)
        except TimedOut as error:
            return Record.failed(item.article, error)
        except Exception as error:  # noqa: BLE001
            _log.exception("article %s", item.article.id)
            return record.with_(error=Internal(f"{type(error).__name__}: {error}"))

    def _scored(
        self,
        record: Record,
        document: Document,
        reading: Reading,
        drafts: Sequence[Draft] | None,
        tasks: frozenset[str],
        deadline: float | None,
    ) -> Record:
        settings, article = self.settings, document.article
        if "topics" in tasks:
            self._mind(deadline)
            probabilities = reading.topics()
            chosen = self._reader.chosen_topics(probabilities, settings.topic_threshold)
            codes = self._reader.calibration.topics
            record = record.with_(topic_probabilities=probabilities, topics=chosen, topic_codes=codes)
        if "stance" in tasks:
            targets = settings.targets if article.targets is None else article.targets
            stances = []
            for target in targets:
                self._mind(deadline)
                stances.append(reading.stance(target, settings.abstain_below))
            record = record.with_(stance=tuple(stances))
        if "summary" in tasks:
            self._mind(deadline)
            try:
                record = record.with_(summary=self._summary(document, reading, drafts))
            except (TooShort, NothingToSummarise) as error:
                record = record.with_(error=error)
        return record

    def _writer_name(self) -> str:
        return self._writer.name if self._writer else self._reader.name

    def _summary(self, document: Document, reading: Reading, drafts: Sequence[Draft] | None) -> Summary:
        article = document.article
        words = article.max_words or self.settings.max_words
        salience = reading.salience()
        if drafts is not None:
            return self._summariser.rewrite(document, salience, drafts, words)
        return self._summariser.choose(document, salience, words, cut=self._mode(article) != "extractive")

    def _mode(self, article: Article) -> RequestedMode:
        """What the article asks for; `auto` leaves it to the settings."""
        return self.settings.mode if article.mode == "auto" else article.mode

    def _mind(self, deadline: float | None) -> None:
        """Give up where the deadline has passed, or nobody waits any more."""
        if self._closed or (deadline is not None and time.monotonic() > deadline):
            raise TimedOut("the deadline passed before the article was scored")
