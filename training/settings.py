"""Training settings from a YAML file with overrides on the command line: typed, checked, printed.

>>> load(ClassifierSettings, Path("training/configs/classifier.yaml"), ["epochs=1"]).epochs  # doctest: +SKIP
1
"""

from __future__ import annotations

import typing
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from communique.errors import UsageError
from communique.labels import IPTC
from training.losses import LossWeights

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CheckerSettings", "ChoiceSettings", "ClassifierSettings", "SummarizerSettings", "as_yaml", "load"]

T = TypeVar("T")


@dataclass(frozen=True)
class ClassifierSettings:
    """How the trunk and its heads are trained.

    Attributes:
        base: folder of the encoder, or a name in `models/registry.toml`.
        init: weights of earlier runs to start from, or none; of several their mean (Wortsman et al. 2022).
        corpus: JSONL files in the reference form.
        sets: external article sets under the data root (`karabakh`, `world`, `allsides`).
        topics: the trainer's own topics, each with its IPTC Media Topics code or null; none for the project's. Articles
            labelled with the project's count as articles without topics then.
        feedback: JSONL files of corrected records (`training/feedback.py`); their set's name is `feedback`.
        texts: archives that hold the articles of those records.
        target_sentences: file of NewsMTSC under the data root, or none.
        epochs: passes over everything.
        batch_tokens: padded tokens in a batch.
        trunk_lr: peak learning rate of the encoder.
        head_lr: peak learning rate of the heads.
        warmup: share of the steps over which the rate rises.
        weight_decay: of the encoder's matrices.
        dropout: share of the hidden numbers that are left out, in the encoder and in the heads.
        mirror: probability that an article of two sides is read with its sides swapped.
        mask_mentions: probability that a sample's mentions of the target are hidden.
        leftovers: probability that an article is shown with pieces of a page in it.
        pages: files of marked pages that those pieces come from.
        passages: file of site patterns that pages are made of, or none.
        pages_per_epoch: pages on which foreign words are told, drawn anew for each pass.
        repeat: how often a pass reads the articles of a set, by the set's name; 1 for those not named. Of an article
            read twice the second reading has its sides swapped.
        sentences_per_epoch: target sentences drawn anew for each pass; 0 takes all.
        folds: events are dealt into so many folds.
        hold_out: the fold kept for validation; -1 trains on all.
        freeze_layers: leave the word vectors and so many of the lowest layers as they are; -1 freezes nothing.
        most_windows: windows of an article that are trained on; validation reads all.
        seed: of everything random.
        checkpoint_minutes: a checkpoint at least so often.
        out: folder of checkpoints, logs and the result.
        weights: how much each task counts.
    """

    base: str = "encoder-base"
    init: tuple[str, ...] = ()
    corpus: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    topics: dict[str, str | None] = field(default_factory=dict)
    feedback: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    target_sentences: str | None = None
    epochs: int = 3
    batch_tokens: int = 4096
    trunk_lr: float = 8e-5
    head_lr: float = 1e-3
    warmup: float = 0.06
    weight_decay: float = 0.01
    dropout: float = 0.1
    mirror: float = 0.5
    mask_mentions: float = 0.1
    leftovers: float = 0.0
    pages: tuple[str, ...] = ()
    passages: str | None = None
    pages_per_epoch: int = 0
    repeat: dict[str, int] = field(default_factory=dict)
    sentences_per_epoch: int = 0
    folds: int = 5
    hold_out: int = 0
    freeze_layers: int = 2
    most_windows: int = 2
    seed: int = 7
    checkpoint_minutes: float = 5.0
    out: str = "runs/classifier"
    weights: LossWeights = field(default_factory=LossWeights)

    @property
    def topic_set(self) -> dict[str, str | None]:
        """The topics that are trained, with their codes."""
        return self.topics or dict(IPTC)

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise UsageError(f"epochs={self.epochs}: at least one pass is needed")
        if not -1 <= self.hold_out < self.folds:
            raise UsageError(f"hold_out={self.hold_out}: give a fold from 0 to {self.folds - 1}, or -1 for none")
        if len(self.topics) == 1 or not isinstance(self.topics, dict):
            raise UsageError(f"topics={self.topics}: give at least two names, each with its IPTC code or null")
        if self.leftovers and not self.pages:
            raise UsageError(f"leftovers={self.leftovers}: name the files of marked pages in `pages`")
        for name in ("dropout", "mirror", "mask_mentions", "leftovers", "warmup"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name}={getattr(self, name)}: give a share from 0 to 1")


