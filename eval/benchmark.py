"""Measure speed: articles a second and latency of every kind of work, in process or over a service; memory; roofline.

Suites: serve (work by concurrency), batches, lengths, archive, start-up, stages (where the time goes), roofline,
engines (the language model beside transformers.generate), naive (beside a plain BentoML service). Warm-up is not
measured. A table for people, one JSON line last.

    python -m eval.benchmark
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from communique.errors import UsageError
from eval import command, plots, speed
from eval.machine import Machine, peak_memory_bytes, probe, resident_bytes
from eval.provenance import provenance
from eval.report import html_table, page
from eval.results import RESULTS
from eval.suites.base import article_of
from eval.tables import Grid, json_line, markdown, number, show

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from communique.pipeline import Pipeline
    from communique.record import Article

__all__ = ["main"]

EXAMPLES: Final = """\
  python -m eval.benchmark                                       everything quick, in process
  python -m eval.benchmark --url http://127.0.0.1:3000           the same work over a running service
  python -m eval.benchmark --suite serve --work analyze --concurrency 1 4 16 64 --seconds 20
  python -m eval.benchmark --suite engines --suite naive         beside transformers.generate and a plain service
  python -m eval.benchmark --device cuda --suite engines
  python -m eval.benchmark --external karabakh --data-root DIR --report speed.html"""

QUICK: Final = ("serve", "batches", "lengths", "start-up", "roofline")


def main(argv: list[str] | None = None) -> int:
    """0 when everything was measured."""
    arguments = _options().parse_args(argv)
    suites = arguments.suite or (["serve"] if arguments.url else list(QUICK))
    machine = probe(arguments.device)
    grids = [_machine_grid(machine)]
    show(grids[0], command.console)
    articles = [
        article_of(reference, targets=_two(reference.stance)) for reference in command.chosen_data(arguments).articles
    ]
    found: dict[str, Any] = {}
    with _Flow(arguments.url) as flow:
        for name in suites:
            rows = _SUITES[name](flow, articles, machine, arguments)
            found[name] = rows
            if isinstance(rows, list):
                grids.append(_rows_grid(name, rows))
                show(grids[-1], command.console)
    whole = {
        "provenance": provenance(arguments.device), "machine": machine.as_dict(), "articles": len(articles),
        "words_mean": sum(len(a.text.split()) for a in articles) / len(articles), "suites": found,
        "peak_memory_bytes": peak_memory_bytes(), "resident_bytes": resident_bytes(),
    }  # fmt: skip
    path = arguments.output or RESULTS / f"{datetime.now(UTC):%Y-%m-%d-%H%M%S}-speed.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json_line(whole) + "\n", encoding="utf-8")
    if arguments.markdown:
        arguments.markdown.write_text("\n".join(map(markdown, grids)), encoding="utf-8")
    if arguments.report:
        body = "".join([*map(html_table, grids), '<div class="plots">', *_plots(found), "</div>"])
        arguments.report.write_text(page("Speed", body), encoding="utf-8")
    print(json_line(whole | {"file": str(path)}))
    return 0


class _Flow:
    """The pipeline, opened when the first suite asks for it, or a service by URL."""

    def __init__(self, url: str | None) -> None:
        self.url = url
        self._pipeline: Pipeline | None = None

    @property
    def pipeline(self) -> Pipeline:
        if self._pipeline is None:
            from communique.pipeline import Pipeline

            self._pipeline = Pipeline.open()
        return self._pipeline

    def __enter__(self) -> _Flow:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pipeline is not None:
            self._pipeline.close()


def _serve(flow: _Flow, articles: Sequence[Article], _: Machine, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    rows = []
    chosen = arguments.work or [name for name in speed.WORK if "abstractive" not in name]
    with command.progress("serve", len(chosen)) as step:
        for work in chosen:
            if flow.url:
                ask, close = speed.over_service(flow.url, work)
            else:
                ask, close = speed.in_process(flow.pipeline, work), _nothing
            try:
                found = speed.loops(ask, articles, arguments.concurrency, arguments.seconds)
            finally:
                close()
            step(work)
            rows += [{"work": work, **loop.as_dict()} for loop in found]
    return rows


def _batches(
    flow: _Flow, articles: Sequence[Article], _: Machine, arguments: argparse.Namespace
) -> list[dict[str, Any]]:
    return speed.batches(flow.pipeline, articles, (1, 4, 16, 64), arguments.mode)


def _lengths(
    flow: _Flow, articles: Sequence[Article], _: Machine, arguments: argparse.Namespace
) -> list[dict[str, Any]]:
    return speed.lengths(flow.pipeline, articles, arguments.mode)


def _archive(flow: _Flow, articles: Sequence[Article], _: Machine, __: argparse.Namespace) -> list[dict[str, Any]]:
    return speed.archive(flow.pipeline, articles, (64, 256, 1024))


def _start_up(_: _Flow, articles: Sequence[Article], __: Machine, ___: argparse.Namespace) -> list[dict[str, Any]]:
    return [speed.start_up(articles[0])]


def _stages(flow: _Flow, articles: Sequence[Article], _: Machine, __: argparse.Namespace) -> list[dict[str, Any]]:
    return speed.stages(flow.pipeline, articles)


def _roofline(_: _Flow, articles: Sequence[Article], __: Machine, given: argparse.Namespace) -> list[dict[str, Any]]:
    # The machine is timed again: what was free at the start may be busy now.
    return [{"model": "trunk", **speed.trunk_roofline(probe(given.device), articles)}]


def _engines(_: _Flow, __: Sequence[Article], machine: Machine, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    from eval.generation import engines

    return engines(machine, arguments.rounds)


def _naive(flow: _Flow, articles: Sequence[Article], _: Machine, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    from eval.generation import beside_naive

    return beside_naive(articles, flow.url, arguments.rounds, arguments.concurrency)


_SUITES: Final[dict[str, Callable[[_Flow, Sequence[Article], Machine, argparse.Namespace], list[dict[str, Any]]]]] = {
    "serve": _serve,
    "batches": _batches,
    "lengths": _lengths,
    "archive": _archive,
    "start-up": _start_up,
    "stages": _stages,
    "roofline": _roofline,
    "engines": _engines,
    "naive": _naive,
}


def _machine_grid(machine: Machine) -> Grid:
    rows = (
        ("processor", f"{machine.cpu}, {machine.cores} cores"),
        ("instructions", " ".join(machine.flags) or "unknown"),
        ("arithmetic", machine.arithmetic),
        ("graphics", machine.gpu or "none used"),
        ("memory read", f"{machine.read_bytes_per_second / 1e9:.1f} GB/s measured"),
        (
            "matrix product",
            f"{machine.matmul_f32_per_second / 1e9:.0f} Gop/s f32, {machine.matmul_bf16_per_second / 1e9:.0f} bf16",
        ),
        ("language model, 135M in Q8_0", machine.expected(143e6, 2 * 135e6)),
        ("trunk, 22M", machine.expected(22e6, 2 * 10.6e6)),
    )
    return Grid("The machine, and what to expect of it", ("", ""), rows)


def _rows_grid(name: str, rows: Sequence[dict[str, Any]]) -> Grid:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    cells = tuple(tuple(_shown(column, row.get(column)) for column in columns) for row in rows)
    return Grid(name, tuple(column.replace("_", " ") for column in columns), cells)


def _shown(column: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value / 2**20:,.0f} MiB" if column.endswith("_bytes") else number(value)
    if isinstance(value, int) and not isinstance(value, bool) and column.endswith("_bytes"):
        return f"{value / 2**20:,.0f} MiB"
    return str(value)


def _plots(found: dict[str, Any]) -> list[str]:
    drawn = []
    if "serve" in found:
        by_work: dict[str, list[tuple[float, float]]] = {}
        for row in found["serve"]:
            by_work.setdefault(row["work"], []).append((row["concurrency"], row["per_second"]))
        drawn.append(plots.lines("Articles a second", by_work, "asking at once", "articles/s", marks=True))
    if "lengths" in found:
        points = [(row["words"], row["latency_ms_best"]) for row in found["lengths"]]
        drawn.append(plots.lines("Cost by length", {"article": points}, "words", "ms", marks=True))
    if "batches" in found:
        points = [(row["batch"], row["articles_per_second"]) for row in found["batches"]]
        drawn.append(plots.lines("Batches", {"together": points}, "articles together", "articles/s", marks=True))
    return drawn


def _two(targets: Any) -> list[str]:
    """Two targets an article, as the speed that is asked for has it."""
    return [*targets, "Armenia", "Azerbaijan"][:2]


def _nothing() -> None:
    """There is no client to close."""


def _options() -> argparse.ArgumentParser:
    options = command.parser(__doc__, EXAMPLES)
    options.add_argument(
        "--suite", action="append", choices=list(_SUITES), help=f"may be repeated (default: {', '.join(QUICK)})"
    )
    options.add_argument(
        "--work", action="append", choices=list(speed.WORK), help="of the suite serve (default: all but abstractive)"
    )
    options.add_argument("--url", metavar="URL", help="a running service instead of the library in process")
    options.add_argument("--concurrency", type=_positive, nargs="+", default=[1, 4, 16, 64], metavar="N")
    options.add_argument("--seconds", type=float, default=5.0, help="a loop's length (5)")
    options.add_argument("--mode", default="auto", choices=("auto", "extractive", "compressive", "abstractive"))
    options.add_argument("--rounds", type=_positive, default=3, help="alternations of engines and naive (3)")
    options.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    command.add_data_options(options)
    options.add_argument("--output", type=Path, metavar="FILE", help="default: dated, in eval/results")
    options.add_argument("--markdown", type=Path, metavar="FILE")
    options.add_argument("--report", type=Path, metavar="FILE", help="a self-contained HTML page with plots")
    return options


def _positive(value: str) -> int:
    if not value.isdigit() or int(value) < 1:
        raise UsageError(f"give a whole number from 1, not {value!r}")
    return int(value)


if __name__ == "__main__":
    command.run(main)
