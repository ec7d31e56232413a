"""Train the trunk with its heads: topics, stance and salience, all at once.

    python -m training.classifier --config training/configs/classifier.yaml --data-root DATA
    python -m training.classifier --config training/configs/classifier.yaml --smoke    # a minute, for tests

Interrupted, the same command goes on from the last checkpoint. Figures on the held-out fold: OUT/validation.json.
"""

from __future__ import annotations

import json
import math
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.torch import load_file
from torch import nn

from communique.errors import UsageError
from communique.windows import load_tokenizer
from training import command, data
from training.batches import (
    ArticleSample,
    Sample,
    article_sample,
    batches,
    collate,
    mirrored,
    sentence_sample,
)
from training.corpus.pages import load_passages
from training.leftovers import Leftovers
from training.losses import Predictions, batch_loss
from training.model import MultiTaskModel, best_arithmetic
from training.settings import ClassifierSettings, as_yaml
from training.trunk_pages import foreign_pages
from training.validation import figures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenizers import Tokenizer

__all__ = [
    "base_folder",
    "checkpoint",
    "held_out_predictions",
    "main",
    "resume",
    "schedule",
    "start_from",
    "train",
    "writer_of",
]

console = Console(stderr=True)
#: Pages made of held-out articles and site patterns, to validate on.
_HELD_PAGES = 160


