"""Train the trunk with its heads: topics, stance and salience, all at once; on a processor, one GPU or several.

    python -m training.classifier --config training/configs/classifier.yaml --data-root DATA
    python -m training.classifier --config training/configs/classifier.yaml --smoke    # a minute, for tests
    torchrun --nproc-per-node 2 -m training.classifier --config …                      # two GPUs, the same steps

Interrupted, the same command goes on from the last checkpoint. Figures on the held-out fold: OUT/validation.json.
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from accelerate import Accelerator
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import nn

from communique.trunk.windows import load_tokenizer
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
from training.feedback import SET, read_corrections
from training.leftovers import Leftovers
from training.losses import TASKS, Predictions, batch_loss
from training.model import MultiTaskModel, best_arithmetic
from training.runs import add_gradients, base_folder, checkpoint, resume, save, schedule, start_from, writer_of
from training.settings import ClassifierSettings, as_yaml
from training.trunk_pages import foreign_pages
from training.validation import figures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenizers import Tokenizer

__all__ = ["held_out_predictions", "main", "train"]

console = Console(stderr=True)
#: Pages made of held-out articles and site patterns, to validate on.
_HELD_PAGES = 160


class Pool:
    """All samples, dealt into training and validation by event."""

    def __init__(self, settings: ClassifierSettings, tokenizer: Tokenizer, data_root: Path | None, smoke: bool) -> None:
        self.settings = settings
        self.tokenizer = tokenizer
        self.topics = list(settings.topic_set)
        articles = data.load_articles([Path(path) for path in settings.corpus], data_root, settings.sets, self.topics)
        corrections = read_corrections(settings.feedback, settings.texts, self.topics)
        # What was corrected is read once, as it is right.
        right = {correction.sentences for correction in corrections}
        articles = [*(article for article in articles if article.sentences not in right), *corrections]
        if smoke:
            articles = articles[:: max(1, len(articles) // 24)]
        # Corrections are of what the model gets wrong: they would tell nothing of the rest.
        held = [article for article in articles if article.source_set != SET and self._held(article.event)]
        self.held_articles = held
        kept_out = {article.id for article in held}
        self.train_articles = [article for article in articles if article.id not in kept_out]
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
            *(article_sample(tokenizer, article, topics=self.topics) for article in (*self.held_articles, *held_pages)),
            *held_sentences,
        ]

    def _held(self, event: str) -> bool:
        return data.fold_of(event, self.settings.folds) == self.settings.hold_out

    def _sample(self, article: data.Labelled) -> ArticleSample:
        return article_sample(self.tokenizer, article, self.settings.most_windows, self.topics)

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


class Run:
    """What a training run holds: the model, its optimiser and rate, and the processes that share its steps."""

    def __init__(self, settings: ClassifierSettings, model: MultiTaskModel, accelerator: Accelerator, total: int):
        self.settings = settings
        self.accelerator = accelerator
        self.model = model.to(accelerator.device)
        self.optimizer = torch.optim.AdamW(
            [
                {"params": [p for p in model.trunk.parameters() if p.requires_grad], "lr": settings.trunk_lr},
                {"params": model.heads.parameters(), "lr": settings.head_lr},
            ],
            weight_decay=settings.weight_decay,
        )
        self.rate = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: schedule(step / total, settings.warmup)
        )

    def advance(self, step: int, group: Sequence[Sample]) -> dict[str, float]:
        """One step over a batch, its samples dealt among the processes; returns the loss and each task's own."""
        seed, weights = self.settings.seed, self.settings.weights
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        # What is random in a step hangs on its number and the process: a run that was killed goes on to the same
        # weights, and with more processes only what dropout leaves out is another.
        torch.manual_seed(random.Random(f"{seed}/{step}/{rank}").getrandbits(63))
        self.model.train()
        own = group[rank::world]
        losses = {}
        if own:
            batch = collate(own, self.settings.mask_mentions, f"{seed}/{step}").to(self.accelerator.device)
            losses = batch_loss(self.model, batch, weights)
        zero = torch.zeros((), device=self.accelerator.device)
        sums = [losses[name].sum() if name in losses else zero for name in TASKS]
        counts = torch.tensor([len(losses.get(name, ())) for name in TASKS], device=zero.device, dtype=torch.float32)
        counts = self.accelerator.reduce(counts, "sum").clamp_min(1.0)
        # Each process divides by what all of them have, so that their gradients add up to those of the whole batch.
        terms = [total / count for total, count in zip(sums, counts, strict=True)]
        loss = sum((getattr(weights, name) * term for name, term in zip(TASKS, terms, strict=True)), start=zero)
        if loss.requires_grad:
            loss.backward()
        add_gradients(self.model, self.accelerator)
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.rate.step()
        told = self.accelerator.reduce(torch.stack([loss, *terms]).detach(), "sum").tolist()
        return dict(zip(("loss", *TASKS), told, strict=True))


