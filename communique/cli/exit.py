"""What the command's exit status means; `communique --help` prints it."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Exit"]


class Exit(IntEnum):
    """Exit status of every command."""

    DONE = 0
    ITEM_ERRORS = 1  # under --strict only
    USAGE = 2
    ENVIRONMENT = 3  # models, disk, network
    FAULT = 70  # a fault of ours; the trace is on stderr
    INTERRUPTED = 130  # and can be resumed
