"""A model of the transformers library by folder: a tiny one made here, causal and sequence-to-sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from communique.errors import EnvironmentFault
from communique.record import Article
from eval.systems import opened

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "Envoys held talks in the capital . Nothing was signed . <|im_end|> is text here ."


def save(folder: Path, *, paired: bool, template: bool = False) -> Path:
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        BartConfig,
        BartForConditionalGeneration,
        LlamaConfig,
        LlamaForCausalLM,
        PreTrainedTokenizerFast,
    )

    words = ["<pad>", "<s>", "</s>", "<unk>", "<|im_end|>", *dict.fromkeys(TEXT.split()), "Summary", ":"]
    vocabulary = {word: at for at, word in enumerate(words)}
    base = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    base.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=base, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>",
        additional_special_tokens=["<|im_end|>"],
    )  # fmt: skip
    if template:
        tokenizer.chat_template = "{% for m in messages %}<s> {{ m['content'] }} </s>{% endfor %}"
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    model: Any
    if paired:
        sizes = dict.fromkeys(
            ("encoder_layers", "decoder_layers", "encoder_attention_heads", "decoder_attention_heads"), 1
        )
        wide = dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim", "d_model"), 16)
        model = BartForConditionalGeneration(
            BartConfig(vocab_size=len(words), **sizes, **wide, pad_token_id=0, bos_token_id=1, eos_token_id=2,
                       decoder_start_token_id=2, forced_eos_token_id=2)
        )  # fmt: skip
    else:
        model = LlamaForCausalLM(
            LlamaConfig(vocab_size=len(words), hidden_size=16, intermediate_size=16, num_hidden_layers=1,
                        num_attention_heads=2, pad_token_id=0, bos_token_id=1, eos_token_id=2)
        )  # fmt: skip
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(("paired", "template"), [(True, False), (False, False), (False, True)])
def test_a_folder_answers_in_the_record_form(tmp_path: Path, paired: bool, template: bool) -> None:
    pytest.importorskip("transformers")
    with opened(str(save(tmp_path / "tiny", paired=paired, template=template))) as system:
        assert system.summaries_only
        assert system.name == "tiny"
        records = list(system.score([Article(id="1", text=TEXT), Article(id="2", text=TEXT, title="Talks")]))
    assert [record["id"] for record in records] == ["1", "2"]
    assert records[0]["models"] == {"summarizer": "tiny@local"}
    assert records[0]["error"] is None
    for record in records:
        if record["summary"]:
            assert record["summary"]["mode"] == "abstractive"
            assert "</s>" not in record["summary"]["text"]


def test_a_folder_without_weights_is_a_fault_of_the_environment(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    folder = save(tmp_path / "tiny", paired=False)
    (folder / "model.safetensors").unlink()
    with pytest.raises(EnvironmentFault, match="cannot be loaded"), opened(str(folder)):
        pass