def train(settings: ClassifierSettings, data_root: Path | None, smoke: bool = False) -> dict[str, Any]:
    """Train to the end (or from the last checkpoint to the end); returns the validation figures."""
    kind, arithmetic = best_arithmetic()
    accelerator = Accelerator(mixed_precision="bf16" if arithmetic == "bf16" else "no", cpu=kind == "cpu")
    console.quiet = not accelerator.is_main_process
    torch.manual_seed(settings.seed)
    out = Path(settings.out)
    out.mkdir(parents=True, exist_ok=True)
    if accelerator.is_main_process:
        (out / "settings.yaml").write_text(as_yaml(settings), encoding="utf-8")
    base = base_folder(settings.base)
    pool = Pool(settings, load_tokenizer(base / "tokenizer.json"), data_root, smoke)
    model = MultiTaskModel(base, settings.dropout, len(settings.topic_set))
    if settings.init:
        start_from(model, [Path(path) for path in settings.init])
    if settings.freeze_layers >= 0:
        model.trunk.embeddings.requires_grad_(False)
        model.trunk.encoder.layer[: settings.freeze_layers].requires_grad_(False)
    epochs = [pool.epoch(number) for number in range(settings.epochs)]
    run = Run(settings, model, accelerator, total=sum(map(len, epochs)))
    console.print(
        f"{len(pool.train_articles)} articles, {len(pool.sentences)} sentences; "
        f"held out: {len(pool.held_articles)} articles; {sum(map(len, epochs))} steps; {arithmetic}"
    )
    _loop(run, epochs, pool.validation)
    result: dict[str, Any] = {}
    if accelerator.is_main_process:
        result = figures(predict(model, pool.validation, settings), pool.topics) if pool.validation else {}
        (out / "validation.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
        save(out / "model.safetensors", model)
    accelerator.end_training()
    return result


def _loop(run: Run, epochs: Sequence[Sequence[Sequence[Sample]]], validation: Sequence[Sample]) -> None:
    settings, out = run.settings, Path(run.settings.out)
    main_process = run.accelerator.is_main_process
    done = resume(out, run.model, run.optimizer, run.rate)
    # No process begins to write before all have read.
    run.accelerator.wait_for_everyone()
    writer = writer_of(out) if main_process else None
    saved = time.monotonic()
    step = 0
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    ) as progress:
        bar = progress.add_task("training", total=sum(map(len, epochs)), completed=done)
        for epoch in epochs:
            for group in epoch:
                step += 1
                if step <= done:
                    continue
                terms = run.advance(step, group)
                progress.update(bar, advance=1, description=f"loss {terms['loss']:.3f}")
                if writer is None:
                    continue
                for name, value in terms.items():
                    writer.add_scalar(f"loss/{name}", value, step)
                if time.monotonic() - saved > settings.checkpoint_minutes * 60:
                    checkpoint(out, run.model, run.optimizer, run.rate, step)
                    saved = time.monotonic()
            if writer is not None and step > done:
                checkpoint(out, run.model, run.optimizer, run.rate, step)
                saved = time.monotonic()
                if validation:
                    _validate(run, validation, writer, step)
            run.accelerator.wait_for_everyone()
    if writer is not None:
        writer.close()


def _validate(run: Run, validation: Sequence[Sample], writer: Any, step: int) -> None:
    found = figures(predict(run.model, validation, run.settings), list(run.settings.topic_set))
    console.print({key: value for key, value in found.items() if not isinstance(value, dict)})
    for key, value in found.items():
        if isinstance(value, float):
            writer.add_scalar(f"validation/{key}", value, step)


@torch.no_grad()
def predict(model: MultiTaskModel, samples: Sequence[Sample], settings: ClassifierSettings) -> Predictions:
    """Predictions beside the labels."""
    model.eval()
    device = next(model.parameters()).device
    kept = Predictions()
    for group in batches(samples, settings.batch_tokens):
        batch_loss(model, collate(group).to(device), settings.weights, kept)
    return kept


def held_out_predictions(
    settings: ClassifierSettings, model: MultiTaskModel, data_root: Path | None
) -> tuple[Predictions, Pool]:
    """Predictions on the fold that the settings hold out, and the pool that it was taken from."""
    tokenizer = load_tokenizer(base_folder(settings.base) / "tokenizer.json")
    pool = Pool(settings, tokenizer, data_root, smoke=False)
    return predict(model, pool.validation, settings), pool


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
