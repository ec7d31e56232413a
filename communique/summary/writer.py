"""Have the language model write: prompts in, drafts out, a batch at a time. What it writes is not yet proven."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from communique.errors import TimedOut
from communique.lm import EngineSettings, Generator, LanguageTokenizer, Sampling, build_prompt
from communique.models import revision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.config import Settings
    from communique.document import Document

__all__ = ["Writer"]

#: A summary of 60 words takes about 90 tokens; what is longer is cut at its last whole sentence. No penalty on words of
#: the prompt: it drives the model away from what the article says.
SAMPLING: Final = Sampling(max_new_tokens=110)


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

    def write(self, documents: Sequence[Document], deadline: float | None = None) -> list[str | None]:
        """A draft for each document, in order; None where the deadline passed first (`time.monotonic()`)."""
        prompts = [
            build_prompt(self._tokenizer, document.title, [sentence.text for sentence in document.sentences]).token_ids
            for document in documents
        ]
        drafts: list[str | None] = []
        for job in self._generator.submit_batch(prompts, SAMPLING, deadline=deadline):
            try:
                drafts.append(self._tokenizer.decode(job.result().token_ids).strip())
            except TimedOut:
                drafts.append(None)
        return drafts

    def close(self) -> None:
        self._generator.close()
