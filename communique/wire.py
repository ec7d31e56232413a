"""Strict JSON: bytes from outside to a value that can be written again, and a value to bytes that every reader takes.

What Python's `json` lets through and others refuse is refused on the way in: NaN and infinities, values nested so
deeply that they cannot be written, bytes that are not UTF-8. It knows nothing of articles or records.

    >>> decode(b'{"text": "Baku said"}'), encode({"id": "1"})
    ({'text': 'Baku said'}, b'{"id":"1"}')
"""

from __future__ import annotations

import json
import math
from typing import Any, Final

from communique.errors import BadEncoding, Malformed

__all__ = ["MAX_DEPTH", "decode", "encode"]

#: Objects and arrays within one another at most.
MAX_DEPTH: Final = 100


def decode(data: bytes) -> Any:
    """The value that `data` is the JSON of.

    Raises:
        BadEncoding: not UTF-8.
        Malformed: not JSON, not finite, or nested too deeply.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadEncoding(f"byte 0x{data[error.start]:02X} at offset {error.start} is not UTF-8") from None
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        place = f"column {error.colno}" if "\n" not in text else f"line {error.lineno}, column {error.colno}"
        raise Malformed(f"not valid JSON: {error.msg.removesuffix(' at')} at {place}") from None
    except ValueError as error:  # a number: not finite, or a whole number of thousands of digits
        raise Malformed(f"not valid JSON: {error}") from None
    except RecursionError:
        raise Malformed(f"nested more than {MAX_DEPTH} deep") from None
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(value)
    return value


def encode(value: object) -> bytes:
    """One line of JSON in UTF-8, without the line's end. Lone surrogates are written as escapes."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {digits[:20]} is out of range")
    return number


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return
    raise Malformed(f"nested more than {MAX_DEPTH} deep")
