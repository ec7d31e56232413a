"""What goes into the wheel: the models and the schemas, found there by the installed package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from communique.models import load_registry

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]


def run(arguments: Sequence[str], cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("setuptools", minversion="80")
    out = tmp_path_factory.mktemp("built")
    run(["setup.py", "-q", "egg_info", "--egg-base", str(out), "build_py", "--build-lib", str(out)], ROOT)
    return out


def test_every_pinned_file_is_in_the_package(built: Path) -> None:
    for entry in load_registry().models.values():
        for file in entry.files if entry.kind == "shipped" else ():
            assert (built / "communique" / "shipped" / entry.folder / file.name).stat().st_size == file.bytes
    assert (built / "communique" / "schemas" / "record.schema.json").is_file()
    assert (built / "communique" / "py.typed").is_file()
    assert not list((built / "communique" / "shipped").rglob("*.py"))


def test_the_installed_package_finds_its_models(built: Path, tmp_path: Path) -> None:
    said = run(
        ["-c", "from communique.models import resolve; print(resolve('tokenizer'))"], tmp_path, PYTHONPATH=str(built)
    )
    assert Path(said.strip()) == built / "communique" / "shipped" / "smollm2"