@dataclass(frozen=True)
class SummarizerSettings:
    """How the language model is fine-tuned.

    Attributes:
        base: name in `models/registry.toml`, a `.gguf` file, a folder, or a name on a hub.
        corpus: JSONL files in the reference form, folders of texts, or hub data sets (`NAME:CONFIGURATION:SPLIT`).
        sets: external article sets under the data root (`karabakh`, `world`).
        mine: whether sentences of the articles' summaries are learned from, beside what they rest on.
        rewrites: JSONL of sentences that readers rewrote (`training/summaries.py`), or none.
        cuts: whether only those are learned from that serving would let stand (`communique/summary/faithful.py`).
        rejected: JSONL of the same form: what was written of the same sentences and should not have been, or none.
        contrasted: whether of the rewrites only those are learned from that have a rejected one beside them.
        drafts: JSONL of the same form: what an earlier stage wrote itself and readers let stand, or none.
        start: folder of an adapter to go on from (`OUT/best` of an earlier run), or none.
        rank: of LoRA on every linear layer; 0 trains the whole network.
        alpha: LoRA's scale is alpha / rank.
        epochs: passes over everything.
        max_tokens: of a prompt; what is longer loses its last sentences.
        batch_tokens: padded tokens that go through the network at once.
        step_tokens: padded tokens behind one step of the optimiser.
        lr: peak learning rate.
        warmup: share of the steps over which the rate rises.
        weight_decay: of what is trained.
        forks: weight of the loss that wants the true token likelier than the one of a broken summary.
        preference: weight of the loss that wants the right sentence likelier than the rejected one.
        drop_title: probability that an article is shown without its title.
        least_coverage: sentences of whose words their evidence holds a lower share are left out.
        folds: events are dealt into so many folds.
        hold_out: the fold kept for validation; -1 trains on all.
        validate_every: steps between validations.
        validation_pairs: held-out sentences whose loss is taken then.
        written_pairs: of those, how many are written and compared.
        max_new_tokens: of a written sentence.
        repetition_penalty: while writing; 1 for none.
        seed: of everything random.
        checkpoint_minutes: a checkpoint at least so often.
        out: folder of checkpoints, logs and the result.
    """

    base: str = "summarizer-base"
    corpus: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    mine: bool = True
    rewrites: str | None = None
    cuts: bool = False
    rejected: str | None = None
    contrasted: bool = False
    drafts: str | None = None
    start: str | None = None
    rank: int = 16
    alpha: float = 32.0
    epochs: int = 2
    max_tokens: int = 640
    batch_tokens: int = 2560
    step_tokens: int = 5120
    lr: float = 8e-4
    warmup: float = 0.06
    weight_decay: float = 0.0
    forks: float = 0.3
    preference: float = 0.3
    drop_title: float = 0.1
    least_coverage: float = 0.8
    folds: int = 5
    hold_out: int = 0
    validate_every: int = 60
    validation_pairs: int = 120
    written_pairs: int = 24
    max_new_tokens: int = 70
    repetition_penalty: float = 1.0
    seed: int = 7
    checkpoint_minutes: float = 5.0
    out: str = "runs/summarizer"

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise UsageError(f"epochs={self.epochs}: at least one pass is needed")
        if not self.mine and not self.rewrites and not self.drafts:
            raise UsageError("mine=false, no rewrites and no drafts: nothing to learn from")
        if self.contrasted and not self.rejected:
            raise UsageError("contrasted=true: name in `rejected` what the sentences are to be preferred to")
        if self.rank < 0:
            raise UsageError(f"rank={self.rank}: give 8 to 32 for LoRA, or 0 to train the whole network")
        if not -1 <= self.hold_out < self.folds:
            raise UsageError(f"hold_out={self.hold_out}: give a fold from 0 to {self.folds - 1}, or -1 for none")
        if self.validate_every < 1:
            raise UsageError(f"validate_every={self.validate_every}: give a number of steps")
        for name in ("warmup", "drop_title", "least_coverage"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name}={getattr(self, name)}: give a share from 0 to 1")


