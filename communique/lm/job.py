"""One prompt in work, as the caller sees it (`Job`), as the generator keeps it, and what came of it.

Knows nothing of processes.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Completion", "Job", "Request"]


@dataclass(frozen=True, slots=True)
class Completion:
    """What came of one prompt: what was written, without the end token, or `logprobs` of what was to be scored."""

    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...] = ()


class Job(Future[Completion]):
    """One prompt's completion to come. `cancel()` stops the work, also when it has begun.

    `result()` raises TimedOut past the deadline, UsageError when the engine cannot take the request, EngineDied, or
    another EnvironmentFault when it cannot start.
    """

    def __init__(self, stop: Callable[[], None]) -> None:
        super().__init__()
        self._stop = stop

    def cancel(self) -> bool:
        stopped = super().cancel()
        if stopped:
            self._stop()
        return stopped


@dataclass(slots=True, eq=False)
class Request:
    """A prompt with all that is asked of it. `deaths` counts the processes that ended under it."""

    id: int
    job: Job
    prompt: tuple[int, ...]
    max_new_tokens: int
    ignore_end: bool
    deadline: float | None
    score_from: int | None
    deaths: int = 0

    @property
    def succeeded(self) -> bool:
        return self.job.done() and not self.job.cancelled() and self.job.exception() is None

    def finish(self, outcome: Completion | BaseException) -> None:
        """Hand the outcome to whoever waits, unless they have cancelled."""
        if not self.job.set_running_or_notify_cancel():
            return
        if isinstance(outcome, BaseException):
            self.job.set_exception(outcome)
        else:
            self.job.set_result(outcome)

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "tokens": self.prompt,
            "max_new_tokens": self.max_new_tokens,
            "ignore_end": self.ignore_end,
            "score_from": self.score_from,
        }
