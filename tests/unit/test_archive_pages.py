"""A page of an archive: which format it has, and how its bytes are read."""

from __future__ import annotations

import pytest

from communique.archive.pages import decode_page, detect_format
from communique.errors import BadEncoding


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("<p>x", "a.txt", "text"),
        ("plain", "a.HTM", "html"),
        ("  <!DOCTYPE html><html>", "", "html"),
        ("<?xml version='1.0'?><html>", "-", "html"),
        ("a < b, and <p> is a tag", "", "text"),
        ("<3 hearts", "", "text"),
    ],
)
def test_detect_format(text: str, name: str, expected: str) -> None:
    assert detect_format(text, name) == expected


def test_decode_page_by_mark_and_declaration() -> None:
    assert decode_page("é".encode("utf-16")) == "é"
    assert decode_page(b"\xef\xbb\xbfx") == "x"
    assert decode_page('<?xml version="1.0" encoding="windows-1251"?><p>Баку'.encode("cp1251")).endswith("Баку")
    assert decode_page('<meta charset="no-such-code">é'.encode()).endswith("é")
    with pytest.raises(BadEncoding, match="offset 3"):
        decode_page(b"abc\xff")


@pytest.mark.parametrize("name", ["hex", "rot13", "undefined", "unicode_escape", "idna", "utf-16-be", "utf-32", "zlib"])
def test_a_page_that_declares_no_encoding_of_pages_is_utf8(name: str) -> None:
    page = f'<meta charset="{name}"><p>Caf\u00e9 \\u00e9'
    assert decode_page(page.encode()) == page
    with pytest.raises(BadEncoding, match="is not UTF-8"):
        decode_page(page.encode("latin-1"))


def test_a_codec_that_fails_in_its_own_way_is_a_bad_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("communique.archive.pages._declared", lambda _: "undefined")
    with pytest.raises(BadEncoding, match="not undefined"):
        decode_page(b"x")


@pytest.mark.parametrize("encoding", ["utf-32", "utf-16", "utf-8-sig"])
def test_byte_order_marks(encoding: str) -> None:
    assert decode_page("Baku, \u00e9".encode(encoding)) == "Baku, \u00e9"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x1f\x8b\x08", "a gzip file"),
        (b"PK\x03\x04", "a zip file"),
        (b"%PDF-1.7\n", "a PDF file"),
        (b"caf\xe9", "iconv -f cp1252"),
        (b"caf\x81", "save the file as UTF-8$"),
    ],
)
def test_what_is_no_utf8_says_what_to_do(data: bytes, words: str) -> None:
    with pytest.raises(BadEncoding, match=words):
        decode_page(data)
