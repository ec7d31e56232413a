"""Trains the cleaner's models on pages that are made, each time anew, from the corpus and the boilerplate passages.

A training page sets an article between passages of several site patterns and teasers of other articles, so that no
site's layout is learned by heart. With `--folds`, patterns are held out in turn and the shipped pages of these patterns
are cleaned: that is how well the cleaner does on sites that it never saw. Needs torch, for the chain, and scikit-learn,
for the trees.

    python -m training.cleaner --to models/cleaner
    python -m training.cleaner --folds 4
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from communique.reading.boilerplate import columns_of, judge
from communique.reading.characters import normalise
from communique.reading.cleaner import GATE, Chain, Cleaner, Linear
from communique.reading.cohesion import COHESION
from communique.reading.layout import text_blocks
from communique.reading.look import LOOKS, look_at
from communique.reading.markup import html_blocks
from communique.reading.phrases import words_of
from communique.reading.place import PLACES
from communique.reading.repeats import repeated
from communique.reading.stories import Rarity, stems, stories_of
from communique.reading.telling import Odds, telling
from communique.reading.trees import Trees
from communique.text import MappedText
from training.corpus.pages import Passage, html_page, load_passages, read_articles, text_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from communique.reading.block import Block
    from communique.reading.look import Look
    from communique.reading.stories import Story

__all__ = ["Page", "main", "mixed_pages", "prepare", "train"]

_CORPUS: Final = Path(__file__).parent / "corpus"
#: Penalties on squared standardised weights: of the linear models, of the chain's states, of its transitions.
_LINEAR_PENALTY: Final = 10.0
_CHAIN_PENALTY: Final = 10.0
_TRANSITION_PENALTY: Final = 30.0
#: In characters: a block counts as much as it is long, up to a limit, and a little for itself.
_BLOCK_FLOOR, _BLOCK_LIMIT = 20.0, 600.0
_STORY_FLOOR, _STORY_LIMIT = 50.0, 1500.0
#: A mistake that loses article weighs more than one that leaves boilerplate.
_ARTICLE_WEIGHT: Final = 2.0
#: How many trees decide.
_TREES: Final = 200
#: A stem that fewer articles hold tells all.
_KNOWN_FROM: Final = 3
_TEASERS: Final = (
    "{story1}", "{story2}", "{story3}", "{tease}", "{headline}|{tease}", "{tease}|Read more", "{story1}|Read more »",
    "{story2}|Continue reading", "{tease}…", "{story1}…", "{digest1}", "{digest2}", "{headline}|{digest2}", "{digest3}",
)  # fmt: skip
#: How often an article has teasers set into it, and what stands above and below them.
_SET_IN: Final = 0.5
_LABELS: Final = (
    "Also read", "READ ALSO", "Related", "More on this", "From the same region", "Background", "In other news",
    "Our pick", "See also:", "Must read", "On the same subject", "{date}", "{time}", "Related story", "Meanwhile",
    "Don't miss",
)  # fmt: skip
_FORMS: Final = (
    "{story1}", "{story2}", "{story2}", "{story3}", "{headline}|{digest2}", "{headline}|{digest1}",
    "{headline}|{tease}", "{digest2}",
)  # fmt: skip
_TRAILERS: Final = (
    "Read more", "Full story", "Continue →", "…", "More »", "Read on", "Share", "{date}", "To the article",
    "Read in full",
)  # fmt: skip


@dataclass(slots=True)
class Page:
    """A page's blocks with what is known of each: whether it is boilerplate, another story, a headline, an opening."""

    blocks: list[Block]
    looks: list[Look]
    title: list[str]
    boilerplate: NDArray[np.bool_]
    elsewhere: NDArray[np.bool_]
    headline: NDArray[np.bool_]
    opening: NDArray[np.bool_]
    counted: NDArray[np.float64]
    again: list[bool]
    odds: Odds = field(default_factory=lambda: Odds((), (), ()))
    stories: list[Story] = field(default_factory=list)
    told: list[dict[str, float]] = field(default_factory=list)
    other: list[float] = field(default_factory=list)

    @property
    def looked(self) -> NDArray[np.float64]:
        return np.array([look.row for look in self.looks], dtype=np.float64)

    @property
    def story_labels(self) -> list[bool]:
        """Whether most of a story's characters are boilerplate."""
        sizes = np.array([len(block.text) for block in self.blocks])
        return [
            bool(sizes[story.members][self.boilerplate[story.members]].sum() * 2 > sizes[story.members].sum())
            for story in self.stories
        ]


