"""Inputs of an archive by their form: what reads them, how many items they hold, and what their bytes are.

>>> sorted(FORMS)[:3]
['.csv', '.htm', '.html']
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from communique.archive.lines import list_lines, read_lines
from communique.archive.packs import list_tar, list_zip, read_tar, read_zip
from communique.archive.pages import HTML_ENDINGS, TEXT_ENDINGS, list_folder, read_folder, read_page
from communique.archive.streams import OPENERS
from communique.archive.tables import list_csv, list_parquet, list_tsv, read_csv, read_parquet, read_tsv
from communique.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from communique.archive.item import Item

__all__ = ["FORMS", "Reader", "Source", "labels", "read_all"]

#: Reads the items of a path, in order; ids that were not given begin with the second argument.
Reader: TypeAlias = "Callable[[Path, str], Iterator[Item]]"

#: File name ending to what reads it. `.gz`, `.bz2` and `.xz` may follow those of `_COMPRESSIBLE`.
FORMS: Final[dict[str, Reader]] = {
    ".jsonl": read_lines,
    ".ndjson": read_lines,
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".parquet": read_parquet,
    ".zip": read_zip,
    ".tar": read_tar,
    ".tgz": read_tar,
    **dict.fromkeys((*TEXT_ENDINGS, *HTML_ENDINGS), read_page),
}
_COMPRESSIBLE: Final = (".jsonl", ".ndjson", ".csv", ".tsv", ".tar")
#: What gives something for each item of a path, and takes less than reading them.
_LISTERS: Final[dict[Reader, Callable[[Path], Iterable[object]]]] = {
    read_lines: list_lines,
    read_csv: list_csv,
    read_tsv: list_tsv,
    read_parquet: list_parquet,
    read_zip: list_zip,
    read_tar: list_tar,
    read_folder: list_folder,
    read_page: lambda path: (path,),
}


@dataclass(frozen=True, slots=True)
class Source:
    """One input: a file, or a folder of text and HTML files."""

    path: Path
    read: Reader

    @classmethod
    def of(cls, path: Path) -> Source:
        """The source at a path.

        Raises:
            UsageError: there is nothing, or its form is not known; the message lists those that are.
        """
        if path.is_dir():
            return cls(path, read_folder)
        if not path.exists():
            raise UsageError(f"{path} does not exist")
        if not path.is_file():
            raise UsageError(f"{path} is neither a file nor a folder; an archive is read more than once")
        endings = [ending.lower() for ending in path.suffixes[-2:]]
        if endings and endings[-1] in OPENERS and len(endings) == 2 and endings[0] in _COMPRESSIBLE:
            return cls(path, FORMS[endings[0]])
        if endings and endings[-1] in FORMS:
            return cls(path, FORMS[endings[-1]])
        packed = ", ".join(f"{ending}.gz" for ending in _COMPRESSIBLE)
        raise UsageError(
            f"the form of {path} is not known by its ending; known: {', '.join(FORMS)}, {packed}, a folder"
        )

    def items(self, prefix: str = "") -> Iterator[Item]:
        """The items in order; each call begins anew. The ids that were not given begin with `prefix`."""
        return self.read(self.path, prefix)

    def check(self) -> None:
        """See that there is something to read, by its first item.

        Raises:
            UsageError: it is not of its form, or holds no page or column of texts.
        """
        for _ in self.items():
            return

    def count(self, limit: int | None = None) -> int:
        """How many items there are, or `limit` where there are more. Damaged parts may make it a little wrong."""
        return sum(1 for _ in islice(_LISTERS[self.read](self.path), limit))

    def fingerprint(self) -> dict[str, Any]:
        """{"bytes", "sha256"} of what is read; of a folder, over its pages' names and bytes."""
        digest = hashlib.sha256()
        size = 0
        if self.read is not read_folder:
            size = _digest(self.path, digest)
        else:
            for name in list_folder(self.path):
                digest.update(repr(name).encode())
                try:
                    held = _digest(self.path / name, digest)
                except OSError:  # reading it says what is wrong
                    held = -1
                digest.update(repr(held).encode())
                size += max(0, held)
        return {"bytes": size, "sha256": digest.hexdigest()}


def _digest(path: Path, digest: hashlib._Hash) -> int:
    """Take in a file's bytes; how many there are."""
    size = 0
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
            size += len(block)
    return size


def labels(sources: Sequence[Source]) -> list[str]:
    """A name for each: its file's, with as many of the folders above as tell all of them apart."""
    # A link keeps its own name, and `.` and `..` have one.
    paths = [Path(os.path.abspath(source.path)) for source in sources]  # noqa: PTH100
    for parts in range(1, max((len(path.parts) for path in paths), default=1)):
        names = ["/".join(path.parts[-parts:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    return [path.as_posix() for path in paths]


def read_all(sources: Sequence[Source]) -> Iterator[Item]:
    """The items of all, one source after the other.

    With several sources an id that was not given is `NAME:NUMBER`, so that it says which file it counts in.
    """
    for name, source in zip(labels(sources), sources, strict=True):
        yield from source.items(f"{name}:" if len(sources) > 1 else "")
