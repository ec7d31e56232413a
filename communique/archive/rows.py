"""Rows of separated values: one that cannot be read harms no other, and none takes more than its share.

A quote that is never closed would take every row below it for its own. So a row has bounds, and where one that spans
lines cannot be read, reading goes on at the first line below its first from which a row of as many cells as the header
has can be read; the error says how many lines were lost. It knows nothing of articles.

    >>> import io
    >>> list(read_rows(io.StringIO("a,b\\n1,2\\n"), ","))
    [['a', 'b'], ['1', '2']]
"""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING, Final, TextIO

from communique.errors import ItemError, Malformed, TooLarge

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MAX_ROW_CHARACTERS", "MAX_ROW_LINES", "read_rows"]

#: A row at most; the parser keeps four bytes and more of each character.
MAX_ROW_CHARACTERS: Final = 16 << 20
MAX_ROW_LINES: Final = 100_000
#: Characters that may be read once more to find where rows go on, for each that the broken row took.
_SECOND_LOOKS: Final = 8


def read_rows(stream: TextIO, delimiter: str) -> Iterator[list[str] | ItemError]:
    """Each row's cells, the header's first, or the error that stands in the place of a row. Blank lines are no rows.

    Raises:
        OSError, EOFError, zlib.error, lzma.LZMAError: what the stream raises.
    """
    csv.field_size_limit(sys.maxsize)  # the lines have their own bounds
    lines = _Lines(stream)
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        row = _next(rows, lines)
        if row is None:
            return
        if isinstance(row, list):
            header = header or row
            if row:
                yield row
        elif len(lines.taken) > 1 and header is not None:
            where = f"it begins on line {lines.first:,}"
            lost = _recover(rows, lines, len(header))
            yield type(row)(f"{row}; {where}" + (f", and {lost:,} lines below are lost" if lost else ""))
        else:
            yield row


def _next(rows: Iterator[list[str]], lines: _Lines) -> list[str] | ItemError | None:
    """The next row, its error, or None at the end. `lines.taken` are its lines."""
    lines.begin()
    try:
        return next(rows)
    except StopIteration:
        return None
    except csv.Error as error:
        return Malformed(f"the row cannot be read: {error}")
    except TooLarge as error:
        return error


def _recover(rows: Iterator[list[str]], lines: _Lines, cells: int) -> int:
    """Put the lines of the broken row back but its first, pass over those that begin no row, and count these."""
    looks = _SECOND_LOOKS * sum(map(len, lines.taken))
    lost = 0
    while True:
        lines.put_back(lines.taken[1:])
        row = _next(rows, lines)
        looks -= sum(map(len, lines.taken))
        if row is None or (isinstance(row, list) and len(row) == cells):
            lines.put_back(lines.taken)
            return lost
        if looks < 0:  # a file made to be read again and again
            return lost + len(lines.taken)
        lost += 1


class _Lines:
    """Lines of a stream for the parser, which can be put back. A row that takes too much of them is refused.

    `taken` are the lines since `begin`, the first of which is line `first` of the file.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting: list[str] = []
        self._number = 1
        self._characters = 0
        self.taken: list[str] = []

    @property
    def first(self) -> int:
        return self._number - len(self.taken)

    def begin(self) -> None:
        """A row begins."""
        self.taken = []
        self._characters = 0

    def put_back(self, lines: list[str]) -> None:
        """Give these lines again, which were given last."""
        self._waiting.extend(reversed(lines))
        self._number -= len(lines)

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self.taken) == MAX_ROW_LINES:
            raise TooLarge(f"the row has more than {MAX_ROW_LINES:,} lines: is a quote left open?")
        line = self._waiting.pop() if self._waiting else self._stream.readline(MAX_ROW_CHARACTERS + 1)
        if not line:
            raise StopIteration
        self._characters += len(line)
        self._number += 1
        self.taken.append(line)
        if self._characters > MAX_ROW_CHARACTERS:
            if not line.endswith(("\n", "\r")):
                self.taken[-1] += "\n"  # its rest is gone: if it is put back, it must not be looked for again
                while line and not line.endswith(("\n", "\r")):
                    line = self._stream.readline(1 << 20)
            raise TooLarge(f"the row has more than {MAX_ROW_CHARACTERS:,} characters")
        return line
