"""The language model: prompts in, token ids through an engine in a process of its own, token ids out.

    >>> from communique.lm import Generator, LanguageTokenizer, build_prompt    # doctest: +SKIP
    >>> tokenizer = LanguageTokenizer.open()
    >>> prompt = build_prompt(tokenizer, "Rail accord signed", ["Estonia and Latvia signed …", "…"])
    >>> with Generator() as generator:
    ...     [completion] = generator.generate([prompt], max_new_tokens=90)
    ...     tokenizer.decode(completion.token_ids)

Importing this package loads no model and no heavy library.
"""

from __future__ import annotations

from communique.lm.generator import Generator
from communique.lm.job import Completion, Job
from communique.lm.prompt import build_prompt
from communique.lm.settings import EngineSettings
from communique.lm.tokenizer import LanguageTokenizer

__all__ = [
    "Completion",
    "EngineSettings",
    "Generator",
    "Job",
    "LanguageTokenizer",
    "build_prompt",
]
