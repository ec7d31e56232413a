"""The language model in torch: any base with LoRA (or trained whole), its loss on summaries alone, greedy writing.

A base is the registry's GGUF, another GGUF of the Llama architecture, or a folder or hub name for transformers: causal
models whose tokenizer has chat tokens, and encoder-decoders (T5, BART, PEGASUS). Only the answer's positions go through
the vocabulary, which is half of the work otherwise.

    >>> base = open_base("summarizer-base")                                     # doctest: +SKIP
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from communique.errors import UsageError
from communique.lm.gguf_tokenizer import build_tokenizer
from communique.lm.prompt import build_prompt
from communique.lm.tokenizer import LanguageTokenizer
from communique.lm.torch_model import load_gguf
from communique.models import load_registry, resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.summary_batches import Batch

__all__ = ["Base", "ChatEncoder", "Losses", "SummaryModel", "TextEncoder", "open_base"]


class ChatEncoder:
    """Prompts of causal models: exactly what serving builds."""

    def __init__(self, tokenizer: LanguageTokenizer) -> None:
        self._tokenizer = tokenizer
        self.end = tokenizer.end

    def prompt(self, title: str, sentences: Sequence[str], most: int) -> list[int]:
        return list(build_prompt(self._tokenizer, title, sentences, max_tokens=most))

    def answer(self, text: str) -> list[int]:
        return [*self._tokenizer.encode(text), self.end]

    def decode(self, ids: Sequence[int]) -> str:
        return self._tokenizer.decode(ids).strip()


class TextEncoder:
    """Inputs of encoder-decoders: title and sentences as plain text; what does not fit is left off at the end."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.end = int(tokenizer.eos_token_id)

    def prompt(self, title: str, sentences: Sequence[str], most: int) -> list[int]:
        found = [token for text in (title, *sentences) if text for token in self._ids(text)]
        return [*found[: most - 1], self.end]

    def answer(self, text: str) -> list[int]:
        return [*self._ids(text), self.end]

    def decode(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(ids, skip_special_tokens=True)).strip()

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False).input_ids)


@dataclass(frozen=True, slots=True)
class Base:
    """A network as it came, and what turns texts into its ids. `name` is what the settings called it."""

    name: str
    network: Any
    encoder: ChatEncoder | TextEncoder
    encoder_decoder: bool


class Losses(NamedTuple):
    """Sums over a batch: cross-entropy over answer tokens; the loss of its forks, and how many are right; the loss of
    its pairs of a right and a rejected answer, and in how many the right one is likelier a token."""

    answers: Tensor
    forks: Tensor
    forks_right: Tensor
    preferred: Tensor
    preferred_right: Tensor


def open_base(name: str, dtype: torch.dtype = torch.float32) -> Base:
    """Load a base.

    Args:
        name: of the registry, a `.gguf` file, a folder, or a name on a hub.
        dtype: of the weights.

    Raises:
        UsageError: no such model, or its tokenizer has no chat tokens.
        EnvironmentFault: it belongs to the registry and is not in the cache.
    """
    place = Path(name)
    if not place.exists() and name in load_registry().models:
        place = resolve(name)
    if place.is_dir() and (files := sorted(place.glob("*.gguf"))):
        place = files[0]
    if place.suffix == ".gguf" and place.is_file():
        tokenizer = LanguageTokenizer(build_tokenizer(place))
        return Base(name, load_gguf(place, dtype), ChatEncoder(tokenizer), encoder_decoder=False)
    return _from_transformers(name, dtype)


def _from_transformers(name: str, dtype: torch.dtype) -> Base:
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

    try:
        config = AutoConfig.from_pretrained(name)
        tokenizer = AutoTokenizer.from_pretrained(name)
        kind: Any = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
        network = kind.from_pretrained(name, dtype=dtype)
    except (OSError, ValueError) as error:
        known = ", ".join(load_registry().models)
        raise UsageError(f"no base {name!r}: not in the registry ({known}), and transformers says: {error}") from error
    if config.is_encoder_decoder:
        return Base(name, network, TextEncoder(tokenizer), encoder_decoder=True)
    try:
        encoder = ChatEncoder(LanguageTokenizer(tokenizer.backend_tokenizer))
    except ValueError as error:
        raise UsageError(f"{name} cannot be prompted: {error}; take an instruct model with chat tokens") from error
    return Base(name, network, encoder, encoder_decoder=False)


