"""A closed loop: so many askers, each with its next question as soon as the last is answered.

>>> figures = drive(lambda number: time.sleep(0.01), concurrency=4, seconds=1.0)
>>> round(figures.per_second, -2)
400.0
"""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Loop", "drive"]


@dataclass(frozen=True, slots=True)
class Loop:
    """What a loop found: answers a second, and milliseconds from question to answer. `refused` answers were retried."""

    concurrency: int
    n: int
    per_second: float
    latency_ms_p50: float
    latency_ms_p95: float
    latency_ms_p99: float
    refused: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def drive(
    ask: Callable[[int], int | None], concurrency: int, seconds: float, *, rounds: int = 2, limit: int = 100_000
) -> Loop:
    """Ask with growing numbers until the time is over, every asker at least `rounds` times.

    Args:
        ask: takes the question's number; returns how often it was refused before it was answered, or None.

    Raises:
        Exception: whatever `ask` raised first; the loop is then over.
    """
    numbers = itertools.count()
    latencies: list[float] = []
    refused: list[int] = []
    failures: list[BaseException] = []
    start = time.perf_counter()

    def asker() -> None:
        mine = 0
        while not failures and (mine < rounds or time.perf_counter() - start < seconds):
            number = next(numbers)
            if number >= limit:
                return
            asked = time.perf_counter()
            try:
                refused.append(ask(number) or 0)
            except Exception as error:  # noqa: BLE001 - told by the caller's thread
                failures.append(error)
                return
            latencies.append(time.perf_counter() - asked)
            mine += 1

    threads = [threading.Thread(target=asker) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    spent = time.perf_counter() - start
    p50, p95, p99 = (float(value) for value in np.percentile(np.asarray(latencies) * 1000, [50, 95, 99]))
    return Loop(concurrency, len(latencies), len(latencies) / spent, p50, p95, p99, sum(refused))
