"""Zip and tar files of pages: each text or HTML file in them is one article, called by its path in the archive.

Nothing is unpacked to the disk. What is damaged is bad items, never articles lost in silence: a member, or where a tar
breaks off all that would follow it.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import struct
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from communique.archive.item import Item
from communique.archive.pages import is_page, no_pages, page_item, tidy
from communique.archive.streams import MAX_ITEM_BYTES, Damage
from communique.errors import Malformed, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["list_tar", "list_zip", "read_tar", "read_zip"]

#: What `zipfile` raises of a damaged file. RuntimeError: a member is encrypted. NotImplementedError: a compression that
#: Python lacks. ValueError and struct.error: a directory that holds nonsense.
_BAD_ZIP: Final = (zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError, OverflowError, struct.error)
_BAD_TAR: Final = (tarfile.TarError, ValueError, OverflowError)

#: First bytes of a compressed tar to what opens it.
_PACKERS: Final[dict[bytes, Callable[..., Any]]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}


def read_zip(path: Path, prefix: str = "") -> Iterator[Item]:
    """The text and HTML files of a zip, in its order. A damaged member is one bad item."""
    with _open_zip(path) as archive:
        members = _page_members(archive)
        if not members:
            raise UsageError(no_pages(path))
        for member in members:
            name, data = member.filename, b""
            if _climbs(name):
                yield _climbing(name, prefix)
                continue
            with Damage("the member cannot be unpacked", *_BAD_ZIP) as damage, archive.open(member) as stream:
                data = stream.read(MAX_ITEM_BYTES + 1)
            if damage.error is not None:
                yield Item.failed(damage.error, prefix + tidy(name))
            else:
                yield page_item(data, name, prefix)


def list_zip(path: Path) -> list[zipfile.ZipInfo]:
    """The members that `read_zip` gives items of."""
    with _open_zip(path) as archive:
        return _page_members(archive)


def read_tar(path: Path, prefix: str = "") -> Iterator[Item]:
    """The text and HTML files of a tar, compressed or not, in its order. Where it breaks off, one bad item says so."""
    found = False
    tar = _Tar(path)
    with tar:
        for member in tar.pages():
            found = True
            if _climbs(member.name):
                yield _climbing(member.name, prefix)
                continue
            data = tar.data(member)
            if data is None:
                break
            yield page_item(data, member.name, prefix)
    if tar.damage.error is not None:
        yield Item.failed(tar.damage.error, f"{prefix}{tidy(tar.reading or path.name)}")
    elif not found:
        raise UsageError(no_pages(path))


def list_tar(path: Path) -> Iterator[str]:
    """A name for each item that `read_tar` gives, without reading what the files hold."""
    with _Tar(path) as tar:
        for member in tar.pages():
            yield member.name
        if tar.damage.error is not None:
            yield path.name


class _Tar:
    """A tar file that is read through, once, to its very end: `damage` says afterwards what was wrong with it.

    Used as a context. `reading` is the member whose contents are being read.
    """

    def __init__(self, path: Path) -> None:
        self.damage = Damage("the tar file is cut off or damaged here", *_BAD_TAR)
        self.reading: str | None = None
        self._bytes = _TarBytes(path)
        opening = Damage(f"{path} is not a tar file", *_BAD_TAR)
        with opening:
            # Uncompressed to tarfile, which gives streams that it opens itself no bounds.
            self._archive: Any = tarfile.open(fileobj=cast("BinaryIO", self._bytes), mode="r:")  # noqa: SIM115
        if opening.error is not None:
            self._bytes.close()
            raise UsageError(str(opening.error))

    def __enter__(self) -> _Tar:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._archive.close()
        self._bytes.close()

    def pages(self) -> Iterator[tarfile.TarInfo]:
        """The members that are pages, until the tar ends or breaks off."""
        with self.damage:
            while (member := self._archive.next()) is not None:
                self._archive.members.clear()  # tarfile would keep them all
                if member.isfile() and _is_wanted(member.name):
                    yield member
            # For tarfile a damaged header ends a tar like its true end, which is zeros to the end of the file.
            self._bytes.check_end()

    def data(self, member: tarfile.TarInfo) -> bytes | None:
        """What a member holds, up to a byte more than is allowed; None where it cannot be read: `damage` says why."""
        self.reading = member.name
        with self.damage:
            stream = self._archive.extractfile(member)
            data = stream.read(MAX_ITEM_BYTES + 1) if stream is not None else b""
            self.reading = None
            return data
        return None


class _TarBytes:
    """The bytes that `tarfile` reads: it keeps the last block read, and refuses headers that would fill the memory."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as stream:
            begins = stream.read(6)
        opener = next((opener for magic, opener in _PACKERS.items() if begins.startswith(magic)), None)
        self._stream: BinaryIO = opener(path, "rb") if opener else path.open("rb")
        self._last = b""

    def read(self, size: int) -> bytes:
        if size > MAX_ITEM_BYTES + tarfile.RECORDSIZE:
            raise tarfile.ReadError(f"a header says that it is {size:,} bytes long")
        self._last = self._stream.read(size)
        return self._last

    def seek(self, position: int) -> int:
        return self._stream.seek(position)

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        self._stream.close()

    def check_end(self) -> None:
        """See that the block which ended the tar is its end mark, and that nothing but zeros follows.

        Raises:
            ReadError: it is not; articles are lost.
        """
        if self._last != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError(
                f"neither a file nor the end mark before byte {self.tell():,}; what follows is lost"
            )
        while block := self._stream.read(1 << 20):
            if block.strip(b"\0"):
                raise tarfile.ReadError(f"more follows the end mark, before byte {self.tell():,}; it is not read")


def _open_zip(path: Path) -> zipfile.ZipFile:
    with Damage(f"{path} is not a zip file", *_BAD_ZIP) as damage:
        return zipfile.ZipFile(path)
    raise UsageError(str(damage.error))


def _page_members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    return [member for member in archive.infolist() if _is_wanted(member.filename)]


def _is_wanted(name: str) -> bool:
    path = name.replace("\\", "/")  # as some programs for Windows write paths
    return not path.endswith("/") and is_page(path)


def _climbs(name: str) -> bool:
    """Whether a path leads out of the archive, as none that an honest program wrote does."""
    return ".." in re.split(r"[/\\]", name)


def _climbing(name: str, prefix: str) -> Item:
    return Item.failed(Malformed(f"the path {tidy(name)!r} leads out of the archive"), prefix + tidy(name))
