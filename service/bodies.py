"""Reading a request's body: JSON in UTF-8, no longer than the limit, which holds while it streams in."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from starlette.requests import ClientDisconnect

from service.problems import Problem

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["read_json_body"]

#: A body over the limit is read on to here, and thrown away, so that a client that sends it all still hears why.
_PATIENCE_BYTES: Final = 64 << 20


async def read_json_body(request: Request, limit: int, deadline: float) -> bytes:
    """The body.

    Args:
        request: nothing of its body is read yet.
        limit: bytes.
        deadline: on the clock of `time.monotonic`.

    Raises:
        Problem: 415 not JSON in UTF-8, 413 too long, 408 too slow, 400 broken off.
    """
    _check_type(request)
    try:
        async with asyncio.timeout(deadline - time.monotonic()):
            return await _read(request, limit)
    except TimeoutError:
        raise Problem(
            408, "slow-body", "The body came too slowly", "the deadline passed before the body was whole"
        ) from None
    except ClientDisconnect:
        raise Problem(
            400, "malformed", "The body broke off", "the connection ended before the body was whole"
        ) from None


def _check_type(request: Request) -> None:
    given = request.headers.get("content-type", "")
    kind, *parameters = (part.strip().lower() for part in given.split(";"))
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        detail = f"the body is {kind or 'of no type'}; send JSON with the header Content-Type: application/json"
        raise Problem(415, "media-type", "The body is not JSON", detail, {"Accept-Post": "application/json"})
    charset = next((part[8:].strip("\"'") for part in parameters if part.startswith("charset=")), "utf-8")
    if charset not in ("utf-8", "utf8", "us-ascii"):
        detail = f"the body is in {charset}; send UTF-8"
        raise Problem(415, "media-type", "The body is not in UTF-8", detail, {"Accept-Post": "application/json"})
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        detail = f"the body is packed with {coding}; send it as it is"
        raise Problem(415, "media-type", "The body is compressed", detail, {"Accept-Encoding": "identity"})


async def _read(request: Request, limit: int) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > _PATIENCE_BYTES:
        raise _too_large(limit)
    blocks: list[bytes] = []
    size = 0
    async for block in request.stream():
        size += len(block)
        if size <= limit:
            blocks.append(block)
        elif blocks:
            blocks.clear()
        if size > _PATIENCE_BYTES:
            break
    if size > limit:
        raise _too_large(limit)
    return b"".join(blocks)


def _too_large(limit: int) -> Problem:
    detail = f"the body is longer than {limit:,} bytes; send one article, or use `communique score` for an archive"
    return Problem(413, "too-large", "The body is too large", detail)
