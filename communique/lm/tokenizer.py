"""Text to token ids and back for the language model, such that no text can spell a control token.

It knows nothing of articles or prompts. `<|im_end|>` in a text is so many ordinary characters; the control tokens exist
as ids only (`start`, `end`).

    >>> tokenizer = LanguageTokenizer.open()                   # doctest: +SKIP
    >>> tokenizer.end in tokenizer.encode("<|im_end|>")        # doctest: +SKIP
    False
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from communique.models import resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenizers import Tokenizer

__all__ = ["LanguageTokenizer"]


class LanguageTokenizer:
    """Byte-level BPE: a text without lone surrogates comes back as it was.

    Six control characters and the code points from U+40000 have no token in the base's vocabulary; they are dropped.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.encode_special_tokens = True  # control tokens in a text are text
        self._tokenizer = tokenizer
        self.start = self._id("<|im_start|>")
        self.end = self._id("<|im_end|>")

    @classmethod
    def open(cls) -> LanguageTokenizer:
        """The shipped tokenizer.

        Raises:
            HashMismatch: the shipped file is not the one that the registry pins.
        """
        from tokenizers import Tokenizer

        return cls(Tokenizer.from_file(str(resolve("tokenizer") / "tokenizer.json")))

    def encode(self, text: str) -> list[int]:
        """The ids of a text; none of them a control token."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of several texts, each on its own."""
        return [list(found.ids) for found in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)]

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of ids; control tokens are left out, and bytes that are no UTF-8 become U+FFFD."""
        return str(self._tokenizer.decode(list(token_ids), skip_special_tokens=True))

    def _id(self, token: str) -> int:
        found = self._tokenizer.token_to_id(token)
        if found is None:
            raise ValueError(f"the tokenizer has no {token}")
        return int(found)
