"""Fit how the cleaner's doubt and the trunk's reading are weighed, on pages of articles and site patterns held out.

Lines by logistic regression over blocks, each by its characters, and the lowest threshold that loses no more than
`LOST` of the articles' characters. Written to `calibration.json` by `python -m training.export`.
"""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sklearn.linear_model import LogisticRegression

from communique.errors import ItemError
from communique.reading import read
from communique.reading.settling import Blocks, Settling
from communique.record import Article
from training.trunk_pages import marked_pages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from communique.trunk.reader import Reader
    from training.corpus.pages import Passage
    from training.data import Labelled

__all__ = ["fit", "fit_on_pages"]

#: Share of the articles that may go with what was undecided.
LOST: Final = 0.005
#: A block counts by its characters, up to a limit; the article's count more.
_BLOCK_LIMIT: Final = 600
_ARTICLE_WEIGHT: Final = 2.0
#: How many pages, and how many words of their articles these show.
_PAGES: Final = 600
_PAGE_WORDS: Final = (60, 600)
#: How often the line is fitted on what the one before guesses.
_ROUNDS: Final = 3


def fit_on_pages(
    reader: Reader, articles: Sequence[Labelled], patterns: Mapping[str, list[Passage]], seed: int
) -> Settling:
    """The weights on pages made of held-out articles and site patterns."""
    return fit(reader, marked_pages(articles, patterns, _PAGES, random.Random(seed), _PAGE_WORDS))


def fit(reader: Reader, pages: Iterable[dict[str, Any]]) -> Settling:
    """The weights for what `reader` reads; the cleaner alone where no page leaves anything undecided.

    Args:
        reader: an exported trunk.
        pages: marked pages as `training.corpus.pages` makes them.
    """
    found: list[Blocks] = []
    labels: list[NDArray[np.bool_]] = []
    sizes: list[NDArray[np.int_]] = []
    for page in pages:
        try:
            document = read(Article(id=page["id"], text=page["text"], title=page["title"]), undecided=True)
        except ItemError:
            continue
        marked = np.zeros(len(page["text"]) + 1)
        for span in page["boilerplate"]:
            marked[span["start"] : span["end"]] = 1
        (reading,) = reader.read([document])
        foreign = reading.foreign(range(len(document.sentences)))
        blocks = Blocks(document.sentences, foreign, reading.meanings())
        members = [[document.sentences[number] for number in numbers] for numbers in blocks.members]
        spans = [(block[0].span().start, block[-1].span().end) for block in members]
        found.append(blocks)
        labels.append(np.array([marked[start:end].mean() > 0.5 for start, end in spans]))
        sizes.append(np.array([sum(len(sentence.text) for sentence in block) for block in members]))
    if not found:
        return Settling()
    asked = np.concatenate([blocks.open for blocks in found])
    known, characters = np.concatenate(labels), np.concatenate(sizes)
    if len(set(known[asked])) < 2:
        return Settling()
    weights = np.minimum(characters, _BLOCK_LIMIT) / 100 * np.where(known, 1.0, _ARTICLE_WEIGHT)

    def line(rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        spread = rows[asked].std(axis=0) + 1e-6
        model = LogisticRegression(C=1.0, max_iter=1000)
        model.fit(rows[asked] / spread, known[asked], sample_weight=weights[asked])
        return np.round(model.coef_[0] / spread, 4), round(float(model.intercept_[0]), 4)

    first, bias = line(np.concatenate([blocks.columns(np.zeros(len(blocks.open)))[:, :2] for blocks in found]))
    settling = Settling(first=(float(first[0]), float(first[1]), bias))
    odds = [blocks.first(settling.first) for blocks in found]
    for _ in range(_ROUNDS):  # the line is used on the guess that it makes itself
        told, bias = line(np.concatenate([blocks.columns(row) for blocks, row in zip(found, odds, strict=True)]))
        settling = replace(settling, weights=tuple(map(float, told)), bias=bias)
        odds = [settling(blocks) for blocks in found]
    surest = np.where(asked, np.concatenate(odds), -np.inf)
    threshold = _threshold(surest, known, characters, LOST * characters[~known].sum())
    return replace(settling, threshold=round(threshold, 4))


def _threshold(odds: NDArray[np.float64], foreign: NDArray[np.bool_], sizes: NDArray[np.int_], most: float) -> float:
    """The lowest log-odds over which articles lose at most so many characters."""
    order = np.argsort(-odds)
    lost = np.cumsum(np.where(foreign[order], 0, sizes[order]))
    allowed = int(np.searchsorted(lost, most, side="right"))
    return float(odds[order[min(allowed, len(order) - 1)]]) if allowed < len(order) else -math.inf
