"""The application: routes, the page, the labels and the document. BentoML's part is in `service.app`."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from communique.labels import label_sets, topics_of
from communique.models import resolve
from communique.wire import encode
from service.articles import ENDPOINTS, Articles
from service.engine import Engine
from service.openapi import document
from service.problems import Problem, problem_response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request

    from communique.config import Settings
    from service.engine import Scores

__all__ = ["HEALTH_PATHS", "create_app", "methods_of"]

#: Answered by BentoML.
HEALTH_PATHS: Final = ("/livez", "/readyz", "/metrics")


def create_app(settings: Settings, open_pipeline: Callable[[], Scores]) -> Starlette:
    """The application; models load when it starts up. `app.state` has the engine and the admission."""
    engine = Engine(open_pipeline)
    articles = Articles(settings, engine)
    labels = encode(label_sets(topics_of(resolve("trunk", home=settings.home)), settings.targets))
    described = encode(document())
    page = (files("service") / "page.html").read_bytes()
    page_headers = {
        "Content-Security-Policy": _policy(page.decode("utf-8")),
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }

    async def answer_labels(_request: Request) -> Response:
        return Response(labels, media_type="application/json")

    async def answer_document(_request: Request) -> Response:
        return Response(described, media_type="application/json")

    async def answer_page(_request: Request) -> Response:
        return Response(page, headers=page_headers, media_type="text/html")

    def route(path: str, endpoint: Any) -> Route:
        async def answer_article(request: Request) -> Response:
            return await articles.answer(request, endpoint)

        return Route(path, answer_article, methods=["POST"])

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        engine.start()
        try:
            yield
        finally:
            articles.close()
            engine.close()

    app = Starlette(
        routes=[
            *(route(endpoint.path, endpoint) for endpoint in ENDPOINTS),
            Route("/v1/labels", answer_labels),
            Route("/docs.json", answer_document),
            Route("/", answer_page),
        ],
        exception_handlers={Problem: _answer_problem},
        lifespan=lifespan,
    )
    app.state.engine = engine
    app.state.admission = articles.admission
    return app


def methods_of(app: Starlette) -> dict[str, frozenset[str]]:
    """Path to the methods that it takes, BentoML's paths included."""
    own = {route.path: frozenset(route.methods or ()) for route in app.routes if isinstance(route, Route)}
    return {**own, **dict.fromkeys(HEALTH_PATHS, frozenset({"GET", "HEAD"}))}


async def _answer_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, Problem):
        raise TypeError(f"expected a Problem, got {type(error).__name__}")
    return problem_response(error, request.url.path, getattr(request.state, "request_id", ""))


def _policy(page: str) -> str:
    """Only the script and the style that stand in the page run in it, whatever an article holds."""

    def hashes(tag: str) -> str:
        found = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in found)
        return " ".join(f"'sha256-{digest}'" for digest in digests)

    return (
        f"default-src 'none'; script-src {hashes('script')}; style-src {hashes('style')}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
