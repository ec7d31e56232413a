"""Reading requests' bodies: JSON in UTF-8, none longer than the limit, which holds while it streams in.

A body that comes slowly holds no place in the queue: it is read first. What bounds the memory meanwhile is the room
that all the bodies on their way in have together; each takes of it what has come, not what it declares.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from starlette.requests import ClientDisconnect

from service.admission import Busy
from service.problems import Problem

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["Bodies"]

#: A body over the limit is read on to here, and thrown away, so that a client that sends it all still hears why.
_PATIENCE_BYTES: Final = 64 << 20

#: Seconds that a body may take from its headers to its end.
_SECONDS: Final = 5.0


class Bodies:
    """Reads bodies.

    Args:
        limit: bytes of one.
        room: bytes of all that are on their way in at once.
        seconds: that one may take.
    """

    def __init__(self, limit: int, room: int, seconds: float = _SECONDS) -> None:
        self._limit = limit
        self._room = room
        self._seconds = seconds
        self.held = 0

    async def read(self, request: Request, deadline: float) -> bytes:
        """The body; it no longer counts as on its way in.

        Args:
            request: nothing of its body is read yet.
            deadline: on the clock of `time.monotonic`; a slow body is given up before it, where that comes sooner.

        Raises:
            Busy: there is no room for more at this moment.
            Problem: 415 not JSON in UTF-8, 413 too long, 408 too slow, 400 broken off.
        """
        _check_type(request)
        seconds = min(self._seconds, deadline - time.monotonic())
        try:
            async with asyncio.timeout(seconds):
                return await self._read(request)
        except TimeoutError:
            detail = f"it was not whole {seconds:.3g} s after its headers; send it in one go"
            raise Problem(408, "slow-body", "The body came too slowly", detail) from None
        except ClientDisconnect:
            raise Problem(
                400, "malformed", "The body broke off", "the connection ended before the body was whole"
            ) from None

    async def _read(self, request: Request) -> bytes:
        declared = request.headers.get("content-length", "")
        patience = max(self._limit, _PATIENCE_BYTES)
        if declared.isdecimal() and int(declared) > patience:
            raise _too_large(self._limit)
        blocks: list[bytes] = []
        size = kept = 0
        try:
            async for block in request.stream():
                size += len(block)
                if size <= self._limit:
                    if self.held + len(block) > self._room:
                        raise Busy(1)
                    blocks.append(block)
                    kept += len(block)
                    self.held += len(block)
                elif kept:  # thrown away, and read on
                    self.held -= kept
                    kept = 0
                    blocks.clear()
                if size > patience:
                    break
        finally:
            self.held -= kept
        if size > self._limit:
            raise _too_large(self._limit)
        return b"".join(blocks)


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


def _too_large(limit: int) -> Problem:
    detail = f"the body is longer than {limit:,} bytes; send one article, or use `communique score` for an archive"
    return Problem(413, "too-large", "The body is too large", detail)
