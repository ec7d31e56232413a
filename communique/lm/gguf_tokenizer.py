"""Builds the language model's `tokenizer.json` from the metadata of its GGUF file.

The file is shipped (`models/smollm2/tokenizer.json`), so this runs only when a base model is added or checked. It knows
the one family that the project serves: byte-level BPE with single digits, which GGUF calls `gpt2` / `smollm`.

    $ python -m communique.lm.gguf_tokenizer SmolLM2-135M-Instruct.Q4_1.gguf models/smollm2/tokenizer.json
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from communique.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenizers import Tokenizer

__all__ = ["build_tokenizer", "main"]

#: `tokenizer.ggml.token_type` of a token that no text may spell (llama.cpp: LLAMA_TOKEN_TYPE_CONTROL).
_CONTROL = 3


def build_tokenizer(gguf_file: Path) -> Tokenizer:
    """The tokenizer that a GGUF file describes; its control tokens are marked special.

    Raises:
        UsageError: the file describes another kind of tokenizer.
    """
    import gguf
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    fields = gguf.GGUFReader(gguf_file).fields
    kind = tuple(fields[f"tokenizer.ggml.{name}"].contents() for name in ("model", "pre"))
    if kind != ("gpt2", "smollm"):
        raise UsageError(f"{gguf_file} has a tokenizer of kind {kind}; only ('gpt2', 'smollm') can be built")
    tokens: list[str] = fields["tokenizer.ggml.tokens"].contents()
    types: list[int] = fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"].contents()]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [
            AddedToken(token, special=True, normalized=False)
            for token, type_ in zip(tokens, types, strict=True)
            if type_ == _CONTROL
        ]
    )
    return tokenizer


def main(arguments: Sequence[str] | None = None) -> int:
    """Write `tokenizer.json` for a GGUF file."""
    parser = argparse.ArgumentParser(prog="python -m communique.lm.gguf_tokenizer", description=main.__doc__)
    parser.add_argument("gguf", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args(arguments)
    given.out.write_text(build_tokenizer(given.gguf).to_str(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
