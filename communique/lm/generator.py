"""Generation from any thread: starts the engine's process, hands it prompts, and gives back completions.

Token ids in, token ids out. The process starts with the first request, or with `start()`, and loads while nobody waits.
What is handed in together runs together and by itself, so that the same batch gives the same answers; batches run one
after the other. When the process dies it is started again and each request in work gets one more try; when it died
twice before it was ready, requests are refused for half a minute, and then it is tried again.

    >>> with Generator() as generator:                                    # doctest: +SKIP
    ...     [job] = generator.submit_batch([prompt], 90, deadline=time.monotonic() + 5)
    ...     completion = job.result()
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from communique import errors
from communique.errors import CommuniqueError, EngineDied, EnvironmentFault, TimedOut, UsageError
from communique.lm.job import Completion, Job, Request
from communique.lm.process import ChildProcess
from communique.lm.settings import EngineSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Generator"]

#: How often the process may end under one request, or before it was ready, until that is given up.
_TRIES: Final = 2
#: Seconds from there until the process is tried again: what was wrong (memory, a disk) may have passed.
_PAUSE: Final = 30.0
_MOST_NEW_TOKENS: Final = 8192


class Generator:
    """The language model. Close it, or use it in a `with` statement.

    Args:
        settings: of the engine.
        command: starts another process that speaks the protocol of `communique/lm/worker.py`.
        clock: seconds, by which a process that cannot start is given a pause.
    """

    def __init__(
        self,
        settings: EngineSettings | None = None,
        *,
        command: Sequence[str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings or EngineSettings()
        self._clock = clock
        self._command = list(command or (sys.executable, "-m", "communique.lm.worker"))
        self._lock = threading.RLock()
        self._ids = itertools.count(1)
        self._process: ChildProcess | None = None
        self._pump: threading.Thread | None = None
        self._open: dict[int, Request] = {}
        self._batches: list[list[Request]] = []
        self._ready = threading.Event()
        self._failed_starts = 0
        self._refused = False  # the process said why it cannot start: trying again may help, later
        self._dead = ""  # why the process is not started, until `_resume`
        self._resume = 0.0
        self._closed = False

    def __enter__(self) -> Generator:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def ready(self) -> bool:
        """Whether the model is loaded."""
        return self._ready.is_set()

    @property
    def pid(self) -> int | None:
        """The engine's process, for measurements."""
        with self._lock:
            return self._process.pid if self._process else None

    def start(self) -> None:
        """Begin to load the model, and return at once.

        Raises:
            EngineDied: the process cannot be started, or died twice before it was ready less than half a minute ago.
            UsageError: the generator is closed.
        """
        with self._lock:
            if self._closed:
                raise UsageError("the generator is closed")
            if self._dead and self._clock() < self._resume:
                raise EngineDied(f"{self._dead}; it is tried again after {_PAUSE:g} s")
            self._dead = ""
            if self._process is None:
                process = self._spawn()
                self._pump = threading.Thread(target=self._run, args=(process,), name="communique-engine", daemon=True)
                self._pump.start()

    def submit_batch(
        self,
        prompts: Sequence[Sequence[int]],
        max_new_tokens: int,
        *,
        ignore_end: bool = False,
        deadline: float | None = None,
    ) -> list[Job]:
        """Hand in prompts that run together and by themselves, so that the same batch gives the same answers.

        A request that fails leaves the others unharmed.

        Args:
            prompts: token ids.
            max_new_tokens: tokens to write of each at most.
            ignore_end: write `max_new_tokens` whatever the model says: for measurements.
            deadline: on the clock of `time.monotonic()`.

        Raises:
            UsageError: an empty prompt, or `max_new_tokens` outside its range.
            EnvironmentFault: the process cannot start.
        """
        if not 1 <= max_new_tokens <= _MOST_NEW_TOKENS:
            raise UsageError(f"`max_new_tokens` must be from 1 to {_MOST_NEW_TOKENS:,}; got {max_new_tokens!r}")
        return self._add([(prompt, None) for prompt in prompts], max_new_tokens, ignore_end, deadline)

    def generate(
        self, prompts: Sequence[Sequence[int]], max_new_tokens: int, *, ignore_end: bool = False
    ) -> list[Completion]:
        """The completions of a batch that runs by itself, in order.

        Raises:
            UsageError, EnvironmentFault: of the first request that failed; the others are stopped.
        """
        return _results(self.submit_batch(prompts, max_new_tokens, ignore_end=ignore_end))

    def score(self, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> list[tuple[float, ...]]:
        """For each (prompt, continuation) the natural log-probability of each token of the continuation.

        No token is written. A pair costs what reading it costs, and about 200 kB of memory a token.
        """
        items = [((*prompt, *continuation), len(prompt)) for prompt, continuation in pairs]
        return [completion.logprobs for completion in _results(self._add(items))]

    def close(self) -> None:
        """Stop all work and end the process. What is not done is cancelled."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            requests = list(self._open.values())
            process, pump = self._process, self._pump
        for request in requests:
            request.job.cancel()
        if process is not None:
            process.end()
        if pump is not None and pump is not threading.current_thread():
            pump.join()

    def _add(
        self,
        items: Sequence[tuple[Sequence[int], int | None]],
        max_new_tokens: int = 0,
        ignore_end: bool = False,
        deadline: float | None = None,
    ) -> list[Job]:
        """Hand in (prompt, index of the first token to be scored)."""
        requests = []
        for prompt, score_from in items:
            if not prompt:
                raise UsageError("a prompt needs at least one token")
            id_ = next(self._ids)
            job = Job(lambda id_=id_: self._cancel(id_))  # type: ignore[misc]
            requests.append(Request(id_, job, tuple(prompt), max_new_tokens, ignore_end, deadline, score_from))
        if not requests:
            return []
        with self._lock:
            self.start()
            self._batches.append(requests)
            self._open.update((request.id, request) for request in requests)
            self._send_batch(requests)
        return [request.job for request in requests]

    def _send(self, message: dict[str, Any]) -> None:
        if self._process is not None:
            self._process.send(message)

    def _send_batch(self, batch: Sequence[Request]) -> None:
        self._send({"op": "add", "requests": [request.as_dict() for request in batch]})

    def _cancel(self, id_: int) -> None:
        with self._lock:
            if self._close_request(id_) is not None:
                self._send({"op": "cancel", "id": id_})

    def _close_request(self, id_: int) -> Request | None:
        """Take a request out of work; None when it was out before."""
        request = self._open.pop(id_, None)
        if request is not None:
            self._batches = [batch for batch in self._batches if any(one.id in self._open for one in batch)]
        return request

    def _settle(self, id_: int, outcome: Completion | BaseException) -> None:
        with self._lock:
            request = self._close_request(id_)
        if request is not None:
            request.finish(outcome)

    def _spawn(self) -> ChildProcess:
        """Start the process and tell it the settings. The lock is held."""
        try:
            self._process = process = ChildProcess(self._command)
        except OSError as error:  # no memory, no file handles, no such program
            raise EngineDied(f"the language model's process cannot be started: {error}") from error
        self._ready.clear()
        process.send({"settings": asdict(self.settings) | _paths(self.settings)})
        return process

    def _run(self, process: ChildProcess) -> None:
        """The pump: takes in messages, minds the deadlines, and starts the process again when it died under work."""
        following: ChildProcess | None = process
        try:
            while following is not None:
                process = following
                while (messages := process.exchange(self._patience(process))) is not None:
                    for message in messages:
                        self._take(message)
                    self._expire(process)
                following = self._bury(process)
        except Exception as error:  # a fault of ours: whoever waits must hear of it
            process.bury()
            with self._lock:
                self._process = None
                self._give_up(f"the exchange with the language model's process failed: {error!r}")
                lost = list(self._open)
            for id_ in lost:
                self._settle(id_, EngineDied(self._dead))
            raise

    def _give_up(self, why: str) -> None:
        """Start no process for a while. The lock is held."""
        self._dead, self._resume = why, self._clock() + _PAUSE
        self._failed_starts = 0
        self._ready.clear()

    def _take(self, message: dict[str, Any]) -> None:
        """Act on one message of the process."""
        event = message["event"]
        if event == "ready":
            self._failed_starts = 0
            self._ready.set()
        elif event == "fatal":
            kind: type[CommuniqueError] = getattr(errors, message["type"])
            self._refused = True
            for id_ in list(self._open):
                self._settle(id_, kind(message["message"]))
        elif event == "done":
            self._settle(message["id"], Completion(tuple(message["tokens"]), tuple(message["logprobs"])))
        elif event == "failed":
            kind_ = UsageError if message["type"] == "invalid" else EnvironmentFault
            self._settle(message["id"], kind_(message["message"]))

    def _expire(self, process: ChildProcess) -> None:
        now = time.monotonic()
        with self._lock:
            late = [one.id for one in self._open.values() if one.deadline is not None and one.deadline <= now]
        for id_ in late:
            with self._lock:
                self._send({"op": "cancel", "id": id_})
            self._settle(id_, TimedOut("the language model did not answer before the deadline"))
        if not self.ready and now >= process.began + self.settings.start_seconds:
            process.kill()

    def _patience(self, process: ChildProcess) -> float | None:
        """Seconds until there is something to mind."""
        with self._lock:
            moments = [one.deadline for one in self._open.values() if one.deadline is not None]
        if not self.ready:
            moments.append(process.began + self.settings.start_seconds)
        return max(min(moments) - time.monotonic(), 0.0) if moments else None

    def _bury(self, process: ChildProcess) -> ChildProcess | None:
        """The process ended: fail what it ended under twice, and start another for the rest; None if there is none."""
        how = process.bury()
        why = f"the language model's process ended twice ({how}); its log is on the standard error"
        following = None
        with self._lock:
            self._process = None
            self._failed_starts = 0 if self.ready or self._refused else self._failed_starts + 1
            self._refused = False
            self._ready.clear()
            if self._failed_starts >= _TRIES:
                self._give_up(why)
            for request in self._open.values():
                request.deaths += 1
            lost = [one for one in self._open.values() if self._dead or one.deaths >= _TRIES]
            for request in lost:
                self._close_request(request.id)
            if self._open and not self._closed:
                following = self._spawn()
                self._send_all()
        for request in lost:
            request.finish(EngineDied(why))
        return following

    def _send_all(self) -> None:
        """Begin anew: what is open, and what of its batch is finished, or the others' answers would change."""
        self._batches = [[one for one in batch if one.id in self._open or one.succeeded] for batch in self._batches]
        for batch in self._batches:
            self._send_batch(batch)


def _results(jobs: Sequence[Job]) -> list[Completion]:
    try:
        return [job.result() for job in jobs]
    except BaseException:
        for job in jobs:
            job.cancel()
        raise


def _paths(settings: EngineSettings) -> dict[str, str | None]:
    """The settings' paths as JSON has them."""
    found = {"folder": settings.folder, "home": settings.home}
    return {name: None if path is None else str(path.absolute()) for name, path in found.items()}
