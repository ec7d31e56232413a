"""Errors as clients see them: RFC 9457 problem details, one type for each way in which a request can fail.

The only place where an error of the library becomes a status code.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from communique.wire import encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from communique.errors import ItemError

__all__ = ["ITEM_STATUS", "MEDIA_TYPE", "TYPE_BASE", "Problem", "problem_response", "status_problem"]

MEDIA_TYPE: Final = "application/problem+json"

#: Identifies; it is not an address (RFC 9457, section 3.1.1).
TYPE_BASE: Final = "https://communique.invalid/problems/"

#: Type of an item error to status.
ITEM_STATUS: Final[dict[str, int]] = {
    "malformed": 400,
    "encoding": 400,
    "too-large": 413,
    "empty": 422,
    "too-short": 422,
    "nothing-to-summarise": 422,
    "language": 422,
    "timeout": 504,
    "internal": 500,
}


class Problem(Exception):
    """A request that cannot be answered as asked.

    Args:
        status: the HTTP status.
        type_: what went wrong, the last part of the type's URI; None for what the status alone says.
        title: the same for every occurrence of the type.
        detail: what was given, what is allowed, what mends it.
        headers: to be sent with it.
        more: further members.
    """

    def __init__(
        self,
        status: int,
        type_: str | None,
        title: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.type = TYPE_BASE + type_ if type_ else "about:blank"
        self.title = title
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = dict(more or {})

    @classmethod
    def of_item(cls, error: ItemError) -> Problem:
        """The problem of an article that cannot be scored; `error` is the member that a record has."""
        status = ITEM_STATUS.get(error.type, 500)
        return cls(status, error.type, error.title, str(error), more={"error": error.as_dict()})


def status_problem(status: int, detail: str = "", headers: Mapping[str, str] | None = None) -> Problem:
    """A problem of which there is no more to say than the status does."""
    known = HTTPStatus(status)
    return Problem(status, None, known.phrase, detail or known.description or known.phrase, headers)


def problem_response(problem: Problem, instance: str, request_id: str) -> Response:
    """The response.

    Args:
        problem: what went wrong.
        instance: the path of the request.
        request_id: the one that the `X-Request-ID` header has.
    """
    body = {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": instance,
        "request_id": request_id,
        **problem.more,
    }
    return Response(encode(body), problem.status, {**problem.headers, "Cache-Control": "no-store"}, MEDIA_TYPE)
