"""Train the branch of the trunk that says which sentences a reader would take for a summary, and what each is about.

    python -m training.choice --config training/configs/choice.yaml --data-root DATA
    python -m training.choice --config training/configs/choice.yaml --smoke    # a minute, for tests

Readers marked the sentences of some articles (`choices`). A language model reads all of them, a head on what it makes
of them learns these choices, and says of the other articles what it would take; the branch, which is small enough to
serve, learns from both and guesses the language model's view of each sentence as well. What a sentence is about it
learns from the encoder as it was before it was tuned, on articles and on pages with other stories, by which the
cleaner tells these. Interrupted, the same command goes on. Figures on the held-out fold: OUT/validation.json; `python
-m training.export choice` puts it into the trunk.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn, track
from torch import Tensor, nn

from communique.trunk.features import CHOICE_FEATURES
from communique.trunk.reader import Reader
from training import command, data
from training.choice_model import MEANING, Batch, Branch, ChoiceHead, Chooser, Read, Scale
from training.choice_teacher import sentence_meanings, sentence_states
from training.corpus.pages import load_passages
from training.graph import read_up_to
from training.runs import base_folder, checkpoint, resume, save, schedule, writer_of
from training.settings import ChoiceSettings, as_yaml
from training.trunk_pages import foreign_pages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["Example", "chooser", "figures", "main", "read", "train"]

console = Console(stderr=True)
#: Numbers that stand for the language model's view of a sentence; directions are found on so many rows at most.
LIKENESS: Final = 256
_ROWS: Final = 20_000
#: How far each direction of that view is brought to the same spread: 0 not at all, 1 wholly. Not of the meanings, whose
#: angles count.
_WHITENED: Final = 0.7
#: How much a sentence counts that should not be taken; how far vectors are scaled down beside features.
_WEAK_WEIGHT: Final = 2.0
_SHRUNK: Final = 0.3
#: The head on the language model's view.
_TEACHER_WIDTH: Final = 96
_TEACHER_EPOCHS: Final = 12
_TEACHERS: Final = 3
_TOGETHER: Final = 32
_LOG_EVERY: Final = 10


@dataclass(slots=True)
class Example:
    """An article with what is to be learned.

    Attributes:
        wanted: of each sentence how far it is to be taken and how much that counts, [S, 2].
        view: the language model's of the first S' sentences, [S', LIKENESS].
        meaning: what each sentence is about, [S, MEANING].
        choice: a reader's, [S], where there is one.
    """

    read: Read
    event: str
    wanted: NDArray[np.float32]
    view: NDArray[np.float32]
    meaning: NDArray[np.float32]
    choice: NDArray[np.float32] | None


def read(settings: ChoiceSettings, articles: Sequence[data.Labelled], layer: int) -> Iterator[tuple[Read, list[int]]]:
    """Each article as the trunk reads it up to `layer`, and the numbers of the sentences that have tokens."""
    reader = _reader(Path(settings.trunk), layer, Path(settings.out) / "trunk")
    for start in track(range(0, len(articles), _TOGETHER), "reading with the trunk", console=console):
        some = articles[start : start + _TOGETHER]
        for article, reading in zip(some, reader.read([data.document_of(one) for one in some]), strict=True):
            numbers, inputs = reading.choice_inputs()
            rows = {number: row for row, number in enumerate(numbers)}
            owners = [np.array([rows.get(n, -1) for n in window.sentences]) for window in reading.windows]
            yield Read(article.id, [s.astype(np.float16) for s in reading.branch], owners, inputs), numbers


def _reader(trunk: Path, layer: int, folder: Path) -> Reader:
    """The trunk with the states of a `layer` in the place of a branch."""
    folder.mkdir(exist_ok=True)
    for name in ("calibration.json", "heads.safetensors", "tokenizer.json"):
        shutil.copyfile(trunk / name, folder / name)
    read_up_to(trunk / "trunk.xml", layer, folder / "trunk.xml")
    return Reader(folder)


def targets(choice: NDArray[np.float32]) -> NDArray[np.float32]:
    """[S, 2]: how far a sentence is to be taken, by a reader's choice [S], and how much that counts."""
    return np.stack([np.clip(choice, 0, 1), np.where(choice < 0, _WEAK_WEIGHT, 1.0)], axis=-1)


def losses(logits: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy of each sentence and of which of an article, from logits [B, S] and `targets` [B, S, 2]."""
    value, weight = wanted[..., 0], wanted[..., 1]
    each = nn.functional.binary_cross_entropy_with_logits(logits, value, reduction="none")
    known = weight > 0
    shares = value * known / (value * known).sum(1, keepdim=True).clamp(min=1e-6)
    among = torch.log_softmax(logits.masked_fill(~known, -1e4), dim=1)
    asked = known.any(1).sum().clamp(min=1)  # of a page nothing is to be chosen
    return (each * weight).sum() / weight.sum().clamp(min=1.0) - (shares * among).sum() / asked


def _padded(rows: Sequence[NDArray[np.float32]]) -> Tensor:
    """[B, S, …] from arrays [s, …], zero where one is shorter."""
    found = np.zeros((len(rows), max(map(len, rows)), *rows[0].shape[1:]), dtype=np.float32)
    for number, row in enumerate(rows):
        found[number, : len(row)] = row
    return torch.from_numpy(found)


class Teacher:
    """Heads on the language model's view of sentences, which learn what readers chose."""

    def __init__(
        self, inputs: Sequence[NDArray[np.float32]], wanted: Sequence[NDArray[np.float32]], seeds: Sequence[int]
    ):
        self._scale = Scale(np.concatenate(inputs), CHOICE_FEATURES, _SHRUNK)
        self._heads = [self._fitted(inputs, wanted, seed) for seed in seeds]

    def _fitted(
        self, inputs: Sequence[NDArray[np.float32]], wanted: Sequence[NDArray[np.float32]], seed: int
    ) -> ChoiceHead:
        torch.manual_seed(seed)
        rng = random.Random(seed)
        scaled = [self._scale(rows) for rows in inputs]
        head = ChoiceHead(inputs[0].shape[-1], _TEACHER_WIDTH, dropout=0.3)
        steps = _TEACHER_EPOCHS * -(-len(inputs) // 16)
        optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=0.05)
        rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: schedule(step / steps, 0.1, floor=0.0))
        order = list(range(len(inputs)))
        for _ in range(_TEACHER_EPOCHS):
            rng.shuffle(order)
            for start in range(0, len(order), 16):
                rows = order[start : start + 16]
                aims = _padded([wanted[i] for i in rows])
                losses(head(_padded([scaled[i] for i in rows]), aims[..., 1] > 0), aims).backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(head.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                rate.step()
        return head.eval()

    @torch.no_grad()
    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """How probable it is that each sentence [S, inputs] of an article is taken."""
        inputs = torch.from_numpy(self._scale(rows))[None]
        present = torch.ones(inputs.shape[:2], dtype=torch.bool)
        return torch.stack([head(inputs, present)[0].sigmoid() for head in self._heads]).mean(0).numpy()


def taught(
    examples: Sequence[Example], views: Sequence[NDArray[np.float32]], settings: ChoiceSettings
) -> dict[str, Any]:
    """Put into the examples what the language model would take; returns its figures on readers' choices.

    Of articles that readers chose from it counts `teacher_share`, by heads that learned from the other folds.
    """
    inputs = [
        np.concatenate([view, example.read.inputs[: len(view), -CHOICE_FEATURES:]], axis=-1)
        for example, view in zip(examples, views, strict=True)
    ]
    chosen = [i for i, example in enumerate(examples) if example.choice is not None and len(views[i])]
    folds = [data.fold_of(examples[i].event, settings.folds) for i in chosen]
    own = {i: targets(examples[i].choice)[: len(views[i])] for i in chosen}  # type: ignore[arg-type]
    said: dict[int, NDArray[np.float32]] = {}
    for fold in track(sorted(set(folds)), "what the language model would take", console=console):
        others = [i for i, f in zip(chosen, folds, strict=True) if f != fold]
        teacher = Teacher([inputs[i] for i in others], [own[i] for i in others], [settings.seed])
        said |= {i: teacher(inputs[i]) for i, f in zip(chosen, folds, strict=True) if f == fold}
    seeds = range(settings.seed, settings.seed + _TEACHERS)
    teacher = Teacher([inputs[i] for i in chosen], [own[i] for i in chosen], seeds)
    for i, example in enumerate(examples):
        known = len(views[i])
        if i in said:
            share = settings.teacher_share
            example.wanted[:known, 0] = (1 - share) * example.wanted[:known, 0] + share * said[i]
        elif known and example.choice is None:
            example.wanted[:known, 0], example.wanted[:known, 1] = teacher(inputs[i]), 1.0
    return figures([examples[i].choice[: len(said[i])] for i in said], list(said.values()))  # type: ignore[index]


def figures(choices: Sequence[NDArray[np.float32]], scores: Sequence[NDArray[np.float32]]) -> dict[str, Any]:
    """Of the best sentences by score, as many as a reader took: the share that he took, took or nearly, and would not.

    Args:
        choices: for each article a reader's, [S].
        scores: for each article, [S].
    """
    tops = [
        choice[np.argsort(-score, kind="stable")[: int((choice == 1).sum())]]
        for choice, score in zip(choices, scores, strict=True)
    ]
    found = np.concatenate([np.zeros(0), *tops])
    if not len(found):
        return {}
    shares = {"taken": found == 1, "near": found > 0, "weak": found < 0}
    return {"n": len(found)} | {name: float(rows.mean()) for name, rows in shares.items()}


class Pool:
    """Everything that a run learns from and is validated on."""

    def __init__(self, settings: ChoiceSettings, data_root: Path | None, smoke: bool, layer: int) -> None:
        articles = data.load_articles([Path(path) for path in settings.corpus], data_root, settings.sets)
        articles = data.with_choices(articles, Path(settings.choices))
        if smoke:
            articles = sorted(articles, key=lambda article: not article.choice)[:24]
        held = [data.fold_of(article.event, settings.folds) == settings.hold_out for article in articles]
        # Of a held-out article only what a reader chose is asked.
        kept = [(a, h) for a, h in zip(articles, held, strict=True) if len(a.sentences) > 1 and (a.choice or not h)]
        articles = [article for article, _ in kept]
        views = self._views(settings, articles)
        articles += self._pages(settings, [article for article, held_out in kept if not held_out])
        meanings = self._meanings(settings, articles)
        examples, seen, meant = [], [], []
        for article, (found, numbers) in zip(articles, read(settings, articles, layer), strict=True):
            choice = np.array(article.choice, dtype=np.float32)[numbers] if article.choice else None
            wanted = np.zeros((len(numbers), 2), dtype=np.float32) if choice is None else targets(choice)
            view = views.get(article.id, np.zeros((0, 1), dtype=np.float16))
            examples.append(
                Example(
                    found,
                    article.event,
                    wanted,
                    np.zeros((0, LIKENESS), np.float32),
                    np.zeros((0, MEANING), np.float32),
                    choice,
                )
            )
            seen.append(view[[number for number in numbers if number < len(view)]].astype(np.float32))
            meant.append(meanings[article.id][numbers].astype(np.float32))
        train = [i for i in range(len(examples)) if i >= len(kept) or not kept[i][1]]
        self.scale = Scale(np.concatenate([examples[i].read.inputs for i in train]), CHOICE_FEATURES, _SHRUNK)
        told = _projection(np.concatenate([meant[i] for i in train]), random.Random(settings.seed), MEANING, 0.0)
        for example, rows in zip(examples, meant, strict=True):
            example.meaning = told(rows)
        self.teacher: dict[str, Any] = {}
        if settings.teacher:
            read_by_it = [i for i in train if len(seen[i])]
            rows = np.concatenate([seen[i] for i in read_by_it])
            project = _projection(rows, random.Random(settings.seed), LIKENESS, _WHITENED)
            for i in read_by_it:
                examples[i].view = project(seen[i])
            self.teacher = taught([examples[i] for i in read_by_it], [seen[i] for i in read_by_it], settings)
        for example in examples:
            example.read.inputs = self.scale(example.read.inputs)
        self.train = [examples[i] for i in train]
        self.held = [example for example, (_, held_out) in zip(examples[: len(kept)], kept, strict=True) if held_out]

    @staticmethod
    def _pages(settings: ChoiceSettings, articles: Sequence[data.Labelled]) -> list[data.Labelled]:
        """Pages of these articles, with lines of sites and openings of other stories."""
        patterns = load_passages(Path(settings.passages)) if settings.pages else {}
        patterns = {
            name: passages
            for name, passages in patterns.items()
            if data.fold_of(name, settings.folds) != settings.hold_out
        }
        rng = random.Random(settings.seed)
        return list(foreign_pages(articles, patterns, min(settings.pages, len(articles)), rng)) if patterns else []

    @staticmethod
    def _meanings(settings: ChoiceSettings, articles: Sequence[data.Labelled]) -> dict[str, NDArray[np.float16]]:
        base = base_folder(settings.base)
        return sentence_meanings(articles, base, Path(settings.out) / f"{base.name}-{_told(articles)}", console)

    @staticmethod
    def _views(settings: ChoiceSettings, articles: Sequence[data.Labelled]) -> dict[str, NDArray[np.float16]]:
        if not settings.teacher:
            return {article.id: np.zeros((0, 1), dtype=np.float16) for article in articles}
        folder = Path(settings.out) / f"{settings.teacher}-{settings.teacher_layers}-{_told(articles)}"
        return sentence_states(articles, settings.teacher, settings.teacher_layers, folder, console)

    def epoch(self, settings: ChoiceSettings, number: int) -> list[list[Example]]:
        """Batches of articles of like length: the same for the same seed and number."""
        rng = random.Random(f"{settings.seed}/{number}")
        order = sorted(self.train, key=lambda example: example.read.size * (1 + 0.2 * rng.random()))
        size = settings.batch_articles
        found = [order[start : start + size] for start in range(0, len(order), size)]
        rng.shuffle(found)
        return found


def _told(articles: Sequence[data.Labelled]) -> str:
    """A name for what these articles say."""
    return hashlib.sha256(json.dumps([(a.id, a.title, a.sentences) for a in articles]).encode()).hexdigest()[:12]


def _projection(views: NDArray[np.float32], rng: random.Random, most: int, whitened: float) -> Any:
    """A function from views [S, H] to their first `most` principal directions [S, most], evened out as far as they are
    `whitened`, of a spread of 1 together."""
    rows = views[sorted(rng.sample(range(len(views)), min(_ROWS, len(views))))]
    mean = rows.mean(0)
    _, spread, directions = np.linalg.svd(rows - mean, full_matrices=False)
    count = min(most, int((spread > 1e-4 * spread[0]).sum()))
    matrix = np.zeros((views.shape[-1], most), dtype=np.float32)
    matrix[:, :count] = directions[:count].T / (spread[:count] / np.sqrt(len(rows))) ** whitened
    matrix /= ((rows - mean) @ matrix)[:, :count].std() + 1e-6
    return lambda some: ((some - mean) @ matrix).astype(np.float32)


def batch_loss(model: Chooser, batch: Sequence[Example], settings: ChoiceSettings) -> Tensor:
    """What the choice costs, how far the guessed views lie from the language model's, and the meanings from theirs."""
    logits, guesses, meanings = model(Batch.of([example.read for example in batch]))
    meant = torch.from_numpy(np.concatenate([example.meaning for example in batch]))
    loss = settings.meaning * nn.functional.mse_loss(meanings, meant)
    loss = loss + losses(logits, _padded([example.wanted for example in batch]))
    views = [torch.from_numpy(example.view) for example in batch]
    starts = np.cumsum([0, *(len(example.wanted) for example in batch)])
    if any(map(len, views)):
        found = torch.cat([guesses[start : start + len(view)] for start, view in zip(starts[:-1], views, strict=True)])
        loss = loss + settings.likeness * nn.functional.mse_loss(found, torch.cat(views))
    return loss


@torch.no_grad()
def said_of(
    model: Chooser, examples: Sequence[Example], size: int = 16
) -> tuple[list[NDArray[np.float32]], list[Tensor]]:
    """Logits [S] and meanings [S, MEANING] of each example, in the order given."""
    model.eval()
    scores: list[NDArray[np.float32]] = []
    meanings: list[Tensor] = []
    for start in range(0, len(examples), size):
        some = examples[start : start + size]
        logits, _, meant = model(Batch.of([example.read for example in some]))
        scores += [row[: len(example.wanted)].numpy() for row, example in zip(logits, some, strict=True)]
        meanings += meant.split([len(example.wanted) for example in some])
    model.train()
    return scores, meanings


def chooser(settings: ChoiceSettings, hidden: int, inputs: int) -> Chooser:
    """The model of these settings, for a trunk of `hidden` numbers a token and `inputs` a sentence."""
    branch = Branch(base_folder(settings.base), settings.layers)
    return Chooser(branch, hidden, inputs, settings.width, settings.dropout, LIKENESS)


def train(settings: ChoiceSettings, data_root: Path | None, smoke: bool = False) -> dict[str, Any]:
    """Train to the end (or from the last checkpoint to the end); returns the validation figures."""
    out = Path(settings.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "settings.yaml").write_text(as_yaml(settings), encoding="utf-8")
    layer = Branch(base_folder(settings.base), settings.layers).begins
    pool = Pool(settings, data_root, smoke, layer)
    torch.manual_seed(settings.seed)
    first = pool.train[0].read
    model = chooser(settings, first.states[0].shape[-1], first.inputs.shape[-1])
    own = list(model.branch.parameters())
    others = [weight for name, weight in model.named_parameters() if not name.startswith("branch.")]
    optimizer = torch.optim.AdamW(
        [
            {"params": own, "lr": settings.branch_lr, "weight_decay": 0.01},
            {"params": others, "lr": settings.head_lr, "weight_decay": settings.weight_decay},
        ]
    )
    batches = [batch for number in range(settings.epochs) for batch in pool.epoch(settings, number)]
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: schedule(step / len(batches), settings.warmup, floor=0.0)
    )
    console.print(f"{len(pool.train)} articles, {len(pool.held)} held out; {len(batches)} steps; {pool.teacher}")
    done = resume(out, model, optimizer, rate)
    writer = writer_of(out, done)
    saved = time.monotonic()
    model.train()
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    ) as progress:
        bar = progress.add_task("training", total=len(batches), completed=done)
        for step, batch in enumerate(batches[done:], start=done + 1):
            loss = batch_loss(model, batch, settings)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            rate.step()
            progress.update(bar, advance=1, description=f"loss {float(loss.detach()):.3f}")
            if step % _LOG_EVERY == 0:
                writer.add_scalar("loss", float(loss.detach()), step)
            if step % (len(batches) // settings.epochs) == 0:
                found = _validated(model, pool)
                for name, value in found.items():
                    writer.add_scalar(f"validation/{name}", value, step)
                console.print({"step": step} | found)
            if time.monotonic() - saved > settings.checkpoint_minutes * 60 or step == len(batches):
                checkpoint(out, model, optimizer, rate, step)
                saved = time.monotonic()
    writer.close()
    result = _validated(model, pool) | {f"teacher_{name}": value for name, value in pool.teacher.items()}
    (out / "validation.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    model.head.unscale(pool.scale)
    save(out / "model.safetensors", model)
    return result


def _validated(model: Chooser, pool: Pool) -> dict[str, Any]:
    choices = [example.choice for example in pool.held if example.choice is not None]
    scores, meanings = said_of(model, pool.held)
    alike = [
        nn.functional.cosine_similarity(torch.from_numpy(e.meaning), m)
        for e, m in zip(pool.held, meanings, strict=True)
    ]
    return figures(choices, scores) | {"meaning_cosine": float(torch.cat([torch.zeros(0), *alike]).mean())}


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    arguments = command.options("choice", __doc__).parse_args(argv)

    def work() -> dict[str, Any]:
        settings = command.settings(ChoiceSettings, arguments, external={"sets": ()}, smoke={"epochs": 1})
        return train(settings, arguments.data_root, arguments.smoke)

    return command.answer(work, arguments, console)


if __name__ == "__main__":
    sys.exit(main())
