"""`communique analyze`: one article, as a card to read or as the record.

$ communique analyze page.html --target Armenia --target "peace talks"
$ curl -s https://news.example/story | communique analyze - --json
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from communique.cli.exit import Exit
from communique.cli.options import ARTICLE_SETTINGS, add_settings, settings_of
from communique.errors import ItemError, UsageError
from communique.record import Article, Record

if TYPE_CHECKING:
    from communique.config import Settings

__all__ = ["add_parser"]

#: Files that hold an article as an object, with its `text` and what else is known of it.
_JSON: Final = (".json", ".jsonl")
#: How such an object begins where no name tells.
_OBJECT: Final = re.compile(rb'\s*\{\s*"\w+"\s*:')

_EPILOG: Final = """\
examples:
  communique analyze page.html
  communique analyze item.json --json
  communique analyze story.txt --target Armenia --target "peace talks" --max-words 40
  curl -s https://news.example/story | communique analyze - --json
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "analyze",
        help="one article: summary with evidence, topics, stance",
        description="Print the summary of one article with its evidence, its topics and its stances. The article is "
        "text, HTML, or a JSON object as in an archive.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", help="text, HTML or a JSON object with `text`; - is standard input")
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
        raise UsageError(f"{name} does not exist; give a text, HTML or JSON file, or - for standard input") from None
    except IsADirectoryError:
        raise UsageError(
            f"{name} is a folder; `communique score {name} --output records` scores all its files"
        ) from None


def _score(data: bytes, args: argparse.Namespace, settings: Settings) -> tuple[Article, Record]:
    name = "stdin" if args.file == "-" else Path(args.file).name
    try:
        article = _article(data, name, args)
    except ItemError as error:
        article = Article(id=name, text="", title=args.title)
        return article, Record.failed(article, error)

    from communique.pipeline import Pipeline

    with Pipeline.open(settings) as pipeline:
        return article, pipeline.score(article)


def _article(data: bytes, name: str, args: argparse.Namespace) -> Article:
    """The article that a file is, or that it holds as JSON, as a line of an archive does; flags go before its fields.

    Raises:
        ItemError: it cannot be read.
        UsageError: it holds many.
    """
    from communique.archive.pages import decode_page, detect_format

    if not name.endswith(_JSON) and not (args.file == "-" and _OBJECT.match(data)):
        text = decode_page(data)
        return Article(id=name, text=text, title=args.title, format=args.format or detect_format(text, name))
    if name.endswith(".jsonl") and data.strip().count(b"\n"):
        raise UsageError(
            f"{name} holds more than one article; `communique score {args.file} --output records.jsonl` scores them all"
        )
    from communique.wire import decode

    article = Article.from_dict(decode(data.strip()), name)
    return replace(article, title=args.title or article.title, format=args.format or article.format)
