"""The parser of the command line, and what becomes of errors: one line on stderr and an exit status.

Nothing heavy is imported here or at the top of a command's module, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import errno
import logging
import os
import sys
import traceback
from typing import TYPE_CHECKING, Final

import communique
from communique.cli import analyze, labels, models, score, serve, settings
from communique.cli.exit import Exit
from communique.errors import EnvironmentFault, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main", "parser"]

#: Each module adds one sub-command with `add_parser`, which sets `run`: parsed arguments to exit status.
_COMMANDS: Final = (analyze, score, serve, models, labels, settings)

_FULL_DISK: Final = (errno.ENOSPC, errno.EDQUOT)

_EPILOG: Final = """\
examples:
  communique analyze page.html                         one article, as a card
  communique score archive.jsonl --output records.jsonl  an archive
  communique serve                                     the service on 127.0.0.1:3000

exit status:
  0 done; 1 done, with item errors, under --strict; 2 usage; 3 environment (models, disk, network);
  70 a fault of ours; 130 interrupted, and can be resumed
"""


def parser() -> argparse.ArgumentParser:
    """The parser with all sub-commands."""
    top = argparse.ArgumentParser(
        prog="communique",
        description="Summaries of news articles that prove every sentence, topics, and stance toward your targets.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"communique {communique.__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_parser(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit status, one of `Exit`.
    """
    args = parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s", stream=sys.stderr)
    try:
        status = int(args.run(args))
        sys.stdout.flush()
    except UsageError as error:
        return _say(error, Exit.USAGE)
    except EnvironmentFault as error:
        return _say(error, Exit.ENVIRONMENT)
    except BrokenPipeError:
        # Whoever read our output has enough (`| head`); the interpreter must not complain of it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except OSError as error:
        hint = "; free some space and run the same command again" if error.errno in _FULL_DISK else ""
        return _say(f"{error}{hint}", Exit.ENVIRONMENT)
    except KeyboardInterrupt:
        return _say("interrupted", Exit.INTERRUPTED)
    except Exception:  # noqa: BLE001
        traceback.print_exc()
        return _say("this is a fault of ours; the trace is above", Exit.FAULT)
    return status


def _say(message: object, status: Exit) -> int:
    sys.stdout.flush()
    print(f"communique: {message}", file=sys.stderr)
    return status
