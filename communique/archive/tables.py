"""Tables whose columns are the fields of an input: CSV, TSV and Parquet. A bad row is one bad item.

A `text` column is needed. In CSV every cell is text: an empty one is not given, `targets` are a JSON array or have
semicolons between them. Columns that the flow does not use come back under `meta`.
"""

from __future__ import annotations

import datetime
import io
import json
import math
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from communique.archive.item import Item
from communique.archive.rows import read_rows
from communique.archive.streams import Damage, open_binary
from communique.errors import BadEncoding, EnvironmentFault, ItemError, Malformed, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["list_csv", "list_parquet", "list_tsv", "read_csv", "read_parquet", "read_tsv"]

#: Fields of one value, besides the text and the title.
_SCALARS: Final = frozenset(("id", "format", "max_words", "mode"))


def read_csv(path: Path, prefix: str = "") -> Iterator[Item]:
    """An item a row below the header; commas between the cells."""
    return _read_separated(path, ",", prefix)


def read_tsv(path: Path, prefix: str = "") -> Iterator[Item]:
    """An item a row below the header; tabs between the cells."""
    return _read_separated(path, "\t", prefix)


def list_csv(path: Path) -> Iterator[object]:
    """Something for each item that `read_csv` gives, cells left as they are."""
    return islice(_rows(path, ","), 1, None)


def list_tsv(path: Path) -> Iterator[object]:
    """Something for each item that `read_tsv` gives, cells left as they are."""
    return islice(_rows(path, "\t"), 1, None)


def read_parquet(path: Path, prefix: str = "") -> Iterator[Item]:
    """An item a row. Dates and decimals come back as text, NaN as not given.

    A row group that is damaged is one bad item, which says how many rows it held.
    """
    file = _open_parquet(path)
    _check_columns(file.schema_arrow.names, path)
    number = 0
    for group in range(file.num_row_groups):
        last = number + file.metadata.row_group(group).num_rows
        with Damage("the Parquet file is damaged here", ValueError) as damage:
            # One by one: a column may say one long text in a few bytes for every row.
            for row in file.iter_batches(1, row_groups=[group]):
                number += 1
                yield _from_parquet(_microseconds(row), f"{prefix}{number}")
        if damage.error is not None:
            error = Malformed(f"{damage.error}; rows {number + 1:,} to {last:,} are lost")
            yield Item.failed(error, f"{prefix}{number + 1}")
        number = last


def list_parquet(path: Path) -> Sequence[object]:
    """As many as there are rows, by the file's footer."""
    return range(_open_parquet(path).metadata.num_rows)


def _read_separated(path: Path, delimiter: str, prefix: str) -> Iterator[Item]:
    names: list[str] | None = None
    number = 0
    for row in _rows(path, delimiter):
        if names is None and isinstance(row, list):
            names = [cell.strip() for cell in row]
            _check_columns(names, path)
            continue
        number += 1
        if isinstance(row, ItemError):
            yield Item.failed(row, f"{prefix}{number}")
        else:
            yield _from_cells(names or (), row, f"{prefix}{number}")
    if names is None and not number:
        raise UsageError(f"{path} is empty; its first row must name the columns, `text` among them")


def _rows(path: Path, delimiter: str) -> Iterator[list[str] | ItemError]:
    # Bytes that are not UTF-8 become lone surrogates, so that they fail in their own row and in no other.
    with io.TextIOWrapper(open_binary(path), "utf-8-sig", errors="surrogateescape", newline="") as stream:
        with Damage("the compressed file is cut off or damaged here") as damage:
            yield from read_rows(stream, delimiter)
        if damage.error is not None:
            yield damage.error


def _from_cells(names: Sequence[str], cells: Sequence[str], default_id: str) -> Item:
    if len(cells) != len(names):
        error = Malformed(f"the row has {len(cells)} cells; the header names {len(names)}")
        return Item.failed(error, default_id)
    row: dict[str, Any] = {name: cell for name, cell in zip(names, cells, strict=True) if cell or name == "text"}
    try:
        if "max_words" in row:
            row["max_words"] = _whole(float(row["max_words"]))
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


def _from_parquet(row: Any, default_id: str) -> Item:
    try:
        values = {key: _plain(value) for key, value in row.to_pylist()[0].items()}
    except UnicodeDecodeError as error:
        return Item.failed(BadEncoding(f"the row holds bytes that are not UTF-8: {error}"), default_id)
    except (ValueError, OverflowError, LookupError) as error:  # a date that no calendar has, an unknown time zone
        return Item.failed(Malformed(f"the row cannot be read: {error}"), default_id)
    # pandas makes whole numbers with gaps floats, and missing words empty ones.
    for name in _SCALARS & values.keys():
        values[name] = None if values[name] == "" else _whole(values[name])
    return Item.from_object(values, default_id)


def _whole(value: Any) -> Any:
    """A float that is a whole number as that, anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _microseconds(row: Any) -> Any:
    """Times in nanoseconds, which Python's lack, cut to microseconds."""
    import pyarrow as pa

    for index, column in enumerate(row.schema):
        if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
            cut = row.column(index).cast(pa.timestamp("us", column.type.tz), safe=False)
            row = row.set_column(index, column.name, cut)
    return row


def _check_columns(names: Sequence[str], path: Path) -> None:
    if "text" not in names:
        raise UsageError(f"{path} has no column `text`; its columns are: {', '.join(names)}")


def _open_parquet(path: Path) -> Any:
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise EnvironmentFault("reading Parquet needs pyarrow: pip install 'communique[archive]'") from None
    with Damage(f"{path} is not a Parquet file", ValueError) as damage:  # such as names that are not UTF-8
        return ParquetFile(path, page_checksum_verification=True)
    raise UsageError(str(damage.error))


def _plain(value: Any) -> Any:
    """A cell as JSON has it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return str(value)
