"""The registry that is shipped, and what a registry may not say."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from communique.errors import EnvironmentFault, UsageError
from communique.models import load_registry, names_for, resolve, shipped_folder
from communique.models.registry import main

if TYPE_CHECKING:
    from pathlib import Path

HASH = "0" * 64
FILE = f'{{ name = "a.gguf", member = "p/a.gguf", bytes = 3, sha256 = "{HASH}" }}'


def registry_of(folder: Path, body: str, schema: str = "schema = 1\n") -> Path:
    path = folder / "registry.toml"
    path.write_text(schema + body, encoding="utf-8")
    return path


def test_every_shipped_file_is_the_pinned_one() -> None:
    shipped = [entry for entry in load_registry().models.values() if entry.kind == "shipped"]
    assert shipped
    for entry in shipped:
        folder = resolve(entry.name)
        assert folder.parent == shipped_folder()
        assert all((folder / file.name).stat().st_size == file.bytes for file in entry.files)


def test_serving_needs_no_training_model_and_bases_come_first() -> None:
    names = names_for("serving")
    assert "encoder-base" not in names
    assert "encoder-base" in names_for("training")
    assert names.index("summarizer-base") < names.index("summarizer")


def test_an_unknown_name_is_answered_with_the_near_and_all_names() -> None:
    with pytest.raises(UsageError, match=r"did you mean summarizer\?.*encoder-base"):
        load_registry()["sumarizer"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (f'[a]\nkind = "base"\nwheel = "a==1"\nfiles = [{FILE.replace("a.gguf", "a.pkl")}]', "a.pkl"),
        (f'[a]\nkind = "base"\nwheel = "a==1"\nfiles = [{FILE.replace("a.gguf", "../a.gguf")}]', "plain names"),
        (f'[a]\nkind = "base"\nwheel = "a==1"\nfiles = [{FILE.replace(HASH, "12")}]', "64 hex"),
        (f'[a]\nkind = "base"\nfiles = [{FILE}]', "lacks"),
        ('[a]\nkind = "prepared"\nbase = "b"', "refers to 'b'"),
        (f'[a]\nkind = "hub"\nwheel = "a==1"\nfiles = [{FILE}]', "kind"),
        (f'[a]\nkind = "base"\nweel = "a==1"\nfiles = [{FILE}]', "weel"),
        ("[a", "cannot be read"),
    ],
)
def test_a_registry_that_is_wrong_is_refused(tmp_path: Path, body: str, says: str) -> None:
    with pytest.raises(EnvironmentFault, match=says):
        load_registry(registry_of(tmp_path, body))


def test_another_schema_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="schema = 1"):
        load_registry(registry_of(tmp_path, "", "schema = 2\n"))


def test_the_printed_entry_of_a_shipped_model_can_be_pasted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "trunk"
    folder.mkdir()
    (folder / "trunk.xml").write_text("<net/>")
    (folder / "trunk.bin").write_bytes(b"\1" * 10)
    assert main(["trunk", *map(str, folder.iterdir())]) == 0
    printed = capsys.readouterr().out
    entry = tomllib.loads(printed)["trunk"]
    assert [file["name"] for file in entry["files"]] == ["trunk.bin", "trunk.xml"]
    registry = load_registry(registry_of(tmp_path, printed))
    assert resolve("trunk", registry=registry) == folder
    (folder / "trunk.bin").write_bytes(b"\2" * 10)
    with pytest.raises(EnvironmentFault, match="install communique again"):
        resolve("trunk", registry=registry)
