"""Have the language model rewrite sentences as one: a batch at a time. What it writes is not yet proven."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from communique.errors import TimedOut
from communique.lm import EngineSettings, Generator, LanguageTokenizer, build_prompt
from communique.models import revision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.config import Settings

    #: The article's title, and sentences of it.
    Passage = tuple[str, Sequence[str]]

__all__ = ["MAX_NEW_TOKENS", "Writer"]

#: A sentence of 45 words takes about 70 tokens.
MAX_NEW_TOKENS: Final = 70


class Writer:
    """The language model's process with its tokenizer. Close it, and the process ends."""

    def __init__(self, generator: Generator, tokenizer: LanguageTokenizer) -> None:
        self._generator = generator
        self._tokenizer = tokenizer

    @classmethod
    def open(cls, settings: Settings) -> Writer:
        """Start the process.

        Raises:
            EnvironmentFault: the model is missing, or the process could not be started.
        """
        generator = Generator(EngineSettings(engine=settings.engine, threads=settings.threads, home=settings.home))
        generator.start()
        return cls(generator, LanguageTokenizer.open())

    @property
    def name(self) -> str:
        """NAME@REVISION of the language model."""
        return f"communique-writer@{revision(self._generator.settings.model)}"

    def write(self, passages: Sequence[Passage], deadline: float | None = None) -> list[str | None]:
        """A sentence for each passage, in order; None where the deadline passed first (`time.monotonic()`)."""
        prompts = [build_prompt(self._tokenizer, title, sentences) for title, sentences in passages]
        written: list[str | None] = []
        for job in self._generator.submit_batch(prompts, MAX_NEW_TOKENS, deadline=deadline):
            try:
                written.append(self._tokenizer.decode(job.result().token_ids).strip())
            except TimedOut:
                written.append(None)
        return written

    def close(self) -> None:
        self._generator.close()
