"""A child process that speaks lines of JSON on its standard input and output, without ever blocking its owner.

Any thread may `send`; one thread calls `exchange` in a loop. It knows nothing of what the messages mean.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ChildProcess"]

_READ: Final = 1 << 20


class ChildProcess:
    """Starts `command`. `began` is when, on the clock of `time.monotonic()`."""

    def __init__(self, command: Sequence[str]) -> None:
        package = str(Path(__file__).parents[2])
        path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": path}
        )
        assert self._process.stdin
        assert self._process.stdout
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._wake_out, self._wake_in = os.pipe()
        for handle in (self._stdin.fileno(), self._stdout.fileno(), self._wake_out, self._wake_in):
            os.set_blocking(handle, False)
        self._lock = threading.Lock()
        self._outbox: deque[bytes] = deque()
        self._inbox = bytearray()
        self._ending = self._released = False
        self.pid = self._process.pid
        self.began = time.monotonic()

    def send(self, message: dict[str, Any]) -> None:
        """Queue a message; it is written by the thread that is in `exchange`."""
        with self._lock:
            self._outbox.append(json.dumps(message, separators=(",", ":")).encode() + b"\n")
        self.wake()

    def wake(self) -> None:
        """Let `exchange` return early."""
        with self._lock, contextlib.suppress(BlockingIOError):  # a full pipe is reason enough to wake
            if not self._released:
                os.write(self._wake_in, b"\0")

    def exchange(self, timeout: float | None) -> list[dict[str, Any]] | None:
        """Write what is queued and return the messages that came, maybe none; None when the process has ended."""
        if self._ending and not self._stdin.closed:
            with contextlib.suppress(OSError):
                self._stdin.close()
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_out, selectors.EVENT_READ)
            selector.register(self._stdout, selectors.EVENT_READ)
            if self._outbox and not self._stdin.closed:
                selector.register(self._stdin, selectors.EVENT_WRITE)
            ready = {key.fileobj for key, _ in selector.select(timeout)}
        if self._wake_out in ready:
            _read(self._wake_out)
        if self._stdin in ready and not self._write():
            return None
        block = _read(self._stdout.fileno()) if self._stdout in ready else None
        if block == b"":
            return None
        self._inbox += block or b""
        whole, newline, _ = self._inbox.rpartition(b"\n")
        del self._inbox[: len(whole) + len(newline)]
        return [json.loads(line) for line in whole.splitlines()]

    def kill(self) -> None:
        """End it at once; `exchange` then returns None."""
        self._process.kill()

    def end(self, seconds: float = 2.0) -> None:
        """Let `exchange` close its input, upon which it should end; after `seconds` insist."""
        self._ending = True
        self.wake()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def bury(self) -> str:
        """Make sure that it has ended, give back what it held, and say how it ended (empty when asked again)."""
        self._process.kill()
        status = self._process.wait()
        with self._lock:
            if self._released:
                return ""
            self._released = True
            for stream in (self._stdin, self._stdout):
                with contextlib.suppress(OSError):  # what was still to be written has no reader any more
                    stream.close()
            os.close(self._wake_in)
            os.close(self._wake_out)
        return f"exit status {status}" if status >= 0 else f"signal {-status}"

    def _write(self) -> bool:
        """Write until the pipe is full; False when nobody reads it any more."""
        with self._lock:
            while self._outbox:
                try:
                    count = os.write(self._stdin.fileno(), self._outbox[0])
                except BlockingIOError:
                    return True
                except BrokenPipeError:
                    return False
                rest = self._outbox.popleft()[count:]
                if rest:
                    self._outbox.appendleft(rest)
        return True


def _read(handle: int) -> bytes | None:
    """What has come; empty at the end, None when nothing has come."""
    try:
        return os.read(handle, _READ)
    except BlockingIOError:
        return None
