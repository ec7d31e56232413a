"""Llama weights in GGUF files: read as the torch layout has them, and merged with a LoRA adapter into one Q8_0 file.

numpy and `gguf` only. GGUF keeps the rows of q and k in another order than torch: within a head of d rows torch has the
rotary halves one after the other, GGUF interleaves them (llama.cpp, `LlamaModel.permute`).

    >>> merge(Path("base.gguf"), Path("models/summarizer"), Path("merged.gguf"))     # doctest: +SKIP
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from communique.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Limits", "merge", "read_adapter", "read_weights"]

_LAYER: Final = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
_TOP: Final = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
_Q8_0_FILE: Final = 7  # llama.cpp: LLAMA_FTYPE_MOSTLY_Q8_0


def read_weights(path: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Torch's name and f32 value of each tensor, in torch's layout; `lm_head` is absent where the embedding serves."""
    import gguf

    reader = gguf.GGUFReader(path)
    heads = _heads(reader)
    for tensor in reader.tensors:
        kind, value = _kind(tensor.name), _dequantised(tensor)
        yield f"{_torch_name(tensor.name)}.weight", _unpermuted(value, heads[kind]) if kind in heads else value


@dataclass(frozen=True, slots=True)
class Limits:
    """What an engine must know of a model and the graph does not say."""

    end_token: int
    context_tokens: int


def merge(base: Path, adapter: Path | None, out: Path) -> Limits:
    """Write base + (B @ A) * scale as one Q8_0 GGUF; without an adapter, the base in Q8_0.

    Args:
        base: a GGUF file of the Llama architecture, quantised or not.
        adapter: a folder with `adapter.safetensors` and `adapter_config.json` as PEFT writes them.
        out: is written.

    Raises:
        UsageError: the adapter does not belong to the base, or changes what cannot be merged; the message names it.
    """
    import gguf

    deltas = {} if adapter is None else read_adapter(adapter)
    reader = gguf.GGUFReader(base)
    heads = _heads(reader)
    quantised = gguf.GGMLQuantizationType.Q8_0
    writer = gguf.GGUFWriter(out, reader.fields["general.architecture"].contents())
    try:
        for key, field in reader.fields.items():
            if key.startswith("GGUF.") or key == "general.architecture":
                continue
            if field.types[0] == gguf.GGUFValueType.ARRAY:
                writer.add_array(key, field.contents())
            else:
                value = _Q8_0_FILE if key == "general.file_type" else field.contents()
                writer.add_key_value(key, value, field.types[0])
        for tensor in reader.tensors:
            value = _dequantised(tensor)
            if value.ndim == 1:
                writer.add_tensor(tensor.name, value)
                continue
            delta = deltas.pop(_torch_name(tensor.name), None)
            if delta is not None:
                if delta.shape != value.shape:
                    raise UsageError(f"the adapter's {tensor.name} is {delta.shape}, the base's {value.shape}")
                kind = _kind(tensor.name)
                value = value + (_permuted(delta, heads[kind]) if kind in heads else delta)
            writer.add_tensor(tensor.name, gguf.quantize(value, quantised), raw_dtype=quantised)
        if deltas:
            raise UsageError(f"the adapter changes {', '.join(sorted(deltas)[:3])}, which the base does not have")
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()
    return Limits(
        end_token=int(reader.fields["tokenizer.ggml.eos_token_id"].contents()),
        context_tokens=int(reader.fields["llama.context_length"].contents()),
    )


def read_adapter(folder: Path) -> dict[str, NDArray[np.float32]]:
    """Torch's module name to (B @ A) * scale, [out, in], of each module that a LoRA adapter changes.

    Raises:
        UsageError: it is not plain LoRA (biases, DoRA, whole modules), or a half of a pair is missing.
    """
    from safetensors import deserialize

    config: Mapping[str, Any] = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    for name in ("modules_to_save", "rank_pattern", "alpha_pattern", "use_dora", "trainable_token_indices"):
        if config.get(name):
            raise UsageError(f"{folder} has `{name}`, which cannot be merged; train plain LoRA without it")
    rank, alpha = int(config["r"]), float(config["lora_alpha"])
    scale = alpha / (rank**0.5 if config.get("use_rslora") else rank)
    halves: dict[str, dict[str, NDArray[np.float32]]] = {}
    for key, raw in deserialize((folder / "adapter.safetensors").read_bytes()):  # type: ignore[no-untyped-call]
        found = re.fullmatch(r"(?:base_model\.model\.)?(.+)\.lora_([AB])(?:\.default)?\.weight", key)
        if found is None:
            raise UsageError(f"{folder} holds {key}, which cannot be merged; train plain LoRA on linear layers")
        halves.setdefault(found[1], {})[found[2]] = _array(raw)
    if incomplete := [name for name, pair in halves.items() if len(pair) != 2]:
        raise UsageError(f"{folder} holds only one half of {incomplete[0]}")
    return {name: (pair["B"] @ pair["A"]) * np.float32(scale) for name, pair in halves.items()}


def _array(raw: Mapping[str, Any]) -> NDArray[np.float32]:
    """A safetensors entry as f32; numpy has no bfloat16, whose bits are the upper half of an f32."""
    kind, data, shape = raw["dtype"], raw["data"], raw["shape"]
    if kind == "BF16":
        bits = np.frombuffer(data, np.uint16).astype(np.uint32) << 16
        return bits.view(np.float32).reshape(shape)
    plain = {"F32": np.float32, "F16": np.float16}
    if kind not in plain:
        raise UsageError(f"adapter weights must be F32, F16 or BF16; got {kind}")
    return np.frombuffer(data, plain[kind]).reshape(shape).astype(np.float32)


def _heads(reader: Any) -> dict[str, int]:
    """Heads of the two tensors whose rows are permuted."""
    architecture = reader.fields["general.architecture"].contents()
    if architecture != "llama":
        raise UsageError(f"only GGUF files of the Llama architecture are known; this one is {architecture}")
    heads = int(reader.fields["llama.attention.head_count"].contents())
    shared = reader.fields.get("llama.attention.head_count_kv")
    return {"attn_q": heads, "attn_k": int(shared.contents()) if shared else heads}


def _kind(name: str) -> str:
    """`attn_q` of `blk.3.attn_q.weight`."""
    return name.removesuffix(".weight").rpartition(".")[2]


def _torch_name(name: str) -> str:
    stem = name.removesuffix(".weight")
    if stem in _TOP:
        return _TOP[stem]
    found = re.fullmatch(r"blk\.(\d+)\.(\w+)", stem)
    if found is None or found[2] not in _LAYER:
        raise UsageError(f"a Llama model has no tensor {name}")
    return f"model.layers.{found[1]}.{_LAYER[found[2]]}"


def _dequantised(tensor: Any) -> NDArray[np.float32]:
    import gguf

    value: NDArray[np.float32] = gguf.dequantize(tensor.data, tensor.tensor_type)
    return value.astype(np.float32, copy=False)


def _permuted(rows: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """From torch's order of rows to GGUF's."""
    return rows.reshape(heads, 2, -1, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)


def _unpermuted(rows: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """From GGUF's order of rows to torch's."""
    return rows.reshape(heads, -1, 2, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)
