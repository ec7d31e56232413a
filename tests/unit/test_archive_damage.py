"""Inputs that are cut off or changed: what is damaged is one bad item, and the rest is read."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
import zipfile
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING

import pytest

from communique.archive.sources import Source
from communique.errors import UsageError
from tests.archives import LINES, OUTCOMES, PAGES, items, lines, outcome, scrambled, tar, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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


#: Packing in small blocks, so that damage in the middle leaves what stands before it.
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda data: gzip.compress(data, 1),
    "bz2": lambda data: bz2.compress(data, 1),
    "xz": lambda data: lzma.compress(data, preset=0),
}


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
