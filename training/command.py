"""What every training command has in common: its options, its settings, its exit codes.

A command adds options of its own to `options`, reads its settings with `settings`, and hands its work to `answer`.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from communique.errors import CommuniqueError, UsageError
from training.settings import CheckerSettings, ChoiceSettings, ClassifierSettings, SummarizerSettings, load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console

__all__ = ["answer", "options", "settings"]

S = TypeVar("S", CheckerSettings, ChoiceSettings, ClassifierSettings, SummarizerSettings)


def options(name: str, doc: str | None) -> argparse.ArgumentParser:
    """The options of `python -m training.NAME`; its config lies in `training/configs/NAME.yaml`."""
    parser = argparse.ArgumentParser(
        prog=f"python -m training.{name}", description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, default=Path(f"training/configs/{name}.yaml"))
    parser.add_argument(
        "--data-root", type=Path, help="folder of external sets; without it the project's corpus serves"
    )
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="override a setting")
    parser.add_argument("--smoke", action="store_true", help="a few articles, one pass: does it run?")
    parser.add_argument("--threads", type=int, help="CPU threads")
    return parser


def settings(
    kind: type[S], arguments: argparse.Namespace, *, external: Mapping[str, Any], smoke: Mapping[str, Any]
) -> S:
    """The settings of a run: `external` in the place of what needs a data root where there is none, `smoke` on request.

    Raises:
        UsageError: a setting that does not exist or is out of range, or nothing to learn from.
    """
    found = load(kind, arguments.config, arguments.set)
    if arguments.data_root is None:
        found = replace(found, **external)
    if arguments.smoke:
        found = replace(found, **smoke)
    if not found.corpus and not found.sets:
        raise UsageError("nothing to learn from: name corpus files, or sets with --data-root")
    return found


def answer(work: Callable[[], Mapping[str, Any]], arguments: argparse.Namespace, console: Console) -> int:
    """Do the work and print its figures as one line of JSON; returns the exit code."""
    if arguments.threads:
        import torch

        torch.set_num_threads(arguments.threads)
    try:
        result = work()
    except UsageError as error:
        console.print(f"error: {error}", style="red")
        return 2
    except CommuniqueError as error:
        console.print(f"error: {error}", style="red")
        return 3
    except KeyboardInterrupt:
        console.print("interrupted: the same command goes on from the last checkpoint, if it has made one")
        return 130
    if not console.quiet:  # of several processes, the first speaks
        print(json.dumps(result))
    return 0
