"""The language model: prompts in, token ids through an engine in a process of its own, token ids out.

    >>> from communique.lm import Generator, LanguageTokenizer, Sampling, build_prompt    # doctest: +SKIP
    >>> tokenizer = LanguageTokenizer.open()
    >>> prompt = build_prompt(tokenizer, "Rail accord signed", ["Estonia and Latvia signed …", "…"])
    >>> with Generator() as generator:
    ...     [completion] = generator.generate([prompt.token_ids], Sampling(max_new_tokens=90))
    ...     tokenizer.decode(completion.token_ids)

Importing this package loads no model and no heavy library.
"""

from __future__ import annotations

from communique.lm.generator import Generator, Job
from communique.lm.prompt import Prompt, build_prompt
from communique.lm.sampling import Completion, EngineSettings, Sampling
from communique.lm.tokenizer import LanguageTokenizer

__all__ = [
    "Completion",
    "EngineSettings",
    "Generator",
    "Job",
    "LanguageTokenizer",
    "Prompt",
    "Sampling",
    "build_prompt",
]
