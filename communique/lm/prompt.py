"""The prompt that asks for a sentence: chat form, control tokens as ids, what to rewrite as plain text within a budget.

The one place where the wording stands: training and serving build their prompts here. It knows nothing of engines.

    >>> tokenizer = LanguageTokenizer.open()                                        # doctest: +SKIP
    >>> prompt = build_prompt(tokenizer, "Accord signed", ["Estonia signed.", "Latvia too."])  # doctest: +SKIP
    >>> prompt.kept, prompt.truncated
    ((0, 1), False)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.lm.tokenizer import LanguageTokenizer

__all__ = ["INSTRUCTION", "MAX_PROMPT_TOKENS", "Prompt", "build_prompt"]

INSTRUCTION: Final = (
    "Rewrite these sentences of a news article as one sentence. "
    "State only what they state, with their names and figures."
)

#: Long enough for whole articles, which those who compare engines prompt with.
MAX_PROMPT_TOKENS: Final = 2048


@dataclass(frozen=True, slots=True)
class Prompt:
    """Token ids, and the indices, ascending, of the sentences in it. `truncated`: not all of them are, or not whole."""

    token_ids: tuple[int, ...]
    kept: tuple[int, ...]
    truncated: bool


def build_prompt(
    tokenizer: LanguageTokenizer,
    title: str,
    sentences: Sequence[str],
    *,
    max_tokens: int = MAX_PROMPT_TOKENS,
    instruction: str = INSTRUCTION,
) -> Prompt:
    """The chat prompt for sentences of an article.

    Args:
        tokenizer: turns the texts into ids.
        title: the headline, or empty.
        sentences: of the article, in its order, white space collapsed.
        max_tokens: of the whole prompt. A sentence that does not fit is passed over; when none fits, the first is cut.
        instruction: what the model is told, ahead of the text.

    Raises:
        ValueError: `max_tokens` leaves no room for a text, or there are no sentences.
    """
    if not sentences:
        raise ValueError("no sentences to rewrite")
    head = [tokenizer.start, *tokenizer.encode("system\n" + instruction), tokenizer.end, *tokenizer.encode("\n")]
    head += [tokenizer.start, *tokenizer.encode("user\n" + (f"{title}\n\n" if title else ""))]
    tail = [tokenizer.end, *tokenizer.encode("\n"), tokenizer.start, *tokenizer.encode("assistant\n")]
    room = max_tokens - len(head) - len(tail)
    if room < 1:
        raise ValueError(
            f"a prompt of {max_tokens} tokens leaves no room for a text: {len(head) + len(tail)} are taken"
        )
    parts = tokenizer.encode_batch([sentence if i == 0 else " " + sentence for i, sentence in enumerate(sentences)])
    kept = _fitting([len(part) for part in parts], room)
    body = [token for index in kept for token in parts[index]] or parts[0][:room]
    return Prompt(
        token_ids=(*head, *body, *tail),
        kept=tuple(kept) or (0,),
        truncated=len(kept) < len(sentences),
    )


def _fitting(lengths: Sequence[int], room: int) -> list[int]:
    """Indices, ascending, of those that fit into `room` one after the other; one that is too long is passed over."""
    kept: list[int] = []
    for index, length in enumerate(lengths):
        if length <= room:
            kept.append(index)
            room -= length
    return kept
