"""The benchmark's own arithmetic: closed loops, percentiles, rates; and the command on a fake pipeline."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from communique.errors import EnvironmentFault, TooShort, UsageError
from communique.record import Article, Record
from eval import benchmark, speed
from eval.load import drive
from eval.machine import Machine, probe, resident_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MACHINE = Machine("cpu", 2, ("avx2",), 1, None, "f32", 10e9, 100e9, 200e9)


def test_a_loop_keeps_as_many_askers_busy_as_it_says() -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    def ask(_: int) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.02)
        with lock:
            at_once -= 1

    loop = drive(ask, concurrency=4, seconds=0.3)
    assert most == 4
    assert loop.latency_ms_p50 >= 20
    assert loop.latency_ms_p50 <= loop.latency_ms_p95 <= loop.latency_ms_p99
    # Little's law: answers a second are askers over mean latency.
    assert loop.per_second <= 4 / 0.02
    assert loop.n >= 8


def test_each_question_is_asked_once_and_every_asker_asks() -> None:
    seen: list[int] = []
    loop = drive(seen.append, concurrency=3, seconds=0.0, rounds=5)
    assert sorted(seen) == list(range(15))
    assert loop.n == 15
    assert drive(lambda _: 2, concurrency=1, seconds=0.0, rounds=3).refused == 6


def test_a_failure_ends_the_loop_and_is_raised() -> None:
    def ask(number: int) -> None:
        if number == 2:
            raise EnvironmentFault("gone")

    with pytest.raises(EnvironmentFault, match="gone"):
        drive(ask, concurrency=2, seconds=5.0)


class FakePipeline:
    """Spends a millisecond an article and half of it in a batch; asserts what it is asked."""

    models: dict[str, str] = {}  # noqa: RUF012

    def __init__(self) -> None:
        self.asked: list[tuple[frozenset[str], str]] = []
        self.closed = False

    def score(self, article: Article, tasks: frozenset[str] = frozenset(), deadline: float | None = None) -> Record:
        self.asked.append((tasks, article.mode))
        time.sleep(0.001)
        return Record(article.id) if article.text != "short" else Record.failed(article, TooShort("short"))

    def score_many(self, articles: Sequence[Article], tasks: frozenset[str] = frozenset()) -> list[Record]:
        time.sleep(0.0005 * len(articles) + 0.0005)
        return [Record(article.id) for article in articles]

    def close(self) -> None:
        self.closed = True


ARTICLES = [
    Article(id=str(n), text=f"Article {n} tells of a thing that happened. " * 9, targets=("A", "B")) for n in range(8)
]


def test_each_kind_of_work_asks_for_its_tasks_alone() -> None:
    pipeline = FakePipeline()
    for work, (tasks, mode, _) in speed.WORK.items():
        speed.in_process(pipeline, work)(ARTICLES[0])  # type: ignore[arg-type]
        assert pipeline.asked[-1] == (tasks, mode)
    with pytest.raises(EnvironmentFault, match="too-short"):
        speed.in_process(pipeline, "analyze")(Article(id="1", text="short"))  # type: ignore[arg-type]


def test_batches_lengths_and_archives_are_measured() -> None:
    pipeline: Any = FakePipeline()
    rows = speed.batches(pipeline, ARTICLES, (1, 8), "auto")
    assert rows[1]["articles_per_second"] > rows[0]["articles_per_second"]
    assert [row["words"] for row in speed.lengths(pipeline, ARTICLES, "auto", repeats=1)] == list(speed.LENGTHS)
    [small, large] = speed.archive(pipeline, ARTICLES, (8, 32), shard=4)
    assert small["articles"] == 8
    assert large["resident_bytes"] > 1e6


def test_stages_are_the_librarys_functions() -> None:
    class Reads(FakePipeline):
        def score_many(self, articles: Sequence[Article], tasks: frozenset[str] = frozenset()) -> list[Record]:
            from communique.reading import read

            for article in articles:
                read(article)
            return []

    found: Any = speed.stages(Reads(), ARTICLES)  # type: ignore[arg-type]
    assert found[0]["function"].startswith("reading.")
    assert found[0]["calls"] == len(ARTICLES)
    assert 0 < found[0]["share"] <= 1


def test_what_a_machine_may_be_expected_to_reach() -> None:
    assert MACHINE.expected(1e9, 2e6) == (
        "at most 10 tokens a second for one text (memory), 100,000 for many (arithmetic)"
    )


def test_the_probe_measures_and_names() -> None:
    found = probe()
    assert found.cores >= 1
    assert 1e8 < found.read_bytes_per_second < 5e12
    assert found.matmul_f32_per_second > 1e8
    assert resident_bytes() > 1e6
    json.dumps(found.as_dict())


def test_benchmark_prints_a_table_and_json_last(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = FakePipeline()
    monkeypatch.setattr("communique.pipeline.Pipeline.open", lambda *_: pipeline)
    monkeypatch.setattr("eval.benchmark.probe", lambda _: MACHINE)
    arguments = [
        "--data",
        str(folder / "articles.jsonl"),
        "--suite",
        "serve",
        "--suite",
        "batches",
        "--seconds",
        "0.05",
    ]
    output = ["--output", str(tmp_path / "speed.json"), "--report", str(tmp_path / "speed.html")]
    assert benchmark.main([*arguments, *output, "--concurrency", "1", "4", "--work", "classify"]) == 0
    line = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert [row["concurrency"] for row in line["suites"]["serve"]] == [1, 4]
    assert line["suites"]["serve"][0]["latency_ms_p50"] >= 1
    assert line["machine"]["cores"] == 2
    assert line["articles"] == 8
    assert json.loads((tmp_path / "speed.json").read_text(encoding="utf-8"))["suites"] == line["suites"]
    assert "<svg" in (tmp_path / "speed.html").read_text(encoding="utf-8")
    assert pipeline.closed
    with pytest.raises(UsageError, match="whole number from 1"):
        benchmark.main(["--concurrency", "0"])
