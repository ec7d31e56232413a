"""Generation from any thread or task: starts the engine's process, hands it prompts, and gives back completions.

Token ids in, token ids out. The process starts with the first request, or with `start()`, and loads while nobody waits.
Requests from everywhere are batched together continuously; a batch from `generate` runs by itself, so that the same
batch gives the same answers. When the process dies it is started again and each request in work gets one more try;
when it died twice before it was ready, requests are refused for half a minute, and then it is tried again.

    >>> with Generator() as generator:                                    # doctest: +SKIP
    ...     job = generator.submit(prompt, Sampling(), deadline=time.monotonic() + 5)
    ...     completion = job.result()              # in a task: await asyncio.wrap_future(job)
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
from communique.lm.job import Batch, Job, Request
from communique.lm.process import ChildProcess
from communique.lm.sampling import Completion, EngineSettings, Sampling

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Generator", "Job"]

#: How often the process may end under one request, or before it was ready, until that is given up.
_TRIES: Final = 2
#: Seconds from there until the process is tried again: what was wrong (memory, a disk) may have passed.
_PAUSE: Final = 30.0
_DEFAULT: Final = Sampling()


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
        self._batches: list[Batch] = []
        self._probing: set[int] = set()
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

    def submit(
        self,
        prompt: Sequence[int],
        sampling: Sampling = _DEFAULT,
        *,
        deadline: float | None = None,
        on_tokens: Callable[[int, list[int]], None] | None = None,
    ) -> Job:
        """Hand in one prompt, to be batched with whatever is in work.

        Args:
            prompt: token ids.
            sampling: how tokens are chosen.
            deadline: on the clock of `time.monotonic()`.
            on_tokens: is called, in another thread, with (index of the first, token ids) as they are written. An index
                that was seen before means that the work began anew. One sequence only. What it raises ends the job.

        Raises:
            UsageError: an empty prompt, or a stream of several sequences.
            EnvironmentFault: the process cannot start.
        """
        if on_tokens is not None and sampling.sequences > 1:
            raise UsageError("a stream has one sequence: set `candidates` and `beams` to 1")
        [job] = self._add([(prompt, sampling, None)], alone=False, deadline=deadline, on_tokens=on_tokens)
        return job

    def submit_batch(
        self,
        prompts: Sequence[Sequence[int]],
        sampling: Sampling | Sequence[Sampling] = _DEFAULT,
        *,
        deadline: float | None = None,
    ) -> list[Job]:
        """Hand in prompts that run together and by themselves, so that the same batch gives the same answers.

        A request that fails leaves the others unharmed. `sampling` is one for all, or one a prompt.
        """
        samplings = [sampling] * len(prompts) if isinstance(sampling, Sampling) else list(sampling)
        items = [(prompt, one, None) for prompt, one in zip(prompts, samplings, strict=True)]
        return self._add(items, alone=True, deadline=deadline)

    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        sampling: Sampling | Sequence[Sampling] = _DEFAULT,
        *,
        deadline: float | None = None,
    ) -> list[Completion]:
        """The completions of a batch that runs by itself, in order.

        Raises:
            TimedOut, UsageError, EnvironmentFault: of the first request that failed; the others are stopped.
        """
        return _results(self.submit_batch(prompts, sampling, deadline=deadline))

    def score(
        self,
        pairs: Sequence[tuple[Sequence[int], Sequence[int]]],
        *,
        deadline: float | None = None,
    ) -> list[tuple[float, ...]]:
        """For each (prompt, continuation) the natural log-probability of each token of the continuation.

        No token is written. A pair costs what reading it costs, and about 200 kB of memory a token.
        """
        items = [((*prompt, *continuation), _DEFAULT, len(prompt)) for prompt, continuation in pairs]
        jobs = self._add(items, alone=True, deadline=deadline)
        return [completion.logprobs for completion in _results(jobs)]

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
        items: Sequence[tuple[Sequence[int], Sampling, int | None]],
        *,
        alone: bool,
        deadline: float | None,
        on_tokens: Callable[[int, list[int]], None] | None = None,
    ) -> list[Job]:
        requests = []
        for prompt, sampling, score_from in items:
            if not prompt:
                raise UsageError("a prompt needs at least one token")
            id_ = next(self._ids)
            job = Job(lambda id_=id_: self._cancel(id_))  # type: ignore[misc]
            requests.append(Request(id_, job, tuple(prompt), sampling, deadline, on_tokens, score_from))
        if not requests:
            return []
        with self._lock:
            self.start()
            batch = Batch(requests, alone)
            self._batches.append(batch)
            self._open.update((request.id, request) for request in requests)
            if not self._probing:
                self._send(batch.as_dict())
        return [request.job for request in requests]

    def _send(self, message: dict[str, Any]) -> None:
        if self._process is not None:
            self._process.send(message)

    def _cancel(self, id_: int) -> None:
        with self._lock:
            if self._close_request(id_) is not None:
                self._send({"op": "cancel", "id": id_})

    def _close_request(self, id_: int) -> Request | None:
        """Take a request out of work; None when it was out before."""
        request = self._open.pop(id_, None)
        if request is not None:
            self._batches = [batch for batch in self._batches if any(one.id in self._open for one in batch.requests)]
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
        self._probing.clear()

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
        elif event == "tokens":
            self._stream(message)
        elif event == "done":
            self._settle(message["id"], _completion(message["completions"]))
        elif event == "failed":
            kind_ = UsageError if message["type"] == "invalid" else EnvironmentFault
            self._settle(message["id"], kind_(message["message"]))
        elif event == "probed":
            if message["message"]:
                self._settle(message["id"], UsageError(f"the engine cannot read the grammar: {message['message']}"))
            with self._lock:
                self._probing.discard(message["id"])
                if not self._probing:
                    self._send_all()

    def _stream(self, message: dict[str, Any]) -> None:
        with self._lock:
            request = self._open.get(message["id"])
        if request is None or request.on_tokens is None:
            return
        try:
            request.on_tokens(message["start"], message["tokens"])
        except Exception as error:  # noqa: BLE001  the caller's own fault goes to the caller, not to this thread
            self._cancel_with(request.id, error)

    def _cancel_with(self, id_: int, error: BaseException) -> None:
        with self._lock:
            self._send({"op": "cancel", "id": id_})
        self._settle(id_, error)

    def _expire(self, process: ChildProcess) -> None:
        now = time.monotonic()
        with self._lock:
            late = [one.id for one in self._open.values() if one.deadline is not None and one.deadline <= now]
        for id_ in late:
            self._cancel_with(id_, TimedOut("the language model did not answer before the deadline"))
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
            self._probing.clear()
            if self._failed_starts >= _TRIES:
                self._give_up(why)
            for request in self._open.values():
                request.deaths += 1
            lost = [one for one in self._open.values() if self._dead or one.deaths >= _TRIES]
            for request in lost:
                self._close_request(request.id)
            if self._open and not self._closed:
                following = self._spawn()
                # A grammar that the engine cannot read breaks its whole pipeline: try each before any work begins.
                suspects = [one for one in self._open.values() if one.constrained]
                self._probing = {one.id for one in suspects}
                for one in suspects:
                    self._send({"op": "probe", "id": one.id, "sampling": asdict(one.sampling)})
                if not suspects:
                    self._send_all()
        for request in lost:
            request.finish(EngineDied(why))
        return following

    def _send_all(self) -> None:
        """Begin anew: what is open, and the finished of batches that are alone, or the others' answers would change."""
        for batch in self._batches:
            batch.requests = [one for one in batch.requests if one.id in self._open or (batch.alone and one.succeeded)]
            self._send(batch.as_dict())


def _results(jobs: Sequence[Job]) -> list[Completion]:
    try:
        return [job.result() for job in jobs]
    except BaseException:
        for job in jobs:
            job.cancel()
        raise


def _completion(items: Sequence[dict[str, Any]]) -> Completion:
    first, *others = (Completion(tuple(item["tokens"]), item["reason"], tuple(item["logprobs"])) for item in items)
    return Completion(first.token_ids, first.finish_reason, first.logprobs, tuple(others))


def _paths(settings: EngineSettings) -> dict[str, str | None]:
    """The settings' paths as JSON has them."""
    found = {"folder": settings.folder, "home": settings.home}
    return {name: None if path is None else str(path.absolute()) for name, path in found.items()}
