"""The engine's process: reads requests from its standard input, writes token ids to its standard output.

A line each way is one JSON object. It ends when its input ends, so no engine outlives the program that started it.
Between two steps, and only there, it looks at its input: OpenVINO's `step()` holds the interpreter lock, which is why
the engine has a process of its own.

In:   {settings}      once, first
      add {requests}  [{id, tokens, max_new_tokens, ignore_end, score_from}], which want the same; nothing else is
                      batched with them, so that the same requests give the same answers
      cancel {id}
Out:  ready {}, fatal {type, message}, done {id, tokens, logprobs}, failed {id, type, message}

`communique.lm.Generator` starts it; nobody needs to run it by hand.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from pathlib import Path
from typing import Any, Final

from communique.errors import CommuniqueError
from communique.lm.engine import Engine, open_runtime
from communique.lm.settings import EngineSettings

__all__ = ["Channel", "main", "serve"]

_READ: Final = 1 << 20


class Channel:
    """Messages over two file descriptors, a line of JSON each."""

    def __init__(self, source: int, sink: int) -> None:
        self._source, self._sink = source, sink
        self._buffer = bytearray()

    def send(self, message: dict[str, Any]) -> None:
        """Write one message, all of it."""
        data = memoryview(json.dumps(message, separators=(",", ":")).encode() + b"\n")
        while data:
            data = data[os.write(self._sink, data) :]

    def receive(self, *, wait: bool) -> list[dict[str, Any]] | None:
        """The messages that have come, at least one if it may `wait`; None when the input has ended."""
        while wait or select.select([self._source], [], [], 0)[0]:
            block = os.read(self._source, _READ)
            if not block:
                return None
            self._buffer += block
            wait = wait and b"\n" not in self._buffer
        whole, newline, _ = self._buffer.rpartition(b"\n")
        del self._buffer[: len(whole) + len(newline)]
        return [json.loads(line) for line in whole.splitlines()]


def serve(channel: Channel) -> int:
    """Serve until the input ends. The exit status is 1 when the engine could not be opened."""
    first = channel.receive(wait=True)
    if first is None:
        return 0
    given = first[0]["settings"]
    paths = {name: Path(given[name]) for name in ("folder", "home") if given[name]}
    try:
        engine = Engine(open_runtime(EngineSettings(**given | paths)), channel.send)
    except (CommuniqueError, OSError, RuntimeError, ImportError) as error:
        kind = type(error).__name__ if isinstance(error, CommuniqueError) else "EngineDied"
        channel.send({"event": "fatal", "type": kind, "message": str(error)})
        return 1
    channel.send({"event": "ready"})
    messages: list[dict[str, Any]] | None = first[1:]
    while messages is not None:
        for message in messages:
            engine.handle(message)
        if engine.busy:
            engine.advance()
        messages = channel.receive(wait=not engine.busy)
    return 0


def main() -> None:
    """Serve on standard input and output, then end without taking the runtime apart, which takes its time."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program that started this one
    sink = os.dup(1)
    os.dup2(2, 1)  # what libraries print must not get among the messages
    code = serve(Channel(0, sink))
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
