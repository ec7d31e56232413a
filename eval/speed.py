"""What is timed: the work of the flow, in process or over a service; batches, lengths, archives, start-up, stages.

Every measurement is warmed up, on articles of real length, and returns plain rows. It prints nothing.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, Self

from communique.archive import Plan, Source, score_archive
from communique.config import Settings
from communique.errors import EnvironmentFault
from communique.record import Article
from communique.wire import encode
from eval.load import Loop, drive
from eval.machine import resident_bytes

if TYPE_CHECKING:
    from communique.pipeline import Pipeline
    from eval.machine import Machine

__all__ = [
    "LENGTHS",
    "WORK",
    "archive",
    "batches",
    "in_process",
    "lengths",
    "loops",
    "over_service",
    "stages",
    "start_up",
    "trunk_roofline",
]

#: Name of the work to (tasks, mode, path of the service).
WORK: Final[dict[str, tuple[frozenset[str], str, str]]] = {
    "summarise extractive": (frozenset({"summary"}), "extractive", "/v1/summarize"),
    "summarise compressive": (frozenset({"summary"}), "compressive", "/v1/summarize"),
    "summarise abstractive": (frozenset({"summary"}), "abstractive", "/v1/summarize"),
    "classify": (frozenset({"topics", "stance"}), "auto", "/v1/classify"),
    "analyze": (frozenset({"summary", "topics", "stance"}), "auto", "/v1/analyze"),
}
LENGTHS: Final = (100, 200, 400, 800, 1600, 3200)
TIMEOUT_S: Final = 300.0
#: What a fresh interpreter does before the first record; printed as JSON.
_FRESH: Final = """
import json, sys, time
start = time.perf_counter(); import communique; imported = time.perf_counter()
from communique.pipeline import Pipeline
from communique.record import Article
pipeline = Pipeline.open(); opened = time.perf_counter()
pipeline.score(Article(id="1", text=sys.stdin.read())); scored = time.perf_counter()
from resource import RUSAGE_SELF, getrusage
print(json.dumps({"import_communique_ms": 1000 * (imported - start), "open_ms": 1000 * (opened - imported),
    "first_article_ms": 1000 * (scored - opened), "peak_memory_bytes": getrusage(RUSAGE_SELF).ru_maxrss * 1024,
    "imports_torch": "torch" in sys.modules}))
"""

Ask = Callable[[Article], int]


def in_process(pipeline: Pipeline, work: str) -> Ask:
    """One article through the library."""
    tasks, mode, _ = WORK[work]

    def ask(article: Article) -> int:
        record = pipeline.score(replace(article, mode=mode), tasks)  # type: ignore[arg-type]
        if record.error is not None:
            raise EnvironmentFault(f"{work}: article {article.id} gave {record.error.as_dict()}")
        return 0

    return ask


def over_service(url: str, work: str) -> tuple[Ask, Callable[[], None]]:
    """One article through a running service; a full queue (429) is waited for as it asks, and counted."""
    import httpx

    _, mode, path = WORK[work]
    client = httpx.Client(base_url=url.rstrip("/"), timeout=TIMEOUT_S, limits=httpx.Limits(max_connections=None))

    def ask(article: Article) -> int:
        body = {"id": article.id, "text": article.text, "title": article.title, "mode": mode}
        refused = 0
        while True:
            response = client.post(path, json=body | {"targets": list(article.targets or ())})
            if response.status_code == 200:
                return refused
            if response.status_code != 429:
                raise EnvironmentFault(f"{url}{path} answered {response.status_code}: {response.text[:300]}")
            refused += 1
            time.sleep(float(response.headers.get("Retry-After", "1")))

    return ask, client.close


def loops(ask: Ask, articles: Sequence[Article], concurrency: Sequence[int], seconds: float) -> list[Loop]:
    """A closed loop at each concurrency, after one article to warm up."""
    ask(articles[0])
    return [drive(lambda number: ask(articles[number % len(articles)]), count, seconds) for count in concurrency]


def batches(pipeline: Pipeline, articles: Sequence[Article], sizes: Sequence[int], mode: str) -> list[dict[str, Any]]:
    """Articles a second where so many are scored together."""
    asked = [replace(article, mode=mode) for article in articles]  # type: ignore[arg-type]
    pipeline.score_many(asked[:2])
    rows = []
    for size in sizes:
        start = time.perf_counter()
        for at in range(0, len(asked), size):
            pipeline.score_many(asked[at : at + size])
        seconds = time.perf_counter() - start
        rows.append({"batch": size, "n": len(asked), "articles_per_second": len(asked) / seconds})
    return rows


def lengths(pipeline: Pipeline, articles: Sequence[Article], mode: str, repeats: int = 3) -> list[dict[str, Any]]:
    """Milliseconds an article as it grows; long ones are made of several articles' paragraphs."""
    words = " ".join(article.text.replace("\n\n", " \n\n ") for article in articles).split(" ")
    rows = []
    for length in LENGTHS:
        text = " ".join(words[:length]) + "."
        article = Article(id=str(length), text=text, mode=mode, targets=("Armenia", "Azerbaijan"))  # type: ignore[arg-type]
        pipeline.score(article)
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            pipeline.score(article)
            times.append(1000 * (time.perf_counter() - start))
        rows.append({"words": length, "latency_ms_best": min(times)})
    return rows


