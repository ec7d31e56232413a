"""When the service is full, loading, broken or closing: who is refused, how, and who is not."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from communique.config import Settings
from communique.errors import EngineDied, ModelMissing
from service.engine import open_pipeline
from service.front import Front
from service.web import create_app, methods_of
from tests.fakes import FakePipeline
from tests.service.asking import TEXT, check_problem, client_of, until

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from communique.record import Article, Record


def test_a_language_model_that_cannot_be_used_is_503_and_the_rest_is_answered(fake: FakePipeline) -> None:
    class Mute(FakePipeline):
        def score(self, article: Article, *more: Any, **named: Any) -> Record:
            if article.mode == "abstractive":
                raise ModelMissing("the model `summarizer` is not in the cache; run `communique models pull`")
            return super().score(article, *more, **named)

    client = client_of(Mute())
    for path in ("/v1/summarize", "/v1/analyze"):
        refused = client.post(path, json={"text": TEXT, "mode": "abstractive"})
        problem = check_problem(refused, 503, "language-model")
        assert "run `communique models pull`; the modes extractive and compressive" in problem["detail"]
        assert refused.headers["retry-after"] == "30"
        assert client.post(path, json={"text": TEXT}).status_code == 200
    client.__exit__(None, None, None)


def post_beside(client: TestClient, body: dict[str, Any], answers: list[Any]) -> threading.Thread:
    thread = threading.Thread(target=lambda: answers.append(client.post("/v1/analyze", json=body)))
    thread.start()
    return thread


def test_a_full_queue_answers_429_and_then_recovers() -> None:
    fake = FakePipeline()
    client = client_of(fake, concurrency=2, queue_size=1, deadline_seconds=10.0)
    fake.gate.clear()
    answers: list[Any] = []
    threads = [post_beside(client, {"text": TEXT}, answers) for _ in range(2)]
    until(lambda: fake.running == 2)
    threads.append(post_beside(client, {"text": TEXT}, answers))
    until(lambda: client.app_state["admission"].held == 3)
    refused = client.post("/v1/analyze", json={"text": TEXT})
    check_problem(refused, 429, "queue-full")
    assert int(refused.headers["retry-after"]) >= 1
    assert fake.running == 2, "one waits: no more than `concurrency` run at once"
    fake.gate.set()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 3
    assert client.post("/v1/analyze", json={"text": TEXT}).status_code == 200
    client.__exit__(None, None, None)


def test_past_the_deadline_is_504_and_work_that_waited_never_begins() -> None:
    fake = FakePipeline()
    client = client_of(fake, concurrency=1, queue_size=4, deadline_seconds=0.4)
    started = time.monotonic()
    check_problem(client.post("/v1/analyze", json={"text": "SLOW"}), 504, "timeout")
    assert time.monotonic() - started < 3
    fake.gate.clear()
    answers: list[Any] = []
    threads = [post_beside(client, {"text": TEXT}, answers) for _ in range(3)]
    for thread in threads:
        thread.join()
    for answer in answers:
        check_problem(answer, 504, "timeout")
    assert fake.running == 1, "what runs cannot be stopped from outside; the two that waited are gone"
    fake.gate.set()
    until(lambda: fake.running == 0)
    assert client.post("/v1/analyze", json={"text": TEXT}).status_code == 200
    client.__exit__(None, None, None)


def answered_by(app: ASGIApp) -> Any:
    """What the front makes of an application that misbehaves."""
    return TestClient(Front(app, {"/x": frozenset({"GET"})}), raise_server_exceptions=False).get("/x")


def test_the_front_answers_where_nothing_else_does(caplog: pytest.LogCaptureFixture) -> None:
    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        return

    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            raise RuntimeError("secret")

    async def failing_late(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await PlainTextResponse("oops", 500)(scope, receive, send)
            raise RuntimeError("secret")

    for app in (silent, failing, failing_late):
        check_problem(answered_by(app), 500)
    assert caplog.text.count("RuntimeError: secret") == 2
    assert "left without an answer" in caplog.text


@pytest.mark.parametrize("status", [404, 429, 500, 504])
def test_the_front_says_plain_errors_as_problems(status: int) -> None:
    problem = check_problem(answered_by(PlainTextResponse("in its own way", status)), status)
    assert "in its own way" not in json.dumps(problem)


def test_loading_and_failing_to_load_are_503() -> None:
    gate = threading.Event()

    def slow() -> FakePipeline:
        gate.wait(10)
        return FakePipeline()

    app = create_app(Settings(), slow)
    with TestClient(Front(app, methods_of(app))) as client:
        response = client.post("/v1/analyze", json={"text": TEXT})
        check_problem(response, 503, "loading")
        assert response.headers["retry-after"] == "2"
        gate.set()
        until(lambda: app.state.engine.ready)
        assert client.post("/v1/analyze", json={"text": TEXT}).status_code == 200


@pytest.mark.parametrize(("mode", "started"), [("abstractive", 1), ("auto", 0)])
@pytest.mark.parametrize("works", [True, False])
def test_the_language_model_starts_with_the_service_where_articles_are_written_by_it(
    monkeypatch: pytest.MonkeyPatch, mode: str, started: int, works: bool
) -> None:
    class Writing(FakePipeline):
        starts = 0

        def start_writer(self) -> None:
            self.starts += 1
            if not works:
                raise EngineDied("no memory")

    fake = Writing()
    monkeypatch.setattr("communique.pipeline.Pipeline.open", lambda _settings: fake)
    settings = Settings.load({"mode": mode}, {})
    app = create_app(settings, lambda: open_pipeline(settings))
    with TestClient(Front(app, methods_of(app))) as client:
        until(lambda: app.state.engine.ready)
        assert fake.starts == started
        assert client.post("/v1/analyze", json={"text": TEXT}).status_code == 200


def test_closing_closes_the_pipeline(fake: FakePipeline) -> None:
    client_of(fake).__exit__(None, None, None)
    assert fake.closed
