"""Turn labelled articles and sentences into batches of padded windows with what each loss needs.

A `Sample` is one article, or one sentence with a target: windows of token ids, and the positions in them where labels
apply. Batches hold samples of one kind, of similar length, up to a number of tokens.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import torch

from communique.labels import STANCES, TOPICS
from communique.perturbation import swap_sides
from communique.targets import opposed
from communique.trunk.features import mention_features, passage_features, sentence_features
from communique.trunk.passages import TITLE, TokenIndex, passages
from communique.trunk.windows import Window, cut, padded
from communique.words import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from training.data import Labelled, TargetSentence

__all__ = [
    "ArticleSample",
    "Batch",
    "Position",
    "Sample",
    "SentenceSample",
    "TargetLabel",
    "article_sample",
    "batches",
    "collate",
    "mirrored",
    "sentence_sample",
]

MASK: Final = 103
Position = tuple[int, int]


@dataclass(slots=True)
class TargetLabel:
    """A target of an article: its passages' tokens and sentences, and the label. The first `named` passages name it."""

    target: str
    tokens: list[tuple[Position, ...]]
    sentences: list[int]
    named: int
    passage_features: NDArray[np.float32]  # [P, F]
    mention_features: NDArray[np.float32]  # [F]
    stance: int  # index into STANCES; -1 for an absent target
    present: int  # 1, 0, or -1 where nobody judged


@dataclass(slots=True)
class ArticleSample:
    """An article with everything that the article-level losses need."""

    id: str
    source_set: str
    windows: list[Window]
    places: dict[int, list[Position]]  # sentence (or TITLE) to token positions
    features: NDArray[np.float32]  # [S, F]
    topics: NDArray[np.float32] | None
    targets: list[TargetLabel]
    words: list[tuple[Position, int]] = field(default_factory=list)  # first token of each word, its sentence
    salience: NDArray[np.float32] | None = None  # [N, 2]
    foreign: NDArray[np.float32] | None = None  # [N]
    kind: Literal["article"] = "article"


@dataclass(slots=True)
class SentenceSample:
    """One sentence with a target's tokens."""

    id: str
    windows: list[Window]
    tokens: tuple[Position, ...]
    body: list[Position]
    label: int
    kind: Literal["sentence"] = "sentence"


Sample = ArticleSample | SentenceSample


@dataclass(slots=True)
class Batch:
    """Padded windows [W, L] of some samples; `offsets[i]` is the first window of sample i."""

    ids: torch.Tensor
    mask: torch.Tensor
    types: torch.Tensor
    samples: Sequence[Sample]
    offsets: list[int]

    @property
    def kind(self) -> str:
        return self.samples[0].kind

    def to(self, device: torch.device) -> Batch:
        """The same with its windows on a device."""
        return replace(self, ids=self.ids.to(device), mask=self.mask.to(device), types=self.types.to(device))


def mirrored(article: Labelled) -> Labelled | None:
    """The article with its two sides swapped throughout, labels too; None where it names neither side."""
    sentences = tuple(swap_sides(text) for text in article.sentences)
    if sentences == article.sentences:
        return None
    return replace(
        article,
        id=article.id + "~mirrored",
        title=swap_sides(article.title),
        sentences=sentences,
        stance={opposed(target) or target: label for target, label in article.stance.items()},
        absent=tuple(opposed(target) or target for target in article.absent),
        summaries=tuple(swap_sides(text) for text in article.summaries),
    )


def article_sample(
    tokenizer: Tokenizer, article: Labelled, most_windows: int = 8, topics: Sequence[str] = TOPICS
) -> ArticleSample:
    """Windows, passages of every judged target, and word-level salience against the reference summaries."""
    windows = cut(tokenizer, article.title, article.sentences)[:most_windows]
    index = TokenIndex(windows)
    counts = [len(text.split()) for text in article.sentences]
    places = {number: tokens for number in (TITLE, *range(len(counts))) if (tokens := index.tokens(number))}
    sample = ArticleSample(
        id=article.id,
        source_set=article.source_set,
        windows=windows,
        places=places,
        features=sentence_features(counts, article.paragraphs),
        topics=np.array([topic in article.topics for topic in topics], dtype=np.float32) if article.topics else None,
        targets=[],
    )
    judged = {**dict.fromkeys(article.absent, -1), **{t: STANCES.index(s) for t, s in article.stance.items()}}
    for target, stance in judged.items():
        found = passages(target, article.title, article.sentences, article.paragraphs, index)
        if found:
            numbers = [passage.sentence for passage in found]
            named = sum(passage.named for passage in found)
            sample.targets.append(
                TargetLabel(
                    target=target,
                    tokens=[passage.tokens for passage in found],
                    sentences=numbers,
                    named=named,
                    passage_features=passage_features(found, len(counts)),
                    mention_features=mention_features(numbers[:named], len(counts)),
                    stance=stance,
                    present=int(stance >= 0) if article.absent or article.source_set in {"karabakh", "corpus"} else -1,
                )
            )
    if article.summaries or article.foreign:
        _mark_words(sample, article, index)
    return sample


