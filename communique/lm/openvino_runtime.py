"""Continuous batching on one OpenVINO GenAI pipeline, on the CPU. What is peculiar to OpenVINO GenAI is kept here.

Token ids in, token ids out; it knows nothing of text, nor of who may run when (`communique/lm/engine.py`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from communique.lm.engine import failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from communique.lm.engine import EngineRequest
    from communique.lm.settings import EngineSettings

__all__ = ["OpenVinoRuntime"]

#: Tokens of a block of the KV cache on a CPU.
_BLOCK: Final = 32


@dataclass(slots=True)
class _Work:
    """A request in work. `handle` must be kept: dropping it ends the request."""

    request: EngineRequest
    handle: Any


class OpenVinoRuntime:
    """The pipeline with what it works on.

    Raises:
        ModelMissing: the graph is not in the cache.
    """

    encoder_decoder = False

    def __init__(self, settings: EngineSettings) -> None:
        import openvino_genai

        self._genai = openvino_genai
        folder = _graph_folder(settings)
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        self._end = int(manifest["end_token"])
        self.context = int(manifest["context_tokens"])
        self.room = settings.kv_cache_tokens
        scheduler = openvino_genai.SchedulerConfig()
        scheduler.num_kv_blocks = -(-settings.kv_cache_tokens // _BLOCK)
        scheduler.max_num_batched_tokens = settings.max_batch_tokens
        scheduler.max_num_seqs = settings.max_sequences
        # A prefix from the cache was computed in another batch: the answers would depend on what ran before.
        scheduler.enable_prefix_caching = False
        self._pipeline = openvino_genai.ContinuousBatchingPipeline(str(folder), scheduler, "CPU", _properties(settings))
        self._running: dict[int, _Work] = {}
        self._serial = 0

    def start(self, requests: Sequence[EngineRequest]) -> Iterator[dict[str, Any]]:
        """Take requests into work."""
        import numpy as np
        import openvino

        for request in requests:
            self._serial += 1  # the pipeline's ids are never used twice
            try:
                config = self._config(request)
                prompt = openvino.Tensor(np.asarray([request.tokens], dtype=np.int64))
                handle = self._pipeline.add_request(self._serial, prompt, config)
            except RuntimeError as error:
                yield failure(request.id, "invalid", str(error))
            else:
                self._running[request.id] = _Work(request, handle)

    def stop(self, request: EngineRequest) -> None:
        """Let go of a request."""
        self._running.pop(request.id).handle.cancel()

    def step(self) -> Iterator[dict[str, Any]]:
        """Compute one step of all."""
        self._pipeline.step()
        for work in list(self._running.values()):
            yield from self._report(work)

    def _config(self, request: EngineRequest) -> Any:
        config = self._genai.GenerationConfig()
        config.apply_chat_template = False
        config.set_eos_token_id(self._end)
        if request.score_from is not None:
            config.max_new_tokens, config.echo, config.logprobs = 0, True, 1
        else:
            config.max_new_tokens, config.ignore_eos = request.max_new_tokens, request.ignore_end
        return config

    def _report(self, work: _Work) -> Iterator[dict[str, Any]]:
        status = self._genai.GenerationStatus
        state = work.handle.get_status()
        if state == status.RUNNING:
            return
        id_ = work.request.id
        del self._running[id_]
        if state == status.FINISHED:
            yield {"event": "done", "id": id_, **self._found(work)}
        else:
            yield failure(
                id_, "memory", f"the engine gave the request up ({state.name}): its KV cache is too small for it"
            )

    def _found(self, work: _Work) -> dict[str, Any]:
        [output] = work.handle.read_all()
        request, tokens = work.request, output.generated_ids
        if request.score_from is not None:  # the echo of the prompt: its probabilities are all there is
            return {"tokens": [], "logprobs": output.generated_log_probs[request.score_from :]}
        if tokens and tokens[-1] == self._end and not request.ignore_end:
            tokens = tokens[:-1]
        return {"tokens": tokens, "logprobs": []}


def _graph_folder(settings: EngineSettings) -> Path:
    if settings.folder is not None:
        return settings.folder
    from communique.models import resolve

    return resolve(settings.model, home=settings.home)


def _properties(settings: EngineSettings) -> dict[str, Any]:
    """Of the device. By default OpenVINO computes in bf16 where the processor does, and quantises activations."""
    properties: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
    if settings.precision != "auto":
        properties["INFERENCE_PRECISION_HINT"] = "bf16" if settings.precision == "bf16" else "f32"
    if settings.precision == "exact":
        properties["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = 0
        properties["KV_CACHE_PRECISION"] = "f32"
    if settings.threads:
        properties["INFERENCE_NUM_THREADS"] = settings.threads
        properties["sampler_num_threads"] = settings.threads
    return properties
