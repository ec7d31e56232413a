"""An encoder as an OpenVINO graph in 8 bits, with a branch or without, and how far that lies from the torch model.

It knows encoders of the BERT family that take ids, mask and token types; what their output means is for others to know.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from communique.trunk.windows import padded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from communique.trunk.windows import Window

__all__ = ["agreement", "read_up_to", "save_branch", "save_graph"]

NAMES: Final = ("ids", "mask", "types")
#: Windows that go through the network together while the ranges of its activations are taken.
_TOGETHER: Final = 4
#: What the last nodes of a layer of the trunk are called, in their order; scale and shift of 1 and 0 have none.
_LAYER_END: Final = re.compile(
    r"__module\.trunk\.encoder\.layer\.(\d+)\.output\.LayerNorm/aten::layer_norm/(?:MVN|Multiply|Add)"
)


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
        starts = range(0, len(windows), _TOGETHER)
        graph = _quantised(graph, [padded(windows[start : start + _TOGETHER]) for start in starts])
    else:
        graph = nncf.compress_weights(graph, mode=nncf.CompressWeightsMode.INT8_SYM)
    openvino.save_model(graph, path, compress_to_fp16=True)


def _quantised(graph: Any, batches: Sequence[Any]) -> Any:
    import nncf

    return nncf.quantize(
        graph,
        nncf.Dataset(batches),
        model_type=nncf.ModelType.TRANSFORMER,
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(batches),
    )


def read_up_to(path: Path, layer: int, to: Path) -> None:
    """Write the graph of `save_graph` with the states after its first `layer` layers beside its own: [W, L, 2 H]."""
    import openvino

    graph = openvino.Core().read_model(path)
    openvino.save_model(_beside(graph, _after(graph, layer)), to, compress_to_fp16=True)


def save_branch(branch: torch.nn.Module, layer: int, path: Path, windows: Sequence[Window]) -> None:
    """Put the `branch(states, mask)` of a trunk that begins after its first `layer` layers into the trunk's graph at
    `path`, in the place of an earlier one, its products in 8 bits. What the graph gives is [W, L, 2 H] then."""
    import openvino

    graph = openvino.Core().read_model(path)
    below = openvino.compile_model(_beside(graph, _after(graph, layer)), "CPU")
    batches = []
    for start in range(0, len(windows), _TOGETHER):
        arrays = padded(windows[start : start + _TOGETHER])
        both = below(arrays)[0]
        batches.append((np.ascontiguousarray(both[..., both.shape[-1] // 2 :]), arrays[1]))
    example = tuple(map(torch.from_numpy, batches[0]))
    with torch.no_grad():
        traced = openvino.convert_model(branch, example_input=example, input=[(-1, -1, example[0].shape[-1]), (-1, -1)])
    made = _quantised(traced, batches)
    graph = openvino.Core().read_model(path)  # `below` holds the other one
    states, mask = made.inputs
    for port, source in ((states, _after(graph, layer)), (mask, graph.input("mask"))):
        port.get_node().output(0).replace(source)
    joined = _beside(graph, made.outputs[0].get_node().input_value(0))
    part = path.with_name(f"part-{path.name}")
    openvino.save_model(joined, part, compress_to_fp16=True)
    del graph, joined, made  # the old weights are read from the file that is replaced now
    for suffix in (".bin", ".xml"):
        part.with_suffix(suffix).replace(path.with_suffix(suffix))


def _after(graph: Any, layer: int) -> Any:
    """The output of the trunk's layer number `layer`, counted from 1; 0 stands for the last."""
    ends = {
        int(found[1]): node
        for node in graph.get_ordered_ops()
        if (found := _LAYER_END.fullmatch(node.get_friendly_name()))
    }
    return ends[(layer or len(ends)) - 1].output(0)


def _beside(graph: Any, other: Any) -> Any:
    """The trunk's graph with `other` states beside its own."""
    import openvino

    joined = openvino.opset13.concat([_after(graph, 0), other], axis=-1)
    return openvino.Model([joined], graph.get_parameters(), "trunk")


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
