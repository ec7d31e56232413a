"""The three endpoints that take one article: its summary, its topics and stances, or all of it."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from communique.errors import EnvironmentFault, ItemError
from communique.record import Article
from communique.wire import decode, encode
from service.admission import Admission, Busy, Late
from service.bodies import Bodies
from service.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from communique.config import Settings
    from communique.record import Record
    from service.engine import Engine

__all__ = ["ENDPOINTS", "Articles", "Endpoint"]

log = logging.getLogger("communique.service")

_COMMON: Final = ("schema_version", "id", "meta", "removed", "language", "truncated", "models")

#: Seconds after the deadline that work, which watches the deadline too, is waited for, so that its own answer is heard.
_GRACE: Final = 0.25

#: Seconds after which to ask again for what the language model could not write.
_REPAIR: Final = 30


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What one endpoint computes, and which members of the record it answers with."""

    path: str
    summary: str
    tasks: frozenset[str]
    members: tuple[str, ...]


ENDPOINTS: Final = (
    Endpoint(
        "/v1/summarize",
        "The summary of one article, each sentence with its evidence",
        frozenset({"summary"}),
        (*_COMMON, "summary"),
    ),
    Endpoint(
        "/v1/classify",
        "The topics of one article, and its stance toward each target",
        frozenset({"topics", "stance"}),
        (*_COMMON, "topics", "topic_probabilities", "stance"),
    ),
    Endpoint(
        "/v1/analyze",
        "The whole record of one article: summary, topics and stance",
        frozenset({"summary", "topics", "stance"}),
        (*_COMMON, "summary", "topics", "topic_probabilities", "stance", "duplicate_of", "error"),
    ),
)


class Articles:
    """Answers the endpoints."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings = settings
        self._engine = engine
        self.admission = Admission(settings.concurrency, settings.queue_size)
        most = settings.concurrency + settings.queue_size
        self._bodies = Bodies(settings.max_body_bytes, room=most * settings.max_body_bytes)

    def close(self) -> None:
        """Wait for the work that runs."""
        self.admission.close()

    async def answer(self, request: Request, endpoint: Endpoint) -> Response:
        """The record of the article in the body, or the members of it that the endpoint gives.

        Raises:
            Problem: whatever else.
        """
        deadline = time.monotonic() + self._settings.deadline_seconds
        self._engine.pipeline()
        try:
            self.admission.check()  # where nobody is let in, no body is read
            body = await self._bodies.read(request, deadline)
            with self.admission.ticket() as ticket:
                answer = await ticket.run(
                    lambda: self._work(body, endpoint, deadline), deadline + _GRACE, lambda: _watch(request)
                )
        except Busy as busy:
            detail = f"{busy}; at most {self._settings.concurrency + self._settings.queue_size} requests are let in"
            headers = {"Retry-After": str(busy.retry_after)}
            raise Problem(429, "queue-full", "Too many requests at once", detail, headers) from None
        except Late:
            raise _late(self._settings.deadline_seconds) from None
        return Response(answer, media_type="application/json")  # nobody hears it where the client has gone

    def _work(self, body: bytes, endpoint: Endpoint, deadline: float) -> bytes:
        """On a thread: decode, score, encode."""
        if time.monotonic() >= deadline:
            raise Late
        try:
            article = Article.from_dict(decode(body), default_id="1")
        except ItemError as error:
            raise Problem.of_item(error) from None
        try:
            record = self._engine.pipeline().score(article, tasks=endpoint.tasks, deadline=deadline)
        except EnvironmentFault as fault:
            raise _unwritten(fault) from None
        if record.error is not None and not _still_useful(record, endpoint):
            if record.error.type == "timeout":
                raise Late
            raise Problem.of_item(record.error)
        form = record.as_dict()
        return encode({name: form[name] for name in form if name in endpoint.members})


def _still_useful(record: Record, endpoint: Endpoint) -> bool:
    """Whether topics and stance are given beside the error, and the answer has a place to tell of it."""
    return "error" in endpoint.members and bool(record.topics)


def _late(seconds: float) -> Problem:
    detail = f"the request took longer than {seconds:g} s and was stopped; ask for mode extractive, or send less"
    return Problem(504, "timeout", "The deadline passed", detail)


def _unwritten(fault: EnvironmentFault) -> Problem:
    """The pipeline stands, so what failed is the language model, which is loaded when an article asks for it."""
    log.error("the language model cannot be used: %s", fault)
    detail = f"{fault}; the modes extractive and compressive do without it"
    headers = {"Retry-After": str(_REPAIR)}
    return Problem(503, "language-model", "The language model cannot be used", detail, headers)


def _watch(request: Request) -> asyncio.Task[None]:
    """A task that ends when the client has gone. The body is read, so nothing else is to come."""

    async def gone() -> None:
        message: Mapping[str, Any] = {}
        while message.get("type") != "http.disconnect":
            message = await request.receive()

    return asyncio.create_task(gone())