class _Open:
    """A pipeline that outlives the archive scored with it."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.models = pipeline.models
        self.score_many = pipeline.score_many

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def archive(
    pipeline: Pipeline, articles: Sequence[Article], sizes: Sequence[int], shard: int = 64
) -> list[dict[str, Any]]:
    """Articles a second from file to file, and memory, as an archive grows: neither may depend on its size."""
    settings = replace(Settings(), shard_size=shard)
    rows = []
    for size in sizes:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "archive.jsonl"
            with path.open("wb") as file:
                for n in range(size):
                    article = articles[n % len(articles)]
                    file.write(encode({"id": str(n), "title": article.title, "text": article.text}) + b"\n")
            plan = Plan([Source.of(path)], Path(folder) / "records.jsonl", settings)
            outcome = score_archive(plan, lambda _: _Open(pipeline))
        rows.append(
            {
                "articles": outcome.progress.items,
                "articles_per_second": outcome.progress.items / outcome.seconds,
                "resident_bytes": resident_bytes(),
            }
        )
    return rows


def start_up(article: Article) -> dict[str, Any]:
    """A fresh interpreter, from nothing to its first record.

    Raises:
        EnvironmentFault: it failed; the message has its last line.
    """
    start = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - this interpreter and a constant
        [sys.executable, "-c", _FRESH], input=article.text, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise EnvironmentFault(f"a fresh interpreter could not score: {(done.stderr.splitlines() or [''])[-1]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found | {"whole_ms": 1000 * (time.perf_counter() - start)}


def stages(pipeline: Pipeline, articles: Sequence[Article], most: int = 25) -> list[dict[str, Any]]:
    """Where the time goes: the library's functions by time spent in them and below, from a profile of one batch."""
    pipeline.score_many(articles[:2])
    profile = cProfile.Profile()
    start = time.perf_counter()
    profile.enable()
    pipeline.score_many(articles)
    profile.disable()
    total = time.perf_counter() - start
    held = pstats.Stats(profile)
    rows = []
    for (file, _, name), (_, calls, own, below, _) in held.stats.items():  # type: ignore[attr-defined]
        if "/communique/" in file:
            module = file.rsplit("/communique/", 1)[1].removesuffix(".py").replace("/", ".")
            rows.append(
                {
                    "function": f"{module}.{name}",
                    "calls": calls,
                    "own_seconds": own,
                    "seconds": below,
                    "share": below / total,
                }
            )
    rows.sort(key=lambda row: -row["seconds"])
    return rows[:most]


def trunk_roofline(machine: Machine, articles: Sequence[Article], threads: int = 0) -> dict[str, Any]:
    """Tokens a second of the trunk alone over what the machine's matrix rate allows.

    Operations: two a weight of every matrix product a token, and the attention within a window (4 x length x hidden a
    layer and token).
    """
    import openvino

    from communique.models import resolve
    from communique.reading import read
    from communique.trunk.encoder import Encoder
    from communique.trunk.windows import cut, load_tokenizer

    folder = resolve("trunk")
    encoder, tokenizer = Encoder(folder / "trunk.xml", threads), load_tokenizer(folder / "tokenizer.json")
    documents = [read(article) for article in articles]
    windows = [w for d in documents for w in cut(tokenizer, d.title, [s.text for s in d.sentences])]
    tokens = sum(map(len, windows))
    weights, hidden, layers = _shapes(openvino.Core().read_model(folder / "trunk.xml"))
    operations = 2 * weights + sum(4 * len(w) ** 2 * hidden * layers for w in windows) / tokens
    encoder.states(windows)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        encoder.states(windows)
        times.append(time.perf_counter() - start)
    rate = tokens / min(times)
    bf16 = encoder.precision == "bf16"
    peak = (machine.matmul_bf16_per_second if bf16 else machine.matmul_f32_per_second) / operations
    return {
        "tokens": tokens, "tokens_per_second": rate, "operations_per_token": operations, "precision": encoder.precision,
        "tokens_per_second_by_arithmetic": peak, "fraction_of_roofline": rate / peak,
    }  # fmt: skip


def _shapes(model: Any) -> tuple[int, int, int]:
    """Weights in matrix products by constants, hidden size, and layers of an encoder's graph."""
    weights, outputs = 0, []
    for node in model.get_ops():
        if node.get_type_name() == "MatMul":
            shape = node.input(1).get_partial_shape()
            if shape.is_static and len(shape) == 2:
                weights += shape[0].get_length() * shape[1].get_length()
                outputs.append(min(shape[0].get_length(), shape[1].get_length()))
    hidden = max(set(outputs), key=outputs.count)
    return weights, hidden, max(1, len(outputs) // 6)
