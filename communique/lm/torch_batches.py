"""Plain batches through transformers' `generate`, and the probabilities of what is there; encoder-decoders too.

A batch runs to its end in a thread of its own; at each token that thread sees who has been let go of.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any

import torch
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList

from communique.lm.engine import failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from communique.lm.engine import EngineRequest
    from communique.lm.settings import EngineSettings
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
            for request, one in zip(batch, found, strict=True):
                self._reports.put({"event": "done", "id": request.id, **one})
        except torch.OutOfMemoryError as error:
            for request in batch:
                self._reports.put(failure(request.id, "memory", f"the device has no room for it: {error}"))

    @torch.inference_mode()
    def _scored(self, batch: Sequence[EngineRequest]) -> Iterator[dict[str, Any]]:
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
            yield {"tokens": [], "logprobs": logprobs.tolist()}

    def _written(self, batch: Sequence[EngineRequest]) -> Iterator[dict[str, Any]]:
        """What is written of each prompt, up to the end token; what follows that is padding."""
        ids, mask = self._padded([request.tokens for request in batch])
        prefix = 1 if self._network.encoder_decoder else ids.shape[1]
        ends = () if batch[0].ignore_end else self._network.ends
        out = self._network.module.generate(
            input_ids=ids,
            attention_mask=mask,
            generation_config=GenerationConfig(  # type: ignore[no-untyped-call]
                max_new_tokens=batch[0].max_new_tokens, do_sample=False, eos_token_id=list(ends) or None
            ),
            stopping_criteria=StoppingCriteriaList([_LetGo(batch, self._open)]),
        )
        for row in out[:, prefix:].tolist():
            stop = next((at for at, token in enumerate(row) if token in ends), None)
            yield {"tokens": row[:stop], "logprobs": []}

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


class _LetGo(StoppingCriteria):
    """Ends the rows of who was let go of, as a batch is written."""

    def __init__(self, batch: Sequence[EngineRequest], wanted: set[int]) -> None:
        self._batch, self._wanted = batch, wanted

    def __call__(self, input_ids: Tensor, _scores: Any, **_: Any) -> Tensor:
        return torch.tensor([request.id not in self._wanted for request in self._batch], device=input_ids.device)


def _batches(requests: Sequence[EngineRequest], settings: EngineSettings) -> Iterator[list[EngineRequest]]:
    """As many requests together as the settings have room for."""
    batch: list[EngineRequest] = []
    for request in requests:
        rows = len(batch) + 1
        longest = max(len(one.tokens) for one in (*batch, request)) + request.max_new_tokens
        if batch and (rows > settings.max_sequences or rows * longest > settings.kv_cache_tokens):
            yield batch
            batch = []
        batch.append(request)
    yield batch
