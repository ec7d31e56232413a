"""Inputs of every form: each gives its items, and what is damaged is one bad item."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import json
import lzma
import os
import random
import tarfile
import zipfile
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from communique.archive.pages import decode_page, detect_format
from communique.archive.sources import Source, read_all
from communique.errors import BadEncoding, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from communique.archive.item import Item

LINES = [{"id": "a", "text": "One."}, {"text": "Two.", "source": "Wire"}, {"id": 7, "text": "Three.", "max_words": 20}]


def lines(*values: object) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def items(path: Path) -> list[Item]:
    source = Source.of(path)
    found = list(source.items())
    # Where the contents are damaged, counting, which does not look at them, may be off by the one error.
    assert abs(source.count() - len(found)) <= any(item.error is not None for item in found)
    assert source.count(1) == min(1, len(found))
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


def scrambled(seed: int, size: int) -> bytes:
    """Letters that compress badly, so that damage falls in the middle of them."""
    return random.Random(seed).randbytes(size // 2 + 1).hex().encode()[:size]


#: Packing in small blocks, so that damage in the middle leaves what stands before it.
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda data: gzip.compress(data, 1),
    "bz2": lambda data: bz2.compress(data, 1),
    "xz": lambda data: lzma.compress(data, preset=0),
}


def tar(names: list[str], pad: int = 900) -> bytes:
    box = io.BytesIO()
    with tarfile.open(fileobj=box, mode="w") as archive:
        for number, name in enumerate(names):
            data = scrambled(number, pad)
            info = tarfile.TarInfo(name)
            info.size = pad
            archive.addfile(info, io.BytesIO(data))
    return box.getvalue()


TEN = [f"{number}.txt" for number in range(10)]


@pytest.mark.parametrize(
    ("where", "cut", "kept"),
    [(5 * 1536 + 148, None, 5), (None, 5 * 1536, 5), (None, 5 * 1536 + 200, 5), (None, 5 * 1536 + 700, 5)],
)
def test_a_tar_that_breaks_off_says_so(tmp_path: Path, where: int | None, cut: int | None, kept: int) -> None:
    data = bytearray(tar(TEN))
    assert len(items(written(tmp_path / "whole.tar", bytes(data)))) == 10
    if where is not None:
        data[where : where + 8] = b"garbage!"
    found = items(written(tmp_path / "a.tar", bytes(data[:cut])))
    assert [item.error is None for item in found] == [True] * kept + [False]
    assert "cut off or damaged" in str(found[-1].error)
    assert found[-1].article.id not in [item.article.id for item in found[:-1]]


def test_two_tars_joined_are_not_taken_for_one(tmp_path: Path) -> None:
    found = items(written(tmp_path / "a.tar", tar(TEN) + tar(["late.txt"])))
    assert len(found) == 11
    assert "follows the end mark" in str(found[-1].error)


@pytest.mark.parametrize("packer", PACKED)
def test_a_flipped_byte_in_a_packed_tar_is_one_error_at_the_end(tmp_path: Path, packer: str) -> None:
    data = bytearray(PACKED[packer](tar([f"{number}.txt" for number in range(400)], 1000)))
    data[len(data) // 2] ^= 255
    found = list(Source.of(written(tmp_path / "a.tar", bytes(data))).items())
    assert len(found) > 50
    assert ["cut off or damaged" in str(item.error) for item in found] == [False] * (len(found) - 1) + [True]


def test_a_header_of_gigabytes_is_damage_and_not_read(tmp_path: Path) -> None:
    info = tarfile.TarInfo("long")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 8 << 30
    data = tar(["a.txt"])[:1536] + info.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20)
    found = items(written(tmp_path / "a.tar.gz", gzip.compress(data)))
    assert [item.error is None for item in found] == [True, False]
    assert "8,589,934,592 bytes" in str(found[-1].error)


@pytest.mark.parametrize("form", ["a.csv.bz2", "a.jsonl.bz2", "a.tar.bz2", "a.csv.gz", "a.csv.xz"])
def test_damage_in_a_packed_file_is_one_error(tmp_path: Path, form: str) -> None:
    texts = [scrambled(number, 1000).decode() for number in range(400)]
    if ".csv" in form:
        whole = "\n".join(["text", *texts]).encode()
    elif ".jsonl" in form:
        whole = lines(*({"text": text} for text in texts))
    else:
        whole = tar([f"{number}.txt" for number in range(400)], 1000)
    data = bytearray(PACKED[form.rpartition(".")[2]](whole))
    middle = len(data) // 2
    data[middle] ^= 255
    data[middle + 1] ^= 255
    found = list(Source.of(written(tmp_path / form, bytes(data))).items())
    assert len(found) > 50
    assert ["cut off or damaged" in str(item.error) for item in found] == [False] * (len(found) - 1) + [True]


def test_a_damaged_member_packed_with_bzip2(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.txt", scrambled(1, 50_000))
        archive.writestr("b.txt", "fine")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    assert [outcome(item) for item in items(written(path, bytes(data)))] == ["a.txt:malformed", "b.txt:fine"]


@pytest.mark.parametrize("form", ["zip", "tar", "tar.gz", "csv.bz2", "parquet"])
def test_bytes_changed_anywhere_are_bad_items_or_a_file_that_is_refused(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"a.{form}"
    if form == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in TEN:
                archive.writestr(name, scrambled(int(name[0]), 300))
        whole = path.read_bytes()
    elif form == "parquet":
        pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pa.table({"text": TEN * 10, "date": [date(2021, 5, 4)] * 100}), path, row_group_size=50)
        whole = path.read_bytes()
    elif form == "csv.bz2":
        whole = PACKED["bz2"](b"id,text\n" + b'1,"Two\nlines"\n' * 1000)
    else:
        whole = tar(TEN) if form == "tar" else PACKED["gz"](tar(TEN))
    chance = random.Random(form)
    for _ in range(200):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 1, 2, 8])):
            data[chance.randrange(len(data))] = chance.choice([0, 10, 34, 255])
        path.write_bytes(data)
        with suppress(UsageError):
            assert list(Source.of(path).items())


@pytest.mark.parametrize("form", ["zip", "tar"])
def test_a_path_that_climbs_out_is_an_error_and_not_skipped(tmp_path: Path, form: str) -> None:
    names = ["../../etc/a.txt", "..\\b.txt", "in/../c.txt", "ok.txt", "..hidden/d.txt", "in/.e.txt"]
    path = tmp_path / f"a.{form}"
    if form == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, "x")
    else:
        path.write_bytes(tar(names))
    found = items(path)
    assert [item.article.id for item in found] == names[:4]
    assert [item.error is None for item in found] == [False, False, False, True]
    assert "leads out of the archive" in str(found[0].error)


@pytest.mark.parametrize("form", ["zip", "tar", "csv", "csv.gz"])
def test_what_holds_nothing_to_read_is_refused(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"a.{form}"
    if form == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.json", "{}")
    else:
        path.write_bytes({"tar": tar(["a.json"]), "csv": b"", "csv.gz": gzip.compress(b"")}[form])
    with pytest.raises(UsageError, match=r"holds no file that ends in|is empty"):
        list(Source.of(path).items())


def test_a_file_that_cannot_be_read_harms_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.txt", "locked.txt", "z.txt"):
        (tmp_path / name).write_text(name)
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
    opened = type(tmp_path).open

    def refuse(path: Path, *arguments: Any, **more: Any) -> Any:
        if path.name == "locked.txt":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, *arguments, **more)

    monkeypatch.setattr(type(tmp_path), "open", refuse)
    found = items(tmp_path)
    assert [outcome(item) for item in found] == ["a.txt:a.txt", "locked.txt:malformed", "z.txt:z.txt"]
    assert "Permission denied" in str(found[1].error)
    assert Source.of(tmp_path).fingerprint()["bytes"] == len("a.txtz.txt")


def test_a_folder_that_cannot_be_listed_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "locked").mkdir()
    listed = os.scandir

    def refuse(path: Any) -> Any:
        if str(path).endswith("locked"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr("os.scandir", refuse)
    assert [outcome(item) for item in items(tmp_path)] == ["a.txt:x", "locked:malformed"]


def test_ids_of_several_inputs_say_where_they_count(tmp_path: Path) -> None:
    first = Source.of(written(tmp_path / "a.jsonl", lines({"text": "x"}, {"id": "2", "text": "y"})))
    second = Source.of(written(tmp_path / "b.txt", b"z"))
    assert [item.article.id for item in read_all([first, second])] == ["a.jsonl:1", "2", "b.txt:b.txt"]


def test_ids_of_files_of_one_name_differ(tmp_path: Path) -> None:
    sources = []
    for folder in ("old/a", "new/a", "b"):
        (tmp_path / folder).mkdir(parents=True)
        sources.append(Source.of(written(tmp_path / folder / "x.jsonl", lines({"text": "x"}))))
    assert [item.article.id for item in read_all(sources[1:])] == ["a/x.jsonl:1", "b/x.jsonl:1"]
    names = [item.article.id for item in read_all(sources)]
    assert names[:2] == ["old/a/x.jsonl:1", "new/a/x.jsonl:1"]
    assert len(set(names)) == 3


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
