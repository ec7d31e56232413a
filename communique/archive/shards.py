"""The folder that a run writes: a manifest, and one file a shard, each written whole or not at all.

A shard is the records of `shard_size` consecutive items. A run that was killed is taken up at its first missing shard;
one that was begun with other inputs, settings or models is refused.

    run.json  shard-000000.jsonl  shard-000001.jsonl  …
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from communique.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Shards"]

MANIFEST: Final = "run.json"


@dataclass(slots=True)
class Shards:
    """A run's folder, held by one process at a time."""

    folder: Path
    manifest: dict[str, Any] = field(default_factory=dict)
    _lock: BinaryIO | None = None

    @classmethod
    def open(cls, folder: Path) -> Shards:
        """The folder, made if it is not there, with the manifest of the run that began it, if one did.

        Raises:
            UsageError: it is not a run's folder, or another process writes it.
        """
        path = folder / MANIFEST
        if folder.is_dir() and not path.exists() and any(entry.name != ".lock" for entry in folder.iterdir()):
            raise UsageError(f"{folder} holds other files and no {MANIFEST}; choose another --output")
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise UsageError(f"another process is writing {folder}") from None
        try:
            manifest = json.loads(path.read_bytes()) if path.exists() else {}
        except ValueError:
            lock.close()
            raise UsageError(f"{path} is damaged; --restart begins anew") from None
        return cls(folder, manifest, lock)

    def close(self) -> None:
        """Let another process write the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def complete(self) -> bool:
        return bool(self.manifest.get("complete"))

    def check(self, run: Mapping[str, Any]) -> None:
        """See that the folder is fresh, or that what is named in `run` is as it was when the folder was begun.

        Raises:
            UsageError: the folder was begun by another run; the message names what differs.
        """
        then, now = _flat(self.manifest.get("run", {})), _flat(run)
        differing = [
            f"{name}: {_short(then.get(name))} then, {_short(now.get(name))} now"
            for name in dict.fromkeys([*now, *(name for name in then if name.split(".")[0] in run)])
            if then and then.get(name) != now.get(name)
        ]
        if differing:
            raise UsageError(
                f"{self.folder} was begun by another run ({'; '.join(differing)}). "
                "Repeat that run's inputs and settings, choose another --output, or begin anew with --restart"
            )

    def begin(self, run: Mapping[str, Any]) -> None:
        """Begin the run, or take it up where it is the same; raises as `check` does."""
        self.check(run)
        if not self.manifest:
            self.manifest = {"run": dict(run), "complete": False}
            self._write_manifest()

    def finish(self, items: int) -> None:
        """Mark the run complete."""
        self.manifest.update(complete=True, items=items)
        self._write_manifest()

    def path(self, number: int) -> Path:
        return self.folder / f"shard-{number:06d}.jsonl"

    def read(self, number: int, items: int) -> list[bytes] | None:
        """The lines of a shard, or None where it is missing or does not hold `items` of them."""
        try:
            lines = self.path(number).read_bytes().splitlines()
        except FileNotFoundError:
            return None
        return lines if len(lines) == items else None

    def write(self, number: int, lines: Sequence[bytes]) -> None:
        """Write a shard: whole under its name, or not there."""
        _write_whole(self.path(number), (line + b"\n" for line in lines))

    def assemble(self, target: Path, shards: int) -> None:
        """Join the shards in order into one file, which appears whole."""
        _write_whole(target, _blocks(self.path(number) for number in range(shards)), self.folder / "whole.part")

    def remove(self) -> None:
        """Remove the folder and give up the lock. It goes at once: a kill leaves no half folder to take up."""
        self.close()
        doomed = self.folder.with_name(self.folder.name + ".removed")
        shutil.rmtree(doomed, ignore_errors=True)
        self.folder.rename(doomed)
        shutil.rmtree(doomed)

    def restart(self) -> None:
        """Forget all shards; the lock is kept."""
        for entry in [*self.folder.glob("shard-*.jsonl*"), *self.folder.glob("*.part"), self.folder / MANIFEST]:
            entry.unlink(missing_ok=True)
        self.manifest = {}

    def _write_manifest(self) -> None:
        text = json.dumps(self.manifest, indent=1, ensure_ascii=False)
        _write_whole(self.folder / MANIFEST, [text.encode("utf-8", "replace") + b"\n"])


def _write_whole(path: Path, blocks: Iterator[bytes] | Sequence[bytes], part: Path | None = None) -> None:
    """Write to a file beside, flush it to the disk, and give it its name."""
    part = part or path.with_name(path.name + ".part")
    try:
        with part.open("wb") as stream:
            stream.writelines(blocks)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _blocks(paths: Iterator[Path]) -> Iterator[bytes]:
    for path in paths:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                yield block


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested objects as one, with dotted names."""
    if not isinstance(value, dict):
        return {prefix: value}
    return {
        key: flat for name, inner in value.items() for key, flat in _flat(inner, f"{prefix}.{name}".lstrip(".")).items()
    }


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}…"
