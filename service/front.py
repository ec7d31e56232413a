"""The outermost layer: request ids, and every error that leaves the service as a problem.

It stands before BentoML's own layers. They count each path that is asked for as a series of its own, so a path that
does not exist is answered here, and a scan of the ports of the world grows nothing; and what they say in text or HTML
(404, 405, 500, their 504) is said as `application/problem+json`.
"""

from __future__ import annotations

import logging
import re
import uuid
from typing import TYPE_CHECKING, Any, Final

from service.problems import MEDIA_TYPE, Problem, problem_response, status_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Front"]

log = logging.getLogger("communique.service")

_FAULT: Final = "a fault of ours; the log holds the trace under the request id"
_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


class Front:
    """Wraps the application.

    Args:
        app: what answers.
        methods: path to the methods that it takes, HEAD included.
        explain: a problem that says more than its status, by status and path, or None.
    """

    def __init__(
        self,
        app: ASGIApp,
        methods: Mapping[str, frozenset[str]],
        explain: Callable[[int, str], Problem | None] = lambda _status, _path: None,
    ) -> None:
        self._app = app
        self._methods = methods
        self._explain = explain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        path = scope["path"]
        answer = _Answer(scope, receive, send, request_id, self._explain)
        allowed = self._methods.get(path)
        if allowed is None:
            await answer.give(status_problem(404, f"there is nothing at {path}; /docs.json lists what there is"))
            return
        if scope["method"] not in allowed:
            listed = ", ".join(sorted(allowed))
            detail = f"{path} takes {listed}, not {scope['method']}"
            await answer.give(status_problem(405, detail, {"Allow": listed}))
            return
        scope.setdefault("state", {})["request_id"] = request_id
        try:
            await self._app(scope, receive, answer.send)
        except Exception:
            log.exception("request %s to %s failed", request_id, path)
            if answer.replaced:  # by a problem, whole, before the error came up to here
                return
            if answer.started:
                raise  # the connection breaks off: a half answer must not look whole
            await answer.give(status_problem(500, _FAULT))
        else:
            if not answer.started:  # BentoML's timeout does so when what it waited for had failed
                log.error("request %s to %s was left without an answer", request_id, path)
                await answer.give(status_problem(500, _FAULT))


class _Answer:
    """One answer on its way out."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        request_id: str,
        explain: Callable[[int, str], Problem | None],
    ) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._request_id = request_id
        self._explain = explain
        self.replaced = False
        self.started = False

    async def give(self, problem: Problem) -> None:
        """Answer with a problem."""
        response = problem_response(problem, self._scope["path"], self._request_id)
        await response(self._scope, self._receive, self._pass)

    async def send(self, message: Message) -> None:
        """Pass a message on, or replace an error that is no problem by one."""
        if self.replaced:
            return
        if message["type"] == "http.response.start" and message["status"] >= 400 and not _is_problem(message):
            self.replaced = True
            status = message["status"]
            await self.give(
                self._explain(status, self._scope["path"]) or status_problem(status, _FAULT * (status == 500))
            )
            return
        await self._pass(message)

    async def _pass(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            added = [(b"x-request-id", self._request_id.encode()), (b"x-content-type-options", b"nosniff")]
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        await self._send(message)


def _request_id(scope: Scope) -> str:
    """The client's, where it is short and plain; else one of ours."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return given.decode() if _ID.fullmatch(given) else uuid.uuid4().hex


def _is_problem(message: dict[str, Any] | Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(MEDIA_TYPE.encode()) for name, value in message["headers"]
    )
