"""The real application with a fake pipeline, and what an answer that refuses must hold."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from starlette.testclient import TestClient

from communique.config import Settings
from service.front import Front
from service.problems import TYPE_BASE
from service.web import create_app, methods_of

if TYPE_CHECKING:
    from tests.fakes import FakePipeline

TEXT = "Armenia said on Tuesday that the talks would go on in the city. Nothing else was said there."
JSON = {"Content-Type": "application/json"}
ARTICLES = ("/v1/summarize", "/v1/classify", "/v1/analyze")


def client_of(fake: FakePipeline, **settings: Any) -> TestClient:
    app = create_app(Settings(**settings), lambda: fake)
    client = TestClient(Front(app, methods_of(app)), raise_server_exceptions=False)
    client.app_state.update(app.state._state)
    client.__enter__()
    # The front passes lifespan on; wait until the pipeline, which opens beside, is there.
    until(lambda: app.state.engine.ready)
    return client


def until(condition: Any) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def check_problem(response: Any, status: int, kind: str | None = None) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["instance"] == response.request.url.path
    assert problem["request_id"] == response.headers["x-request-id"]
    assert problem["title"]
    assert problem["detail"]
    assert problem["type"] == (TYPE_BASE + kind if kind else "about:blank")
    return problem
