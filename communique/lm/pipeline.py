"""Continuous batching on one OpenVINO GenAI pipeline: admits requests, computes a step, reports what came of it.

Token ids in, token ids out; it knows nothing of text, and nothing of the process it runs in (`communique/lm/worker.py`,
which also says what the messages are). What is peculiar to OpenVINO GenAI is kept here.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from communique.lm.sampling import EngineSettings, Sampling

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Engine"]

#: Tokens of a block of the KV cache on a CPU.
_BLOCK: Final = 32


@dataclass(slots=True)
class _Sequence:
    """What was written so far; `reason` is the runtime's, of the last token."""

    tokens: list[int]
    logprobs: list[float]
    reason: Any


@dataclass(slots=True)
class _Request:
    """One prompt in work. `handle` must be kept: dropping it ends the request."""

    id: int
    tokens: list[int]
    sampling: Sampling
    stream: bool
    score_from: int | None
    handle: Any = None
    streamed: _Sequence = field(default_factory=lambda: _Sequence([], [], None))


@dataclass(slots=True)
class _Batch:
    requests: list[_Request]
    alone: bool


class Engine:
    """The pipeline with what waits and what is in work.

    Args:
        settings: of the engine.
        send: is called with each message to the other side.
    """

    def __init__(self, settings: EngineSettings, send: Callable[[dict[str, Any]], None]) -> None:
        import openvino_genai

        self._genai = openvino_genai
        self._send = send
        folder = _graph_folder(settings)
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        self._end = int(manifest["end_token"])
        self._context = int(manifest["context_tokens"])
        self._room = settings.kv_cache_tokens
        scheduler = openvino_genai.SchedulerConfig()
        scheduler.num_kv_blocks = -(-settings.kv_cache_tokens // _BLOCK)
        scheduler.max_num_batched_tokens = settings.max_batch_tokens
        scheduler.max_num_seqs = settings.max_sequences
        # A prefix from the cache was computed in another batch: the answers would depend on what ran before.
        scheduler.enable_prefix_caching = False
        self._pipeline = openvino_genai.ContinuousBatchingPipeline(str(folder), scheduler, "CPU", _properties(settings))
        self._waiting: deque[_Batch] = deque()
        self._running: dict[int, _Request] = {}
        self._alone = False
        self._serial = 0

    @property
    def busy(self) -> bool:
        return bool(self._waiting or self._running)

    def handle(self, message: dict[str, Any]) -> None:
        """Take in one message."""
        if message["op"] == "add":
            self._waiting.append(_Batch([_request(item) for item in message["requests"]], bool(message["alone"])))
        elif message["op"] == "cancel":
            self._cancel(int(message["id"]))
        elif message["op"] == "probe":
            self._probe(message)

    def advance(self) -> None:
        """Admit what may run, compute one step, and report what came of it."""
        self._admit()
        if self._running:
            self._pipeline.step()
        for request in list(self._running.values()):
            self._report(request)

    def _admit(self) -> None:
        """First come, first served; a batch that is to be alone waits for all before it and holds up all after it."""
        while self._waiting and not self._alone:
            if self._waiting[0].alone and self._running:
                return
            batch = self._waiting.popleft()
            self._alone = batch.alone
            for request in batch.requests:
                self._start(request)
            if not self._running:
                self._alone = False

    def _start(self, request: _Request) -> None:
        import numpy as np
        import openvino

        sampling = request.sampling
        new = 0 if request.score_from is not None else sampling.max_new_tokens
        length = len(request.tokens) + new
        need = len(request.tokens) + new * sampling.sequences
        if not request.tokens or length > self._context or need > self._room:
            self._fail(
                request.id,
                "invalid",
                f"{len(request.tokens):,} tokens of prompt and {new:,} new ones in {sampling.sequences} sequences; "
                f"allowed are 1 to {min(self._context, self._room):,} tokens together",
            )
            return
        self._serial += 1  # the pipeline's ids are never used twice
        try:
            config = self._config(sampling, scoring=request.score_from is not None)
            prompt = openvino.Tensor(np.asarray([request.tokens], dtype=np.int64))
            request.handle = self._pipeline.add_request(self._serial, prompt, config)
        except RuntimeError as error:
            self._fail(request.id, "invalid", str(error))
            return
        self._running[request.id] = request

    def _config(self, sampling: Sampling, *, scoring: bool) -> Any:
        config = self._genai.GenerationConfig()
        config.apply_chat_template = False
        config.set_eos_token_id(self._end)
        if scoring:
            config.max_new_tokens, config.echo, config.logprobs = 0, True, 1
            return config
        config.max_new_tokens = sampling.max_new_tokens
        config.min_new_tokens = sampling.min_new_tokens
        config.ignore_eos = sampling.ignore_end
        config.repetition_penalty = sampling.repetition_penalty
        config.logprobs = int(sampling.logprobs)
        config.num_return_sequences = sampling.candidates
        if sampling.no_repeat_ngram:
            config.no_repeat_ngram_size = sampling.no_repeat_ngram
        if sampling.beams > 1:
            config.num_beams, config.length_penalty = sampling.beams, sampling.length_penalty
        if sampling.temperature > 0:
            config.do_sample, config.rng_seed = True, sampling.seed
            config.temperature, config.top_p = sampling.temperature, sampling.top_p
            if sampling.top_k:
                config.top_k = sampling.top_k
        if sampling.regex is not None or sampling.grammar is not None:
            config.structured_output_config = self._genai.StructuredOutputConfig(
                **({"regex": sampling.regex} if sampling.regex is not None else {"grammar": sampling.grammar})
            )
        return config

    def _report(self, request: _Request) -> None:
        status = self._genai.GenerationStatus
        state = request.handle.get_status()
        if request.stream and state in (status.RUNNING, status.FINISHED):
            self._stream(request)
        if state == status.RUNNING:
            return
        self._forget(request)
        if state == status.FINISHED:
            self._send({"event": "done", "id": request.id, "completions": self._completions(request)})
        else:
            self._fail(
                request.id, "memory", f"the engine gave the request up ({state.name}): its KV cache is too small for it"
            )

    def _stream(self, request: _Request) -> None:
        """Send the tokens that are new since the last step. What is read here, `read_all` does not give again."""
        streamed, start = request.streamed, len(request.streamed.tokens)
        while request.handle.can_read():
            for output in request.handle.read().values():  # one sequence: streams have no candidates
                streamed.tokens += output.generated_ids
                streamed.logprobs += output.generated_log_probs
                streamed.reason = output.finish_reason
        if visible := [token for token in streamed.tokens[start:] if token != self._end]:
            self._send({"event": "tokens", "id": request.id, "start": start, "tokens": visible})

    def _completions(self, request: _Request) -> list[dict[str, Any]]:
        if request.stream:
            return [self._completion(request, request.streamed)]
        return [
            self._completion(request, _Sequence(output.generated_ids, output.generated_log_probs, output.finish_reason))
            for output in request.handle.read_all()
        ]

    def _completion(self, request: _Request, sequence: _Sequence) -> dict[str, Any]:
        tokens, logprobs = sequence.tokens, sequence.logprobs
        if request.score_from is not None:  # the echo of the prompt: its probabilities are all there is
            tokens, logprobs = [], logprobs[request.score_from :]
        elif tokens and tokens[-1] == self._end and not request.sampling.ignore_end:
            tokens, logprobs = tokens[:-1], logprobs[:-1]
        wanted = request.score_from is not None or request.sampling.logprobs
        length = sequence.reason == self._genai.GenerationFinishReason.LENGTH
        return {"tokens": tokens, "logprobs": logprobs if wanted else [], "reason": "length" if length else "stop"}

    def _cancel(self, id_: int) -> None:
        for batch in self._waiting:
            batch.requests = [request for request in batch.requests if request.id != id_]
        if id_ in self._running:
            request = self._running[id_]
            request.handle.cancel()
            self._forget(request)

    def _forget(self, request: _Request) -> None:
        del self._running[request.id]
        if not self._running:
            self._alone = False

    def _fail(self, id_: int, type_: str, message: str) -> None:
        self._send({"event": "failed", "id": id_, "type": type_, "message": message})

    def _probe(self, message: dict[str, Any]) -> None:
        """Try a grammar on one token. In a running batch a bad one breaks the pipeline; `generate` tidies up."""
        import numpy as np
        import openvino

        config = self._config(Sampling(**message["sampling"] | {"max_new_tokens": 1}), scoring=False)
        prompt = openvino.Tensor(np.asarray([[self._end]], dtype=np.int64))
        problem = ""
        try:
            self._pipeline.generate([prompt], [config])
        except RuntimeError as error:
            problem = str(error)
        self._send({"event": "probed", "id": message["id"], "message": problem})


def _graph_folder(settings: EngineSettings) -> Path:
    if settings.graph is not None:
        return settings.graph
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


def _request(item: dict[str, Any]) -> _Request:
    return _Request(
        id=item["id"],
        tokens=item["tokens"],
        sampling=Sampling(**item["sampling"]),
        stream=item["stream"],
        score_from=item["score_from"],
    )