def _mark_words(sample: ArticleSample, article: Labelled, index: TokenIndex) -> None:
    """Label each word: is it in the reference summaries (share of them), is it with the next word; is it foreign."""
    references = [[word.key for word in words(summary)] for summary in article.summaries]
    singles = [set(keys) for keys in references]
    doubles = [set(pairwise(keys)) for keys in references]
    rows: list[tuple[float, float]] = []
    foreign: list[bool] = []
    for number, text in enumerate(article.sentences):
        found = words(text)
        keys = [word.key for word in found]
        spans = article.foreign.get(number, ())
        for at, word in enumerate(found):
            tokens = index.tokens(number, word.start, word.end)
            if not tokens:
                continue
            sample.words.append((tokens[0], number))
            foreign.append(any(start <= word.start < end for start, end in spans))
            if foreign[-1] or not references:
                rows.append((0.0, 0.0))
                continue
            following = (word.key, keys[at + 1]) if at + 1 < len(keys) else None
            rows.append(
                (
                    sum(word.key in keys_ for keys_ in singles) / len(singles),
                    sum(following in pairs for pairs in doubles) / len(doubles),
                )
            )
    if references:
        sample.salience = np.array(rows, dtype=np.float32).reshape(-1, 2)
    if article.foreign:
        sample.foreign = np.array(foreign, dtype=np.float32)


def sentence_sample(tokenizer: Tokenizer, item: TargetSentence) -> SentenceSample | None:
    """A sentence with the tokens of its target; None where the target lies beyond the window."""
    windows = cut(tokenizer, "", [item.text])[:1]
    index = TokenIndex(windows)
    tokens = tuple(index.tokens(0, item.start, item.end))
    if not tokens:
        return None
    return SentenceSample(item.id, windows, tokens, index.tokens(0), STANCES.index(item.label))


def _length(sample: Sample) -> int:
    return max(len(window) for window in sample.windows)


def batches(samples: Iterable[Sample], tokens: int, rng: random.Random | None = None) -> list[list[Sample]]:
    """Groups of samples of one kind and like length, at most `tokens` padded tokens each (or one sample).

    With `rng` the order is random, but for the sorting by length within a pool.
    """
    groups: list[list[Sample]] = []
    by_kind: dict[str, list[Sample]] = {}
    for sample in samples:
        by_kind.setdefault(sample.kind, []).append(sample)
    for found in by_kind.values():
        jitter = {id(sample): rng.random() * 24 if rng else 0.0 for sample in found}
        ordered = sorted(found, key=lambda sample: _length(sample) + jitter[id(sample)])
        group: list[Sample] = []
        for sample in ordered:
            longest = max(_length(sample), *(_length(other) for other in group), 0)
            count = len(sample.windows) + sum(len(other.windows) for other in group)
            if group and longest * count > tokens:
                groups.append(group)
                group = []
            group.append(sample)
        groups.append(group)
    if rng:
        rng.shuffle(groups)
    return groups


def collate(samples: Sequence[Sample], mask_mentions: float = 0.0, seed: str = "") -> Batch:
    """Padded tensors. With probability `mask_mentions` a sample's target mentions are hidden behind [MASK]; whether
    they are hangs on `seed` and the sample, not on what stands beside it."""
    windows = [window for sample in samples for window in sample.windows]
    ids, mask, types = map(torch.from_numpy, padded(windows))
    offsets, at = [], 0
    for sample in samples:
        offsets.append(at)
        if mask_mentions and random.Random(f"{seed}/{sample.id}").random() < mask_mentions:
            for number, place in _mention_tokens(sample):
                ids[at + number, place] = MASK
        at += len(sample.windows)
    return Batch(ids, mask, types, samples, offsets)


def _mention_tokens(sample: Sample) -> list[Position]:
    if isinstance(sample, ArticleSample):
        return [place for target in sample.targets for tokens in target.tokens[: target.named] for place in tokens]
    return list(sample.tokens) if isinstance(sample, SentenceSample) else []
