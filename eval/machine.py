"""What the machine has, what it reaches, and what rate that allows: the probe before a benchmark, the roofline after.

>>> probe().arithmetic
'bf16 by AVX-512'
"""

from __future__ import annotations

import os
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from eval.provenance import cpu_flags, cpu_name, gpu_name

__all__ = ["Machine", "peak_memory_bytes", "probe", "resident_bytes"]

FLAGS: Final = (
    "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "amx_int8", "asimd", "bf16"
)  # fmt: skip
SECONDS: Final = 0.5
#: Larger than any cache.
BYTES: Final = 256 * 2**20
SIDE: Final = 1024


@dataclass(frozen=True, slots=True)
class Machine:
    """Rates are measured, not looked up. `arithmetic` is what the default engine will compute in."""

    cpu: str
    cores: int
    flags: tuple[str, ...]
    memory_bytes: int
    gpu: str | None
    arithmetic: str
    read_bytes_per_second: float
    matmul_f32_per_second: float
    matmul_bf16_per_second: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def expected(self, weight_bytes: float, operations_per_token: float) -> str:
        """What rate to expect of a model, in words."""
        alone = self.read_bytes_per_second / weight_bytes
        together = max(self.matmul_f32_per_second, self.matmul_bf16_per_second) / operations_per_token
        return f"at most {alone:,.0f} tokens a second for one text (memory), {together:,.0f} for many (arithmetic)"


def probe(device: str = "cpu") -> Machine:
    """Look at the machine and time it, for about two seconds."""
    held = cpu_flags()
    flags = tuple(flag for flag in FLAGS if flag in held)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cuda = device == "cuda"
    arithmetic = "bf16 on CUDA" if cuda else "f32"
    for flag, name in (("avx512_bf16", "bf16 by AVX-512"), ("amx_bf16", "bf16 by AMX")):
        if flag in held and not cuda:
            arithmetic = name
    return Machine(
        cpu=cpu_name(),
        cores=cores,
        flags=flags,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        gpu=gpu_name() if cuda else None,
        arithmetic=arithmetic,
        read_bytes_per_second=_cuda_read() if cuda else _read(cores),
        matmul_f32_per_second=_cuda_matmul("float32") if cuda else _matmul("f32"),
        matmul_bf16_per_second=_cuda_matmul("bfloat16") if cuda else _matmul("bf16"),
    )


def resident_bytes() -> int:
    """Of this process and of those that it started, now; 0 where /proc does not tell."""
    total = 0
    for pid in (os.getpid(), *_descendants(os.getpid())):
        try:
            lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
        except OSError:
            continue
        total += next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")), 0)
    return total


def peak_memory_bytes() -> int:
    """The most that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _descendants(pid: int) -> list[int]:
    try:
        children = [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
        ]
    except OSError:
        return []
    return [*children, *(grandchild for child in children for grandchild in _descendants(child))]


def _read(cores: int) -> float:
    """Bytes a second that all cores together read from memory (each a dot product of its own array)."""
    arrays = [np.ones(BYTES // cores // 4, dtype=np.float32) for _ in range(cores)]
    with ThreadPoolExecutor(cores) as pool:
        return _rate(lambda: list(pool.map(lambda array: float(np.dot(array, array)), arrays)), BYTES)


def _matmul(precision: str) -> float:
    """Operations a second of a square matrix product in the runtime that serves."""
    import openvino
    from openvino import opset13 as ops

    given = ops.parameter([SIDE, SIDE], np.float32)
    weights = ops.constant(np.ones((SIDE, SIDE), dtype=np.float32))
    model = openvino.Model([ops.matmul(given, weights, False, False)], [given])
    request = (
        openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": precision}).create_infer_request()
    )
    data = np.ones((SIDE, SIDE), dtype=np.float32)
    return _rate(lambda: request.infer([data]), 2 * SIDE**3)


def _cuda_read() -> float:
    import torch

    data = torch.ones(BYTES, dtype=torch.uint8, device="cuda")
    other = torch.empty_like(data)

    def copy() -> None:
        other.copy_(data)
        torch.cuda.synchronize()

    return _rate(copy, 2 * BYTES)


def _cuda_matmul(dtype: str) -> float:
    import torch

    side = 8 * SIDE
    data = torch.ones(side, side, dtype=getattr(torch, dtype), device="cuda")

    def multiply() -> None:
        torch.matmul(data, data)
        torch.cuda.synchronize()

    return _rate(multiply, 2 * side**3)


def _rate(work: Any, units: float) -> float:
    """Units a second, the best of what fits into half a second, after one unmeasured run."""
    work()
    best, until = 0.0, time.perf_counter() + SECONDS
    while time.perf_counter() < until:
        start = time.perf_counter()
        work()
        best = max(best, units / (time.perf_counter() - start))
    return best
