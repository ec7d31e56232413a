"""Inputs of every form: each gives its items, and what is damaged is one bad item."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from datetime import date
from typing import TYPE_CHECKING

import pytest

from communique.archive.pages import decode_page, detect_format
from communique.archive.sources import Source, read_all
from communique.errors import BadEncoding, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from communique.archive.item import Item

LINES = [{"id": "a", "text": "One."}, {"text": "Two.", "source": "Wire"}, {"id": 7, "text": "Three.", "max_words": 20}]


def lines(*values: object) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def items(path: Path) -> list[Item]:
    source = Source.of(path)
    found = list(source.items())
    assert source.count() == len(found)
    return found


def outcome(item: Item) -> str:
    return f"{item.article.id}:{item.error.type if item.error else item.article.text}"


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_a_line_is_an_article(tmp_path: Path) -> None:
    found = items(written(tmp_path / "a.jsonl", lines(*LINES)))
    assert [outcome(item) for item in found] == ["a:One.", "2:Two.", "7:Three."]
    assert found[1].article.meta == {"source": "Wire"}
    assert found[2].article.max_words == 20


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (b"{", "malformed"),
        (b"", "empty"),
        (b"   ", "empty"),
        (b"[1, 2]", "malformed"),
        (b'{"text": 5, "id": "x"}', "malformed"),
        (b'{"text": "a", "mode": "fast", "id": "x"}', "malformed"),
        (b"\x00\x00\x00\x00", "malformed"),
        (b'{"text": "f\xe9vrier", "id": "x"}', "encoding"),
        (b'{"text": "a\\ud800", "id": "x"}', "encoding"),
        (b"[" * 50_000, "malformed"),
        (b'{"text": "a", "x": NaN}', "malformed"),
    ],
)
def test_a_bad_line_harms_no_other(tmp_path: Path, bad: bytes, error: str) -> None:
    good = b'{"text": "Good."}\n'
    found = items(written(tmp_path / "a.jsonl", good + bad + b"\n" + good))
    own = "x" if b'"id": "x"' in bad and b"\xe9" not in bad else "2"
    assert [outcome(item) for item in found] == ["1:Good.", f"{own}:{error}", "3:Good."]


def test_lines_end_at_a_line_feed_only_and_the_last_needs_none(tmp_path: Path) -> None:
    data = '{"text": "a\u2028b\u0085c"}\r\n{"text": "d"}'.encode()
    assert [item.article.text for item in items(written(tmp_path / "a.jsonl", data))] == ["a\u2028b\u0085c", "d"]


def test_blank_lines_at_the_end_and_a_byte_order_mark_are_no_items(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", b"\xef\xbb\xbf" + lines({"text": "a"}) + b"\n \n\n")
    assert [outcome(item) for item in items(path)] == ["1:a"]
    assert items(written(tmp_path / "none.jsonl", b"")) == []


def test_a_line_that_is_too_long_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("communique.archive.lines.MAX_ITEM_BYTES", 1000)
    data = lines({"text": "a"}, {"text": "b" * 5000}, {"text": "c"})
    assert [outcome(item) for item in items(written(tmp_path / "a.jsonl", data))] == ["1:a", "2:too-large", "3:c"]


def test_a_meta_that_survives_an_error(tmp_path: Path) -> None:
    record = items(written(tmp_path / "a.jsonl", lines({"text": None, "id": "x", "url": "u"})))[0].failure().as_dict()
    assert (record["id"], record["meta"], record["error"]["type"]) == ("x", {"url": "u"}, "malformed")


def test_a_cut_gzip_gives_its_whole_lines_and_one_error(tmp_path: Path) -> None:
    many = lines(*({"text": f"Article {number} {'x' * 50}"} for number in range(2000)))
    whole = gzip.compress(many, compresslevel=1)
    assert len(items(written(tmp_path / "whole.jsonl.gz", whole))) == 2000
    found = items(written(tmp_path / "cut.jsonl.gz", whole[: len(whole) // 2]))
    assert 100 < len(found) < 2000
    assert [item.error for item in found[:-1]] == [None] * (len(found) - 1)
    assert found[-1].error is not None
    assert "cut off" in str(found[-1].error)


def test_a_file_that_only_says_it_is_gzip_is_one_error(tmp_path: Path) -> None:
    assert [outcome(item) for item in items(written(tmp_path / "a.jsonl.gz", lines(*LINES)))] == ["1:malformed"]


def test_csv_rows(tmp_path: Path) -> None:
    data = (
        "id,text,title,targets,max_words,source\r\n"
        'a,"Two lines,\nand a comma",T,Armenia; peace talks,30,Wire\r\n'
        ",Plain,,,,\r\n"
        'c,Array,,"[""Smith; John""]",,\r\n'
        "d,Bad number,,,many,\r\n"
        "e,too,few\r\n"
        ",Last,,,,\r\n"
    )
    found = items(written(tmp_path / "a.csv", data.encode()))
    assert [outcome(item) for item in found] == [
        "a:Two lines,\nand a comma", "2:Plain", "c:Array", "d:malformed", "5:malformed", "6:Last",
    ]  # fmt: skip
    first = found[0].article
    assert (first.title, first.targets, first.max_words, first.meta) == (
        "T",
        ("Armenia", "peace talks"),
        30,
        {"source": "Wire"},
    )
    assert found[2].article.targets == ("Smith; John",)


def test_csv_bytes_that_are_not_utf8_fail_in_their_row(tmp_path: Path) -> None:
    found = items(written(tmp_path / "a.csv", b"text\nGood\nf\xe9vrier\nGood\n"))
    assert [outcome(item) for item in found] == ["1:Good", "2:encoding", "3:Good"]


def test_a_table_without_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no column `text`; its columns are: body, id"):
        items(written(tmp_path / "a.tsv", b"body\tid\nx\t1\n"))


def test_parquet_rows(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pa.table(
        {
            "text": ["One.", None, "Three."],
            "targets": [["Armenia"], None, None],
            "date": [date(2021, 5, 4)] * 3,
            "score": [float("nan"), 1.5, 2.0],
        }
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    found = items(tmp_path / "a.parquet")
    assert [outcome(item) for item in found] == ["1:One.", "2:malformed", "3:Three."]
    assert found[0].article.targets == ("Armenia",)
    assert found[0].article.meta == {"date": "2021-05-04"}
    assert found[2].article.meta == {"date": "2021-05-04", "score": 2.0}
    with pytest.raises(UsageError, match="not a Parquet file"):
        list(Source.of(written(tmp_path / "b.parquet", b"PAR1 no")).items())


PAGES = {
    "b/story.html": b"<p>Story</p>",
    "a.txt": "Café".encode(),
    "b/latin.html": b'<meta charset="iso-8859-1"><p>Caf\xe9</p>',
    "c.txt": b"Caf\xe9",
    ".hidden.txt": b"hidden",
    "image.png": b"\x89PNG",
}
OUTCOMES = [
    "a.txt:Café",
    'b/latin.html:<meta charset="iso-8859-1"><p>Café</p>',
    "b/story.html:<p>Story</p>",
    "c.txt:encoding",
]


def test_a_folder_of_pages(tmp_path: Path) -> None:
    for name, data in PAGES.items():
        (tmp_path / "pages" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pages" / name).write_bytes(data)
    found = items(tmp_path / "pages")
    assert [outcome(item) for item in found] == OUTCOMES
    assert [item.article.format for item in found[:3]] == ["text", "html", "html"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no file that ends in"):
        items(tmp_path / "empty")


def test_a_zip_with_a_damaged_member(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(PAGES):
            archive.writestr(name, PAGES[name])
        archive.writestr("z.txt", b"unmistakable")
    assert [outcome(item) for item in items(path)] == [*OUTCOMES, "z.txt:unmistakable"]
    path.write_bytes(path.read_bytes().replace(b"unmistakable", b"unmistakabIe"))
    assert [outcome(item) for item in items(path)] == [*OUTCOMES, "z.txt:malformed"]


def test_a_tar_and_one_that_is_cut(tmp_path: Path) -> None:
    box = io.BytesIO()
    with tarfile.open(fileobj=box, mode="w:gz") as archive:
        for name in sorted(PAGES):
            info = tarfile.TarInfo(name)
            info.size = len(PAGES[name])
            archive.addfile(info, io.BytesIO(PAGES[name]))
    data = box.getvalue()
    assert [outcome(item) for item in items(written(tmp_path / "a.tar.gz", data))] == OUTCOMES
    cut = items(written(tmp_path / "b.tgz", data[: len(data) - 60]))
    assert cut[-1].error is not None
    assert "cut off or damaged" in str(cut[-1].error)
    with pytest.raises(UsageError, match="not a tar file"):
        items(written(tmp_path / "c.tar", b"no tar"))


def test_ids_of_several_inputs_say_where_they_count(tmp_path: Path) -> None:
    first = Source.of(written(tmp_path / "a.jsonl", lines({"text": "x"}, {"id": "2", "text": "y"})))
    second = Source.of(written(tmp_path / "b.txt", b"z"))
    assert [item.article.id for item in read_all([first, second])] == ["a.jsonl:1", "2", "b.txt:b.txt"]


@pytest.mark.parametrize("name", ["a.docx", "a.json", "noending", "a.parquet.gz"])
def test_an_unknown_form_lists_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"known: \.jsonl"):
        Source.of(written(tmp_path / name, b"x"))
    with pytest.raises(UsageError, match="does not exist"):
        Source.of(tmp_path / f"no-{name}")


def test_a_fingerprint_changes_with_one_byte(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", lines(*LINES))
    before = Source.of(path).fingerprint()
    assert before == Source.of(path).fingerprint()
    path.write_bytes(path.read_bytes().replace(b"One", b"Oni"))
    assert Source.of(path).fingerprint() != before
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "a.txt").write_text("x")
    whole = Source.of(folder).fingerprint()
    (folder / "a.txt").rename(folder / "b.txt")
    assert Source.of(folder).fingerprint() != whole


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
    with pytest.raises(BadEncoding, match="is not utf-8"):
        decode_page(page.encode("latin-1"))


def test_a_codec_that_fails_in_its_own_way_is_a_bad_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("communique.archive.pages._declared", lambda _: "undefined")
    with pytest.raises(BadEncoding, match="not undefined"):
        decode_page(b"x")


@pytest.mark.parametrize("encoding", ["utf-32", "utf-16", "utf-8-sig"])
def test_byte_order_marks(encoding: str) -> None:
    assert decode_page("Baku, \u00e9".encode(encoding)) == "Baku, \u00e9"
