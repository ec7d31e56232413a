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
#: Digits of a whole number at most; Python itself refuses to read more than 4,300.
_MOST_DIGITS: Final = 1000
#: What Python's messages mean to somebody who does not parse.
_PLAINLY: Final = {
    "Expecting value": "there is no value",
    "Extra data": "something stands after the value",
    "Expecting property name enclosed in double quotes": "there is no name in double quotes",
    "Expecting ':' delimiter": "a colon is missing",
    "Expecting ',' delimiter": "a comma is missing",
    "Unterminated string starting at": "nothing ends the string that begins",
}


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
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_whole)
    except json.JSONDecodeError as error:
        place = f"column {error.colno}" if "\n" not in text else f"line {error.lineno}, column {error.colno}"
        why = _PLAINLY.get(error.msg, error.msg.removesuffix(" at"))
        raise Malformed(f"not valid JSON: {why} at {place}") from None
    except ValueError as error:  # a number
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


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"a whole number of {len(digits):,} digits; at most {_MOST_DIGITS:,} are allowed")
    return int(digits)


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
