"""`communique config`: every setting, its value, and where the value came from."""

from __future__ import annotations

import argparse
import json

from communique.cli.exit import Exit
from communique.config import CONFIG_FILE, PREFIX, Settings, help_of

__all__ = ["add_parser"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "config",
        help="the settings, and where each came from",
        description=(
            f"Print every setting with its value and where it came from: a flag, the environment ({PREFIX}NAME), "
            f"{CONFIG_FILE} in this folder or in $XDG_CONFIG_HOME/communique/, or the default."
        ),
        epilog="examples:\n  communique config\n  COMMUNIQUE_MAX_WORDS=80 communique config --json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="as one JSON object: name to value, from and help")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    settings = Settings.load()
    values = settings.as_dict()
    if args.json:
        shown = {
            name: {"value": value, "from": settings.origins[name], "help": help_of(name)}
            for name, value in values.items()
        }
        print(json.dumps(shown, ensure_ascii=False))
        return Exit.DONE
    from rich.console import Console
    from rich.text import Text

    console = Console()
    for name, value in values.items():
        given = settings.origins[name] != "default"
        text = ", ".join(value) if isinstance(value, list) else "none" if value is None else str(value)
        line = Text.assemble(
            (f"{name:<17}", "bold"), (text, "cyan" if given else ""), (f"  ({settings.origins[name]})", "dim")
        )
        console.print(line, soft_wrap=True)
        console.print(Text(f"{'':<17}{help_of(name, with_default=False)}", "dim"), soft_wrap=True)
    return Exit.DONE
