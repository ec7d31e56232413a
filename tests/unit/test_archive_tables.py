"""Rows of tables that are broken, boundless or odd: each is one bad item, and the rows beside it stand."""

from __future__ import annotations

import gzip
import io
import tracemalloc
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from communique.archive.rows import _Lines, read_rows
from communique.archive.sources import Source
from communique.errors import ItemError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def rows(text: str) -> list[str]:
    found = read_rows(io.StringIO(text, newline=""), ",")
    return [f"{row.type}: {row}" if isinstance(row, ItemError) else "|".join(row) for row in found]


def outcomes(path: Path) -> list[str]:
    found = Source.of(path).items()
    return [f"{item.article.id}:{item.error.type if item.error else item.article.text}" for item in found]


def test_an_open_quote_takes_its_own_row_only(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('id,text\na,"never closed\nb,Fine\nc,"Two\nlines"\nd,Last\n')
    assert outcomes(tmp_path / "a.csv") == ["1:malformed", "b:Fine", "c:Two\nlines", "d:Last"]
    broken = next(item for item in Source.of(tmp_path / "a.csv").items() if item.error)
    assert str(broken.error).endswith("; it begins on line 2")


def test_an_open_quote_at_the_end_of_the_file() -> None:
    found = rows('id,text\n1,"never closed\n2,Fine\n3,Fine\n')
    assert found[0] == "id|text"
    assert found[1].startswith("malformed: the row cannot be read: unexpected end of data")
    assert found[2:] == ["2|Fine", "3|Fine"]


def test_lines_that_begin_no_row_are_counted() -> None:
    found = rows('id,text\n1,"first\nsecond\n\nthird a "stray" quote\nfourth"\n2,Fine\n')
    assert found[1].endswith("it begins on line 2, and 4 lines below are lost")
    assert found[2:] == ["2|Fine"]


def test_a_row_has_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("communique.archive.rows.MAX_ROW_CHARACTERS", 100)
    long = "x" * 500
    found = rows(f'text,source\n{long},a\nFine,a\n"open\n{long}\nFine,b\n{long}')
    assert [row.split(":")[0] for row in found] == [
        "text|source", "too-large", "Fine|a", "too-large", "Fine|b", "too-large",
    ]  # fmt: skip
    assert "and 1 lines below are lost" in found[3]
    monkeypatch.setattr("communique.archive.rows.MAX_ROW_LINES", 3)
    found = rows('a,b\n"1\n2\n3\n4",x\n5,y\n')
    assert found[1].startswith("too-large: the row has more than 3 lines")
    assert found[-1] == "5|y"


def test_a_file_of_quotes_is_not_read_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("communique.archive.rows.MAX_ROW_LINES", 500)
    taken, give = 0, _Lines.__next__

    def counted(lines: _Lines) -> str:
        nonlocal taken
        taken += 1
        return give(lines)

    monkeypatch.setattr(_Lines, "__next__", counted)
    # Each line both goes on with an open cell and, read alone, opens one.
    found = rows("text,source\n" + 'a","\n' * 5000)
    assert all("lines below are lost" in row for row in found[1:])
    assert 5000 < taken < 12 * 5000


def test_one_cell_of_a_bomb_does_not_fill_the_memory(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.csv.gz", "wb", 1) as stream:
        stream.write(b'text\nFine\n"')
        for _ in range(96):
            stream.write(b"a" * (1 << 20))
        stream.write(b'"\nFine\n')
    tracemalloc.start()
    try:
        assert outcomes(tmp_path / "a.csv.gz") == ["1:Fine", "2:too-large", "3:Fine"]
        assert tracemalloc.get_traced_memory()[1] < 200 << 20
    finally:
        tracemalloc.stop()


def test_whole_numbers_that_became_floats(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,max_words\nOne,40.0\nTwo,\nThree,40.5\nFour,nan\nFive,inf\nSix,1e400\n")
    found = list(Source.of(tmp_path / "a.csv").items())
    assert [item.article.max_words for item in found[:2]] == [40, None]
    assert [item.error.type if item.error else None for item in found] == [None, None] + ["malformed"] * 4


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a Parquet file of these columns."""
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    def written(columns: dict[str, Any], **more: Any) -> Path:
        path = tmp_path / "a.parquet"
        parquet.write_table(pa.table(columns), path, **more)
        return path

    return written


def test_parquet_numbers_with_gaps(write: Callable[..., Path]) -> None:
    path = write(
        {"text": ["a", "b", "c"], "id": [1.0, None, 2.5], "max_words": [40.0, float("nan"), 40.0], "mode": [""] * 3}
    )
    found = list(Source.of(path).items())
    assert [item.article.id for item in found] == ["1", "2", "3"]
    assert [item.article.max_words for item in found[:2]] == [40, None]
    assert [item.error is None for item in found] == [True, True, False]


def test_parquet_times_to_the_nanosecond(write: Callable[..., Path]) -> None:
    pa = pytest.importorskip("pyarrow")
    path = write({"text": ["a", "b"], "date": pa.array([1_700_000_000_123_456_789, None], pa.timestamp("ns"))})
    found = list(Source.of(path).items())
    assert [item.error for item in found] == [None, None]
    assert datetime.fromisoformat(found[0].article.meta["date"]).microsecond == 123_456


def test_a_parquet_date_that_no_calendar_has_is_one_bad_row(write: Callable[..., Path]) -> None:
    pa = pytest.importorskip("pyarrow")
    path = write({"text": ["a", "b"], "date": pa.array([1 << 55, 0], pa.timestamp("ms"))})
    assert outcomes(path) == ["1:malformed", "2:b"]


def test_damage_in_parquet_takes_its_row_group_only(write: Callable[..., Path]) -> None:
    texts = [f"Article number {number} said what it said" for number in range(30)]
    path = write({"text": texts}, row_group_size=10, use_dictionary=False, compression="none", write_page_checksum=True)
    data = path.read_bytes()
    where = data.index(b"number 13")
    path.write_bytes(data[:where] + b"XXXXXX" + data[where + 6 :])
    found = list(Source.of(path).items())
    assert [item.article.id for item in found] == [str(number) for number in (*range(1, 12), *range(21, 31))]
    assert [item.error is None for item in found] == [True] * 10 + [False] + [True] * 10
    assert "rows 11 to 20 are lost" in str(found[10].error)


def test_one_text_for_all_rows_of_parquet_is_unpacked_a_row_at_a_time(write: Callable[..., Path]) -> None:
    pa = pytest.importorskip("pyarrow")
    path = write({"text": pa.array(["x" * (2 << 20)] * 64).dictionary_encode()}, store_schema=False)
    assert path.stat().st_size < 1 << 20
    before = pa.total_allocated_bytes()
    for item in Source.of(path).items():
        assert len(item.article.text) == 2 << 20
        assert pa.total_allocated_bytes() - before < 32 << 20
