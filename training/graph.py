"""An encoder as an OpenVINO graph in 8 bits, and how far that lies from the torch model.

It knows encoders that take ids, mask and token types; what their output means is for others to know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from communique.trunk.windows import padded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from communique.trunk.windows import Window

__all__ = ["agreement", "save_graph"]

NAMES: Final = ("ids", "mask", "types")
#: Windows that go through the network together while the ranges of its activations are taken.
_TOGETHER: Final = 4


def save_graph(module: torch.nn.Module, path: Path, windows: Sequence[Window] = ()) -> None:
    """Write the graph of `module(ids, mask, types)`, its weights in 8 bits.

    With `windows`, of the kind that will be read, products are formed in 8 bits too, over the ranges that activations
    have there: on two cores the trunk is a third faster then. What is not a product stays bf16 or f32.
    """
    import nncf
    import openvino

    example = (torch.randint(1000, 20000, (2, 64)), torch.ones(2, 64, dtype=torch.long), torch.zeros(2, 64).long())
    with torch.no_grad():
        graph = openvino.convert_model(module, example_input=example, input=[(-1, -1)] * 3)
    for port, name in zip(graph.inputs, NAMES, strict=True):
        port.get_tensor().set_names({name})
    if windows:
        batches = [padded(windows[start : start + _TOGETHER]) for start in range(0, len(windows), _TOGETHER)]
        graph = nncf.quantize(
            graph,
            nncf.Dataset(batches),
            model_type=nncf.ModelType.TRANSFORMER,
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(batches),
        )
    else:
        graph = nncf.compress_weights(graph, mode=nncf.CompressWeightsMode.INT8_SYM)
    openvino.save_model(graph, path, compress_to_fp16=True)


@torch.no_grad()
def agreement(module: torch.nn.Module, path: Path, windows: Iterable[Window]) -> dict[str, float]:
    """Cosine of what the graph and the torch model give for each token of `windows`, mean and least, by arithmetic."""
    import openvino

    found: dict[str, float] = {}
    read = [padded([window]) for window in windows]
    wanted = [module(*map(torch.from_numpy, arrays)).numpy()[0] for arrays in read]
    for precision in ("f32", "bf16"):
        compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": precision})
        cosines = []
        for arrays, want in zip(read, wanted, strict=True):
            got = compiled(arrays)[0][0]
            cosines.append((want * got).sum(-1) / (np.linalg.norm(want, axis=-1) * np.linalg.norm(got, axis=-1)))
        found[f"cosine_{precision}_mean"] = float(np.concatenate(cosines).mean())
        found[f"cosine_{precision}_min"] = float(np.concatenate(cosines).min())
    return found
