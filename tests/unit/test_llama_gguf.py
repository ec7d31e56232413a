"""Merging LoRA into GGUF, on a tiny made model: the rows' order, the scale, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import gguf
import numpy as np
import pytest
from safetensors.numpy import save_file

from communique.errors import UsageError
from communique.models.llama_gguf import Limits, merge, read_adapter, read_weights

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

HIDDEN, HEADS, SHARED_HEADS, HEAD, FEED, LAYERS, VOCABULARY = 64, 4, 2, 16, 96, 2, 40
RANK, ALPHA = 4, 8.0
PREFIX = "base_model.model.model.layers"


def gguf_order(rows: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Row 2i of a head in GGUF is row i of it in torch, row 2i + 1 is row i + HEAD / 2: one by one, as a check."""
    out = np.empty_like(rows)
    for head in range(heads):
        for i in range(HEAD // 2):
            out[head * HEAD + 2 * i] = rows[head * HEAD + i]
            out[head * HEAD + 2 * i + 1] = rows[head * HEAD + HEAD // 2 + i]
    return out


@pytest.fixture(scope="module")
def torch_weights() -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(0)
    shapes = {"model.embed_tokens": (VOCABULARY, HIDDEN), "model.norm": (HIDDEN,)}
    for layer in range(LAYERS):
        name = f"model.layers.{layer}"
        shapes |= {
            f"{name}.self_attn.q_proj": (HEADS * HEAD, HIDDEN),
            f"{name}.self_attn.k_proj": (SHARED_HEADS * HEAD, HIDDEN),
            f"{name}.self_attn.v_proj": (SHARED_HEADS * HEAD, HIDDEN),
            f"{name}.self_attn.o_proj": (HIDDEN, HEADS * HEAD),
            f"{name}.mlp.gate_proj": (FEED, HIDDEN),
            f"{name}.mlp.up_proj": (FEED, HIDDEN),
            f"{name}.mlp.down_proj": (HIDDEN, FEED),
            f"{name}.input_layernorm": (HIDDEN,),
            f"{name}.post_attention_layernorm": (HIDDEN,),
        }
    return {f"{name}.weight": random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, torch_weights: dict[str, NDArray[np.float32]]) -> Path:
    path = tmp_path_factory.mktemp("gguf") / "base.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(SHARED_HEADS)
    writer.add_context_length(256)
    writer.add_file_type(0)
    writer.add_eos_token_id(2)
    writer.add_token_list(["<a>", "<b>", "c"])
    names = {
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    }  # fmt: skip
    for name, value in torch_weights.items():
        stem = name.removesuffix(".weight")
        if stem.startswith("model.layers."):
            _, _, layer, module = stem.split(".", 3)
            heads = {"self_attn.q_proj": HEADS, "self_attn.k_proj": SHARED_HEADS}.get(module)
            value = gguf_order(value, heads) if heads else value
            writer.add_tensor(f"blk.{layer}.{names[module]}.weight", value)
        else:
            writer.add_tensor(
                {"model.norm": "output_norm", "model.embed_tokens": "token_embd"}[stem] + ".weight", value
            )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_adapter(folder: Path, halves: dict[str, NDArray], **config: object) -> Path:
    folder.mkdir(exist_ok=True)
    save_file(halves, folder / "adapter.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"r": RANK, "lora_alpha": ALPHA, **config}))
    return folder


def halves_of(module: str, out: int, inner: int, seed: int = 1) -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(seed)
    return {
        f"{PREFIX}.{module}.lora_A.weight": random.normal(size=(RANK, inner)).astype(np.float32),
        f"{PREFIX}.{module}.lora_B.weight": random.normal(size=(out, RANK)).astype(np.float32),
    }


def test_weights_are_read_in_the_layout_of_torch(base: Path, torch_weights: dict[str, NDArray[np.float32]]) -> None:
    found = dict(read_weights(base))
    assert found.keys() == torch_weights.keys()
    for name, value in found.items():
        np.testing.assert_array_equal(value, torch_weights[name])


def test_without_an_adapter_the_base_is_kept_within_eight_bits(
    base: Path, tmp_path: Path, torch_weights: dict[str, NDArray[np.float32]]
) -> None:
    assert merge(base, None, tmp_path / "out.gguf") == Limits(end_token=2, context_tokens=256)
    reader = gguf.GGUFReader(tmp_path / "out.gguf")
    kinds = {tensor.name: tensor.tensor_type.name for tensor in reader.tensors}
    assert kinds["blk.0.attn_q.weight"] == kinds["token_embd.weight"] == "Q8_0"
    assert kinds["output_norm.weight"] == "F32"
    assert reader.fields["tokenizer.ggml.tokens"].contents() == ["<a>", "<b>", "c"]
    assert reader.fields["general.file_type"].contents() == 7
    for name, value in read_weights(tmp_path / "out.gguf"):
        np.testing.assert_allclose(value, torch_weights[name], atol=np.abs(torch_weights[name]).max() / 127)


@pytest.mark.parametrize("rslora", [False, True])
def test_an_adapter_lands_on_the_rows_that_it_was_trained_on(
    base: Path, tmp_path: Path, torch_weights: dict[str, NDArray[np.float32]], rslora: bool
) -> None:
    modules = {
        "0.self_attn.q_proj": (HEADS * HEAD, HIDDEN),
        "1.self_attn.k_proj": (SHARED_HEADS * HEAD, HIDDEN),
        "1.mlp.down_proj": (HIDDEN, FEED),
    }
    halves: dict[str, NDArray[np.float32]] = {}
    for seed, (module, (out, inner)) in enumerate(modules.items()):
        halves |= halves_of(module, out, inner, seed)
    merge(base, write_adapter(tmp_path / "adapter", halves, use_rslora=rslora), tmp_path / "out.gguf")
    scale = ALPHA / (2.0 if rslora else RANK)
    changed = 0
    for name, value in read_weights(tmp_path / "out.gguf"):
        expected = torch_weights[name]
        key = f"base_model.model.{name.removesuffix('.weight')}"
        if f"{key}.lora_A.weight" in halves:
            delta = halves[f"{key}.lora_B.weight"] @ halves[f"{key}.lora_A.weight"] * scale
            assert np.abs(delta).max() > 1
            expected = expected + delta
            changed += 1
        np.testing.assert_allclose(value, expected, atol=np.abs(expected).max() / 120, err_msg=name)
    assert changed == len(modules)


def test_bfloat16_halves_are_read_exactly(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file as save_torch

    torch.manual_seed(0)
    a, b = torch.randn(RANK, HIDDEN).bfloat16(), torch.randn(HIDDEN, RANK).bfloat16()
    folder = write_adapter(tmp_path / "adapter", {})
    name = f"{PREFIX}.0.self_attn.o_proj"
    save_torch({f"{name}.lora_A.weight": a, f"{name}.lora_B.weight": b}, folder / "adapter.safetensors")
    [(module, delta)] = read_adapter(folder).items()
    assert module == "model.layers.0.self_attn.o_proj"
    np.testing.assert_allclose(delta, (b.float() @ a.float()).numpy() * ALPHA / RANK, rtol=1e-5, atol=1e-5)


def test_what_cannot_be_merged_is_refused(base: Path, tmp_path: Path) -> None:
    good = halves_of("0.self_attn.q_proj", HEADS * HEAD, HIDDEN)
    cases = [
        (write_adapter(tmp_path / "1", good, use_dora=True), "use_dora"),
        (write_adapter(tmp_path / "2", dict(list(good.items())[:1])), "one half"),
        (write_adapter(tmp_path / "3", {"model.embed_tokens.weight": np.ones((2, 2), np.float32)}), "embed_tokens"),
        (write_adapter(tmp_path / "4", halves_of("9.self_attn.q_proj", HEADS * HEAD, HIDDEN)), "does not have"),
        (write_adapter(tmp_path / "5", halves_of("0.self_attn.q_proj", 8, HIDDEN)), "the base's"),
    ]
    for folder, says in cases:
        with pytest.raises(UsageError, match=says):
            merge(base, folder, tmp_path / "out.gguf")
