"""The torch engine: CUDA in bf16, or the CPU in f32 as the oracle that the OpenVINO engine is checked against.

Token ids in, token ids out; it knows nothing of text. On CUDA the answers of causal models are batched
continuously; all else runs in plain batches, which on a CPU are the quicker way. Both compute in threads of their own.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final

from communique.lm.device import choose_arithmetic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.lm.engine import EngineRequest
    from communique.lm.settings import EngineSettings

__all__ = ["TorchRuntime"]

#: Seconds to rest when nothing has come: a token of a small model takes five times as long.
_REST: Final = 0.002


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

    def start(self, requests: Sequence[EngineRequest]) -> tuple[()]:
        """Take requests into work; there are none that it cannot take."""
        if self._continuous is None or requests[0].score_from is not None:
            self._plain.add(requests)
        else:
            self._continuous.add(requests)
        return ()

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
