"""The pipeline of the service: opened beside the server, so that it answers that it lives while models load."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Protocol, Self

from communique.errors import CommuniqueError, EnvironmentFault
from service.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from communique.config import Settings
    from communique.record import Article, Record

__all__ = ["Engine", "Scores", "open_pipeline"]

log = logging.getLogger("communique.service")


class Scores(Protocol):
    """What the service needs of `communique.Pipeline`; thread-safe."""

    @property
    def models(self) -> Mapping[str, str]: ...
    def score(self, article: Article, tasks: frozenset[str] = ..., deadline: float | None = None) -> Record: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None: ...


def open_pipeline(settings: Settings) -> Scores:
    """Load the models; where articles are written by the language model unless they ask for less, begin to load it too.

    It takes several seconds in a process of its own. The service is ready before that, and also where it fails: the
    other modes do without it, and an article that asks for it is told.
    """
    from communique.pipeline import Pipeline

    pipeline = Pipeline.open(settings)
    if settings.mode == "abstractive":
        try:
            pipeline.start_writer()
        except EnvironmentFault as fault:
            log.error("the language model cannot be started: %s", fault)
    return pipeline


class Engine:
    """Opens the pipeline on a thread of its own.

    Args:
        open_pipeline: loads the models.
    """

    def __init__(self, open_pipeline: Callable[[], Scores]) -> None:
        self._open = open_pipeline
        self._pipeline: Scores | None = None
        self._failure = ""
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to load."""
        self._failure = ""
        self._thread = threading.Thread(target=self._load, name="load", daemon=True)
        self._thread.start()

    @property
    def ready(self) -> bool:
        return self._pipeline is not None

    def pipeline(self) -> Scores:
        """The pipeline.

        Raises:
            Problem: 503, while the models load or where they could not be loaded.
        """
        if self._pipeline is not None:
            return self._pipeline
        if self._failure:
            raise Problem(503, "environment", "The models could not be loaded", self._failure)
        raise Problem(503, "loading", "The models are being loaded", "try again in a moment", {"Retry-After": "2"})

    def close(self) -> None:
        """Wait until loading has ended, and close what was loaded."""
        if self._thread is not None:
            self._thread.join()
        if self._pipeline is not None:
            pipeline, self._pipeline = self._pipeline, None
            pipeline.__exit__(None, None, None)

    def _load(self) -> None:
        started = time.monotonic()
        try:
            self._pipeline = self._open().__enter__()
        except CommuniqueError as error:
            self._failure = str(error)
            log.error("the models could not be loaded: %s", error)
        except Exception as error:
            self._failure = f"{type(error).__name__}; the log holds the trace"
            log.exception("the models could not be loaded")
        else:
            models = ", ".join(dict.fromkeys(self._pipeline.models.values()))
            log.info("ready after %.1f s: %s", time.monotonic() - started, models)
