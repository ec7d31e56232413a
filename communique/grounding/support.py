"""The trained checker: boosted trees and a straight line over the features, put together and calibrated.

Read from `checker.json` in `models/checker/`; numpy alone. It is made by `python -m training.checker`.

    >>> model = SupportModel.load(resolve("checker") / "checker.json")   # doctest: +SKIP
    >>> model.support(["Baku said 12 died."], source)                    # doctest: +SKIP
    [0.93]
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from communique.errors import EnvironmentFault
from communique.grounding.features import features
from communique.trees import Trees
from communique.trunk.heads import sigmoid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from communique.grounding.source import Source

__all__ = ["SupportModel"]

_SCHEMA: Final = 2


class SupportModel:
    """Probabilities that claims are supported.

    `data` holds:
        trees: as `communique.trees` reads them; `names` are the features that the model was trained on (F of them).
        mean, scale, weights [F], bias: the straight line, over (x - mean) / scale.
        floor: the line counts for no less: below it, the trees alone tell a false claim from one in words of its own.
        share: weight in [0, 1] of the trees' logit; the rest is the line's.
        calibration: [scale, shift] of the logit (Platt 1999).
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._trees = Trees.from_dict(data["trees"])
        self.names = self._trees.names
        self._mean, self._scale, self._weights = (np.asarray(data[k], np.float64) for k in ("mean", "scale", "weights"))
        self._bias, self._floor, self._share = float(data["bias"]), float(data["floor"]), float(data["share"])
        self._scale_shift: tuple[float, float] = tuple(data["calibration"])

    @classmethod
    def load(cls, path: Path) -> SupportModel:
        """The model in a file.

        Raises:
            EnvironmentFault: the file was made for other features than this version has, or in another form.
        """
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.get("schema") != _SCHEMA:
            raise EnvironmentFault(f"{path} is not of schema {_SCHEMA}; make it again with python -m training.checker")
        return cls(data)

    def support(self, claims: Sequence[str], source: Source) -> list[float]:
        """Calibrated probability in [0, 1] that each claim is supported by the article."""
        if not claims:
            return []
        rows = []
        for claim in claims:
            found = features(claim, source)
            if missing := [name for name in self.names if name not in found]:
                raise EnvironmentFault(f"the checker wants features that are gone ({missing[0]}); train it again")
            rows.append([found[name] for name in self.names])
        return [float(value) for value in self.probabilities(np.asarray(rows))]

    def probabilities(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """[N] from features [N, F] in the order of `names`."""
        scale, shift = self._scale_shift
        logits = self.logits(rows) * scale + shift
        return np.asarray(sigmoid(logits.astype(np.float32)), np.float64)

    def logits(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """[N], before calibration."""
        line = np.maximum((rows - self._mean) / self._scale @ self._weights + self._bias, self._floor)
        return np.asarray(self._share * np.asarray(self._trees(rows)) + (1 - self._share) * line)
