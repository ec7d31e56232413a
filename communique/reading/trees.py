"""Boosted decision trees: what they say of rows of numbers, in numpy alone.

All trees are walked at once, a level a step, so that a page costs a few array operations whatever its blocks. Trained
by `python -m training.cleaner`, which knows how; nothing is known here of what the numbers mean.

>>> stump = {"feature": [0, 0, 0], "threshold": [0.5, 0, 0], "left": [1, 1, 2], "right": [2, 1, 2], "value": [0, -1, 1]}
>>> Trees.from_dict({"names": ["x"], "bias": 0.0, "trees": [stump]})([[0.2], [0.9]])
[-1.0, 1.0]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["Trees"]


@dataclass(frozen=True, slots=True)
class Trees:
    """Log-odds = bias + what each tree's leaf says. Arrays hold the nodes of all trees, one after another.

    From a node with `row[feature] <= threshold` the way goes to `left`, else to `right`; a leaf leads to itself.
    `roots` are the first nodes, `depth` the longest way.
    """

    names: tuple[str, ...]
    bias: float
    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float64]
    roots: NDArray[np.int32]
    depth: int

    def __call__(self, rows: Sequence[Sequence[float]] | NDArray[np.float64]) -> list[float]:
        """The log-odds of each row."""
        table = np.asarray(rows, dtype=np.float64)
        if not len(table):
            return []
        width = table.shape[1]
        flat = table.ravel()
        offsets = (np.arange(len(table), dtype=np.int64) * width)[:, None]
        at = np.broadcast_to(self.roots, (len(table), len(self.roots)))
        for _ in range(self.depth):
            below = flat[self.feature[at] + offsets] <= self.threshold[at]
            at = np.where(below, self.left[at], self.right[at])
        scores: list[float] = (self.value[at].sum(axis=1) + self.bias).tolist()
        return scores

    def as_dict(self) -> dict[str, Any]:
        ends = [*self.roots[1:].tolist(), len(self.feature)]
        trees = [
            {
                "feature": self.feature[start:end].tolist(),
                "threshold": [round(value, 5) for value in self.threshold[start:end].tolist()],
                "left": (self.left[start:end] - start).tolist(),
                "right": (self.right[start:end] - start).tolist(),
                "value": [round(value, 4) for value in self.value[start:end].tolist()],
            }
            for start, end in zip(self.roots.tolist(), ends, strict=True)
        ]
        return {"names": list(self.names), "bias": round(self.bias, 5), "trees": trees}

    @classmethod
    def from_dict(cls, item: Mapping[str, Any]) -> Trees:
        trees = item["trees"]
        roots = np.cumsum([0, *(len(tree["feature"]) for tree in trees)])[:-1]

        def joined(name: str) -> NDArray[Any]:
            return np.concatenate([np.asarray(tree[name]) for tree in trees])

        starts = np.repeat(roots, [len(tree["feature"]) for tree in trees])
        return cls(
            names=tuple(item["names"]),
            bias=float(item["bias"]),
            feature=joined("feature").astype(np.int32),
            threshold=joined("threshold").astype(np.float64),
            left=(joined("left") + starts).astype(np.int32),
            right=(joined("right") + starts).astype(np.int32),
            value=joined("value").astype(np.float64),
            roots=roots.astype(np.int32),
            depth=max(_depth(tree) for tree in trees),
        )


def _depth(tree: Mapping[str, Any]) -> int:
    """How many steps lead to the deepest leaf. A child stands after its parent."""
    levels = [0] * len(tree["feature"])
    for node, (left, right) in enumerate(zip(tree["left"], tree["right"], strict=True)):
        for child in (left, right):
            if child != node:
                levels[child] = levels[node] + 1
    return max(levels)