class Pool:
    """All samples, dealt into training and validation by event."""

    def __init__(self, settings: ClassifierSettings, tokenizer: Tokenizer, data_root: Path | None, smoke: bool) -> None:
        self.settings = settings
        self.tokenizer = tokenizer
        articles = data.load_articles([Path(path) for path in settings.corpus], data_root, settings.sets)
        if settings.choices:
            articles = data.with_choices(articles, Path(settings.choices))
            console.print(
                f"choices for {sum(bool(article.choice) for article in articles)} of {len(articles)} articles"
            )
        if smoke:
            articles = articles[:: max(1, len(articles) // 24)]
        self.train_articles = [article for article in articles if not self._held(article.event)]
        self.held_articles = [article for article in articles if self._held(article.event)]
        self.mirrors = {a.id: other for a in self.train_articles if settings.mirror and (other := mirrored(a))}
        self.samples = {a.id: self._sample(a) for a in (*self.train_articles, *self.mirrors.values())}
        pages = map(Path, settings.pages if settings.leftovers else ())
        self.leftovers = Leftovers.of(pages, self.train_articles, self._held)
        patterns = load_passages(Path(settings.passages)) if settings.passages else {}
        self.patterns = {name: passages for name, passages in patterns.items() if not self._held(name)}
        self.held_patterns = {name: passages for name, passages in patterns.items() if self._held(name)}
        rng = random.Random(settings.seed)
        held_pages = foreign_pages(self.held_articles, self.held_patterns, _HELD_PAGES, rng) if patterns else ()
        sentences: list[data.TargetSentence] = []
        if settings.target_sentences and data_root:
            sentences = list(data.target_sentences(data_root / settings.target_sentences))
            sentences = sentences[:200] if smoke else sentences
        made = [(item, sentence_sample(tokenizer, item)) for item in sentences]
        self.sentences: list[Sample] = [s for item, s in made if s and not self._held(item.event)]
        held_sentences = [s for item, s in made if s and self._held(item.event)]
        self.validation: list[Sample] = [
            *(article_sample(tokenizer, article) for article in (*self.held_articles, *held_pages)),
            *held_sentences,
        ]

    def _held(self, event: str) -> bool:
        return data.fold_of(event, self.settings.folds) == self.settings.hold_out

    def _sample(self, article: data.Labelled) -> ArticleSample:
        return article_sample(self.tokenizer, article, self.settings.most_windows)

    def epoch(self, number: int) -> list[list[Sample]]:
        """The batches of one pass: the same for the same seed and number."""
        rng = random.Random(f"{self.settings.seed}/{number}")
        samples: list[Sample] = []
        for article in self.train_articles:
            swap = article.id in self.mirrors and rng.random() < self.settings.mirror
            for _ in range(self.settings.repeat.get(article.source_set, 1)):
                shown = self.mirrors[article.id] if swap else article
                littered = self.settings.leftovers and rng.random() < self.settings.leftovers
                samples.append(self._sample(self.leftovers.litter(shown, rng)) if littered else self.samples[shown.id])
                swap = article.id in self.mirrors and not swap
        if count := self.settings.pages_per_epoch if self.patterns else 0:
            samples.extend(map(self._sample, foreign_pages(self.train_articles, self.patterns, count, rng)))
        sentences = self.settings.sentences_per_epoch
        samples.extend(rng.sample(self.sentences, sentences) if 0 < sentences < len(self.sentences) else self.sentences)
        return batches(samples, self.settings.batch_tokens, rng)


def train(settings: ClassifierSettings, data_root: Path | None, smoke: bool = False) -> dict[str, Any]:
    """Train to the end (or from the last checkpoint to the end); returns the validation figures."""
    torch.manual_seed(settings.seed)
    out = Path(settings.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "settings.yaml").write_text(as_yaml(settings), encoding="utf-8")
    base = base_folder(settings.base)
    pool = Pool(settings, load_tokenizer(base / "tokenizer.json"), data_root, smoke)
    model = MultiTaskModel(base)
    if settings.init:
        start_from(model, [Path(path) for path in settings.init])
    if settings.freeze_layers >= 0:
        model.trunk.embeddings.requires_grad_(False)
        model.trunk.encoder.layer[: settings.freeze_layers].requires_grad_(False)
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in model.trunk.parameters() if p.requires_grad], "lr": settings.trunk_lr},
            {"params": model.heads.parameters(), "lr": settings.head_lr},
        ],
        weight_decay=settings.weight_decay,
    )
    epochs = [pool.epoch(number) for number in range(settings.epochs)]
    total = sum(map(len, epochs))
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: schedule(step / total, settings.warmup))
    console.print(
        f"{len(pool.train_articles)} articles, {len(pool.sentences)} sentences; "
        f"held out: {len(pool.held_articles)} articles; {total} steps; {best_arithmetic('cpu')[1]}"
    )
    done = resume(out, model, optimizer, rate)
    writer = writer_of(out)
    saved = time.monotonic()
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    ) as progress:
        bar = progress.add_task("training", total=total, completed=done)
        step = 0
        for epoch in epochs:
            for group in epoch:
                step += 1
                if step <= done:
                    continue
                model.train()
                batch = collate(group, settings.mask_mentions, random.Random(f"{settings.seed}/{step}"))
                loss, terms = batch_loss(model, batch, settings.weights)
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                rate.step()
                for name, value in terms.items():
                    writer.add_scalar(f"loss/{name}", value, step)
                progress.update(bar, advance=1, description=f"loss {float(loss.detach()):.3f}")
                if time.monotonic() - saved > settings.checkpoint_minutes * 60:
                    checkpoint(out, model, optimizer, rate, step)
                    saved = time.monotonic()
            checkpoint(out, model, optimizer, rate, step)
            saved = time.monotonic()
            if pool.validation and step > done:
                found = figures(predict(model, pool.validation, settings))
                console.print({key: value for key, value in found.items() if not isinstance(value, dict)})
                for key, value in found.items():
                    if isinstance(value, float):
                        writer.add_scalar(f"validation/{key}", value, step)
    result = figures(predict(model, pool.validation, settings)) if pool.validation else {}
    (out / "validation.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    _save(out / "model.safetensors", model)
    writer.close()
    return result


@torch.no_grad()
def predict(model: MultiTaskModel, samples: Sequence[Sample], settings: ClassifierSettings) -> Predictions:
    """Predictions beside the labels."""
    model.eval()
    kept = Predictions()
    for group in batches(samples, settings.batch_tokens):
        batch_loss(model, collate(group), settings.weights, kept)
    return kept


def held_out_predictions(
    settings: ClassifierSettings, model: MultiTaskModel, data_root: Path | None
) -> tuple[Predictions, Pool]:
    """Predictions on the fold that the settings hold out, and the pool that it was taken from."""
    tokenizer = load_tokenizer(base_folder(settings.base) / "tokenizer.json")
    pool = Pool(settings, tokenizer, data_root, smoke=False)
    return predict(model, pool.validation, settings), pool


def schedule(share: float, warmup: float, floor: float = 0.05) -> float:
    """The learning rate's factor: a linear rise over `warmup`, then a cosine down to `floor`."""
    if share < warmup:
        return share / warmup
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * (share - warmup) / (1 - warmup)))


