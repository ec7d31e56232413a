"""Strict JSON: what would not come out again does not come in."""

from __future__ import annotations

import json

import pytest

from communique.errors import BadEncoding, Malformed
from communique.wire import MAX_DEPTH, decode, encode


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\x00\x00\x00",
        b'{"text": "a\x00b"}',
        b"{'text': 1}",
        b'{"x": NaN}',
        b'{"x": -Infinity}',
        b'{"x": 1e999}',
        b'{"x": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
        b'{"text": "a"} {"text": "b"}',
    ],
)
def test_what_is_not_json_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode(data)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b'{"a": "b', "nothing ends the string that begins at column 7"),
        (b'{"a":\n1,}', "at line 2, column 3"),
        (b"hello", "there is no value at column 1"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a whole number of 5,000 digits; at most 1,000"),
    ],
)
def test_the_place_of_a_fault_is_named(data: bytes, place: str) -> None:
    with pytest.raises(Malformed, match=place):
        decode(data)


def test_bytes_that_are_not_utf8_are_named() -> None:
    with pytest.raises(BadEncoding, match="byte 0xE9 at offset 11"):
        decode(b'{"text": "f\xe9vrier"}')


def test_what_comes_in_goes_out() -> None:
    deep = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert encode(decode(deep)) == deep
    text = '{"a":"é 😀 \\u2028","b":[1,2.5,null,true],"c":"\\u0000"}'
    assert json.loads(encode(decode(text.encode()))) == json.loads(text)
    assert decode(b"\xef\xbb\xbf[1]") == [1]


def test_lone_surrogates_are_written_as_escapes() -> None:
    assert encode({"a": "é\ud800"}) == b'{"a":"\\u00e9\\ud800"}'
    assert decode(encode({"a": "\ud800"})) == {"a": "\ud800"}


def test_a_number_that_json_lacks_is_not_written() -> None:
    with pytest.raises(ValueError):
        encode({"probability": float("nan")})
