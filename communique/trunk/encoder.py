"""An encoder on OpenVINO: reads windows of tokens and gives the state of every token.

It knows nothing of heads, labels or sentences. Shapes: W windows, at most L tokens each, hidden size H.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from communique.errors import TimedOut
from communique.trunk.windows import padded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from communique.trunk.windows import Window

__all__ = ["Encoder"]

#: Padded tokens that one inference takes at most: more gains nothing and costs memory.
BATCH_TOKENS: Final = 4096


class Encoder:
    """An OpenVINO graph with inputs ids, mask, types [W, L] and output states [W, L, H].

    Args:
        graph: the graph's .xml file.
        threads: cores to use; 0 leaves it to OpenVINO.
        precision: "bf16" or "f32"; None takes bf16 where the processor computes in it.
    """

    def __init__(self, graph: Path, threads: int = 0, precision: str | None = None) -> None:
        import openvino

        core = openvino.Core()
        if precision is None:
            precision = "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
        options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        if threads:
            options["INFERENCE_NUM_THREADS"] = threads
        self.precision = precision
        self._request = core.compile_model(core.read_model(graph), "CPU", options).create_infer_request()
        self._lock = threading.Lock()  # one request: its tensors are not shared between threads
        self._closed = False

    def states(self, windows: Sequence[Window], deadline: float | None = None) -> list[NDArray[np.float32]]:
        """For each window the states [its length, H], in the order given.

        Raises:
            TimedOut: the `deadline` (of `time.monotonic()`) passed before the last batch.
        """
        found: list[NDArray[np.float32] | None] = [None] * len(windows)
        for rows, output in self._outputs(windows, deadline):
            for number, states in zip(rows, output, strict=True):
                found[number] = states[: len(windows[number])]
        return [states for states in found if states is not None]

    def close(self) -> None:
        """Give up what is being read: it ends with `TimedOut` after the batch under way."""
        self._closed = True

    def _outputs(
        self, windows: Sequence[Window], deadline: float | None
    ) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """Numbers of windows read together, and what the graph gave for them."""
        for rows in _groups(windows):
            if self._closed or (deadline is not None and time.monotonic() > deadline):
                raise TimedOut("the deadline passed while the article was read")
            inputs = padded([windows[number] for number in rows])
            with self._lock:
                # Shared: neither what goes in nor what comes out is copied by OpenVINO, and this copy is the only one.
                found = self._request.infer(list(inputs), share_inputs=True, share_outputs=True)
                output = np.array(found[0], dtype=np.float32)
            yield rows, output


def _groups(windows: Sequence[Window]) -> list[list[int]]:
    """The numbers of windows of like length together, so that little is padded."""
    order = sorted(range(len(windows)), key=lambda number: len(windows[number]))
    groups: list[list[int]] = []
    rows: list[int] = []
    for number in order:
        longest = len(windows[number])
        if rows and longest * (len(rows) + 1) > BATCH_TOKENS:
            groups.append(rows)
            rows = []
        rows.append(number)
    if rows:
        groups.append(rows)
    return groups
