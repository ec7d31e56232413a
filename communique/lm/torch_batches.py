"""Plain batches through transformers' `generate`: sampling, beams, penalties, probabilities, and encoder-decoders.

Requests that want the same are one batch, which runs to its end in a thread of its own; at each token that thread sees
who has been let go of. What draws random numbers runs by itself, so that its seed is its own.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any

import torch
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList

from communique.lm.engine import failure

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    from torch import Tensor

    from communique.lm.engine import EngineRequest
    from communique.lm.sampling import EngineSettings, Sampling
    from communique.lm.torch_model import Network

__all__ = ["PlainBatches"]


class PlainBatches:
    """The thread with what waits for it."""

    def __init__(self, network: Network, settings: EngineSettings) -> None:
        self._network = network
        self._settings = settings
        self._open: set[int] = set()
        self._batches: queue.SimpleQueue[list[EngineRequest]] = queue.SimpleQueue()
        self._reports: queue.SimpleQueue[dict[str, Any] | Exception] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="communique-batches", daemon=True).start()

    def add(self, requests: Sequence[EngineRequest]) -> None:
        """Take requests into work."""
        self._open.update(request.id for request in requests)
        for batch in _batches(requests, self._settings):
            self._batches.put(batch)

    def stop(self, request: EngineRequest) -> None:
        """Let go of a request, if it is one of these."""
        self._open.discard(request.id)

    def poll(self) -> Iterator[dict[str, Any]]:
        """What has come of them, without waiting. Raises what the thread ended with."""
        while not self._reports.empty():
            report = self._reports.get()
            if isinstance(report, Exception):
                raise report
            if report["id"] in self._open:  # else it was let go of
                if report["event"] != "tokens":
                    self._open.discard(report["id"])
                yield report

    def _run(self) -> None:
        try:
            while True:
                batch = [request for request in self._batches.get() if request.id in self._open]
                if batch:
                    self._compute(batch)
        except Exception as error:  # noqa: BLE001  whoever polls must hear of it
            self._reports.put(error)

    def _compute(self, batch: Sequence[EngineRequest]) -> None:
        try:
            found = self._scored(batch) if batch[0].score_from is not None else self._written(batch)
            for request, completions in zip(batch, found, strict=True):
                self._reports.put({"event": "done", "id": request.id, "completions": completions})
        except torch.OutOfMemoryError as error:
            for request in batch:
                self._reports.put(failure(request.id, "memory", f"the device has no room for it: {error}"))

    @torch.inference_mode()
    def _scored(self, batch: Sequence[EngineRequest]) -> Iterator[list[dict[str, Any]]]:
        """The logarithm of each token's probability, from `score_from` on; one after the other."""
        module = self._network.module
        for request in batch:
            ids = torch.tensor([request.tokens], device=module.device)
            prompt, answer = ids[:, : request.score_from], ids[:, request.score_from :]
            if self._network.encoder_decoder:
                first = torch.full_like(ids[:, :1], module.config.decoder_start_token_id)
                given = torch.cat([first, answer[:, :-1]], dim=1)
                logits = module(input_ids=prompt, decoder_input_ids=given).logits
            else:
                logits = module(input_ids=ids, logits_to_keep=answer.shape[1] + 1).logits[:, :-1]
            logprobs = logits.float().log_softmax(-1).gather(2, answer[:, :, None])[0, :, 0]
            yield [{"tokens": [], "logprobs": logprobs.tolist(), "reason": "length"}]

    def _written(self, batch: Sequence[EngineRequest]) -> list[list[dict[str, Any]]]:
        """For each request its candidates, the best first."""
        module, sampling = self._network.module, batch[0].sampling
        ids, mask = self._padded([request.tokens for request in batch])
        prefix = 1 if self._network.encoder_decoder else ids.shape[1]
        ends = () if sampling.ignore_end else self._network.ends
        scored = sampling.logprobs or (sampling.candidates > 1 and sampling.beams == 1)
        torch.manual_seed(sampling.seed)
        out = module.generate(
            input_ids=ids,
            attention_mask=mask,
            generation_config=_config(sampling, ends, scored),
            stopping_criteria=StoppingCriteriaList([_Watch(batch, prefix, ends, self._open, self._reports.put)]),
        )
        rows = out.sequences[:, prefix:].tolist()
        logprobs: list[list[float]] = [[] for _ in rows]
        if scored:
            beams = out.beam_indices if sampling.beams > 1 else None
            logprobs = module.compute_transition_scores(
                out.sequences, out.scores, beams, normalize_logits=True
            ).tolist()
        found = [_completion(row, own, ends) for row, own in zip(rows, logprobs, strict=True)]
        candidates = [found[at : at + sampling.candidates] for at in range(0, len(found), sampling.candidates)]
        if sampling.beams == 1:  # beams come in order
            candidates = [sorted(some, key=lambda one: -sum(one["logprobs"])) for some in candidates]
        wanted: dict[str, Any] = {} if sampling.logprobs else {"logprobs": []}
        return [[one | wanted for one in some] for some in candidates]

    def _padded(self, prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Ids and mask [prompts, longest]: on the left where the answer goes on from the prompt, else on the right."""
        longest, module = max(map(len, prompts)), self._network.module
        ids = torch.full((len(prompts), longest), module.generation_config.pad_token_id, device=module.device)
        mask = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            at = slice(len(prompt)) if self._network.encoder_decoder else slice(longest - len(prompt), longest)
            ids[row, at] = torch.tensor(prompt, device=module.device)
            mask[row, at] = 1
        return ids, mask


class _Watch(StoppingCriteria):
    """Looks on as a batch is written: reports the tokens of streams, and ends the rows of who was let go of."""

    def __init__(
        self,
        batch: Sequence[EngineRequest],
        prefix: int,
        ends: tuple[int, ...],
        wanted: set[int],
        report: Callable[[dict[str, Any]], None],
    ) -> None:
        self._batch, self._prefix, self._ends, self._wanted, self._report = batch, prefix, ends, wanted, report
        self._streams = {row: request for row, request in enumerate(batch) if request.stream}

    def __call__(self, input_ids: Tensor, _scores: Any, **_: Any) -> Tensor:
        for row, request in list(self._streams.items()):
            token = int(input_ids[row, -1])
            if token in self._ends:
                del self._streams[row]
                continue
            start = input_ids.shape[1] - self._prefix - 1
            self._report({"event": "tokens", "id": request.id, "start": start, "tokens": [token]})
        over = torch.tensor([request.id not in self._wanted for request in self._batch], device=input_ids.device)
        return over.repeat_interleave(len(input_ids) // len(self._batch))


def _batches(requests: Iterable[EngineRequest], settings: EngineSettings) -> Iterator[list[EngineRequest]]:
    """Requests that want the same, as many together as the settings have room for."""
    alike: dict[Hashable, list[EngineRequest]] = {}
    for request in requests:
        own = request.id if request.sampling.temperature > 0 else None
        alike.setdefault((request.score_from is None, request.sampling, own), []).append(request)
    for group in alike.values():
        batch: list[EngineRequest] = []
        for request in group:
            rows = (len(batch) + 1) * request.sampling.sequences
            longest = max(len(one.tokens) for one in (*batch, request)) + request.new_tokens
            if batch and (rows > settings.max_sequences or rows * longest > settings.kv_cache_tokens):
                yield batch
                batch = []
            batch.append(request)
        yield batch


def _config(sampling: Sampling, ends: tuple[int, ...], scored: bool) -> GenerationConfig:
    given: dict[str, Any] = {
        "max_new_tokens": sampling.max_new_tokens,
        "num_beams": sampling.beams,
        "num_return_sequences": sampling.candidates,
        "repetition_penalty": sampling.repetition_penalty,
        "do_sample": sampling.temperature > 0,
        "eos_token_id": list(ends) or None,
        "return_dict_in_generate": True,
        "output_scores": scored,
    }
    if sampling.min_new_tokens:
        given["min_new_tokens"] = sampling.min_new_tokens
    if sampling.no_repeat_ngram:
        given["no_repeat_ngram_size"] = sampling.no_repeat_ngram
    if sampling.beams > 1:
        given["length_penalty"] = sampling.length_penalty
    if sampling.temperature > 0:
        given |= {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": sampling.top_k}
    return GenerationConfig(**given)  # type: ignore[no-untyped-call]


def _completion(row: list[int], logprobs: list[float], ends: tuple[int, ...]) -> dict[str, Any]:
    """What stands before the end token; what follows it is padding."""
    stop = next((at for at, token in enumerate(row) if token in ends), None)
    return {"tokens": row[:stop], "logprobs": logprobs[:stop], "reason": "length" if stop is None else "stop"}
