"""A language model small enough to train in a second, and a corpus to train it on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from training.settings import SummarizerSettings

TOWNS = "Tallinn Riga Vilnius Turku Bergen Malmo Gdansk Kiel Aarhus Espoo Oulu Narva".split()


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Networks this small only wait for one another on several threads."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two layers whose tokenizer knows bytes and the chat tokens."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("base")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    specials = ["<|im_start|>", "<|im_end|>"]
    vocabulary = [*specials, *alphabet, "er"]
    tokenizer = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(vocabulary)}, merges=[("e", "r")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(specials)
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|im_end|>")
    wrapped.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        eos_token_id=1,
        pad_token_id=1,
        tie_word_embeddings=True,
        initializer_range=0.2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty short articles, each an event of its own; one reference in five names what its article lacks."""
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(20):
            town, other = TOWNS[number % 12], TOWNS[(number + 5) % 12]
            text = f"The mayor of {town} said on Monday that {number + 10} trams would run to {other} from May. "
            text += f"The council of {town} had refused the plan twice, and it has not said why it changed its mind."
            summary = f"The mayor of {town} said {number + 10 + 90 * (number % 5 == 0)} trams would run to {other}."
            file.write(json.dumps({"id": f"a{number}", "event": f"e{number}", "text": text, "summary": summary}) + "\n")
    return path


@pytest.fixture
def settings(base: Path, corpus: Path, tmp_path: Path, one_thread: None) -> SummarizerSettings:
    from training.settings import SummarizerSettings

    return SummarizerSettings(
        base=str(base),
        corpus=(str(corpus),),
        rank=4,
        epochs=2,
        max_tokens=420,
        batch_tokens=600,
        step_tokens=1500,
        lr=1e-2,
        validate_every=3,
        validation_pairs=2,
        written_pairs=1,
        max_new_tokens=4,
        out=str(tmp_path / "run"),
    )
