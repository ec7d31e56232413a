"""`communique score`: an archive, resumable, N items in and N records out in order.

$ communique score archive.jsonl.gz more.csv pages/ --output records.jsonl
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from communique.cli.exit import Exit
from communique.cli.options import ARTICLE_SETTINGS, add_settings, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from rich.console import Console

    from communique.archive import Outcome, Plan, Progress
    from communique.archive.sources import Source

__all__ = ["add_parser"]

_EPILOG = """\
inputs:
  .jsonl .ndjson   an article a line, an object with `text`; may be .gz, .bz2 or .xz
  .csv .tsv        a row an article, a column `text`; may be compressed too
  .parquet         as CSV; needs pip install 'communique[archive]'
  folder .zip .tar a text or HTML file an article; its path is the id

examples:
  communique score archive.jsonl --output records.jsonl
  communique score january.jsonl.gz february.jsonl.gz --output records/ --target Armenia
  communique score pages/ --output records.jsonl --limit 100 --strict

A text that came before in the archive is scored all the same; its record says of which article in `duplicate_of`.

An interrupted run is taken up by the same command. An --output that ends in .jsonl appears when it is whole; until
then OUTPUT.part stands beside it, afterwards .OUTPUT.run.json, by which a repeated command knows that it is done. Any
other --output is a folder of shards.
"""

#: Seconds between the lines that tell progress where there is no terminal.
_LINE_SECONDS = 15.0


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "score",
        help="an archive of articles, resumable",
        description="Score every article of an archive: one record each, in order, also where an article is unusable.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("inputs", metavar="INPUT", nargs="+", type=Path, help="a file or folder; see below")
    parser.add_argument("--output", "-o", metavar="PATH", type=Path, required=True, help="a .jsonl file, or a folder")
    parser.add_argument("--limit", metavar="N", type=_positive, help="score the first N items only")
    parser.add_argument("--strict", action="store_true", help="exit with 1 where an item could not be scored")
    parser.add_argument("--restart", action="store_true", help="forget an earlier run with this --output")
    add_settings(parser, (*ARTICLE_SETTINGS, "shard_size"))
    parser.set_defaults(run=_run)


def _positive(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number, at least 1; got {text!r}")
    return number


def _run(args: argparse.Namespace) -> int:
    from rich.console import Console

    from communique.archive import Plan, Scorer, Source, score_archive

    def open_scorer(settings: Any) -> Scorer:
        from communique.pipeline import Pipeline

        return Pipeline.open(settings)

    settings = settings_of(args)
    sources = [Source.of(path) for path in args.inputs]
    plan = Plan(sources, args.output, settings, args.limit, args.restart)
    console = Console(stderr=True)
    display = _Bar(console, plan) if console.is_terminal else _Lines(console, plan)
    with _terminable(), display:
        try:
            outcome = score_archive(plan, open_scorer, display.show)
        except KeyboardInterrupt:
            display.stop()
            done = f"{display.items:,} of them are done" if display.items else "none was done yet"
            again = "The same command without --restart" if args.restart else "The same command"
            print(f"communique: interrupted; {done}. {again} goes on from there.", file=sys.stderr)
            return Exit.INTERRUPTED
    _tell(console, plan, outcome)
    return Exit.ITEM_ERRORS if args.strict and outcome.progress.errors else Exit.DONE


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM interrupts like Ctrl-C, so that what is being written is finished or taken away."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Display:
    """Tells how far a run is. The total is counted beside the scoring, and is None until it is known."""

    def __init__(self, console: Console, plan: Plan) -> None:
        self._console = console
        self._started: float | None = None
        self._begun_with = 0
        self._counter = threading.Thread(target=self._count, args=(plan,), daemon=True)
        self.items = 0
        self.total: int | None = None

    def __enter__(self) -> _Display:
        self._counter.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the display away."""

    def show(self, progress: Progress) -> None:
        """Take in how far the run is."""
        # Speed and time left are of what this run scores: shards that an earlier one left cost nothing.
        if self._started is None or progress.items == progress.resumed:
            self._started, self._begun_with = time.monotonic(), progress.items
        self.items = progress.items

    def speed(self) -> float:
        """Articles a second of this run; 0 until the second shard."""
        seconds = time.monotonic() - self._started if self._started is not None else 0.0
        return (self.items - self._begun_with) / seconds if seconds > 0 else 0.0

    def text(self) -> str:
        """Such as `128 of 1,024 · 3.1 articles/s · 4:49 left`."""
        parts = [f"{self.items:,}" + (f" of {self.total:,}" if self.total is not None else "")]
        if speed := self.speed():
            parts.append(f"{speed:.1f} articles/s")
            if self.total is not None:
                parts.append(f"{_clock((self.total - self.items) / speed)} left")
        return " · ".join(parts)

    def _count(self, plan: Plan) -> None:
        total = 0
        for source in plan.sources:
            total += _count_quietly(source, None if plan.limit is None else plan.limit - total)
        self.total = total


class _Lines(_Display):
    """A line now and then, for logs."""

    _last = 0.0

    def show(self, progress: Progress) -> None:
        super().show(progress)
        if time.monotonic() - self._last >= _LINE_SECONDS:
            self._last = time.monotonic()
            print(f"communique: {self.text()}{_error_note(progress)}", file=sys.stderr, flush=True)


class _Bar(_Display):
    """A bar, for people."""

    def __init__(self, console: Console, plan: Plan) -> None:
        from rich.progress import BarColumn, SpinnerColumn, TextColumn
        from rich.progress import Progress as RichProgress

        super().__init__(console, plan)
        columns = (SpinnerColumn(), BarColumn(), TextColumn("{task.description}"))
        self._rich = RichProgress(*columns, console=console, transient=True)
        self._task = self._rich.add_task("loading the models", total=None)

    def __enter__(self) -> _Bar:
        super().__enter__()
        self._rich.start()
        return self

    def stop(self) -> None:
        self._rich.stop()

    def show(self, progress: Progress) -> None:
        super().show(progress)
        text = self.text() + _error_note(progress)
        self._rich.update(self._task, completed=self.items, total=self.total, description=text)


def _count_quietly(source: Source, limit: int | None) -> int:
    """0 where the source cannot be read: the run itself says what is wrong with it."""
    try:
        return source.count(limit)
    except Exception:  # noqa: BLE001
        return 0


def _error_note(progress: Progress) -> str:
    count = sum(progress.errors.values())
    return f" · {count:,} with errors" if count else ""


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _tell(console: Console, plan: Plan, outcome: Outcome) -> None:
    """The summary at the end, on stderr."""
    from rich.table import Table
    from rich.text import Text

    progress = outcome.progress
    scored = progress.items - progress.resumed
    rows = [("records", f"{progress.items:,}")]
    if progress.resumed:
        rows.append(("of an earlier run", f"{progress.resumed:,}"))
    if progress.duplicates:
        rows.append(("same text as an earlier one", f"{progress.duplicates:,}"))
    if scored and outcome.seconds > 0:
        rows.append(("speed", f"{scored / outcome.seconds:.1f} articles/s, {_clock(outcome.seconds)} in all"))
    if progress.summaries:
        rows.append(("words of a summary", f"{progress.summary_words / progress.summaries:.0f} on average"))
    rows += [(f"error: {kind}", f"{count:,}") for kind, count in progress.errors.most_common()]
    rows.append(("written to", str(plan.output)))
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in rows:
        table.add_row(Text(name, "red" if name.startswith("error") else "dim"), Text(value))
    console.print(table)
