"""What waits and what is in work: admits requests to a runtime, computes a step, reports what came of it.

Token ids in, token ids out; it knows nothing of text, of any runtime, or of the process it runs in
(`communique/lm/worker.py`, which also says what the messages are).
"""

from __future__ import annotations

import sys
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from communique.lm.device import choose_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from communique.lm.settings import EngineSettings

__all__ = ["Engine", "EngineRequest", "Runtime", "failure", "open_runtime"]


@dataclass(frozen=True, slots=True, eq=False)
class EngineRequest:
    """One prompt. With `score_from`, the tokens from there on are scored; `max_new_tokens` is 0 then."""

    id: int
    tokens: list[int]
    max_new_tokens: int
    ignore_end: bool
    score_from: int | None


class Runtime(Protocol):
    """What computes. All methods are called from one thread; each returns messages for the other side."""

    context: int
    """Tokens of a prompt and its answer together at most, of either where `encoder_decoder`."""
    encoder_decoder: bool
    room: int
    """Tokens that there is memory for: of a prompt and its answer together at most."""

    def start(self, requests: Sequence[EngineRequest]) -> Iterable[dict[str, Any]]:
        """Take a batch into work, all in one step; `failed` for those that it cannot take.

        All of them want the same, and nothing else is in work.
        """

    def stop(self, request: EngineRequest) -> None:
        """Let go of a request in work: nothing more is said of it."""

    def step(self) -> Iterable[dict[str, Any]]:
        """Compute, for a moment, and say what came of it: `done`, `failed`."""


class Engine:
    """A runtime with what waits for it and what is in work.

    Args:
        runtime: computes.
        send: is called with each message to the other side.
    """

    def __init__(self, runtime: Runtime, send: Callable[[dict[str, Any]], None]) -> None:
        self._runtime = runtime
        self._send = send
        self._waiting: deque[list[EngineRequest]] = deque()
        self._running: dict[int, EngineRequest] = {}

    @property
    def busy(self) -> bool:
        return bool(self._waiting or self._running)

    def handle(self, message: dict[str, Any]) -> None:
        """Take in one message."""
        if message["op"] == "add":
            self._waiting.append([EngineRequest(**item) for item in message["requests"]])
        elif message["op"] == "cancel":
            self._cancel(int(message["id"]))

    def advance(self) -> None:
        """Admit what may run, compute one step, and report what came of it."""
        self._admit()
        if self._running:
            self._report(self._runtime.step())

    def _admit(self) -> None:
        """First come, first served: a batch waits until the one before it is done."""
        while self._waiting and not self._running:
            fitting = [request for request in self._waiting.popleft() if self._fits(request)]
            self._running.update((request.id, request) for request in fitting)
            if fitting:
                self._report(self._runtime.start(fitting))

    def _fits(self, request: EngineRequest) -> bool:
        count, new = len(request.tokens), request.max_new_tokens
        length = max(count, new) if self._runtime.encoder_decoder else count + new
        if count and length <= self._runtime.context and count + new <= self._runtime.room:
            return True
        allowed = min(self._runtime.context, self._runtime.room)
        message = f"{count:,} tokens of prompt and {new:,} new ones; allowed are 1 to {allowed:,} tokens together"
        self._send(failure(request.id, "invalid", message))
        return False

    def _report(self, messages: Iterable[dict[str, Any]]) -> None:
        for message in messages:
            del self._running[message["id"]]
            self._send(message)

    def _cancel(self, id_: int) -> None:
        for requests in self._waiting:
            requests[:] = [request for request in requests if request.id != id_]
        if id_ in self._running:
            self._runtime.stop(self._running.pop(id_))


def open_runtime(settings: EngineSettings) -> Runtime:
    """The runtime that the settings ask for, or that this machine is best at; which one and why is logged.

    Raises:
        EnvironmentFault: its libraries or its model are missing.
    """
    name, why = choose_engine(settings.engine)
    if name == "torch":
        from communique.lm.torch_runtime import TorchRuntime

        return TorchRuntime(settings, why)
    from communique.lm.openvino_runtime import OpenVinoRuntime

    print(f"communique: the language model runs in openvino ({why})", file=sys.stderr)
    return OpenVinoRuntime(settings)


def failure(id_: int, type_: str, message: str) -> dict[str, Any]:
    """The message that a request came to nothing. `type_`: `invalid` for a fault of the request, or `memory`."""
    return {"event": "failed", "id": id_, "type": type_, "message": message}
