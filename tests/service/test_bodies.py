"""Bodies on their way in: too long, too slow, too many."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from communique.config import Settings
from service.admission import Busy
from service.bodies import Bodies
from service.front import Front
from service.problems import TYPE_BASE, Problem
from service.web import create_app, methods_of
from tests.service.asking import JSON, TEXT, check_problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.testclient import TestClient
    from starlette.types import Message, Receive

    from tests.fakes import FakePipeline


async def talk(app: Any, receive: Receive, said: list[Message]) -> None:
    """An article is sent by `receive`, message by message. The test client would read the body whole beforehand."""

    async def send(message: Message) -> None:
        said.append(message)

    if app.state.engine._thread is None:
        app.state.engine.start()
    while not app.state.engine.ready:
        await asyncio.sleep(0.01)
    path = "/v1/analyze"
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    await Front(app, methods_of(app))(scope, receive, send)


def parts(*blocks: bytes, whole: bool = True) -> Receive:
    """A body in parts; after the last of one that is not whole nothing comes any more."""
    left = list(blocks)

    async def receive() -> Message:
        if not left:
            await asyncio.Event().wait()
        block = left.pop(0)
        return {"type": "http.request", "body": block, "more_body": bool(left) or not whole}

    return receive


def test_body_limit_holds_while_the_body_streams_in(fake: FakePipeline) -> None:
    """Without a Content-Length only counting can stop it."""
    app = create_app(Settings(max_body_bytes=1 << 20), lambda: fake)
    block, sent = b" " * (1 << 20), 0
    said: list[Message] = []

    async def receive() -> Message:
        nonlocal sent
        sent += len(block)
        return {"type": "http.request", "body": block, "more_body": True}

    asyncio.run(talk(app, receive, said))
    assert said[0]["status"] == 413
    assert json.loads(said[1]["body"])["type"] == TYPE_BASE + "too-large"
    assert sent <= 70 << 20


def test_bodies_that_come_slowly_keep_nobody_else_out(fake: FakePipeline) -> None:
    app = create_app(Settings(concurrency=1, queue_size=0, deadline_seconds=2.0), lambda: fake)
    slow: list[list[Message]] = [[], [], []]
    quick: list[Message] = []

    async def scenario() -> None:
        held = [asyncio.create_task(talk(app, parts(b"{", whole=False), said)) for said in slow]
        await asyncio.sleep(0.2)
        await talk(app, parts(b'{"text": "', TEXT.encode(), b'"}'), quick)
        assert not any(task.done() for task in held)
        await asyncio.gather(*held)

    asyncio.run(scenario())
    assert quick[0]["status"] == 200
    for said in slow:
        assert said[0]["status"] == 408
        assert json.loads(said[1]["body"])["type"] == TYPE_BASE + "slow-body"


class Sent:
    """A request of which `Bodies` sees the headers and the stream."""

    def __init__(self, *blocks: bytes, whole: bool = True) -> None:
        self.headers = {"content-type": "application/json"}
        self._blocks, self._whole = blocks, whole

    async def stream(self) -> AsyncIterator[bytes]:
        for block in self._blocks:
            yield block
        if not self._whole:
            await asyncio.Event().wait()


def test_bodies_on_their_way_in_share_a_room_and_have_seconds() -> None:
    async def scenario() -> None:
        bodies = Bodies(limit=1000, room=1500, seconds=0.3)
        soon = time.monotonic() + 60
        slow: Any = Sent(b"x" * 1000, whole=False)
        first = asyncio.create_task(bodies.read(slow, soon))
        await asyncio.sleep(0.05)
        assert bodies.held == 1000
        second: Any = Sent(b"x" * 400, b"x" * 200)
        with pytest.raises(Busy):
            await bodies.read(second, soon)
        assert bodies.held == 1000
        long: Any = Sent(b"x" * 400, b"x" * 900)
        with pytest.raises(Problem, match="longer than 1,000 bytes"):
            await bodies.read(long, soon)
        with pytest.raises(Problem, match=r"not whole 0\.3 s after") as refused:
            await first
        assert refused.value.status == 408
        assert await bodies.read(second, soon) == b"x" * 600
        assert bodies.held == 0

    asyncio.run(scenario())


def test_a_declared_length_over_all_patience_is_refused_unread(client: TestClient) -> None:
    declared = {**JSON, "Content-Length": str(1 << 40)}
    check_problem(client.post("/v1/analyze", content=b"{}", headers=declared), 413, "too-large")


def test_a_limit_over_the_patience_holds_too() -> None:
    async def scenario() -> None:
        bodies = Bodies(limit=66 << 20, room=1 << 30)
        whole: Any = Sent(*[b"x" * (1 << 20)] * 66)
        assert len(await bodies.read(whole, time.monotonic() + 60)) == 66 << 20
        declared: Any = Sent(b"x")
        declared.headers["content-length"] = str(66 << 20)
        assert await bodies.read(declared, time.monotonic() + 60) == b"x"

    asyncio.run(scenario())