@dataclass(frozen=True)
class ChoiceSettings:
    """How the branch of the trunk is trained that says which sentences a reader would take and what they are about.

    Attributes:
        base: folder of the encoder whose last layers the branch begins as, or a name in `models/registry.toml`.
        trunk: folder of the exported trunk that the branch is for.
        corpus: JSONL files in the reference form.
        sets: external article sets under the data root (`karabakh`, `world`, `allsides`).
        choices: file of the sentences that readers chose.
        teacher: language model of the registry that is learned from as well, or none.
        teacher_layers: so many of its layers are computed.
        teacher_share: in [0, 1], how much its opinion counts where a reader chose; elsewhere it is all there is.
        likeness: how much it counts to guess the language model's view of a sentence.
        meaning: how much it counts to tell what a sentence is about, as `base` does untuned.
        passages: file of site patterns that pages are made of.
        pages: articles that are read as pages as well, at most.
        layers: of the branch.
        width: of the attention among sentences.
        dropout: share of the head's inputs that are left out.
        epochs: passes over all articles.
        batch_articles: articles in a batch.
        branch_lr: peak learning rate of the branch's layers.
        head_lr: peak learning rate of the rest.
        warmup: share of the steps over which the rate rises.
        weight_decay: of the rest.
        folds: events are dealt into so many folds.
        hold_out: the fold kept for validation; -1 trains on all.
        seed: of everything random.
        checkpoint_minutes: a checkpoint at least so often.
        out: folder of checkpoints, logs and the result.
    """

    base: str = "encoder-base"
    trunk: str = "models/trunk"
    corpus: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    choices: str = "training/corpus/choices.jsonl"
    teacher: str | None = "summarizer-base"
    teacher_layers: int = 20
    teacher_share: float = 0.3
    likeness: float = 0.5
    meaning: float = 1.0
    passages: str = "training/corpus/boilerplate.jsonl"
    pages: int = 1500
    layers: int = 2
    width: int = 192
    dropout: float = 0.2
    epochs: int = 5
    batch_articles: int = 16
    branch_lr: float = 1e-4
    head_lr: float = 1e-3
    warmup: float = 0.1
    weight_decay: float = 0.05
    folds: int = 5
    hold_out: int = 0
    seed: int = 7
    checkpoint_minutes: float = 5.0
    out: str = "runs/choice"

    def __post_init__(self) -> None:
        for name in ("epochs", "layers", "batch_articles"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name}={getattr(self, name)}: at least one is needed")
        if not -1 <= self.hold_out < self.folds:
            raise UsageError(f"hold_out={self.hold_out}: give a fold from 0 to {self.folds - 1}, or -1 for none")
        for name in ("teacher_share", "dropout", "warmup"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name}={getattr(self, name)}: give a share from 0 to 1")


@dataclass(frozen=True)
class CheckerSettings:
    """How the checker is trained.

    Attributes:
        corpus: JSONL files in the reference form.
        sets: external article sets under the data root (`karabakh`, `world`).
        grounding: file of labelled machine sentences under the data root, or none.
        broken_per_sentence: at most so many broken forms of a true sentence.
        broken_articles: of each set so many articles, spread over it, give sentences to break; 0 for all.
        read_weight: how much a sentence that was read weighs beside a made one.
        trees: how many.
        rate: each tree's learning rate.
        leaves: of a tree, at most.
        trees_share: weight of the trees beside the straight line, in [0, 1].
        line_floor: the line's logit counts for no less than this.
        line_c: inverse strength of the line's L2 penalty.
        folds: events are dealt into so many folds.
        seed: of everything random.
        out: folder of the result.
    """

    corpus: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    grounding: str | None = None
    broken_per_sentence: int = 3
    broken_articles: int = 0
    read_weight: float = 4.0
    trees: int = 150
    rate: float = 0.08
    leaves: int = 10
    trees_share: float = 0.6
    line_floor: float = -2.0
    line_c: float = 0.05
    folds: int = 5
    seed: int = 7
    out: str = "runs/checker"

    def __post_init__(self) -> None:
        if not 0 <= self.trees_share <= 1:
            raise UsageError(f"trees_share={self.trees_share}: give a share from 0 to 1")
        for name in ("trees", "broken_per_sentence"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name}={getattr(self, name)}: at least one is needed")
        if self.folds < 2:
            raise UsageError(f"folds={self.folds}: at least two are needed")


def load(kind: type[T], path: Path | None, overrides: typing.Sequence[str] = ()) -> T:
    """Settings from a YAML file; `overrides` are `name=value` or `group.name=value`, values in YAML.

    Raises:
        UsageError: a name that does not exist (the message lists those that do), or a value out of range.
    """
    data: dict[str, Any] = {}
    if path is not None:
        try:
            data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except FileNotFoundError:
            raise UsageError(f"no such config: {path}") from None
    for override in overrides:
        name, equals, value = override.partition("=")
        if not equals:
            raise UsageError(f"{override!r}: write name=value")
        group = data
        *parents, last = name.split(".")
        for parent in parents:
            group = group.setdefault(parent, {})
        group[last] = yaml.safe_load(value)
    return _build(kind, data)


def _build(kind: type[T], data: dict[str, Any]) -> T:
    hints = typing.get_type_hints(kind)
    known = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(data) - known):
        raise UsageError(f"unknown setting {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    values: dict[str, Any] = {}
    for name, value in data.items():
        hint = hints[name]
        if is_dataclass(hint):
            values[name] = _build(typing.cast("type[Any]", hint), value)
        elif typing.get_origin(hint) is tuple:
            values[name] = (value,) if isinstance(value, str) else tuple(value or ())
        elif hint is float:
            values[name] = float(value)
        else:
            values[name] = value
    return kind(**values)


def as_yaml(settings: object) -> str:
    """The settings as a YAML file would hold them."""
    return str(yaml.safe_dump(_plain(asdict(settings)), sort_keys=False))  # type: ignore[call-overload]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return list(value) if isinstance(value, tuple) else value
