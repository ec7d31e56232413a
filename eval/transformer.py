"""A summarizer of the transformers library, by folder or hub name, answered in the record form.

A sequence-to-sequence model gets the article, a causal one an instruction (in its chat template where it has one).
The summary is one unproven abstractive text: this is what a system without this project's proof is measured by.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from communique.errors import EnvironmentFault
from eval.systems import Record, System, unproven

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from communique.record import Article

__all__ = ["INSTRUCTION", "open_transformer"]

INSTRUCTION: Final = "Summarize the news article in two or three sentences, 35 to 60 words. Say only what it says."
MAX_INPUT_TOKENS: Final = 1500
MAX_NEW_TOKENS: Final = 110


def open_transformer(spec: str, device: str = "cpu") -> System:
    """A system of summaries only.

    Raises:
        EnvironmentFault: transformers is not installed, or nothing can be loaded by that name.
    """
    try:
        import torch
        from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer
    except ImportError as error:
        raise EnvironmentFault("transformers is not installed: pip install 'communique[train]'") from error
    try:
        paired = bool(AutoConfig.from_pretrained(spec).is_encoder_decoder)
        tokenizer: Any = AutoTokenizer.from_pretrained(spec)
        model: Any = (AutoModelForSeq2SeqLM if paired else AutoModelForCausalLM).from_pretrained(spec)
    except (OSError, ValueError) as error:
        raise EnvironmentFault(f"--model {spec} cannot be loaded: {error}") from error
    model = model.to(device).eval()
    revision = getattr(model.config, "_commit_hash", None) or "local"

    def prompt(article: Article) -> list[int]:
        text = f"{article.title}\n\n{article.text}" if article.title else article.text
        body = tokenizer(text, add_special_tokens=paired, split_special_tokens=True)["input_ids"][:MAX_INPUT_TOKENS]
        if paired:
            return list(body)
        if tokenizer.chat_template:
            frame = tokenizer.apply_chat_template(
                [{"role": "user", "content": f"{INSTRUCTION}\n\n\x00"}], tokenize=False, add_generation_prompt=True
            )
        else:
            frame = f"{INSTRUCTION}\n\n\x00\n\nSummary:"
        before, after = (tokenizer(part, add_special_tokens=False)["input_ids"] for part in frame.split("\x00"))
        return [*before, *body, *after]

    def score(articles: Sequence[Article]) -> Iterator[Record]:
        for article in articles:
            ids = torch.tensor([prompt(article)], device=device)
            with torch.inference_mode():
                out = model.generate(
                    ids,
                    attention_mask=torch.ones_like(ids),
                    max_new_tokens=MAX_NEW_TOKENS,
                    do_sample=False,
                    pad_token_id=tokenizer.pad_token_id or tokenizer.eos_token_id,
                )
            text = tokenizer.decode(out[0] if paired else out[0, ids.shape[1] :], skip_special_tokens=True).strip()
            yield unproven(article.id, text, f"{Path(spec).name}@{revision}")

    return System(Path(spec).name, score, summaries_only=True)
