"""Lines of JSON from a file, compressed or not: a bad line is one bad item and harms no other.

Lines end at a line feed only, as JSON Lines has it. Blank lines at the end are no items; one in the middle is a bad
item, so that output line i always answers input line i.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from communique.archive.item import Item
from communique.archive.streams import MAX_ITEM_BYTES, Damage, open_binary
from communique.errors import EmptyText, ItemError, TooLarge
from communique.wire import decode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["list_lines", "read_lines"]


def read_lines(path: Path, prefix: str = "") -> Iterator[Item]:
    """An item a line; without an `id` of its own it is called `prefix` and the line's number."""
    for number, line in enumerate(_without_trailing_blanks(path), 1):
        if isinstance(line, ItemError):
            yield Item.failed(line, f"{prefix}{number}")
            continue
        try:
            yield Item.from_object(decode(line.rstrip(b"\r\n")), f"{prefix}{number}")
        except ItemError as error:
            yield Item.failed(error, f"{prefix}{number}")


def list_lines(path: Path) -> Iterator[object]:
    """Something for each item that `read_lines` gives, lines left undecoded."""
    return _without_trailing_blanks(path)


def _without_trailing_blanks(path: Path) -> Iterator[bytes | ItemError]:
    blanks = 0
    with open_binary(path) as stream:
        for line in _raw_lines(stream):
            if isinstance(line, bytes) and not line.strip():
                blanks += 1
                continue
            for _ in range(blanks):
                yield EmptyText("the line is blank")
            blanks = 0
            yield line


def _raw_lines(stream: BinaryIO) -> Iterator[bytes | ItemError]:
    """Each line with its end, or the error that stands in its place."""
    with Damage("the compressed file is cut off or damaged here") as damage:
        while line := stream.readline(MAX_ITEM_BYTES + 1):
            if len(line) <= MAX_ITEM_BYTES:
                yield line
                continue
            while line and not line.endswith(b"\n"):
                line = stream.readline(1 << 20)
            yield TooLarge(f"the line is longer than {MAX_ITEM_BYTES:,} bytes")
    if damage.error is not None:
        yield damage.error
