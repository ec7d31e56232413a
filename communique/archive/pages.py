"""Files of which each is one article, text or HTML: alone or in a folder.

An article's id is its path within the folder. Offsets count the characters of the decoded file.
"""

from __future__ import annotations

import codecs
import errno
import os
import re
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from communique.archive.item import Item
from communique.archive.streams import MAX_ITEM_BYTES
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
    "is_page",
    "list_folder",
    "no_pages",
    "page_item",
    "read_folder",
    "read_page",
    "tidy",
]

TEXT_ENDINGS: Final = (".txt", ".text")
HTML_ENDINGS: Final = (".html", ".htm", ".xhtml")

#: Files and folders whose names begin so are left out of a folder or an archive.
_HIDDEN: Final = (".", "__MACOSX")
#: Faults of one file of a folder; others, such as too many open files, are ours or the machine's.
_UNREADABLE: Final = (errno.EACCES, errno.EPERM, errno.ENOENT, errno.EISDIR, errno.ELOOP, errno.EIO)

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
#: First bytes of files that are no text, and what they are.
_NO_TEXT: Final = ((b"\x1f\x8b", "gzip"), (b"PK\x03\x04", "zip"), (b"%PDF-", "PDF"))
#: Codecs of Python that decode to text and are no page's encoding.
_NO_PAGE: Final = ("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape")


def decode_page(data: bytes) -> str:
    """The file's text: by its byte order mark, by the encoding that an HTML page declares, else UTF-8.

    Raises:
        BadEncoding: the bytes are not of that encoding; the message says where.
    """
    for mark, kind in _NO_TEXT:
        if data.startswith(mark):
            raise BadEncoding(f"this is a {kind} file, not text or HTML; unpack it or take the text out of it first")
    declared = next((name for mark, name in _MARKS if data.startswith(mark)), None) or _declared(data)
    name = declared or "utf-8"
    try:
        return data.decode(name)
    except UnicodeDecodeError as error:
        found = f"byte 0x{data[error.start]:02X} at offset {error.start} is not {error.encoding.upper()}"
        advice = "" if declared else f"; save the file as UTF-8{_guess(data)}"
        raise BadEncoding(found + advice) from None
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
    """The text and HTML files of a folder and the folders in it, by path; hidden ones are left out.

    What cannot be read, a file or a folder in it, is one bad item.
    """
    found = list_folder(folder)
    if not found:
        raise UsageError(no_pages(folder))
    for name, fault in found.items():
        try:
            if fault is not None:
                raise fault
            yield _from_file(folder / name, name, prefix)
        except OSError as error:
            if error.errno not in _UNREADABLE:
                raise
            yield Item.failed(Malformed(f"the file cannot be read: {error.strerror}"), prefix + tidy(name))


def list_folder(folder: Path) -> dict[str, OSError | None]:
    """The paths of the pages in a folder, sorted; those of files and folders that cannot be looked at have an error."""
    found: dict[str, OSError | None] = {}

    def note(path: str, error: OSError) -> None:
        found[Path(path).relative_to(folder).as_posix()] = error

    for root, inner, names in os.walk(folder, onerror=lambda error: note(error.filename, error)):
        inner[:] = [name for name in inner if not name.startswith(_HIDDEN)]
        for name in names:
            path = Path(root, name)
            relative = path.relative_to(folder).as_posix()
            if not is_page(relative):
                continue
            try:
                if stat.S_ISREG(path.stat().st_mode):
                    found[relative] = None
            except FileNotFoundError:  # a link to nothing
                continue
            except OSError as error:
                note(str(path), error)
    return dict(sorted(found.items()))


def no_pages(path: Path) -> str:
    """What is said of a folder or an archive without pages."""
    return f"{path} holds no file that ends in {', '.join((*TEXT_ENDINGS, *HTML_ENDINGS))}"


def _from_file(path: Path, name: str, prefix: str) -> Item:
    with path.open("rb") as stream:
        return page_item(stream.read(MAX_ITEM_BYTES + 1), name, prefix)


def page_item(data: bytes, name: str, prefix: str) -> Item:
    """The item that a file's bytes are; of one that is too long, its first `MAX_ITEM_BYTES` and one more will do."""
    identifier = prefix + tidy(name)
    if len(data) > MAX_ITEM_BYTES:
        return Item.failed(TooLarge(f"the file is longer than {MAX_ITEM_BYTES:,} bytes"), identifier)
    try:
        text = decode_page(data)
    except ItemError as error:
        return Item.failed(error, identifier)
    return Item(Article(id=identifier, text=text, format=detect_format(text, name)))


def is_page(name: str) -> bool:
    """Whether a path is that of a text or HTML file that is not hidden."""
    path = PurePosixPath(name)
    hidden = any(part.startswith(_HIDDEN) and part != ".." for part in path.parts)
    return not hidden and path.suffix.lower() in (*TEXT_ENDINGS, *HTML_ENDINGS)


def tidy(name: str) -> str:
    """A file's name as valid Unicode: names on a disk may be any bytes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _guess(data: bytes) -> str:
    """How to convert what is likely of the encoding that Windows used for English."""
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return ""
    return ", for example with `iconv -f cp1252 -t utf-8`"


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
