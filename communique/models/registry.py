"""The registry: which model files there are, where each comes from, and its sha256. Reads no model and no network.

$ python -m communique.models.registry trunk models/trunk/*      # the entry of a shipped model, to paste
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from communique.errors import EnvironmentFault, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "ModelEntry",
    "ModelFile",
    "NeededFor",
    "Registry",
    "file_sha256",
    "load_registry",
    "main",
    "shipped_folder",
]

Kind = Literal["base", "shipped", "prepared"]
NeededFor = Literal["serving", "training"]

#: What may be loaded: formats that hold data and no code.
ALLOWED_SUFFIXES: Final = frozenset({".safetensors", ".gguf", ".onnx", ".xml", ".bin", ".json", ".toml", ".txt"})
_SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file with one hash. `member` is its path within the wheel, for a base."""

    name: str
    sha256: str
    bytes: int
    member: str = ""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model. `wheel` is of a base, `folder` of a shipped model, `base` and `adapter` of a prepared one."""

    name: str
    kind: Kind
    title: str = ""
    license: str = ""
    needed_for: NeededFor = "serving"
    files: tuple[ModelFile, ...] = ()
    wheel: str = ""
    wheel_bytes: int = 0
    folder: str = ""
    base: str = ""
    adapter: str = ""

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    @property
    def revision(self) -> str:
        """Twelve hex digits that change when any file of a base or shipped model changes."""
        return hashlib.sha256("".join(file.sha256 for file in self.files).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Registry:
    """Name to entry, and the folder in which the shipped models' folders lie."""

    models: Mapping[str, ModelEntry]
    folder: Path

    def __getitem__(self, name: str) -> ModelEntry:
        """The entry.

        Raises:
            UsageError: no such model; the message lists those there are.
        """
        if name not in self.models:
            near = difflib.get_close_matches(name, self.models, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise UsageError(f"no model is called {name!r}; {hint}available: {', '.join(self.models)}")
        return self.models[name]


def shipped_folder() -> Path:
    """`models/` of the checkout, or where the installed package keeps it.

    Raises:
        EnvironmentFault: neither is there.
    """
    package = Path(__file__).parents[1]
    for folder in (package / "shipped", package.parent / "models"):
        if (folder / "registry.toml").is_file():
            return folder
    raise EnvironmentFault(f"the package's own models are missing from {package}; install communique again")


def load_registry(path: Path | None = None) -> Registry:
    """The registry; `path` is another registry.toml than the shipped one, its shipped models lie beside it.

    Raises:
        EnvironmentFault: the file is not a registry; the message names the entry and what is wrong.
    """
    path = path or shipped_folder() / "registry.toml"
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EnvironmentFault(f"{path} cannot be read: {error}") from None
    if read.pop("schema", None) != _SCHEMA:
        raise EnvironmentFault(f"{path} must say `schema = {_SCHEMA}`")
    try:
        models = {name: _entry(name, fields) for name, fields in read.items()}
        for entry in models.values():
            _check_references(entry, models)
    except (TypeError, ValueError, KeyError) as error:
        raise EnvironmentFault(f"{path}: {error}") from None
    return Registry(models, path.parent)


def file_sha256(path: Path) -> str:
    """The hash, as hex digits. A gigabyte takes about two seconds."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _entry(name: str, fields: dict[str, Any]) -> ModelEntry:
    files = tuple(ModelFile(**file) for file in fields.pop("files", ()))
    entry = ModelEntry(name=name, files=files, **fields)
    if entry.kind not in get_args(Kind) or entry.needed_for not in get_args(NeededFor):
        raise ValueError(f"[{name}] has a `kind` or `needed_for` that is not allowed")
    for file in files:
        pure = PurePosixPath(file.name)
        if len(pure.parts) != 1 or pure.suffix not in ALLOWED_SUFFIXES:
            raise ValueError(f"[{name}] names {file.name!r}: allowed are plain names that end in {ALLOWED_SUFFIXES}")
        if len(file.sha256) != 64:
            raise ValueError(f"[{name}] {file.name}: sha256 must be 64 hex digits")
    required = {"base": entry.wheel and files, "shipped": entry.folder and files, "prepared": entry.base}
    if not required[entry.kind]:
        raise ValueError(f"[{name}] lacks what a {entry.kind} model needs")
    return entry


def _check_references(entry: ModelEntry, models: Mapping[str, ModelEntry]) -> None:
    for field, kind in ((entry.base, "base"), (entry.adapter, "shipped")):
        if field and (field not in models or models[field].kind != kind):
            raise ValueError(f"[{entry.name}] refers to {field!r}, which is no {kind} model")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the registry's entry for the files of a shipped model."""
    parser = argparse.ArgumentParser(prog="python -m communique.models.registry", description=main.__doc__)
    parser.add_argument("name")
    parser.add_argument("files", type=Path, nargs="+", help="files of one folder under models/")
    given = parser.parse_args(arguments)
    files = sorted(path for path in given.files if path.is_file())
    folders = {path.parent.name for path in files}
    if len(folders) != 1:
        raise UsageError(f"the files must lie in one folder; got {', '.join(sorted(folders)) or 'no files'}")
    print(f'[{given.name}]\nkind = "shipped"\ntitle = ""\nlicense = ""\nfolder = "{folders.pop()}"\nfiles = [')
    for path in files:
        print(f'  {{ name = "{path.name}", bytes = {path.stat().st_size}, sha256 = "{file_sha256(path)}" }},')
    print("]")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
