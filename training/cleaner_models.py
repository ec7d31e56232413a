"""Fits the cleaner's models on prepared pages: linear ones by Newton's method, the chain by L-BFGS, and boosted trees.

Needs torch, for the chain, and scikit-learn, for the trees. Nothing is known here of how pages are made.

    python -m training.cleaner --to models/cleaner
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from communique.reading.boilerplate import columns_of
from communique.reading.cleaner import GATE, Chain, Cleaner, Linear
from communique.reading.cohesion import COHESION
from communique.reading.look import LOOKS
from communique.reading.phrases import words_of
from communique.reading.place import PLACES
from communique.reading.stories import Rarity, stems, stories_of
from communique.reading.telling import Odds, telling
from training.trees import served

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from communique.trees import Trees
    from training.cleaner_pages import Page

__all__ = ["rarity_of", "train"]

#: Penalties on squared standardised weights: of the linear models, of the chain's states, of its transitions.
_LINEAR_PENALTY: Final = 10.0
_CHAIN_PENALTY: Final = 10.0
_TRANSITION_PENALTY: Final = 30.0
#: In characters: a block or a story counts as much as it is long, and a little for itself; a story up to a limit.
_BLOCK_FLOOR: Final = 20.0
_STORY_FLOOR, _STORY_LIMIT = 50.0, 1500.0
#: A mistake that loses article weighs more than one that leaves boilerplate.
_ARTICLE_WEIGHT: Final = 2.0
#: How many trees decide.
_TREES: Final = 200
#: A stem that fewer articles hold tells all.
_KNOWN_FROM: Final = 3


def train(pages: list[Page], rarity: Rarity) -> Cleaner:
    """The models. Each that feeds another is fitted on the pages of one half of the articles to score the other."""
    titles = sorted({" ".join(page.title) for page in pages})
    first = set(titles[::2])
    halves = [[page for page in pages if (" ".join(page.title) in first) is here] for here in (True, False)]
    for own, other in (halves, halves[::-1]):
        _look(other, *_fit_looks(own), rarity)
    chain = _fit_chain(pages)
    for own, other in (halves, halves[::-1]):
        fitted = _fit_chain(own)
        for page in other:
            page.other = fitted(page.told)
    rows = np.concatenate([np.array(described(page, chain.alone.names, rarity)) for page in pages])
    labels = np.concatenate([page.boilerplate for page in pages])
    counted = np.concatenate([page.counted for page in pages])
    columns = (*LOOKS, *PLACES, *chain.alone.names, *COHESION)
    blocks = _fit_trees(columns, rows, labels, _weighed(counted) * np.where(labels, 1.0, _ARTICLE_WEIGHT))
    furniture, headline, opening = _fit_looks(pages)
    return Cleaner(furniture, headline, opening, chain, blocks, rarity)


def _look(pages: Sequence[Page], furniture: Linear, headline: Linear, opening: Linear, rarity: Rarity) -> None:
    """Finds and describes the stories of the pages, by models of the look of a block."""
    for page in pages:
        rows = [look.row for look in page.looks]
        page.odds = Odds(furniture(rows), headline(rows), opening(rows))
        page.stories = stories_of(page.blocks, page.looks, page.odds.furniture, page.again)
        page.told = telling(page.stories, page.blocks, page.looks, page.odds, stems(page.title), rarity)


def described(page: Page, told: Sequence[str], rarity: Rarity) -> list[list[float]]:
    """What the trees see of each block."""
    return columns_of(page.blocks, page.looks, page.odds, page.stories, page.told, page.other, page.again,
                      stems(page.title), told, rarity)  # fmt: skip


def _fit_looks(pages: Sequence[Page]) -> tuple[Linear, Linear, Linear]:
    rows = np.concatenate([page.looked for page in pages])
    counted = np.concatenate([page.counted for page in pages])
    boilerplate = np.concatenate([page.boilerplate for page in pages])
    closed = np.concatenate([[look.closed and len(look.words) > 7 for look in page.looks] for page in pages])
    elsewhere = np.concatenate([page.elsewhere for page in pages])
    # The prose of another story is prose.
    story = elsewhere & closed
    weights = _weighed(counted) * np.where(story, 0.3, 1.0)
    furniture = _fit(LOOKS, rows, boilerplate & ~story, weights)
    headlines = np.concatenate([page.headline for page in pages])
    opened = np.concatenate([[not look.closed for look in page.looks] for page in pages])
    headline = _fit(LOOKS, rows, headlines, np.where(opened & (counted > 0), 1.0, 0.0))
    openings = np.concatenate([page.opening for page in pages])
    prose = closed & (elsewhere | ~boilerplate)
    opening = _fit(LOOKS, rows, openings, np.where(prose, 1.0, 0.0))
    return furniture, headline, opening


def _weighed(counted: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(counted > 0, counted + _BLOCK_FLOOR, 0.0)


def _fit(
    names: tuple[str, ...], rows: NDArray[np.float64], labels: NDArray[np.bool_], weights: NDArray[np.float64]
) -> Linear:
    """Logistic regression with a penalty on squared weights, by Newton's method."""
    used = weights > 0
    rows, labels, weights = rows[used], labels[used], weights[used] / weights[used].mean()
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    table = np.c_[(rows - mean) / spread, np.ones(len(rows))]
    penalty = np.full(table.shape[1], _LINEAR_PENALTY)
    penalty[-1] = 1e-6
    solution = np.zeros(table.shape[1])
    for _ in range(12):
        share = 1 / (1 + np.exp(-np.clip(table @ solution, -30, 30)))
        gradient = table.T @ (weights * (share - labels)) + penalty * solution
        curvature = (table * (weights * share * (1 - share) + 1e-6)[:, None]).T @ table + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        solution -= step
        if np.abs(step).max() < 1e-3:
            break
    scaled = solution[:-1] / spread
    return Linear(names, scaled, float(solution[-1] - scaled @ mean))


