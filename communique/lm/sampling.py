"""What is asked of an engine and what it answers: sampling, completions, and the engine's own settings.

Token ids only; it knows nothing of text, tokenizers or any runtime.

    >>> Sampling(max_new_tokens=90, temperature=0.7, top_p=0.95, candidates=4, seed=1)    # doctest: +ELLIPSIS
    Sampling(max_new_tokens=90, ...)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from communique.config import EngineName
from communique.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Completion", "EngineSettings", "FinishReason", "Precision", "Sampling"]

#: `stop`: the model ended it (or the grammar was complete); `length`: max_new_tokens were reached.
FinishReason = Literal["stop", "length"]

#: `auto`: what the device is best at: on the CPU with activations quantised to int8 as the products are formed, on CUDA
#: bf16; in torch on a CPU f32. `exact`: f32 throughout, where an answer does not depend on what it was batched with;
#: about twice as slow.
Precision = Literal["auto", "bf16", "f32", "exact"]

MAX_CANDIDATES: Final = 16


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen.

    Raises:
        UsageError: a value outside its range, or two that exclude each other.
    """

    max_new_tokens: int = 120
    """Tokens to write at most."""
    min_new_tokens: int = 0
    """The end token cannot come before so many."""
    temperature: float = 0.0
    """0 takes the likeliest token each time; above 0 samples."""
    top_p: float = 1.0
    """Sample from the likeliest tokens that hold this share (0, 1] of the probability."""
    top_k: int = 0
    """Sample from so many of the likeliest tokens; 0 for all."""
    candidates: int = 1
    """Completions for each prompt: samples, or the best beams."""
    seed: int = 0
    """Seed of this request's own random numbers: the same seed in the same batch gives the same answer."""
    beams: int = 1
    """Width of beam search; 1 for none."""
    length_penalty: float = 1.0
    """Beams only: above 0 favours longer completions."""
    repetition_penalty: float = 1.0
    """Divides the scores of tokens that stand in the prompt or were written; 1 for none."""
    no_repeat_ngram: int = 0
    """No run of so many tokens is written twice; 0 for no such rule."""
    regex: str | None = None
    """The whole completion matches this expression (no look-around, no back-references)."""
    grammar: str | None = None
    """The whole completion is derived from this EBNF grammar, whose start is `root`."""
    ignore_end: bool = False
    """Write max_new_tokens whatever the model says: for measurements."""
    logprobs: bool = False
    """Give the natural logarithm of each written token's probability."""

    def __post_init__(self) -> None:
        _check("max_new_tokens", self.max_new_tokens, 1, 8192)
        _check("min_new_tokens", self.min_new_tokens, 0, self.max_new_tokens)
        _check("temperature", self.temperature, 0.0, 10.0)
        _check("top_p", self.top_p, 1e-6, 1.0)
        _check("top_k", self.top_k, 0, 1_000_000)
        _check("candidates", self.candidates, 1, MAX_CANDIDATES)
        _check("seed", self.seed, 0, 2**63 - 1)
        _check("beams", self.beams, 1, MAX_CANDIDATES)
        _check("repetition_penalty", self.repetition_penalty, 0.1, 10.0)
        _check("no_repeat_ngram", self.no_repeat_ngram, 0, 1024)
        if self.beams > 1 and self.temperature > 0:
            raise UsageError("`beams` above 1 and a `temperature` above 0 exclude each other")
        if self.temperature == 0 and self.candidates > self.beams:
            raise UsageError(
                f"`candidates` is {self.candidates}: set a `temperature` above 0 to sample them, or as many `beams`"
            )
        if self.regex is not None and self.grammar is not None:
            raise UsageError("give `regex` or `grammar`, not both")
        if self.regex is not None:
            try:
                re.compile(self.regex)
            except re.error as error:
                raise UsageError(f"`regex` is no regular expression: {error}") from None

    @property
    def sequences(self) -> int:
        """Sequences that are in work at once for one prompt."""
        return max(self.beams, self.candidates)


@dataclass(frozen=True, slots=True)
class Completion:
    """What was written for one prompt, without the end token; the best candidate when there are several.

    `logprobs` has an entry a token, or is empty when they were not asked for. `others` holds the further candidates,
    the likelier first.
    """

    token_ids: tuple[int, ...]
    finish_reason: FinishReason
    logprobs: tuple[float, ...] = ()
    others: tuple[Completion, ...] = ()

    @property
    def candidates(self) -> tuple[Completion, ...]:
        """All of them, the best first."""
        return (self, *self.others)


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How the engine runs.

    Raises:
        UsageError: a value outside its range.
    """

    engine: EngineName = "auto"
    """What computes."""
    model: str = "summarizer"
    """Name in the model registry; `folder` wins over it."""
    folder: Path | None = None
    """Of a converted graph (openvino), or of a model as transformers saves it, encoder-decoders too (torch)."""
    home: Path | None = None
    """The models' cache folder; None for the default."""
    precision: Precision = "auto"
    """Arithmetic of the products."""
    kv_cache_tokens: int = 24_576
    """Tokens of prompts and answers in work at once; a bound on memory, about 13 kB a token for the shipped model."""
    max_batch_tokens: int = 512
    """Tokens that one step computes at most."""
    max_sequences: int = 64
    """Sequences that one step carries at most."""
    threads: int = 0
    """Processor cores to use; 0 takes all."""
    start_seconds: float = 300.0
    """The process must be ready within so long; 3 s are usual, but a machine may be busy."""

    def __post_init__(self) -> None:
        if self.engine not in get_args(EngineName):
            raise UsageError(f"`engine` must be one of {', '.join(get_args(EngineName))}; got {self.engine!r}")
        if self.precision not in get_args(Precision):
            raise UsageError(f"`precision` must be one of {', '.join(get_args(Precision))}; got {self.precision!r}")
        _check("kv_cache_tokens", self.kv_cache_tokens, 1024, 4_194_304)
        _check("max_batch_tokens", self.max_batch_tokens, 32, 65_536)
        _check("max_sequences", self.max_sequences, 1, 1024)
        _check("threads", self.threads, 0, 1024)
        _check("start_seconds", self.start_seconds, 1.0, 3600.0)


def _check(name: str, value: Any, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise UsageError(f"`{name}` must be from {low:,} to {high:,}; got {value!r}")
