"""`communique labels`: the topics with their IPTC codes, the stances, and the targets judged by default."""

from __future__ import annotations

import argparse
import json

from communique.cli.exit import Exit
from communique.config import Settings
from communique.labels import STANCES, label_sets, topics_of
from communique.models import resolve

__all__ = ["add_parser"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "labels",
        help="the topics, the stances and the default targets",
        description="Print the topics with their IPTC Media Topics codes, the stances and the default targets.",
        epilog="example:\n  communique labels --json | python -m json.tool",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    settings = Settings.load()
    topics = topics_of(resolve("trunk", home=settings.home))
    if args.json:
        print(json.dumps(label_sets(topics, settings.targets)))
        return Exit.DONE
    print("topics")
    for label, code in topics.items():
        print(f"  {label:<22} {code or '-'}")
    print("stances\n  " + "\n  ".join((*STANCES, "unsure (the model abstains)", "absent (plays no part)")))
    print("default targets\n  " + "\n  ".join(settings.targets))
    return Exit.DONE
