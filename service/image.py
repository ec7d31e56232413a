"""The container image of a Bento: the packages that pyproject.toml names, and the models.

$ bentoml build && bentoml containerize communique:latest
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

import bentoml

__all__ = ["container_image"]

_PYPROJECT: Final = Path(__file__).parent.parent / "pyproject.toml"


def container_image() -> Any:
    """The image. The models are pulled when it is built, so that a container starts without a network."""
    packages = tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]
    return (
        bentoml.images.Image(python_version="3.11")
        .python_packages(*packages, "pip")  # pip fetches the models
        .build_include("communique", "models")
        .run("cd src && python -m communique models pull && chmod -R a+rX $COMMUNIQUE_HOME")
    )
