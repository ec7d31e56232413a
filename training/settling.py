"""Fit how the cleaner's doubt and the trunk's reading are weighed, on pages of articles and site patterns held out.

A line by logistic regression over blocks, each by its characters, and the lowest threshold that loses no more than
`LOST` of the articles' characters. Written to `calibration.json` by `python -m training.export classifier`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sklearn.linear_model import LogisticRegression

from communique.errors import ItemError
from communique.reading import read
from communique.reading.settling import Settling, columns, is_open
from communique.record import Article

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from communique.document import Document
    from communique.trunk.reader import Reader

__all__ = ["fit"]

#: Share of the articles that may go with what was undecided.
LOST: Final = 0.005
#: A block counts by its characters, up to a limit.
_BLOCK_LIMIT: Final = 600


def fit(reader: Reader, pages: Iterable[dict[str, Any]]) -> Settling:
    """The weights for what `reader` reads; the cleaner alone where no page leaves anything undecided.

    Args:
        reader: an exported trunk.
        pages: marked pages as `training.corpus.pages` makes them.
    """
    rows: list[tuple[float, ...]] = []
    foreign: list[bool] = []
    sizes: list[int] = []
    article = 0
    for page in pages:
        try:
            document = read(Article(id=page["id"], text=page["text"], title=page["title"]), undecided=True)
        except ItemError:
            continue
        marked = np.zeros(len(page["text"]) + 1)
        for span in page["boilerplate"]:
            marked[span["start"] : span["end"]] = 1
        for numbers, row in _rows(reader, document):
            spans = [document.sentences[number].span() for number in numbers]
            bad = marked[spans[0].start : spans[-1].end].mean() > 0.5
            size = sum(len(document.sentences[number].text) for number in numbers)
            article += 0 if bad else size
            if row:
                rows.append(row)
                foreign.append(bool(bad))
                sizes.append(size)
    if len(set(foreign)) < 2:
        return Settling()
    labels, characters = np.array(foreign), np.array(sizes)
    model = LogisticRegression(C=1.0).fit(rows, labels, sample_weight=np.minimum(characters, _BLOCK_LIMIT) / 100)
    odds = model.decision_function(rows)
    return Settling(
        weights=tuple(round(float(weight), 4) for weight in model.coef_[0]),
        bias=round(float(model.intercept_[0]), 4),
        threshold=round(_threshold(odds, labels, characters, LOST * article), 4),
    )


def _rows(reader: Reader, document: Document) -> list[tuple[list[int], tuple[float, ...]]]:
    """The sentence numbers of each block, and its columns; none where nothing is open."""
    (reading,) = reader.read([document])
    blocks: dict[int, list[int]] = {}
    for number, sentence in enumerate(document.sentences):
        blocks.setdefault(sentence.block, []).append(number)
    odds = reading.foreign(range(len(document.sentences)))
    return [
        (
            numbers,
            columns([document.sentences[n] for n in numbers], [odds[n] for n in numbers])
            if is_open(document.sentences[numbers[0]])
            else (),
        )
        for numbers in blocks.values()
    ]


def _threshold(odds: NDArray[np.float64], foreign: NDArray[np.bool_], sizes: NDArray[np.int_], most: float) -> float:
    """The lowest log-odds over which articles lose at most so many characters."""
    order = np.argsort(-odds)
    lost = np.cumsum(np.where(foreign[order], 0, sizes[order]))
    allowed = int(np.searchsorted(lost, most, side="right"))
    return float(odds[order[min(allowed, len(order) - 1)]]) if allowed < len(order) else -math.inf