def base_folder(name: str) -> Path:
    """A folder, or a model of the registry."""
    if Path(name).is_dir():
        return Path(name)
    from communique.models import resolve

    return resolve(name)


def writer_of(out: Path) -> Any:
    """A TensorBoard writer below `out`."""
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(out / "tensorboard"))


def start_from(model: MultiTaskModel, paths: Sequence[Path]) -> None:
    """Load the mean of the weights of earlier runs. A head that only some of them have is the mean of theirs, one that
    none has keeps what it was given, and inputs that a head had not yet begin without weight."""
    runs = [load_file(path) for path in paths]
    for path, run in zip(paths, runs, strict=True):
        others = [name for name in run.keys() ^ model.state_dict().keys() if not name.startswith("heads.")]
        if others:
            raise UsageError(f"{path} holds another encoder's weights: {others[0]} and {len(others) - 1} more differ")
    mean = {}
    for name, own in model.state_dict().items():
        found = [_widened(run[name], own, name, path) for path, run in zip(paths, runs, strict=True) if name in run]
        if found:
            mean[name] = torch.stack(found).mean(0)
    model.load_state_dict(mean, strict=False)


def _widened(earlier: torch.Tensor, own: torch.Tensor, name: str, path: Path) -> torch.Tensor:
    """An earlier run's weights in the model's own shape: a head's matrix may have got more inputs since."""
    if earlier.shape == own.shape:
        return earlier
    grown = own.shape[-1] - earlier.shape[-1]
    if not name.startswith("heads.") or earlier.shape[:-1] != own.shape[:-1] or grown < 0:
        raise UsageError(f"{path}: {name} is {tuple(earlier.shape)}, and {tuple(own.shape)} here")
    return nn.functional.pad(earlier, (0, grown))


def _save(path: Path, model: MultiTaskModel) -> None:
    from safetensors.torch import save_file

    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, path)


def checkpoint(out: Path, model: torch.nn.Module, optimizer: Any, rate: Any, step: int) -> None:
    """Write everything that the next step depends on, whole or not at all."""
    part = out / "checkpoint.pt.part"
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "rate": rate.state_dict(),
        "step": step,
        "random": torch.get_rng_state(),
    }
    torch.save(state, part)
    part.replace(out / "checkpoint.pt")


def resume(out: Path, model: torch.nn.Module, optimizer: Any, rate: Any) -> int:
    """Load the checkpoint, if there is one; returns how many steps are done."""
    path = out / "checkpoint.pt"
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    rate.load_state_dict(state["rate"])
    torch.set_rng_state(state["random"])
    console.print(f"resuming after step {state['step']}")
    return int(state["step"])


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    arguments = command.options("classifier", __doc__).parse_args(argv)
    external = {"sets": (), "target_sentences": None}

    def work() -> dict[str, Any]:
        settings = command.settings(ClassifierSettings, arguments, external=external, smoke={"epochs": 1})
        return train(settings, arguments.data_root, arguments.smoke)

    return command.answer(work, arguments, console)


if __name__ == "__main__":
    sys.exit(main())
