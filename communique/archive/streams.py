"""A file's bytes, decompressed where its name says so, and what becomes of a stream that is cut off or damaged.

It knows nothing of articles. Damage is one error in the place of what could not be read, whatever the library that
came upon it raises; a fault of the disk is passed on.

    >>> with Damage("the file is cut off here") as damage:
    ...     raise EOFError("no end marker")
    >>> str(damage.error)
    'the file is cut off here: no end marker'
"""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from communique.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

__all__ = ["MAX_ITEM_BYTES", "OPENERS", "Damage", "open_binary"]

#: Bytes of one line or one file at most; more is an item error.
MAX_ITEM_BYTES: Final = 64 << 20

#: File name ending of a compressed file to what opens it.
OPENERS: Final[dict[str, Callable[..., object]]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def open_binary(path: Path) -> BinaryIO:
    """The file's bytes, decompressed where its name says so."""
    opener = OPENERS.get(path.suffix.lower())
    return cast("BinaryIO", opener(path, "rb")) if opener else path.open("rb")


class Damage:
    """A context in which a stream is read: it ends the block where the stream is broken, and `error` says so.

    `said` begins the message. What else than a broken stream is damage here is named in `more`.
    """

    def __init__(self, said: str, *more: type[Exception]) -> None:
        self._said = said
        self._more = more
        self.error: Malformed | None = None

    def __enter__(self) -> Damage:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        if error is None or not (_is_broken(error) or isinstance(error, self._more)):
            return False
        self.error = Malformed(f"{self._said}: {error}")
        return True


def _is_broken(error: BaseException) -> bool:
    # The disk's errors have a number; those of gzip, bz2 and Arrow have none. EINVAL is a seek to before the beginning,
    # as a directory of nonsense asks for.
    if isinstance(error, OSError):
        return error.errno in (None, errno.EINVAL)
    return isinstance(error, (EOFError, zlib.error, lzma.LZMAError)) or type(error).__module__.startswith("pyarrow")
