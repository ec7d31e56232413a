"""Inputs of an archive by their form: what reads them, how many items they hold, and what their bytes are.

>>> sorted(FORMS)[:3]
['.csv', '.htm', '.html']
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from communique.archive.lines import OPENERS, count_lines, read_lines
from communique.archive.pages import HTML_ENDINGS, TEXT_ENDINGS, read_folder, read_page, read_tar, read_zip
from communique.archive.tables import count_parquet, read_csv, read_parquet, read_tsv
from communique.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from communique.archive.item import Item

__all__ = ["FORMS", "Reader", "Source", "read_all"]

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
_COUNTERS: Final[dict[Reader, Callable[[Path], int]]] = {read_lines: count_lines, read_parquet: count_parquet}


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

    def count(self) -> int:
        """How many items there are."""
        counter = _COUNTERS.get(self.read)
        return counter(self.path) if counter else sum(1 for _ in self.items())

    def fingerprint(self) -> dict[str, Any]:
        """{"name", "bytes", "sha256"} of what is read; of a folder, over its files' names and bytes."""
        digest = hashlib.sha256()
        size = 0
        folder = self.path.is_dir()
        paths = sorted(path for path in self.path.rglob("*") if path.is_file()) if folder else [self.path]
        for path in paths:
            if folder:
                digest.update(repr((path.relative_to(self.path).as_posix(), path.stat().st_size)).encode())
            with path.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
                    size += len(block)
        return {"name": self.path.name, "bytes": size, "sha256": digest.hexdigest()}


def read_all(sources: Sequence[Source]) -> Iterator[Item]:
    """The items of all, one source after the other.

    With several sources an id that was not given is `NAME:NUMBER`, so that it says which file it counts in.
    """
    for source in sources:
        yield from source.items(f"{source.path.name}:" if len(sources) > 1 else "")
