"""Continuous batching of transformers for answers of causal models: requests join and leave at every step.

The manager computes in a thread of its own, on any device, but on a CPU plain batches are quicker
(`communique/lm/torch_batches.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from communique.lm.engine import failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from communique.lm.engine import EngineRequest
    from communique.lm.settings import EngineSettings
    from communique.lm.torch_model import Network

__all__ = ["ContinuousBatches"]

#: Tokens of a block of the KV cache.
_PAGE: Final = 32


class ContinuousBatches:
    """The manager with what it works on."""

    def __init__(self, network: Network, settings: EngineSettings) -> None:
        from transformers import GenerationConfig
        from transformers.generation.configuration_utils import ContinuousBatchingConfig

        config = ContinuousBatchingConfig(
            page_size=_PAGE,
            num_blocks=-(-settings.kv_cache_tokens // _PAGE),
            max_batch_tokens=settings.max_batch_tokens,
            max_requests_per_batch=settings.max_sequences,
            allow_block_sharing=False,  # a shared prefix was computed in another batch
            use_async_batching=False,
            auto_switch_to_flash=False,  # it would look for kernels on a hub
        )
        pad = network.module.generation_config.pad_token_id
        ends = list(network.ends)
        greedy = GenerationConfig(do_sample=False, eos_token_id=ends, pad_token_id=pad)  # type: ignore[no-untyped-call]
        self._ends = network.ends
        self._manager = network.module.init_continuous_batching(greedy, config)
        self._manager.start()
        self._running: dict[str, EngineRequest] = {}

    def add(self, requests: Sequence[EngineRequest]) -> None:
        """Take requests into work.

        Raises:
            RuntimeError: the manager has stopped.
        """
        with self._manager.pause():  # so that all of them join in one step, and a batch always runs alike
            for request in requests:
                self._running[str(request.id)] = request
                self._manager.add_request(
                    request.tokens,
                    request_id=str(request.id),
                    max_new_tokens=request.max_new_tokens,
                    eos_token_id=-1 if request.ignore_end else list(self._ends),
                )

    def stop(self, request: EngineRequest) -> None:
        """Let go of a request, if it is one of these."""
        if self._running.pop(str(request.id), None) is not None:
            self._manager.cancel_request(str(request.id))

    def poll(self) -> Iterator[dict[str, Any]]:
        """What has come of them, without waiting.

        Raises:
            RuntimeError: the manager has stopped.
        """
        if (error := self._manager.background_thread_status.fatal_error) is not None:
            raise RuntimeError(f"continuous batching has stopped: {error}") from error
        while (result := self._manager.get_result(timeout=0)) is not None:
            if result.request_id in self._running:  # else it was let go of
                yield self._outcome(result)

    def close(self) -> None:
        """End the manager's thread, which else outlives the main one."""
        self._manager.stop(hard_stop=True)

    def _outcome(self, result: Any) -> dict[str, Any]:
        request = self._running.pop(result.request_id)
        if result.error is not None:
            return failure(request.id, "memory", f"the engine gave the request up: {result.error}")
        tokens = list(result.generated_tokens)
        if tokens and tokens[-1] in self._ends and not request.ignore_end:
            tokens.pop()
        return {"event": "done", "id": request.id, "tokens": tokens, "logprobs": []}
