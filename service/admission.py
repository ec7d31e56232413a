"""Who comes in: a bounded number of requests, each with a deadline, on a bounded number of threads.

BentoML's own queue has no bound. Here a request takes a ticket once it is whole, and gives it back when its work has
ended, so that what waits, and the memory that it holds, is bounded. It knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio
import math
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Admission", "Busy", "Late", "Ticket"]

T = TypeVar("T")

#: Weight of the latest request in the mean time that `Retry-After` is reckoned from.
_WEIGHT: Final = 0.2
_LONGEST_WAIT: Final = 60


class Busy(Exception):
    """No ticket is left. `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"the queue is full; try again in {retry_after} s")
        self.retry_after = retry_after


class Late(Exception):
    """The deadline passed before the work was done."""


class Admission:
    """Tickets and threads.

    Args:
        concurrency: requests worked on at once.
        queue_size: requests that may wait beside those.
    """

    def __init__(self, concurrency: int, queue_size: int) -> None:
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="article")
        self._concurrency = concurrency
        self._most = concurrency + queue_size
        self._mean_seconds = 0.5
        self.held = 0

    def ticket(self) -> Ticket:
        """Come in; on the event loop's thread.

        Raises:
            Busy: as many are in as may be.
        """
        self.check()
        self.held += 1
        return Ticket(self)

    def check(self) -> None:
        """See whether a ticket is left, without taking it.

        Raises:
            Busy: none is.
        """
        if self.held >= self._most:
            wait = math.ceil(self.held / self._concurrency * self._mean_seconds)
            raise Busy(min(max(wait, 1), _LONGEST_WAIT))

    def close(self) -> None:
        """Take no more work; what runs is waited for, what waits is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _start(self, work: Callable[[], T]) -> Future[T]:
        return self._pool.submit(self._timed, work)

    def _timed(self, work: Callable[[], T]) -> T:
        started = time.monotonic()
        try:
            return work()
        finally:
            self._mean_seconds += _WEIGHT * (time.monotonic() - started - self._mean_seconds)


class Ticket:
    """One request inside. A context: leaving it gives the ticket back, or leaves that to the work that still runs."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._future: Future[Any] | None = None

    def __enter__(self) -> Ticket:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._future is None:
            self._give_back()

    async def run(self, work: Callable[[], T], deadline: float, gone: Callable[[], asyncio.Task[None]]) -> T | None:
        """Run `work` on a thread when one is free, and wait for it.

        Args:
            work: watches the deadline itself; it is not stopped from outside once it runs.
            deadline: on the clock of `time.monotonic`.
            gone: starts a task that ends when nobody waits for the answer any more.

        Returns:
            What `work` returned, or None where nobody waits for it.

        Raises:
            Late: the deadline passed. Work that had not begun never begins; the ticket of work that runs is kept until
                it ends.
        """
        loop = asyncio.get_running_loop()
        future = self._admission._start(work)
        self._future = future
        future.add_done_callback(lambda _: _call(loop, self._give_back))
        result = asyncio.wrap_future(future)
        watcher = gone()
        awaited: set[asyncio.Future[Any]] = {result, watcher}
        try:
            await asyncio.wait(awaited, timeout=deadline - time.monotonic(), return_when=asyncio.FIRST_COMPLETED)
            if result.done():
                return result.result()
            future.cancel()
            if watcher.done():
                return None
            raise Late
        finally:
            watcher.cancel()
            result.add_done_callback(_forget)

    def _give_back(self) -> None:
        self._admission.held -= 1


def _call(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    """On the loop's thread; not at all where the loop has ended, at shutdown."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(callback)


def _forget(result: asyncio.Future[Any]) -> None:
    """Take note of an error that nobody waits for, so that asyncio does not complain of it."""
    if not result.cancelled():
        result.exception()
