"""Boosted decision trees: what they say of rows of numbers, in numpy alone.

All trees are walked at once, a level a step, so that a page costs a few array operations whatever its blocks. The
cleaner and the checker are made of them; nothing is known here of what the numbers mean. `training/trees.py` makes
them of scikit-learn's.

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
    feature: NDArray[np.intp]
    threshold: NDArray[np.float64]
    left: NDArray[np.intp]
    right: NDArray[np.intp]
    value: NDArray[np.float64]
    roots: NDArray[np.intp]
    depth: int

    def __call__(self, rows: Sequence[Sequence[float]] | NDArray[np.float64]) -> list[float]:
        """The log-odds of each row."""
        table = np.asarray(rows, dtype=np.float64)
        if not len(table):
            return []
        count, width = table.shape
        flat = table.ravel()
        ends = np.tile(self.roots, count)
        # The ways that have not come to a leaf: which they are, where they are, and where their row begins.
        going = np.arange(len(ends))
        at, rows_at = ends, np.repeat(np.arange(count) * width, len(self.roots))
        for level in range(1, self.depth + 1):
            beyond = flat.take(self.feature.take(at) + rows_at) > self.threshold.take(at)
            at = np.where(beyond, self.right.take(at), self.left.take(at))
            ends[going] = at
            # To leave the ended ones out costs as much as half a level.
            if level > 2 and level % 2:
                kept = np.flatnonzero(self.left.take(at) != at)
                going, at, rows_at = going.take(kept), at.take(kept), rows_at.take(kept)
        scores: list[float] = (self.value.take(ends).reshape(count, -1).sum(axis=1) + self.bias).tolist()
        return scores

    def as_dict(self) -> dict[str, Any]:
        ends = [*self.roots[1:].tolist(), len(self.feature)]
        trees = [
            {
                "feature": self.feature[start:end].tolist(),
                "threshold": self.threshold[start:end].tolist(),  # to the last digit: rows stand on them
                "left": (self.left[start:end] - start).tolist(),
                "right": (self.right[start:end] - start).tolist(),
                "value": [float(f"{value:.6g}") for value in self.value[start:end].tolist()],
            }
            for start, end in zip(self.roots.tolist(), ends, strict=True)
        ]
        return {"names": list(self.names), "bias": self.bias, "trees": trees}

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
            feature=joined("feature").astype(np.intp),
            threshold=joined("threshold").astype(np.float64),
            left=(joined("left") + starts).astype(np.intp),
            right=(joined("right") + starts).astype(np.intp),
            value=joined("value").astype(np.float64),
            roots=roots.astype(np.intp),
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