class SummaryModel(nn.Module):
    """The network with LoRA on all its linear layers, or all of it to train where `rank` is 0."""

    def __init__(self, base: Base, rank: int, alpha: float) -> None:
        super().__init__()
        self.encoder_decoder = base.encoder_decoder
        self.end = base.encoder.end
        self.rank = rank
        self.network = base.network
        if rank:
            from peft import LoraConfig, TaskType, get_peft_model

            kind = TaskType.SEQ_2_SEQ_LM if base.encoder_decoder else TaskType.CAUSAL_LM
            config = LoraConfig(task_type=kind, r=rank, lora_alpha=alpha, target_modules="all-linear")
            self.network = get_peft_model(base.network, config)
        if not base.encoder_decoder and not torch.cuda.is_available():
            # On a processor the fused attention's backward takes three times as long as plain products of matrices.
            base.network.set_attn_implementation("eager")
        self.network.config.use_cache = False

    def forward(self, batch: Batch) -> Losses:
        """Losses of a batch; sums, so that batches of different sizes add up."""
        logits, truth = self.logits(batch)
        likely = -nn.functional.cross_entropy(logits, truth, reduction="none")
        starts = batch.answer_lengths.cumsum(0) - batch.answer_lengths
        rows = starts[batch.forks[:, 0]] + batch.forks[:, 1]
        gap = logits[rows, truth[rows]] - logits[rows, batch.forks[:, 2]]
        lead = self._lead(batch, likely)
        return Losses(
            -likely.sum(),
            nn.functional.softplus(-gap).sum(),
            (gap > 0).sum(),
            nn.functional.softplus(-lead).sum(),
            (lead > 0).sum(),
        )

    def _lead(self, batch: Batch, likely: Tensor) -> Tensor:
        """By how much the right answers' log-odds are over those of the rejected, [R]: the odds ratio of Hong, Lee and
        Thorne (2024), which needs no second model to hold the first. `likely` [N]: of the right answers' tokens."""
        rows = batch.rejected_rows
        if not len(rows):
            return likely.new_zeros(0)
        other = replace(
            batch,
            prompts=batch.prompts[rows],
            prompt_lengths=batch.prompt_lengths[rows],
            answers=batch.rejected,
            answer_lengths=batch.rejected_lengths,
        )
        logits, tokens = self.logits(other)
        unlikely = -nn.functional.cross_entropy(logits, tokens, reduction="none")
        right = _log_odds(likely, batch.answer_lengths)[rows]
        return right - _log_odds(unlikely, batch.rejected_lengths)

    def logits(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits [N, V] before each of the answers' tokens, one sample after the other, and those tokens [N]."""
        with self._plain_inputs():
            logits = self._encoder_decoder(batch) if self.encoder_decoder else self._causal(batch)
        return logits.float(), batch.answers[_answer_mask(batch)]

    def _causal(self, batch: Batch) -> Tensor:
        network = self.network.get_base_model() if self.rank else self.network
        lengths = zip(batch.prompt_lengths.tolist(), batch.answer_lengths.tolist(), strict=True)
        rows = [torch.cat([batch.prompts[i, :p], batch.answers[i, :a]]) for i, (p, a) in enumerate(lengths)]
        ids = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        # Padding stands on the right, where a causal model does not look: no mask, and the quick attention.
        states = network.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state
        at = torch.arange(ids.shape[1], device=ids.device)
        first = batch.prompt_lengths[:, None] - 1
        states = states[(at >= first) & (at < first + batch.answer_lengths[:, None])]
        return network.get_output_embeddings()(states)  # type: ignore[no-any-return]

    def _encoder_decoder(self, batch: Batch) -> Tensor:
        config = self.network.config
        first = torch.full_like(batch.answers[:, :1], config.decoder_start_token_id)
        shown = torch.arange(batch.prompts.shape[1], device=batch.prompts.device) < batch.prompt_lengths[:, None]
        logits = self.network(
            input_ids=batch.prompts,
            attention_mask=shown.long(),
            decoder_input_ids=torch.cat([first, batch.answers[:, :-1]], dim=1),
            use_cache=False,
        ).logits
        return logits[_answer_mask(batch)]  # type: ignore[no-any-return]

    @torch.no_grad()
    def write(
        self, prompts: Sequence[Sequence[int]], max_new_tokens: int, repetition_penalty: float
    ) -> list[list[int]]:
        """Greedy answers without the end token, one for each prompt, all in one batch."""
        device = next(self.parameters()).device
        longest = max(map(len, prompts))
        ids = torch.full((len(prompts), longest), self.end, device=device)
        mask = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):  # on the left, so that all answers begin together
            ids[row, longest - len(prompt) :] = torch.tensor(prompt, device=device)
            mask[row, longest - len(prompt) :] = 1
        with self._plain_inputs():
            found = self.network.generate(
                input_ids=ids,
                attention_mask=mask,
                do_sample=False,
                use_cache=True,
                max_new_tokens=max_new_tokens,
                repetition_penalty=repetition_penalty,
                eos_token_id=self.end,
                pad_token_id=self.end,
            )
        answers = found[:, 1:] if self.encoder_decoder else found[:, longest:]
        return [[*_until(row.tolist(), self.end)] for row in answers]

    def trained(self) -> dict[str, Tensor]:
        """The parameters that learn, by name."""
        return {name: value for name, value in self.named_parameters() if value.requires_grad}

    def save(self, folder: Path, base: str) -> None:
        """The adapter as PEFT writes it, in half precision (`adapter.safetensors`), or the whole network."""
        folder.mkdir(parents=True, exist_ok=True)
        if not self.rank:
            self.network.save_pretrained(folder)
            return
        from peft import get_peft_model_state_dict
        from safetensors.torch import save_file

        state = get_peft_model_state_dict(self.network)
        save_file({k: v.half().contiguous() for k, v in state.items()}, folder / "adapter.safetensors")
        config = self.network.peft_config["default"]
        config.base_model_name_or_path = base
        config.inference_mode = True
        config.save_pretrained(folder)

    def load(self, folder: Path) -> None:
        """The adapter that `save` wrote.

        Raises:
            UsageError: there is none, or it belongs to another base or rank.
        """
        from peft import set_peft_model_state_dict
        from safetensors.torch import load_file

        path = folder / "adapter.safetensors"
        if not self.rank or not path.exists():
            raise UsageError(f"{folder} holds no adapter" if self.rank else "rank=0 has no adapter to begin with")
        try:
            outcome = set_peft_model_state_dict(self.network, load_file(path))
        except RuntimeError as error:
            raise UsageError(f"{path} does not fit: another rank, or another base") from error
        if outcome.unexpected_keys:
            raise UsageError(f"{path} does not fit the base: {outcome.unexpected_keys[:3]}")

    def _plain_inputs(self) -> contextlib.AbstractContextManager[Any]:
        """LoRA's weights are f32 and its inputs bf16: autocast settles it, PEFT's own casts would only cost time."""
        if not self.rank or not torch.is_autocast_enabled(next(self.parameters()).device.type):
            return contextlib.nullcontext()
        from peft.helpers import disable_input_dtype_casting

        return disable_input_dtype_casting(self.network)  # type: ignore[no-any-return]


def _log_odds(likely: Tensor, lengths: Tensor) -> Tensor:
    """Of answers [B], by the mean of their tokens' log-probabilities, one answer's after the other's [N]."""
    means = torch.stack([part.mean() for part in torch.split(likely, lengths.tolist())])
    return means - torch.log1p(-means.clamp(max=-1e-6).exp())


def _answer_mask(batch: Batch) -> Tensor:
    return torch.arange(batch.answers.shape[1], device=batch.answers.device) < batch.answer_lengths[:, None]


def _until(ids: Sequence[int], end: int) -> Sequence[int]:
    return ids[: ids.index(end)] if end in ids else ids
