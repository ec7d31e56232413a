"""The language model in torch: from GGUF, as it is served or as a base, or from a folder that transformers saved.

>>> load_served("summarizer", torch.float32)                                # doctest: +SKIP
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from communique.errors import UsageError
from communique.models import load_registry, resolve
from communique.models.llama_gguf import merge, read_weights

if TYPE_CHECKING:
    from communique.lm.settings import EngineSettings

__all__ = ["Network", "load_gguf", "load_served", "open_network"]


@dataclass(frozen=True, slots=True)
class Network:
    """A network with what an engine must know of it."""

    module: Any
    ends: tuple[int, ...]
    """Tokens that end an answer."""
    context: int
    """Positions: of prompt and answer together, or of either where `encoder_decoder`."""
    encoder_decoder: bool


def open_network(settings: EngineSettings, device: torch.device, dtype: torch.dtype) -> Network:
    """What the settings name, ready to generate. Its own habits of sampling are put aside.

    Raises:
        ModelMissing: the base is not in the cache.
        UsageError: the folder holds no model that generates.
    """
    from transformers import GenerationConfig

    if settings.folder is None:
        module = load_served(settings.model, dtype, settings.home)
    else:
        module = _load_folder(settings.folder, dtype)
    own = module.generation_config
    end = own.eos_token_id if own.eos_token_id is not None else module.config.eos_token_id
    if end is None:
        raise UsageError(f"{settings.folder or settings.model} names no end token: set eos_token_id in its config.json")
    ends = tuple(end) if isinstance(end, list) else (int(end),)
    starts = ("bos_token_id", "decoder_start_token_id", "forced_bos_token_id")
    module.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        pad_token_id=own.pad_token_id if own.pad_token_id is not None else ends[0],
        **{name: getattr(own, name) for name in starts},
    )
    positions = [getattr(module.config, name, None) for name in ("max_position_embeddings", "n_positions")]
    return Network(
        module=module.to(device).eval(),
        ends=ends,
        context=next(filter(None, positions), settings.kv_cache_tokens),
        encoder_decoder=bool(module.config.is_encoder_decoder),
    )


def load_served(name: str, dtype: torch.dtype, home: Path | None = None) -> Any:
    """A model of the registry with the weights that its graph is made of: base and adapter merged, in eight bits.

    Raises:
        ModelMissing: the base is not in the cache.
    """
    registry = load_registry()
    entry = registry[name]
    base = registry[entry.base or name]
    with tempfile.TemporaryDirectory() as folder:
        merged = Path(folder) / "model.gguf"
        adapter = resolve(entry.adapter, home=home) if entry.adapter else None
        merge(resolve(base.name, home=home) / base.files[0].name, adapter, merged)
        return load_gguf(merged, dtype)


def load_gguf(path: Path, dtype: torch.dtype = torch.float32) -> Any:
    """A `LlamaForCausalLM` with the dequantised weights of a GGUF file.

    Raises:
        UsageError: it holds another model than it says.
    """
    import gguf
    from transformers import LlamaConfig, LlamaForCausalLM

    fields = gguf.GGUFReader(path).fields

    def number(name: str) -> Any:
        return fields[f"llama.{name}"].contents()

    weights = {name: torch.from_numpy(value.copy()).to(dtype) for name, value in read_weights(path)}
    tied = "lm_head.weight" not in weights
    end = int(fields["tokenizer.ggml.eos_token_id"].contents())
    config = LlamaConfig(
        vocab_size=weights["model.embed_tokens.weight"].shape[0],
        hidden_size=int(number("embedding_length")),
        intermediate_size=int(number("feed_forward_length")),
        num_hidden_layers=int(number("block_count")),
        num_attention_heads=int(number("attention.head_count")),
        num_key_value_heads=int(number("attention.head_count_kv")),
        max_position_embeddings=int(number("context_length")),
        rms_norm_eps=float(number("attention.layer_norm_rms_epsilon")),
        rope_parameters={"rope_type": "default", "rope_theta": float(number("rope.freq_base"))},
        tie_word_embeddings=tied,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
    )
    # `assign` takes the tensors as they are; the rotary buffers, which no file holds, stay those of the constructor.
    network = LlamaForCausalLM(config)
    missing, unexpected = network.load_state_dict(weights, strict=False, assign=True)
    if unexpected or set(missing) - ({"lm_head.weight"} if tied else set()):
        raise UsageError(f"{path} is not the model that it says it is: {[*missing, *unexpected][:3]}")
    network.tie_weights()
    return network


def _load_folder(folder: Path, dtype: torch.dtype) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        kind: Any = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
        return kind.from_pretrained(folder, dtype=dtype, local_files_only=True, use_safetensors=True)
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder} holds no model that generates: {error}") from error