def mixed_pages(
    articles: Sequence[dict[str, Any]], patterns: dict[str, list[Passage]], rounds: int, seed: int
) -> Iterator[dict[str, Any]]:
    """Pages of each article, `rounds` of them, each after a pattern put together from several."""
    rng = random.Random(seed)
    names = sorted(patterns)
    for number in range(rounds * len(articles)):
        article = articles[number % len(articles)]
        others = [other for other in articles if other["event"] != article["event"]]
        passages = _mixed(patterns, names, f"mixed-{seed}-{number}", rng)
        page = html_page if rng.random() < 0.33 else text_page
        yield page(article, passages, others)


def _mixed(patterns: dict[str, list[Passage]], names: Sequence[str], name: str, rng: random.Random) -> list[Passage]:
    """Passages of a site that there is not: head, top, inside and foot of different ones, and a block of teasers."""
    found: list[Passage] = []
    for place in ("head", "top", "inside"):
        for _ in range(rng.choice((1, 1, 2))):
            among = patterns[rng.choice(names)]
            found += [passage for passage in among if passage.place == place and rng.random() < 0.65]
    if rng.random() < _SET_IN:
        found += [_set_in(name, rng) for _ in range(rng.choice((1, 1, 2)))]
    foot: list[Passage] = []
    for _ in range(rng.choice((1, 2, 2))):
        foot += [passage for passage in patterns[rng.choice(names)] if passage.place == "foot" and rng.random() < 0.7]
    if rng.random() < 0.25:
        rng.shuffle(foot)
    if rng.random() < 0.6:
        at = rng.choice((0, len(foot), rng.randrange(len(foot) + 1)))
        foot[at:at] = _teasers(patterns, name, rng)
    found += foot or [Passage(name, "foot", "copyright", "p", ("© {year}",))]
    return [Passage(name, passage.place, passage.kind, passage.element, passage.lines) for passage in found]


def _set_in(name: str, rng: random.Random) -> Passage:
    """A teaser of another story in the middle of the article, with or without what announces and ends it."""
    lines = [rng.choice(_LABELS)] if rng.random() < 0.4 else []
    lines.append(rng.choice(_FORMS))
    if rng.random() < 0.4:
        lines.append(rng.choice(_TRAILERS))
    element = rng.choice(("div.teaser", "p", "aside.rel", "p.box", "blockquote"))
    return Passage(name, "inside", "other-story", element, tuple("|".join(lines).split("|")))


def _teasers(patterns: dict[str, list[Passage]], name: str, rng: random.Random) -> list[Passage]:
    labels = [
        passage
        for passages in patterns.values()
        for passage in passages
        if passage.kind == "related"
        and passage.place == "foot"
        and len(passage.lines) == 1
        and "{" not in passage.lines[0]
    ]
    element = rng.choice(("div.teaser", "p", "article.card", "li"))
    form = rng.choice(_TEASERS)
    found = [rng.choice(labels)] if labels and rng.random() < 0.5 else []
    for _ in range(rng.randrange(1, 5)):
        form = rng.choice(_TEASERS) if rng.random() < 0.3 else form
        found.append(Passage(name, "foot", "other-story", element, tuple(form.split("|"))))
    return found


