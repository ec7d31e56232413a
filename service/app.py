"""The service as BentoML packages, runs and measures it.

The routes are a Starlette application mounted into the BentoML service rather than `@bentoml.api` methods: those are
POST only, answer errors in a form of their own, take a body of any length, report an invalid output as the client's
fault, and queue without bound. What BentoML gives stays BentoML's: packaging, worker, health, metrics, logs, traces.

    $ bentoml serve service.app:service
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import bentoml

from communique.config import Settings
from service.engine import open_pipeline
from service.front import Front
from service.image import container_image
from service.problems import Problem
from service.web import create_app, methods_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["service"]

#: Seconds beyond our own deadline before BentoML cuts a request off.
_MARGIN: Final = 30.0

# BentoML's worker lets the root logger speak from WARNING on; the one line that tells what was loaded is INFO.
logging.getLogger("communique").setLevel(logging.INFO)

_settings = Settings.load()


_app = create_app(_settings, lambda: open_pipeline(_settings))


def _explain(_status: int, path: str) -> Problem | None:
    """Why the service is not ready."""
    if path != "/readyz":
        return None
    try:
        _app.state.engine.pipeline()
    except Problem as problem:
        return problem
    return None


class FrontedService(bentoml.Service[Any]):  # type: ignore[misc]  # BentoML is not checked
    """A BentoML service whose outermost layer is ours."""

    def to_asgi(self, is_main: bool = True) -> ASGIApp:
        return Front(super().to_asgi(is_main=is_main), methods_of(_app), _explain)


class Communique:
    """Summaries of news articles that prove every sentence, topics, and stance toward the targets that you name."""

    def __is_ready__(self) -> bool:
        return bool(_app.state.engine.ready)


service = bentoml.service(
    name="communique",
    service_class=FrontedService,
    image=container_image(),
    # One worker: the models are in memory once, and the engine batches what comes together.
    workers=1,
    traffic={"timeout": _settings.deadline_seconds + _MARGIN},
)(bentoml.asgi_app(_app, path="/")(Communique))
