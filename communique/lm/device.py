"""Which engine runs, on what device and in what arithmetic: chosen here, each with the reason, and nowhere else.

torch is imported only where the torch engine was asked for, or where a CUDA device makes it worth while: serving on a
CPU imports none.

    $ python -c "from communique.lm.device import choose_engine; print(choose_engine('auto'))"
"""

from __future__ import annotations

import ctypes
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from communique.errors import EnvironmentFault

if TYPE_CHECKING:
    import torch

    from communique.config import EngineName
    from communique.lm.settings import Precision

__all__ = ["choose_arithmetic", "choose_engine"]


def choose_engine(asked: EngineName) -> tuple[Literal["openvino", "torch"], str]:
    """The engine, and why.

    Raises:
        EnvironmentFault: `torch` was asked for, and the extra `gpu` is not installed.
    """
    lacking = [name for name in ("torch", "transformers") if find_spec(name) is None]
    if asked == "torch":
        if lacking:
            raise EnvironmentFault(
                f"the engine `torch` needs {' and '.join(lacking)}: pip install 'communique[gpu]', "
                "or set the engine to openvino"
            )
        return "torch", "as asked"
    if asked == "openvino":
        return "openvino", "as asked"
    if not _cuda_devices():
        return "openvino", "auto: no CUDA device"
    if lacking:
        return "openvino", f"auto: a CUDA device, but no {' and no '.join(lacking)} (communique[gpu])"
    import torch

    if not torch.cuda.is_available():
        return "openvino", "auto: a CUDA device, but this torch cannot use it"
    return "torch", "auto: a CUDA device and the extra gpu"


def choose_arithmetic(precision: Precision) -> tuple[torch.device, torch.dtype, str]:
    """Device and type of the weights for the torch engine, and why."""
    import torch

    cuda = torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    if precision == "auto":
        dtype = torch.bfloat16 if cuda and torch.cuda.is_bf16_supported() else torch.float32
        return device, dtype, f"auto: {torch.cuda.get_device_name() if cuda else 'no CUDA device'}"
    return device, torch.bfloat16 if precision == "bf16" else torch.float32, f"precision {precision}"


def _cuda_devices() -> int:
    """How many the driver sees; asked of itself, as torch would take seconds to import."""
    try:
        driver: Any = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int()
    found = driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0
    return count.value if found else 0
