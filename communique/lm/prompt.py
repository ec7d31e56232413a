"""The prompt that asks for a sentence: chat form, control tokens as ids, what to rewrite as plain text within a budget.

The one place where the wording stands: training and serving build their prompts here. It knows nothing of engines.

    >>> tokenizer = LanguageTokenizer.open()                                        # doctest: +SKIP
    >>> build_prompt(tokenizer, "Accord signed", ["Estonia signed.", "Latvia too."])  # doctest: +SKIP
    (1, 9690, …)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.lm.tokenizer import LanguageTokenizer

__all__ = ["INSTRUCTION", "MAX_PROMPT_TOKENS", "build_prompt"]

INSTRUCTION: Final = (
    "Rewrite these sentences of a news article as one sentence. "
    "State only what they state, with their names and figures."
)

#: Long enough for whole articles, which those who compare engines prompt with.
MAX_PROMPT_TOKENS: Final = 2048


def build_prompt(
    tokenizer: LanguageTokenizer,
    title: str,
    sentences: Sequence[str],
    *,
    max_tokens: int = MAX_PROMPT_TOKENS,
    instruction: str = INSTRUCTION,
) -> tuple[int, ...]:
    """The token ids of the chat prompt for sentences of an article.

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
    body: list[int] = []
    for part in parts:
        if len(body) + len(part) <= room:
            body += part
    return (*head, *(body or parts[0][:room]), *tail)
