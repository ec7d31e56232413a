"""The language model's speed: the engine beside `transformers.generate`, our service beside a plain BentoML one.

What is compared runs in the same minutes, alternating, so that a machine that slows down slows both.
"""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from communique.errors import EnvironmentFault
from eval.speed import loops, over_service

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from communique.record import Article
    from eval.machine import Machine

__all__ = ["beside_naive", "engines"]

PROMPTS: Final = 20
NEW_TOKENS: Final = 70
PROMPT_TOKENS: Final = 600
#: Of the prompts, so many are written by torch one by one: a rate needs no more, and all take ten minutes.
TORCH_ARTICLES: Final = 5
START_S: Final = 180.0


def engines(machine: Machine, rounds: int) -> list[dict[str, Any]]:
    """Articles and tokens a second of each contender, how often the engine is faster, and its part of the roofline."""
    from communique.lm import EngineSettings, LanguageTokenizer, build_prompt
    from communique.models import resolve
    from eval.engines import articles, compare

    tokenizer = LanguageTokenizer.open()
    made = articles(PROMPTS, PROMPT_TOKENS // 12)
    prompts = [build_prompt(tokenizer, "", article, max_tokens=PROMPT_TOKENS) for article in made]
    found = compare(EngineSettings(), prompts, NEW_TOKENS, rounds, TORCH_ARTICLES)
    weights = sum(path.stat().st_size for path in resolve("summarizer").glob("*.bin"))
    roof = machine.read_bytes_per_second / weights
    rows = []
    for name, one in found["contenders"].items():
        row: dict[str, Any] = {
            "contender": name,
            "articles": one["articles"],
            "new_tokens": one["new_tokens"],
            "articles_per_second": one["articles_per_second"]["median"],
            "engine_is_faster": found["ratios"].get(name, {}).get("median"),
        }
        if name.endswith("first token"):
            row["time_to_first_token_ms"] = 1000 * statistics.median(one["seconds"])
        if (rate := found["engine_tokens_per_second"].get(f"{name}: out")) is not None:
            row |= {
                "tokens_in_per_second": found["engine_tokens_per_second"][f"{name}: in"],
                "tokens_out_per_second": rate,
            }
        if name == "engine, one":
            row |= {"tokens_per_second_by_memory": roof, "fraction_of_roofline": rate / roof if rate else None}
        rows.append(row)
    rows.append({"contender": "engine's process", "resident_bytes": found["resident_bytes_after"]})
    return rows


def beside_naive(
    articles: Sequence[Article], url: str | None, rounds: int, concurrency: Sequence[int]
) -> list[dict[str, Any]]:
    """`mode: abstractive` over HTTP: this project's service (started here where no URL is given) and the plain one."""
    ours = _started([sys.executable, "-m", "communique", "serve", "--port"]) if url is None else _given(url)
    naive = _started([sys.executable, "-m", "bentoml", "serve", "eval.naive:Naive", "--port"])
    found: dict[tuple[str, int], list[Any]] = {}
    with ours as first, naive as second:
        for _ in range(rounds):
            for name, place in (("communique", first), ("plain BentoML, fp32", second)):
                ask, close = over_service(place, "summarise abstractive")
                try:
                    for loop in loops(ask, articles, concurrency, 0.0):
                        found.setdefault((name, loop.concurrency), []).append(loop)
                finally:
                    close()
    rows = []
    for (name, count), held in found.items():
        rate = statistics.median(loop.per_second for loop in held)
        p50 = statistics.median(loop.latency_ms_p50 for loop in held)
        against = statistics.median(loop.per_second for loop in found["plain BentoML, fp32", count])
        rows.append({
            "service": name, "concurrency": count, "n": sum(loop.n for loop in held), "articles_per_second": rate,
            "latency_ms_p50": p50, "times_the_plain_one": rate / against,
        })  # fmt: skip
    return rows


@contextmanager
def _given(url: str) -> Iterator[str]:
    yield url


@contextmanager
def _started(command: list[str]) -> Iterator[str]:
    """The service's URL, once it is ready; it ends with the block.

    Raises:
        EnvironmentFault: it ended, or was not ready in time.
    """
    import httpx

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([*command, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        until = time.monotonic() + START_S
        while True:
            if process.poll() is not None:
                raise EnvironmentFault(f"{' '.join(command)} {port} ended with code {process.returncode}")
            try:
                if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                    break
            except httpx.HTTPError:
                pass
            if time.monotonic() > until:
                raise EnvironmentFault(f"{' '.join(command)} {port} was not ready after {START_S:.0f} s")
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