def _fit_trees(
    names: tuple[str, ...], rows: NDArray[np.float64], labels: NDArray[np.bool_], weights: NDArray[np.float64]
) -> Trees:
    """Boosted trees, by scikit-learn."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    used = weights > 0
    model = HistGradientBoostingClassifier(
        max_iter=_TREES, learning_rate=0.1, max_leaf_nodes=24, l2_regularization=5.0, max_features=0.3, random_state=1
    )
    model.fit(rows[used], labels[used], sample_weight=weights[used] / weights[used].mean())
    return served(model, names)


def _fit_chain(pages: Sequence[Page]) -> Chain:
    """The chain whose marginal log-odds fit the stories' labels best, by L-BFGS."""
    import torch

    pages = [page for page in pages if page.stories]
    names = tuple(pages[0].told[0])
    longest = max(len(page.stories) for page in pages)
    rows = np.zeros((len(pages), longest, len(names)))
    labels, weights, there = (np.zeros((len(pages), longest)) for _ in range(3))
    for number, page in enumerate(pages):
        count = len(page.stories)
        rows[number, :count] = [list(row.values()) for row in page.told]
        labels[number, :count] = page.story_labels
        sizes = [sum(len(page.blocks[index].text) for index in story.members) for story in page.stories]
        weights[number, :count] = _STORY_FLOOR + np.minimum(_STORY_LIMIT, sizes)
        there[number, :count] = 1
    flat = rows[there > 0]
    mean, spread = flat.mean(axis=0), flat.std(axis=0) + 1e-4
    table = torch.tensor(np.concatenate([(rows - mean) / spread, np.ones((*there.shape, 1))], axis=2))
    gate = torch.tensor(GATE * (1 - rows[:, :, names.index("may-begin")]))
    weights = weights / weights[there > 0].mean() * np.where(labels > 0, 1.0, _ARTICLE_WEIGHT)
    truth, importance, mask = torch.tensor(labels), torch.tensor(weights), torch.tensor(there)
    solution = torch.zeros(3, len(names) + 1, dtype=torch.float64)
    solution[1, -1], solution[2, -1] = -1.0, -3.0
    solution.requires_grad_(True)
    penalty = torch.full_like(solution, _TRANSITION_PENALTY)
    penalty[0] = _CHAIN_PENALTY
    penalty[:, -1] = 0.1
    optimizer = torch.optim.LBFGS([solution], max_iter=80, history_size=20, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        odds = _marginals(table @ solution[0], table @ solution[1] - gate, table @ solution[2], mask)
        wrong = torch.nn.functional.binary_cross_entropy_with_logits(odds, truth, reduction="none")
        total = (importance * wrong).sum() + 0.5 * (penalty * solution.square()).sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    found = solution.detach().numpy()

    def linear(row: NDArray[np.float64]) -> Linear:
        scaled = row[:-1] / spread
        return Linear(names, scaled, float(row[-1] - scaled @ mean))

    return Chain(*(linear(row) for row in found))


def _marginals(alone: Any, away: Any, back: Any, mask: Any) -> Any:
    """What `Chain` computes, for a batch of pages padded to one length; tensors (pages, stories)."""
    import torch

    count = alone.shape[1]
    article, other = torch.zeros_like(alone[:, 0]), alone[:, 0] + away[:, 0]
    forward = [(article, other)]
    for index in range(1, count):
        to_article = torch.logaddexp(article, other + back[:, index])
        to_other = torch.logaddexp(article + away[:, index], other) + alone[:, index]
        there = mask[:, index]
        article, other = there * to_article + (1 - there) * article, there * to_other + (1 - there) * other
        forward.append((article, other))
    odds = []
    after_article = after_other = torch.zeros_like(article)
    for index in range(count - 1, -1, -1):
        article, other = forward[index]
        odds.append(other + after_other - article - after_article)
        staying = after_other + alone[:, index]
        to_article = torch.logaddexp(after_article, staying + away[:, index])
        to_other = torch.logaddexp(after_article + back[:, index], staying)
        there = mask[:, index]
        after_article = there * to_article + (1 - there) * after_article
        after_other = there * to_other + (1 - there) * after_other
    return torch.stack(odds[::-1], dim=1)


def rarity_of(articles: Sequence[dict[str, Any]]) -> Rarity:
    """How much each stem tells: log(N / n) of the n of N articles that hold it, 1 for one in N / 2."""
    held = Counter(stem for article in articles for stem in stems(words_of(article["text"])))
    size = len(articles)
    known = {
        stem: round(math.log(size / count) / math.log(size / 2), 3)
        for stem, count in held.items()
        if count >= _KNOWN_FROM
    }
    return Rarity(known)