def prepare(pages: Iterable[dict[str, Any]], articles: Sequence[dict[str, Any]]) -> list[Page]:
    """The pages' blocks with their labels."""
    titles = {" ".join(words_of(article["title"])) for article in articles}
    openings = {_beginning(words_of(article["text"].split("\n", 1)[0])) for article in articles}
    prepared = []
    for page in pages:
        text = page["text"]
        blocks = html_blocks(text)[0] if page["format"] == "html" else text_blocks(normalise(MappedText.of(text)))
        looks = [look_at(block) for block in blocks]
        marked, elsewhere = np.zeros(len(text) + 1), np.zeros(len(text) + 1)
        for span in page["boilerplate"]:
            marked[span["start"] : span["end"]] = 1
            elsewhere[span["start"] : span["end"]] = span["kind"] in ("other-story", "repeated")
        spans = [block.mapped.span(0, len(block.mapped)) for block in blocks]
        title = words_of(page["title"])
        boilerplate = np.array([marked[a:b].mean() > 0.5 for a, b in spans], dtype=bool)
        # The headline of an HTML page is neither article nor marked.
        counted = np.array(
            [
                0.0 if not bad and (block.tag == "h1" or look.words == title) else min(_BLOCK_LIMIT, len(block.text))
                for block, look, bad in zip(blocks, looks, boilerplate, strict=True)
            ]
        )
        prepared.append(
            Page(
                blocks=blocks,
                looks=looks,
                title=title,
                boilerplate=boilerplate,
                elsewhere=np.array([elsewhere[a:b].mean() > 0.5 for a, b in spans], dtype=bool),
                headline=np.array([" ".join(look.words) in titles for look in looks], dtype=bool),
                opening=np.array([_beginning(look.words) in openings for look in looks], dtype=bool),
                counted=counted,
                again=repeated(looks, title),
            )
        )
    return prepared


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
    trees = []
    for (predictor,) in model._predictors:  # what scikit-learn has no public name for
        nodes = predictor.nodes
        here, leaf = np.arange(len(nodes)), nodes["is_leaf"].astype(bool)
        trees.append(
            {
                "feature": np.where(leaf, 0, nodes["feature_idx"]),
                "threshold": np.where(leaf, 0.0, nodes["num_threshold"]),
                "left": np.where(leaf, here, nodes["left"]),
                "right": np.where(leaf, here, nodes["right"]),
                "value": np.where(leaf, nodes["value"], 0.0),
            }
        )
    return Trees.from_dict({"names": names, "bias": float(model._baseline_prediction.ravel()[0]), "trees": trees})


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


def removed_and_lost(pages: Sequence[dict[str, Any]], prepared: Sequence[Page], cleaner: Cleaner) -> Counter[str]:
    """Characters of blocks: `boilerplate`, `removed` of it, `article`, `lost` of it."""
    counts: Counter[str] = Counter()
    for raw, page in zip(pages, prepared, strict=True):
        kinds, _ = judge(page.blocks, raw["title"], cleaner)
        for block, kind, bad, counted in zip(page.blocks, kinds, page.boilerplate, page.counted, strict=True):
            if counted:
                counts["boilerplate" if bad else "article"] += len(block.text)
                if kind:
                    counts["removed" if bad else "lost"] += len(block.text)
    return counts


def main(arguments: Sequence[str] | None = None) -> None:
    """Train on all patterns and write the cleaner, or hold patterns out in turn and print what goes and is lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=_CORPUS)
    parser.add_argument("--to", type=Path, default=None, help="the folder in which cleaner.json is written")
    parser.add_argument("--folds", type=int, default=0, help="hold out the patterns in so many turns, and measure")
    parser.add_argument("--rounds", type=int, default=4, help="training pages of each article")
    options = parser.parse_args(arguments)
    articles = read_articles(options.corpus)
    patterns = load_passages(options.corpus / "boilerplate.jsonl")
    rarity = rarity_of(articles)
    names = sorted(patterns)
    total: Counter[str] = Counter()
    for fold in range(options.folds):
        held = set(names[fold :: options.folds])
        seen = {name: passages for name, passages in patterns.items() if name not in held}
        cleaner = train(prepare(mixed_pages(articles, seen, options.rounds, fold), articles), rarity)
        shipped = (options.corpus / "pages.jsonl").read_text("utf-8").splitlines()
        pages = [page for page in map(json.loads, shipped) if page["patterns"][0] in held]
        total += removed_and_lost(pages, prepare(pages, articles), cleaner)
        print(f"fold {fold + 1}: {', '.join(sorted(held))}: {_summary(total)}", flush=True)
    if options.to:
        cleaner = train(prepare(mixed_pages(articles, patterns, options.rounds, len(names)), articles), rarity)
        options.to.mkdir(parents=True, exist_ok=True)
        text = json.dumps(cleaner.as_dict(), ensure_ascii=False, separators=(",", ":"))
        (options.to / "cleaner.json").write_text(text + "\n", encoding="utf-8")
        print(f"wrote {options.to / 'cleaner.json'}")


def _beginning(words: Sequence[str]) -> str:
    return " ".join(words[:10])


def _summary(counts: Counter[str]) -> str:
    removed = counts["removed"] / max(1, counts["boilerplate"])
    lost = counts["lost"] / max(1, counts["article"])
    return f"{removed:.2%} of boilerplate removed, {lost:.2%} of article lost"


if __name__ == "__main__":
    main()
