"""The cache folder: where pulled and prepared models lie, one puller at a time, and only whole files appear.

    HOME/models/NAME-REVISION/   whole and verified: renamed into place when complete
    HOME/partial/                in the making; what a killed pull left is continued or thrown away by the next
    HOME/lock                    held by the one process that pulls

It knows nothing of where files come from.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from communique.config import default_home
from communique.errors import DiskFull, EnvironmentFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["Cache", "disk_errors"]

_FULL: Final = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class Cache:
    """The folder `home`, which need not exist yet."""

    home: Path

    @classmethod
    def open(cls, home: Path | None = None) -> Cache:
        return cls(home or default_home())

    def place(self, name: str, revision: str) -> Path:
        """Where a model's files lie once they are whole."""
        return self.home / "models" / f"{name}-{revision}"

    def partial(self, name: str, revision: str) -> Path:
        """Where they are put together; the folder is made."""
        folder = self.home / "partial" / f"{name}-{revision}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def install(self, folder: Path, place: Path) -> None:
        """Move a complete `folder` to `place`, all or nothing, on the disk before it is seen."""
        for path in folder.iterdir():
            _sync(path)
        _sync(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():  # its files were found wrong
            shutil.rmtree(place)
        folder.rename(place)
        _sync(place.parent)

    def require_room(self, size: int) -> None:
        """Refuse before the work when `size` bytes cannot be written.

        Raises:
            DiskFull: the message says how much is needed, and how much there is.
        """
        free = shutil.disk_usage(self.home).free
        if free < size:
            raise DiskFull(
                f"{self.home} needs {size / 1e6:,.0f} MB and has {free / 1e6:,.0f} MB free; "
                "make room, or set COMMUNIQUE_HOME to a folder on another disk"
            )

    @contextlib.contextmanager
    def locked(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the cache for this process; calls `waiting` once when another process holds it.

        Raises:
            EnvironmentFault: the folder cannot be written.
        """
        with disk_errors(self.home):
            self.home.mkdir(parents=True, exist_ok=True)
            handle = (self.home / "lock").open("a")
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield  # closing the file releases it, as does the end of the process


@contextlib.contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turns what the operating system says of a write into an error that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull(
                f"no room left on the disk of {folder}; make room, or set COMMUNIQUE_HOME to a folder on another "
                "disk, and run `communique models pull` again"
            ) from error
        if isinstance(error, PermissionError) or error.errno == errno.EROFS:
            raise EnvironmentFault(
                f"{error.filename or folder} cannot be written ({error.strerror}); set COMMUNIQUE_HOME to a folder of "
                "your own"
            ) from error
        raise


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
