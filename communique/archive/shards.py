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

__all__ = ["Shards", "check_same", "read_manifest", "record_of"]

MANIFEST: Final = "run.json"
LOCK: Final = ".lock"


@dataclass(slots=True)
class Shards:
    """A run's folder, held by one process at a time."""

    folder: Path
    manifest: dict[str, Any] = field(default_factory=dict)
    _lock: BinaryIO | None = None

    @classmethod
    def open(cls, folder: Path, *, restart: bool = False) -> Shards:
        """The folder, made if it is not there, with the manifest of the run that began it, if one did.

        `restart` forgets that run, whose manifest may be damaged then.

        Raises:
            UsageError: it is not a run's folder, or another process writes it.
        """
        path = folder / MANIFEST
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file; shards are written into a folder")
        if folder.is_dir() and not path.exists() and any(entry.name != LOCK for entry in folder.iterdir()):
            raise UsageError(f"{folder} holds other files and no {MANIFEST}; choose another --output")
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise UsageError(f"another process is writing {folder}") from None
        shards = cls(folder, {}, lock)
        try:
            if not _is_open(lock, folder / LOCK):
                raise UsageError(f"another process has just finished {folder}; repeat the command")
            if restart:
                shards._forget()
            elif path.exists():
                shards.manifest = read_manifest(path)
        except BaseException:
            shards.close()
            raise
        return shards

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
        check_same(self.manifest, run, self.folder)

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

    def read(self, number: int, items: int) -> list[dict[str, Any]] | None:
        """The records of a shard, or None where it is missing, damaged or does not hold `items` of them."""
        try:
            records = [record_of(line) for line in self.path(number).read_bytes().splitlines()]
        except (FileNotFoundError, ValueError):
            return None
        return records if len(records) == items else None

    def write(self, number: int, lines: Sequence[bytes]) -> None:
        """Write a shard: whole under its name, or not there."""
        _write_whole(self.path(number), (line + b"\n" for line in lines))

    def assemble(self, target: Path, shards: int) -> None:
        """Join the shards in order into one file, which appears whole."""
        _write_whole(target, _blocks(self.path(number) for number in range(shards)), self.folder / "whole.part")

    def seal(self, path: Path, items: int) -> None:
        """Write the manifest of a complete run to `path`, beside the file that the run became."""
        _write_manifest(path, {**self.manifest, "complete": True, "items": items})

    def remove(self) -> None:
        """Remove the folder and give up the lock. It goes at once: a kill leaves no half folder to take up."""
        doomed = self.folder.with_name(self.folder.name + ".removed")
        shutil.rmtree(doomed, ignore_errors=True)
        self.folder.rename(doomed)
        shutil.rmtree(doomed)
        self.close()

    def _forget(self) -> None:
        for entry in [*self.folder.glob("shard-*.jsonl*"), *self.folder.glob("*.part"), self.folder / MANIFEST]:
            entry.unlink(missing_ok=True)

    def _write_manifest(self) -> None:
        _write_manifest(self.folder / MANIFEST, self.manifest)


def record_of(line: bytes) -> dict[str, Any]:
    """The record of a line that a run wrote.

    Raises:
        ValueError: the line is damaged.
    """
    try:
        record = json.loads(line)
    except RecursionError:
        record = None
    if not isinstance(record, dict) or not {"id", "summary", "error"} <= record.keys():
        raise ValueError("not a record")
    return record


def read_manifest(path: Path) -> dict[str, Any]:
    """What a run wrote of itself: its `run`, whether it is `complete`, and then how many `items` it had.

    Raises:
        UsageError: it is damaged.
    """
    try:
        manifest = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        manifest = None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("run"), dict):
        raise UsageError(f"{path} is damaged; --restart begins anew")
    return manifest


def check_same(manifest: Mapping[str, Any], run: Mapping[str, Any], output: Path) -> None:
    """See that what is named in `run` is as the manifest of `output` has it, if there is one.

    Raises:
        UsageError: another run began the output; the message names what differs.
    """
    then, now = _flat(manifest.get("run", {})), _flat(run)
    differing = [
        f"{name}: {_short(then.get(name))} then, {_short(now.get(name))} now"
        for name in dict.fromkeys([*now, *(name for name in then if name.split(".")[0] in run)])
        if then and then.get(name) != now.get(name)
    ]
    if differing:
        raise UsageError(
            f"{output} was begun by another run ({'; '.join(differing)}). "
            "Repeat that run's inputs and settings, choose another --output, or begin anew with --restart"
        )


def _is_open(stream: BinaryIO, path: Path) -> bool:
    """Whether the file at `path` is this one, and not gone or another of its name."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _write_manifest(path: Path, manifest: Mapping[str, Any]) -> None:
    text = json.dumps(manifest, indent=1, ensure_ascii=False)
    _write_whole(path, [text.encode("utf-8", "replace") + b"\n"])


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
