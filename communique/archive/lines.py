"""Lines of JSON from a file, compressed or not: a bad line is one bad item and harms no other.

Lines end at a line feed only, as JSON Lines has it. Blank lines at the end are no items; one in the middle is a bad
item, so that output line i always answers input line i.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from communique.archive.item import Item
from communique.errors import EmptyText, ItemError, Malformed, TooLarge
from communique.wire import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["BROKEN_STREAM", "MAX_ITEM_BYTES", "OPENERS", "count_lines", "open_binary", "read_lines"]

#: Bytes of one line or one file at most; more is an item error.
MAX_ITEM_BYTES: Final = 64 << 20

#: File name ending of a compressed file to what opens it.
OPENERS: Final[dict[str, Callable[..., object]]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}

#: What the decompressors raise when the stream ends too early or is not theirs.
BROKEN_STREAM: Final = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError)


def open_binary(path: Path) -> BinaryIO:
    """The file's bytes, decompressed where its name says so."""
    opener = OPENERS.get(path.suffix.lower())
    return cast("BinaryIO", opener(path, "rb")) if opener else path.open("rb")


def read_lines(path: Path, prefix: str = "") -> Iterator[Item]:
    """An item a line; without an `id` of its own it is called `prefix` and the line's number."""
    for number, line in enumerate(_without_trailing_blanks(path), 1):
        if isinstance(line, ItemError):
            yield Item.failed(line, f"{prefix}{number}")
            continue
        try:
            yield Item.from_object(decode(line), f"{prefix}{number}")
        except ItemError as error:
            yield Item.failed(error, f"{prefix}{number}")


def count_lines(path: Path) -> int:
    """How many items `read_lines` gives, without decoding them."""
    return sum(1 for _ in _without_trailing_blanks(path))


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
    while True:
        try:
            line = stream.readline(MAX_ITEM_BYTES + 1)
            if len(line) > MAX_ITEM_BYTES:
                while line and not line.endswith(b"\n"):
                    line = stream.readline(1 << 20)
                yield TooLarge(f"the line is longer than {MAX_ITEM_BYTES:,} bytes")
                continue
        except BROKEN_STREAM as error:
            yield Malformed(f"the compressed file is cut off or damaged here: {error}")
            return
        except OSError as error:
            if error.errno is not None:  # the disk's fault, not the file's: bz2 raises bare OSErrors
                raise
            yield Malformed(f"the compressed file is cut off or damaged here: {error}")
            return
        if not line:
            return
        yield line
