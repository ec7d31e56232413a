"""Tables whose columns are the fields of an input: CSV, TSV and Parquet. A bad row is one bad item.

A `text` column is needed. In CSV every cell is text: an empty one is not given, `targets` are a JSON array or have
semicolons between them. Columns that the flow does not use come back under `meta`.
"""

from __future__ import annotations

import csv
import datetime
import decimal
import io
import json
import math
import sys
from typing import TYPE_CHECKING, Any

from communique.archive.item import Item
from communique.archive.lines import BROKEN_STREAM, open_binary
from communique.errors import BadEncoding, EnvironmentFault, Malformed, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["count_parquet", "read_csv", "read_parquet", "read_tsv"]


def read_csv(path: Path, prefix: str = "") -> Iterator[Item]:
    """An item a row below the header; commas between the cells."""
    return _read_separated(path, ",", prefix)


def read_tsv(path: Path, prefix: str = "") -> Iterator[Item]:
    """An item a row below the header; tabs between the cells."""
    return _read_separated(path, "\t", prefix)


def read_parquet(path: Path, prefix: str = "") -> Iterator[Item]:
    """An item a row. Dates and decimals come back as text, NaN as not given."""
    file = _open_parquet(path)
    _check_columns(file.schema_arrow.names, path)
    number = 0
    for batch in file.iter_batches(batch_size=64):
        for row in range(batch.num_rows):
            number += 1
            try:
                values = batch.slice(row, 1).to_pylist()[0]
            except UnicodeDecodeError as error:
                yield Item.failed(BadEncoding(f"the row holds bytes that are not UTF-8: {error}"), f"{prefix}{number}")
                continue
            yield Item.from_object({key: _plain(value) for key, value in values.items()}, f"{prefix}{number}")


def count_parquet(path: Path) -> int:
    """How many rows there are, from the file's footer."""
    return int(_open_parquet(path).metadata.num_rows)


def _read_separated(path: Path, delimiter: str, prefix: str) -> Iterator[Item]:
    csv.field_size_limit(sys.maxsize)
    # Bytes that are not UTF-8 become lone surrogates, so that they fail in their own row and in no other.
    with io.TextIOWrapper(open_binary(path), "utf-8-sig", errors="surrogateescape", newline="") as stream:
        rows = csv.reader(stream, delimiter=delimiter, strict=True)
        names: list[str] | None = None
        number = 0
        while True:
            try:
                cells = next(rows)
            except StopIteration:
                return
            except (csv.Error, *BROKEN_STREAM) as error:
                number += 1
                yield Item.failed(Malformed(f"the row cannot be read: {error}"), f"{prefix}{number}")
                if isinstance(error, BROKEN_STREAM):
                    return
                continue
            if names is None:
                names = [cell.strip() for cell in cells]
                _check_columns(names, path)
            elif cells:
                number += 1
                yield _from_cells(names, cells, f"{prefix}{number}")


def _from_cells(names: Sequence[str], cells: Sequence[str], default_id: str) -> Item:
    if len(cells) != len(names):
        error = Malformed(f"the row has {len(cells)} cells; the header names {len(names)}")
        return Item.failed(error, default_id)
    row: dict[str, Any] = {name: cell for name, cell in zip(names, cells, strict=True) if cell or name == "text"}
    try:
        if "max_words" in row:
            row["max_words"] = int(row["max_words"])
        if "targets" in row:
            listed = row["targets"]
            row["targets"] = (
                json.loads(listed)
                if listed.lstrip().startswith("[")
                else [target for target in listed.split(";") if target.strip()]
            )
    except ValueError as error:
        return Item.failed(Malformed(f"a cell cannot be read: {error}"), row.get("id") or default_id)
    return Item.from_object(row, default_id)


def _check_columns(names: Sequence[str], path: Path) -> None:
    if "text" not in names:
        raise UsageError(f"{path} has no column `text`; its columns are: {', '.join(names)}")


def _open_parquet(path: Path) -> Any:
    try:
        from pyarrow import ArrowInvalid
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise EnvironmentFault("reading Parquet needs pyarrow: pip install 'communique[archive]'") from None
    try:
        return ParquetFile(path)
    except ArrowInvalid as error:
        raise UsageError(f"{path} is not a Parquet file: {error}") from None


def _plain(value: Any) -> Any:
    """A cell as JSON has it."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (decimal.Decimal, datetime.timedelta)):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return value
