"""`communique analyze`: one article, as a card to read or as the record.

$ communique analyze page.html --target Armenia --target "peace talks"
$ curl -s https://news.example/story | communique analyze - --json
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from communique.cli.exit import Exit
from communique.cli.options import ARTICLE_SETTINGS, add_settings, settings_of
from communique.errors import ItemError, UsageError
from communique.record import Article, Record

if TYPE_CHECKING:
    from communique.config import Settings

__all__ = ["add_parser"]

_EPILOG = """\
examples:
  communique analyze page.html
  communique analyze story.txt --target Armenia --target "peace talks" --max-words 40
  curl -s https://news.example/story | communique analyze - --json
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "analyze",
        help="one article: summary with evidence, topics, stance",
        description="Read one article, text or HTML, and print its summary with evidence, its topics and its stances.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", help="a text or HTML file, or - for standard input")
    parser.add_argument("--title", default="", help="the article's title, where the text does not hold it")
    parser.add_argument(
        "--format", choices=("text", "html"), help="default: by the file's ending or its first characters"
    )
    parser.add_argument("--json", action="store_true", help="print the record, as one line of JSON")
    parser.add_argument("--strict", action="store_true", help="exit with 1 where the article cannot be scored")
    add_settings(parser, ARTICLE_SETTINGS)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    data = _read(args.file)
    article, record = _score(data, args, settings)
    if args.json:
        from communique.wire import encode

        sys.stdout.buffer.write(encode(record.as_dict()) + b"\n")
    else:
        from rich.console import Console

        from communique.cli.card import card

        console = Console()
        console.print(card(article, record, width=min(console.width, 100)))
    return Exit.ITEM_ERRORS if args.strict and record.error else Exit.DONE


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except FileNotFoundError:
        raise UsageError(f"{name} does not exist; give a text or HTML file, or - for standard input") from None
    except IsADirectoryError:
        raise UsageError(
            f"{name} is a folder; `communique score {name} --output records` scores all its files"
        ) from None


def _score(data: bytes, args: argparse.Namespace, settings: Settings) -> tuple[Article, Record]:
    from communique.archive.pages import decode_page, detect_format

    name = "stdin" if args.file == "-" else Path(args.file).name
    try:
        text = decode_page(data)
    except ItemError as error:
        article = Article(id=name, text="", title=args.title)
        return article, Record.failed(article, error)
    form = args.format or detect_format(text, name)
    article = Article(id=name, text=text, title=args.title, format=form)

    from communique.pipeline import Pipeline

    with Pipeline.open(settings) as pipeline:
        return article, pipeline.score(article)
