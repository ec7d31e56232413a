"""Export of a tuned language model: from a made GGUF through LoRA to a merged file that says the same."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import gguf
import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

from communique.errors import UsageError
from communique.models.registry import file_sha256, load_registry
from training.export_summarizer import export_summarizer, pin
from training.language_model import open_base
from training.summarizer import train

if TYPE_CHECKING:
    from training.settings import SummarizerSettings

NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
}  # fmt: skip
REGISTRY = f"""# What is loaded.
schema = 1

[summarizer-base]
kind = "base"
wheel = "some-wheel==1"
files = [
  {{ name = "base.gguf", member = "base.gguf", bytes = 1, sha256 = "{"0" * 64}" }},
]

# As it is served.
[summarizer]
kind = "prepared"
base = "summarizer-base"

# By others.
[tokenizer]
kind = "shipped"
folder = "tokenizer"
files = [
  {{ name = "tokenizer.json", bytes = 1, sha256 = "{"1" * 64}" }},
]
"""


def in_gguf_order(rows: np.ndarray, heads: int) -> np.ndarray:
    """llama.cpp, LlamaModel.permute."""
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


@pytest.fixture(scope="module")
def gguf_base(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny Llama as llama.cpp would write it, tokenizer included."""
    network = AutoModelForCausalLM.from_pretrained(base)
    config = network.config
    path = tmp_path_factory.mktemp("gguf") / "base.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_file_type(0)
    vocabulary = Tokenizer.from_file(str(base / "tokenizer.json")).get_vocab()
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(sorted(vocabulary, key=vocabulary.__getitem__))
    writer.add_token_types([3, 3] + [1] * (len(vocabulary) - 2))
    writer.add_token_merges(["e r"])
    writer.add_eos_token_id(1)
    for name, value in network.state_dict().items():
        stem, array = name.removesuffix(".weight"), value.float().numpy()
        if stem.startswith("model.layers."):
            _, _, layer, module = stem.split(".", 3)
            heads = {"self_attn.q_proj": 4, "self_attn.k_proj": 2}.get(module)
            array = in_gguf_order(array, heads) if heads else array
            writer.add_tensor(f"blk.{layer}.{NAMES[module]}.weight", np.ascontiguousarray(array))
        elif stem in {"model.norm", "model.embed_tokens"}:
            writer.add_tensor({"model.norm": "output_norm"}.get(stem, "token_embd") + ".weight", array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_gguf_computes_what_the_model_that_it_was_made_of_does(base: Path, gguf_base: Path) -> None:
    ids = torch.tensor([[5, 17, 90, 33, 41, 8, 120]])
    with torch.no_grad():
        want = AutoModelForCausalLM.from_pretrained(base)(ids).logits
        got = open_base(str(gguf_base)).network(ids).logits
    assert torch.allclose(want, got, atol=1e-4)


def test_what_is_merged_says_what_was_trained(settings: SummarizerSettings, gguf_base: Path, tmp_path: Path) -> None:
    train(replace(settings, base=str(gguf_base), epochs=4, lr=2e-2))
    models = tmp_path / "models"
    models.mkdir()
    (models / "registry.toml").write_text(REGISTRY)
    found = export_summarizer(Path(settings.out), models / "summarizer", None)
    assert found["tokens"] > 50
    assert found["same_token"] > 0.9
    assert found["loss_q8_0"] == pytest.approx(found["loss"], abs=0.05)
    assert load_registry(models / "registry.toml")["summarizer"].adapter == "adapter"
    card = (models / "summarizer" / "CARD.md").read_text()
    assert "name what their evidence lacks" in card
    assert "same_token" in card


def test_pinning_renews_an_entry_and_leaves_the_rest(tmp_path: Path) -> None:
    (tmp_path / "adapter.safetensors").write_bytes(b"one")
    (tmp_path / "adapter_config.json").write_bytes(b"{}")
    once = pin(REGISTRY, tmp_path)
    (tmp_path / "adapter.safetensors").write_bytes(b"another")
    twice = pin(once, tmp_path)
    read = tomllib.loads(twice)
    adapter = read.pop("adapter")
    assert adapter["files"][0]["sha256"] == file_sha256(tmp_path / "adapter.safetensors")
    assert adapter["folder"] == tmp_path.name
    assert read.pop("summarizer") == {"kind": "prepared", "base": "summarizer-base", "adapter": "adapter"}
    old = tomllib.loads(REGISTRY)
    old.pop("summarizer")
    assert read == old
    assert twice.count("[adapter]") == 1
    assert "# As it is served." in twice


def test_a_network_that_was_trained_whole_is_no_adapter(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("rank: 0\n")
    with pytest.raises(UsageError, match="torch engine"):
        export_summarizer(tmp_path, tmp_path / "models", None)
