"""What answers: the library in process, a running service, a records file, or a summarizer by path or hub name.

Every system takes articles and gives records in the JSON form, in order, one each. It knows nothing of references.

    registry                    the library with the models that the registry pins
    writer                      the registry's language model alone, nothing proven; summaries only
    http://127.0.0.1:3000       a running service, through POST /v1/analyze
    records.jsonl               what `communique score` wrote
    ./checkpoint, name/model    a transformers model, causal or sequence-to-sequence; summaries only
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from communique.errors import EnvironmentFault, UsageError
from eval.references import read_jsonl
from eval.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from communique.document import Document
    from communique.record import Article


__all__ = ["Answers", "Record", "System", "failed", "open_system", "opened", "unproven"]

#: A record in its JSON form (`communique/schemas/record.schema.json`).
Record = dict[str, Any]

#: Requests that are under way at once toward a service.
CONCURRENCY: Final = 8
#: Articles that the library scores together.
SHARD: Final = 16
TIMEOUT_S: Final = 120.0
#: Words of what the language model writes alone, at most and at least.
_WORDS: Final = (60, 35)


@dataclass(frozen=True, slots=True)
class System:
    """`score` gives a record an article, in order.

    Attributes:
        check: support in [0, 1] of each sentence by an article; None where the system cannot be asked.
        clean: the article proper of a page; None where the system cannot be asked.
        summaries_only: it knows neither topics nor stance.
    """

    name: str
    score: Callable[[Sequence[Article]], Iterator[Record]]
    check: Callable[[Article, Sequence[str]], list[float]] | None = None
    clean: Callable[[Article], Document] | None = None
    summaries_only: bool = False
    close: Callable[[], None] = field(default=lambda: None)


class Answers:
    """Records of a system, each article asked once however many suites need it."""

    def __init__(self, system: System, advance: Callable[[str], None] = lambda _: None) -> None:
        self.system = system
        self.models: dict[str, str] = {}
        self._advance = advance
        self._known: dict[tuple[Any, ...], Record] = {}

    def of(self, articles: Iterable[Article]) -> list[Record]:
        """The records of the articles, in order.

        Raises:
            EnvironmentFault: the system gave another number of records than it got articles.
        """
        wanted = list(articles)
        missing = [a for a in {_key(a): a for a in wanted}.values() if _key(a) not in self._known]
        count = 0
        for article, record in zip(missing, self.system.score(missing), strict=False):
            self._known[_key(article)] = record
            self.models.update(record.get("models") or {})
            self._advance(article.id)
            count += 1
        if count != len(missing):
            raise EnvironmentFault(f"{self.system.name} was given {len(missing)} articles and gave {count} records")
        return [self._known[_key(article)] for article in wanted]


def open_system(spec: str, *, device: str = "cpu", settings: Any = None) -> System:
    """The system that a `--model` names.

    Raises:
        UsageError: nothing answers to that name.
    """
    if spec == "registry":
        return _pipeline(settings)
    if spec == "writer":
        return _writer(settings)
    if spec.startswith(("http://", "https://")):
        return _service(spec.rstrip("/"))
    path = Path(spec)
    if path.suffix == ".jsonl":
        return _records(path)
    if (path / "config.json").is_file() or (not path.exists() and spec.count("/") == 1):
        from eval.transformer import open_transformer

        return open_transformer(spec, device)
    raise UsageError(
        f"--model {spec}: no such model. Allowed: registry, writer, a service's URL, a .jsonl of records, a folder "
        "with a config.json, or a hub name such as owner/model"
    )


def _key(article: Article) -> tuple[Any, ...]:
    return (article.text, article.title, article.format, article.targets, article.max_words, article.mode)


def _pipeline(settings: Any) -> System:
    from communique.pipeline import Pipeline

    stack = ExitStack()
    pipeline = stack.enter_context(Pipeline.open(settings))

    def score(articles: Sequence[Article]) -> Iterator[Record]:
        for at in range(0, len(articles), SHARD):
            for record in pipeline.score_many(articles[at : at + SHARD]):
                yield record.as_dict()

    def check(article: Article, claims: Sequence[str]) -> list[float]:
        return [verdict.support for verdict in pipeline.checker.check(claims, pipeline.read(article).document)]

    def clean(article: Article) -> Document:
        return pipeline.read(article).document

    return System("communique", score, check, clean, close=stack.close)


def _writer(settings: Any) -> System:
    """The language model alone: all that it wrote competes, unproven, and nothing else does."""
    from communique.pipeline import Pipeline
    from communique.summary import Draft, Summariser, Writer
    from communique.summary.selection import Proven, candidates, choose

    stack = ExitStack()
    pipeline = stack.enter_context(Pipeline.open(settings))
    summariser = Summariser(pipeline.checker, 0.0)
    writer = Writer.open(pipeline.settings)
    stack.callback(writer.close)

    def score(articles: Sequence[Article]) -> Iterator[Record]:
        for reading in map(pipeline.read, articles):
            title, texts = reading.document.title, [sentence.text for sentence in reading.document.sentences]
            salience = reading.salience()
            numbers = summariser.sources(reading.document, salience)
            written = writer.write([(title, [texts[number]]) for number in numbers])
            drafts = [Proven(Draft(number, text), 1.0) for number, text in zip(numbers, written, strict=True) if text]
            choice = choose(candidates([], texts, salience, drafts), *_WORDS)
            yield unproven(
                reading.document.article.id, " ".join(one.form.text for one in choice.candidates), writer.name
            )

    return System("writer", score, summaries_only=True, close=stack.close)


def _records(path: Path) -> System:
    known = {str(record["id"]): record for _, record in read_jsonl(path)}

    def score(articles: Sequence[Article]) -> Iterator[Record]:
        for article in articles:
            if article.id not in known:
                raise UsageError(f"{path} has no record of {article.id!r}; controls and other modes need a model")
            yield known[article.id]

    return System(path.stem, score)


def _service(url: str) -> System:
    import httpx

    client = httpx.Client(base_url=url, timeout=TIMEOUT_S)
    try:
        client.get("/livez").raise_for_status()
    except httpx.HTTPError as error:
        client.close()
        raise EnvironmentFault(f"no service answers at {url}/livez ({error}); start one with `make serve`") from error

    def ask(article: Article) -> Record:
        body = {
            "id": article.id, "text": article.text, "title": article.title, "format": article.format,
            "mode": article.mode, "max_words": article.max_words,
            "targets": None if article.targets is None else list(article.targets), **article.meta,
        }  # fmt: skip
        try:
            response = client.post("/v1/analyze", json={k: v for k, v in body.items() if v is not None})
            answer: dict[str, Any] = response.json()
        except (httpx.HTTPError, json.JSONDecodeError) as error:
            raise EnvironmentFault(f"{url}/v1/analyze failed on article {article.id!r}: {error}") from error
        if response.status_code == 200:
            return answer
        if response.status_code == 422:
            return failed(article.id, str(answer.get("type", "")).rsplit("/", 1)[-1], str(answer.get("detail", "")))
        raise EnvironmentFault(f"{url}/v1/analyze answered {response.status_code} on article {article.id!r}: {answer}")

    def score(articles: Sequence[Article]) -> Iterator[Record]:
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            yield from pool.map(ask, articles)

    return System(url, score, close=client.close)


def failed(identifier: str, kind: str, detail: str) -> Record:
    """The record of an article that a service would not score."""
    return {
        "id": identifier, "summary": None, "topics": [], "topic_probabilities": {}, "stance": [], "removed": [],
        "models": {}, "error": {"type": kind, "title": kind, "detail": detail},
    }  # fmt: skip


def unproven(identifier: str, text: str, model: str) -> Record:
    """The record of a summary that somebody wrote and nobody proved."""
    written = [{"text": s, "mode": "abstractive", "support": 0.0, "evidence": []} for s in sentences(text)]
    summary = {"text": text, "mode": "abstractive", "words": len(text.split()), "sentences": written} if text else None
    return {
        "id": identifier, "summary": summary, "topics": [], "topic_probabilities": {}, "stance": [], "removed": [],
        "models": {"summarizer": model}, "error": None,
    }  # fmt: skip


@contextmanager
def opened(spec: str, *, device: str = "cpu", settings: Any = None) -> Iterator[System]:
    """`open_system`, closed at the end."""
    system = open_system(spec, device=device, settings=settings)
    try:
        yield system
    finally:
        system.close()
