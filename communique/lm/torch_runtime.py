"""The torch engine: CUDA in bf16, or the CPU in f32 as the oracle that the OpenVINO engine is checked against.

Token ids in, token ids out; it knows nothing of text. On CUDA greedy answers of causal models are batched continuously;
all else runs in plain batches, which on a CPU are the quicker way. Both compute in threads of their own. Grammars it
has none.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final

from communique.lm.device import choose_arithmetic
from communique.lm.engine import failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from communique.lm.engine import EngineRequest
    from communique.lm.sampling import EngineSettings, Sampling

__all__ = ["TorchRuntime"]

#: Seconds to rest when nothing has come: a token of a small model takes five times as long.
_REST: Final = 0.002
_NO_GRAMMAR: Final = "the torch engine has no `regex` and no `grammar`; set the engine to openvino"


class TorchRuntime:
    """The network, and the two ways in which it is batched.

    Args:
        settings: of the engine.
        why: this engine was chosen; is logged with the device.

    Raises:
        ModelMissing: the base is not in the cache.
        UsageError: the settings' folder holds no model that generates.
    """

    def __init__(self, settings: EngineSettings, why: str) -> None:
        import torch

        from communique.lm.torch_batches import PlainBatches
        from communique.lm.torch_continuous import ContinuousBatches
        from communique.lm.torch_model import open_network

        device, dtype, reason = choose_arithmetic(settings.precision)
        print(f"communique: the language model runs in torch ({why}), {dtype} on {device} ({reason})", file=sys.stderr)
        if settings.threads:
            torch.set_num_threads(settings.threads)
        network = open_network(settings, device, dtype)
        self.context = network.context
        self.encoder_decoder = network.encoder_decoder
        self.room = settings.kv_cache_tokens
        self._plain = PlainBatches(network, settings)
        self._continuous = None
        if device.type == "cuda" and not network.encoder_decoder:
            self._continuous = ContinuousBatches(network, settings)

    def start(self, requests: Sequence[EngineRequest]) -> Iterator[dict[str, Any]]:
        """Take requests into work."""
        plain, continuous = [], []
        for request in requests:
            if problem := self.probe(request.sampling):
                yield failure(request.id, "invalid", problem)
            elif self._continuous is not None and self._continuous.takes(request):
                continuous.append(request)
            else:
                plain.append(request)
        self._plain.add(plain)
        if self._continuous is not None and continuous:
            self._continuous.add(continuous)

    def stop(self, request: EngineRequest) -> None:
        """Let go of a request."""
        self._plain.stop(request)
        if self._continuous is not None:
            self._continuous.stop(request)

    def step(self) -> list[dict[str, Any]]:
        """What has come since the last time, after a rest when nothing has."""
        found = [*self._plain.poll(), *(self._continuous.poll() if self._continuous is not None else ())]
        if not found:
            time.sleep(_REST)
        return found

    def probe(self, sampling: Sampling) -> str:
        """Why a request cannot be taken, or nothing."""
        return _NO_GRAMMAR if sampling.regex is not None or sampling.grammar is not None else ""
