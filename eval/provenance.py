"""Where a figure came from: commit, device, versions. What is not known is said to be unknown, never guessed.

>>> python -c "from eval.provenance import provenance; print(provenance())"
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

__all__ = ["commit", "cpu_flags", "cpu_name", "gpu_name", "provenance"]

ROOT: Final = Path(__file__).parent.parent
VERSIONS: Final = (
    "communique", "numpy", "openvino", "openvino-genai", "tokenizers", "trafilatura", "rouge-score", "sumy",
    "scikit-learn", "torch", "transformers", "bentoml",
)  # fmt: skip


def provenance(device: str = "cpu") -> dict[str, Any]:
    """When, from which commit, on what, with which versions."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "device": {
            "kind": device,
            "cpu": cpu_name(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "gpu": gpu_name() if device == "cuda" else None,
        },
        "python": platform.python_version(),
        "versions": {name: version for name in VERSIONS if (version := _version(name))},
        "command": ["python", "-m", *_module(), *sys.argv[1:]],
    }


@cache
def commit() -> str:
    """The short hash of the tree's commit, with `+` when files differ from it; `unknown` outside git."""
    try:
        head = _git("rev-parse", "--short=10", "HEAD")
        return head + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def cpu_name() -> str:
    """As the system calls it."""
    for line in _cpuinfo():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def cpu_flags() -> set[str]:
    """The instruction sets that the system reports; empty where it does not."""
    for line in _cpuinfo():
        if line.startswith(("flags", "Features")):
            return set(line.split(":", 1)[1].split())
    return set()


def gpu_name() -> str | None:
    """The first CUDA device, or None; asks torch only where it is installed."""
    try:
        import torch
    except ImportError:
        return None
    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None


@cache
def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _module() -> list[str]:
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return [spec.name] if spec is not None else [Path(sys.argv[0]).name]
