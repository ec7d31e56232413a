"""What the scripts that train encoders share: where a run starts, its rate, its checkpoints, its log, its processes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from rich.console import Console
from safetensors.torch import load_file
from torch import nn

from communique.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accelerate import Accelerator

__all__ = ["add_gradients", "base_folder", "checkpoint", "resume", "save", "schedule", "start_from", "writer_of"]

console = Console(stderr=True)


def schedule(share: float, warmup: float, floor: float = 0.05) -> float:
    """The learning rate's factor: a linear rise over `warmup`, then a cosine down to `floor`."""
    if share < warmup:
        return share / warmup
    fallen = min(1.0, (share - warmup) / max(1e-9, 1 - warmup))
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * fallen))


def base_folder(name: str) -> Path:
    """A folder, or a model of the registry."""
    if Path(name).is_dir():
        return Path(name)
    from communique.models import resolve

    return resolve(name)


def writer_of(out: Path, done: int | None = None) -> Any:
    """A TensorBoard writer below `out`; what an earlier process wrote of steps after `done` is forgotten."""
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(out / "tensorboard"), purge_step=None if done is None else done + 1)


def start_from(model: nn.Module, paths: Sequence[Path]) -> None:
    """Load the mean of the weights of earlier runs. A head that only some of them have is the mean of theirs, one that
    none has keeps what it was given, and inputs that a head had not yet begin without weight. Topics of another number
    are other topics: they begin anew."""
    if missing := [path for path in paths if not path.exists()]:
        raise UsageError(
            f"{missing[0]} is not there: run the stage that writes it first, or begin without (init: null)"
        )
    runs = [load_file(path) for path in paths]
    for path, run in zip(paths, runs, strict=True):
        others = [name for name in run.keys() ^ model.state_dict().keys() if not name.startswith("heads.")]
        if others:
            raise UsageError(f"{path} holds another encoder's weights: {others[0]} and {len(others) - 1} more differ")
    mean = {}
    for name, own in model.state_dict().items():
        if name.startswith("heads.topic_out.") and any(len(run[name]) != len(own) for run in runs if name in run):
            continue
        found = [_widened(run[name], own, name, path) for path, run in zip(paths, runs, strict=True) if name in run]
        if found:
            mean[name] = torch.stack(found).mean(0)
    model.load_state_dict(mean, strict=False)


def _widened(earlier: torch.Tensor, own: torch.Tensor, name: str, path: Path) -> torch.Tensor:
    """An earlier run's weights in the model's own shape: a head's matrix may have got more inputs since."""
    if earlier.shape == own.shape:
        return earlier
    grown = own.shape[-1] - earlier.shape[-1]
    if not name.startswith("heads.") or earlier.shape[:-1] != own.shape[:-1] or grown < 0:
        raise UsageError(f"{path}: {name} is {tuple(earlier.shape)}, and {tuple(own.shape)} here")
    return nn.functional.pad(earlier, (0, grown))


def save(path: Path, model: nn.Module) -> None:
    """The weights of a model that is done."""
    from safetensors.torch import save_file

    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, path)


def checkpoint(out: Path, model: nn.Module, optimizer: Any, rate: Any, step: int) -> None:
    """Write everything that the next step depends on, whole or not at all."""
    part = out / "checkpoint.pt.part"
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "rate": rate.state_dict(),
        "step": step,
        "random": torch.get_rng_state(),
    }
    torch.save(state, part)
    part.replace(out / "checkpoint.pt")


def resume(out: Path, model: nn.Module, optimizer: Any, rate: Any) -> int:
    """Load the checkpoint, if there is one; returns how many steps are done."""
    path = out / "checkpoint.pt"
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True, map_location="cpu")
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    rate.load_state_dict(state["rate"])
    torch.set_rng_state(state["random"])
    console.print(f"resuming after step {state['step']}")
    return int(state["step"])


def add_gradients(model: nn.Module, accelerator: Accelerator) -> None:
    """Give every process the sum of all processes' gradients; what none of them has used keeps none.

    Not left to `DistributedDataParallel`: which heads a batch uses hangs on what is labelled in it, and a process may
    have no samples of a batch at all.
    """
    if accelerator.num_processes == 1:
        return
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    used = torch.tensor([float(weight.grad is not None) for weight in weights], device=accelerator.device)
    used = accelerator.reduce(used, "sum")
    flat = torch.cat([(torch.zeros_like(w) if w.grad is None else w.grad).flatten() for w in weights])
    parts = accelerator.reduce(flat, "sum").split([weight.numel() for weight in weights])
    for weight, part, users in zip(weights, parts, used.tolist(), strict=True):
        weight.grad = part.view_as(weight) if users else None
