"""The trained part of the cleaner: linear models over what is counted of a page, a chain over its stories, and trees.

`furniture`, `headline` and `opening` go by the look of a block alone. `other` tells other stories from the article:
the score of a story by itself, and of going over from the article to another story and back. `blocks`, the trees,
decides, knowing the look of a block, its place, its story and what it takes up of the page. Trained by
`python -m training.cleaner`.
"""

from __future__ import annotations

import functools
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from communique.errors import EnvironmentFault
from communique.reading.cohesion import COHESION
from communique.reading.look import LOOKS
from communique.reading.place import PLACES
from communique.reading.stories import Rarity
from communique.trees import Trees

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["GATE", "Chain", "Cleaner", "Linear", "load", "shipped"]

#: What it costs to go over to another story where none could begin (`may-begin` in `telling`).
GATE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Linear:
    """Log-odds = weights · row + bias. `names` are the columns."""

    names: tuple[str, ...]
    weights: NDArray[np.float64]
    bias: float

    def __call__(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """The log-odds of each row."""
        if not rows:
            return []
        scores: list[float] = (np.asarray(rows, dtype=np.float64) @ self.weights + self.bias).tolist()
        return scores

    def as_dict(self) -> dict[str, Any]:
        weights = dict(zip(self.names, (round(float(weight), 4) for weight in self.weights), strict=True))
        return {"bias": round(self.bias, 4), "weights": weights}

    @classmethod
    def from_dict(cls, item: Mapping[str, Any]) -> Linear:
        return cls(
            tuple(item["weights"]), np.array(list(item["weights"].values()), dtype=np.float64), float(item["bias"])
        )


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain of two states, article and other, over the stories of a page."""

    alone: Linear
    away: Linear
    back: Linear

    def __call__(self, rows: Sequence[Mapping[str, float]]) -> list[float]:
        """For each story the log-odds that it is another, all ways through the page weighed (forward-backward)."""
        if not rows:
            return []
        table = [[row[name] for name in self.alone.names] for row in rows]
        alone = self.alone(table)
        away = [score - GATE * (1 - row["may-begin"]) for score, row in zip(self.away(table), rows, strict=True)]
        back = self.back(table)
        article, other = 0.0, alone[0] + away[0]
        forward = [(article, other)]
        for index in range(1, len(rows)):
            article, other = (
                _log_sum(article, other + back[index]),
                _log_sum(article + away[index], other) + alone[index],
            )
            forward.append((article, other))
        after_article = after_other = 0.0
        odds = [0.0] * len(rows)
        for index in range(len(rows) - 1, -1, -1):
            article, other = forward[index]
            odds[index] = other + after_other - article - after_article
            staying = after_other + alone[index]
            after_article, after_other = (
                _log_sum(after_article, staying + away[index]),
                _log_sum(after_article + back[index], staying),
            )
        return odds


@dataclass(frozen=True, slots=True)
class Cleaner:
    """The models, and how much each stem tells of a story."""

    furniture: Linear
    headline: Linear
    opening: Linear
    other: Chain
    blocks: Trees
    rarity: Rarity

    def as_dict(self) -> dict[str, Any]:
        return {
            "furniture": self.furniture.as_dict(),
            "headline": self.headline.as_dict(),
            "opening": self.opening.as_dict(),
            "other": {name: getattr(self.other, name).as_dict() for name in ("alone", "away", "back")},
            "blocks": self.blocks.as_dict(),
            "rarity": dict(sorted(self.rarity.known.items())),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Cleaner:
        """Raises EnvironmentFault if the columns of the blocks are not those that the code counts."""
        looks = {name: Linear.from_dict(data[name]) for name in ("furniture", "headline", "opening")}
        cleaner = cls(
            **looks,
            other=Chain(**{name: Linear.from_dict(item) for name, item in data["other"].items()}),
            blocks=Trees.from_dict(data["blocks"]),
            rarity=Rarity(data["rarity"]),
        )
        columns = (*LOOKS, *PLACES, *cleaner.other.alone.names, *COHESION)
        if any(model.names != LOOKS for model in looks.values()) or cleaner.blocks.names != columns:
            raise EnvironmentFault(
                "the cleaner counts other columns than it was trained on: python -m training.cleaner"
            )
        return cleaner


def load(path: Path) -> Cleaner:
    """The cleaner of a file that `training.cleaner` wrote."""
    return Cleaner.from_dict(json.loads(path.read_text(encoding="utf-8")))


@functools.cache
def shipped() -> Cleaner:
    """The cleaner that the package ships, its hash checked."""
    from communique.models import resolve

    return load(resolve("cleaner") / "cleaner.json")


def _log_sum(a: float, b: float) -> float:
    """log(exp(a) + exp(b))"""
    high, low = (a, b) if a > b else (b, a)
    return high + math.log1p(math.exp(low - high))
