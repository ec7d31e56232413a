"""A small deterministic pipeline: no model, the same answer for the same article, errors as the real one gives them."""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING, Self

from communique.errors import EmptyText, Internal, TimedOut, TooLarge, TooShort, WrongLanguage
from communique.labels import TOPICS
from communique.record import Article, Record, Span, Stance, Summary, SummarySentence

if TYPE_CHECKING:
    from collections.abc import Sequence

ALL = frozenset({"summary", "topics", "stance"})
MODELS = {"summarizer": "fake@1", "classifier": "fake@2"}


class FakePipeline:
    """Summarises by the first sentence. `calls` holds the ids of each shard; `gate`, while clear, holds work back.

    An article that holds CRASH raises, one that holds SLOW takes until the deadline, one that holds STUCK minds no
    deadline, one that holds FRENCH is not English.
    """

    def __init__(self, targets: Sequence[str] = ("Armenia",), max_characters: int = 1_000_000) -> None:
        self.models = dict(MODELS)
        self.targets = tuple(targets)
        self.max_characters = max_characters
        self.calls: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.running = 0
        self.closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.closed = True

    def score_many(self, articles: Sequence[Article]) -> list[Record]:
        self.calls.append([article.id for article in articles])
        return [self.score(article) for article in articles]

    def score(self, article: Article, tasks: frozenset[str] = ALL, deadline: float | None = None) -> Record:
        self.running += 1
        try:
            self.gate.wait(10)
            return self._score(article, tasks, deadline)
        finally:
            self.running -= 1

    def _score(self, article: Article, tasks: frozenset[str], deadline: float | None) -> Record:
        text = article.text
        if "CRASH" in text:
            raise RuntimeError("the fake was told to crash")
        if "INTERNAL" in text:
            return Record.failed(article, Internal("the fake was told to fail"))
        if "STUCK" in text:
            time.sleep(300)
        if "SLOW" in text and deadline is not None:
            time.sleep(max(0.0, deadline - time.monotonic()))
            return Record.failed(article, TimedOut("the deadline passed"))
        if not text.strip():
            return Record.failed(article, EmptyText("`text` holds no visible character"))
        if len(text) > self.max_characters:
            return Record.failed(article, TooLarge(f"{len(text)} characters"))
        if "FRENCH" in text:
            return Record.failed(article, WrongLanguage("fr"))
        record = Record(id=article.id, meta=article.meta, language="en", models=self.models)
        if "topics" in tasks:
            scores = dict.fromkeys(TOPICS, 0.05) | {"talks": 0.9}
            record = record.with_(topic_probabilities=scores, topics=("talks",))
        if "stance" in tasks:
            targets = self.targets if article.targets is None else article.targets
            record = record.with_(stance=tuple(_stance(target, text) for target in targets))
        if "summary" in tasks:
            if len(text.split()) < 8:
                return record.with_(error=TooShort(f"{len(text.split())} words; a summary needs 8"))
            start = len(text) - len(text.lstrip())
            end = next((match.end() for match in re.finditer(r"[.!?](?=\s|$)", text)), len(text))
            sentence = SummarySentence(text[start:end], "extractive", 1.0, (Span(start, end),))
            record = record.with_(summary=Summary((sentence,)))
        return record


def _stance(target: str, text: str) -> Stance:
    at = text.find(target)
    if at < 0:
        return Stance(target, "absent")
    scores = {"favor": 0.1, "neutral": 0.7, "against": 0.2}
    return Stance(target, "neutral", scores, (Span(at, at + len(target)),))
