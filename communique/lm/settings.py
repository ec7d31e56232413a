"""How the engine runs: its settings, checked. It knows nothing of any runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from communique.config import EngineName
from communique.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["EngineSettings", "Precision"]

#: `auto`: what the device is best at: on the CPU with activations quantised to int8 as the products are formed, on CUDA
#: bf16; in torch on a CPU f32. `exact`: f32 throughout, where an answer does not depend on what it was batched with;
#: about twice as slow.
Precision = Literal["auto", "bf16", "f32", "exact"]


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How the engine runs.

    Raises:
        UsageError: a value outside its range.
    """

    engine: EngineName = "auto"
    """What computes."""
    model: str = "summarizer"
    """Name in the model registry; `folder` wins over it."""
    folder: Path | None = None
    """Of a converted graph (openvino), or of a model as transformers saves it, encoder-decoders too (torch)."""
    home: Path | None = None
    """The models' cache folder; None for the default."""
    precision: Precision = "auto"
    """Arithmetic of the products."""
    kv_cache_tokens: int = 24_576
    """Tokens of prompts and answers in work at once; a bound on memory, about 13 kB a token for the shipped model."""
    max_batch_tokens: int = 512
    """Tokens that one step computes at most."""
    max_sequences: int = 64
    """Sequences that one step carries at most."""
    threads: int = 0
    """Processor cores to use; 0 takes all."""
    start_seconds: float = 300.0
    """The process must be ready within so long; 3 s are usual, but a machine may be busy."""

    def __post_init__(self) -> None:
        if self.engine not in get_args(EngineName):
            raise UsageError(f"`engine` must be one of {', '.join(get_args(EngineName))}; got {self.engine!r}")
        if self.precision not in get_args(Precision):
            raise UsageError(f"`precision` must be one of {', '.join(get_args(Precision))}; got {self.precision!r}")
        _check("kv_cache_tokens", self.kv_cache_tokens, 1024, 4_194_304)
        _check("max_batch_tokens", self.max_batch_tokens, 32, 65_536)
        _check("max_sequences", self.max_sequences, 1, 1024)
        _check("threads", self.threads, 0, 1024)
        _check("start_seconds", self.start_seconds, 1.0, 3600.0)


def _check(name: str, value: Any, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise UsageError(f"`{name}` must be from {low:,} to {high:,}; got {value!r}")
