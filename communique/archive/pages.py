"""Files of which each is one article, text or HTML: alone, in a folder, in a zip or a tar.

An article's id is its path within the folder or archive. Offsets count the characters of the decoded file.
"""

from __future__ import annotations

import codecs
import re
import tarfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from communique.archive.item import Item
from communique.archive.lines import BROKEN_STREAM, MAX_ITEM_BYTES
from communique.errors import BadEncoding, ItemError, Malformed, TooLarge, UsageError
from communique.record import Article

if TYPE_CHECKING:
    from collections.abc import Iterator

    from communique.record import TextFormat

__all__ = [
    "HTML_ENDINGS",
    "TEXT_ENDINGS",
    "decode_page",
    "detect_format",
    "read_folder",
    "read_page",
    "read_tar",
    "read_zip",
]

TEXT_ENDINGS: Final = (".txt", ".text")
HTML_ENDINGS: Final = (".html", ".htm", ".xhtml")

_DECLARED: Final = re.compile(
    rb"""<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE
)
_TAG: Final = re.compile(
    r"<(?:!doctype html|html|head|body|article|main|div|p|h1|h2|meta|title|span|section)\b", re.IGNORECASE
)
#: UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Codecs of Python that decode to text and are no page's encoding.
_NO_PAGE: Final = ("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape")


def decode_page(data: bytes) -> str:
    """The file's text: by its byte order mark, by the encoding that an HTML page declares, else UTF-8.

    Raises:
        BadEncoding: the bytes are not of that encoding; the message says where.
    """
    name = next((name for mark, name in _MARKS if data.startswith(mark)), None) or _declared(data) or "utf-8"
    try:
        return data.decode(name)
    except UnicodeDecodeError as error:
        raise BadEncoding(f"byte 0x{data[error.start]:02X} at offset {error.start} is not {error.encoding}") from None
    except (LookupError, UnicodeError) as error:  # some codecs of Python say no more than that
        raise BadEncoding(f"the bytes are not {name}: {error}") from None


def detect_format(text: str, name: str = "") -> TextFormat:
    """By the ending of the file's name, else by whether it begins like a page."""
    ending = PurePosixPath(name).suffix.lower()
    if ending in HTML_ENDINGS:
        return "html"
    if ending in TEXT_ENDINGS:
        return "text"
    begins = text[:4096].lstrip()
    return "html" if begins.startswith("<") and _TAG.search(begins) else "text"


def read_page(path: Path, prefix: str = "") -> Iterator[Item]:
    """The one item of a file."""
    yield _from_file(path, path.name, prefix)


def read_folder(folder: Path, prefix: str = "") -> Iterator[Item]:
    """The text and HTML files of a folder and the folders in it, by path; hidden ones are left out."""
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    names = [name for name in found if _is_page(name)]
    if not names:
        raise UsageError(f"{folder} holds no file that ends in {', '.join((*TEXT_ENDINGS, *HTML_ENDINGS))}")
    for name in names:
        yield _from_file(folder / name, name, prefix)


def read_zip(path: Path, prefix: str = "") -> Iterator[Item]:
    """The text and HTML files of a zip, in its order. A damaged member is one bad item."""
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise UsageError(f"{path} is not a zip file: {error}") from None
    with archive:
        for member in archive.infolist():
            if member.is_dir() or not _is_page(member.filename):
                continue
            try:
                with archive.open(member) as stream:
                    data = stream.read(MAX_ITEM_BYTES + 1)
            # RuntimeError: the member is encrypted. NotImplementedError: a compression that Python lacks.
            except (zipfile.BadZipFile, RuntimeError, NotImplementedError, *BROKEN_STREAM) as error:
                yield Item.failed(Malformed(f"the member cannot be unpacked: {error}"), prefix + _tidy(member.filename))
            else:
                yield _from_bytes(data, member.filename, prefix)


def read_tar(path: Path, prefix: str = "") -> Iterator[Item]:
    """The text and HTML files of a tar, compressed or not, in its order. Where it breaks off, one bad item says so."""
    try:
        archive = tarfile.open(path)  # noqa: SIM115 — closed by the `with` below; opening has errors of its own
    except (tarfile.TarError, *BROKEN_STREAM) as error:
        raise UsageError(f"{path} is not a tar file: {error}") from None
    with archive:
        name = path.name
        try:
            for member in archive:
                name = member.name
                stream = archive.extractfile(member) if member.isfile() and _is_page(name) else None
                if stream is not None:
                    yield _from_bytes(stream.read(MAX_ITEM_BYTES + 1), name, prefix)
        except (tarfile.TarError, *BROKEN_STREAM) as error:
            yield Item.failed(Malformed(f"the tar file is cut off or damaged at {name}: {error}"), prefix + _tidy(name))


def _from_file(path: Path, name: str, prefix: str) -> Item:
    with path.open("rb") as stream:
        return _from_bytes(stream.read(MAX_ITEM_BYTES + 1), name, prefix)


def _from_bytes(data: bytes, name: str, prefix: str) -> Item:
    identifier = prefix + _tidy(name)
    if len(data) > MAX_ITEM_BYTES:
        return Item.failed(TooLarge(f"the file is longer than {MAX_ITEM_BYTES:,} bytes"), identifier)
    try:
        text = decode_page(data)
    except ItemError as error:
        return Item.failed(error, identifier)
    return Item(Article(id=identifier, text=text, format=detect_format(text, name)))


def _is_page(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return not hidden and path.suffix.lower() in (*TEXT_ENDINGS, *HTML_ENDINGS)


def _tidy(name: str) -> str:
    """A file's name as valid Unicode: names on a disk may be any bytes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _declared(data: bytes) -> str | None:
    """The encoding that a page declares in its first kilobytes, where Python knows it."""
    match = _DECLARED.search(data[:4096])
    if match is None:
        return None
    try:
        codec = codecs.lookup(match[1].decode("ascii", "replace"))
    except LookupError:
        return None
    if not codec._is_text_encoding or codec.name in _NO_PAGE:
        return None
    # Browsers read Latin-1 as Windows-1252, and a page whose declaration was read as bytes is not UTF-16 or UTF-32.
    if codec.name.startswith(("utf-16", "utf-32")):
        return "utf-8"
    return {"iso8859-1": "cp1252", "ascii": "cp1252"}.get(codec.name, codec.name)
