"""What every command of the harness shares: exit codes, progress, and how data are named on the command line.

Exit codes: 0 done, 1 found wanting (gate, leaks), 2 usage, 3 environment, 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from communique.errors import EnvironmentFault, UsageError
from eval.external import ARTICLES, articles
from eval.references import REFERENCES, Data, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["add_data_options", "chosen_data", "console", "parser", "progress", "run"]

#: Tables go to standard output, progress and errors to standard error.
console = Console()
_aside = Console(stderr=True)


def run(main: Callable[[], int]) -> NoReturn:
    """End the process with what `main` returns, or with the code of its error."""
    try:
        code = main()
    except UsageError as error:
        _aside.print(f"[red]error:[/red] {error}", highlight=False)
        code = 2
    except EnvironmentFault as error:
        _aside.print(f"[red]error:[/red] {error}", highlight=False)
        code = 3
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def parser(description: str | None, examples: str) -> argparse.ArgumentParser:
    """A parser whose help ends in examples."""
    return argparse.ArgumentParser(
        description=(description or "").split("\n\n", 1)[0],
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Callable[[str], None]]:
    """A bar on standard error; the callable takes one step and shows what it was."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_aside, transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda what: bar.update(task, advance=1, description=f"{label}: {what}"[:60])


def add_data_options(options: argparse.ArgumentParser) -> None:
    """What data, and what part of it."""
    group = options.add_argument_group("data")
    group.add_argument(
        "--data", type=Path, nargs="+", metavar="PATH", help="reference files or folders (default: eval/references)"
    )
    group.add_argument("--data-root", type=Path, metavar="DIR", help="folder of external sets; none by default")
    group.add_argument(
        "--external", choices=ARTICLES, help="score on this set of --data-root instead; marked as external"
    )
    group.add_argument("--limit", type=int, metavar="N", help="the first N articles and the first N pages")
    group.add_argument("--ids", type=Path, metavar="FILE", help="only the ids of this file, one a line")
    group.add_argument("--fold", metavar="K/N", help="only part K of N, split by event")


def chosen_data(arguments: argparse.Namespace) -> Data:
    """The data that the options name.

    Raises:
        UsageError: an option makes no sense; the message names it.
    """
    if arguments.external:
        if arguments.data_root is None:
            raise UsageError(f"--external {arguments.external} needs --data-root DIR")
        data = articles(arguments.data_root, arguments.external)
    else:
        data = load(arguments.data or [REFERENCES], "references" if arguments.data is None else "")
    if arguments.ids:
        try:
            data = data.only(arguments.ids.read_text(encoding="utf-8").split())
        except OSError as error:
            raise UsageError(f"--ids {arguments.ids} cannot be read: {error}") from error
    if arguments.fold:
        k, _, n = arguments.fold.partition("/")
        if not (k.isdigit() and n.isdigit()):
            raise UsageError(f"--fold {arguments.fold}: give K/N, such as 1/5")
        data = data.fold(int(k), int(n))
    if arguments.limit is not None:
        if arguments.limit < 1:
            raise UsageError(f"--limit {arguments.limit}: give 1 or more")
        data = data.first(arguments.limit)
    return data
