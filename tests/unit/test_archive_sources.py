"""Inputs of every form: each gives its items."""

from __future__ import annotations

import errno
import gzip
import os
import zipfile
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from communique.archive.sources import Source, read_all
from communique.errors import UsageError
from tests.archives import LINES, OUTCOMES, PAGES, items, lines, outcome, tar, written

if TYPE_CHECKING:
    from pathlib import Path


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
