"""Fine-tune the language model to rewrite sentences of an article as one for its summary: LoRA or whole, on a
processor, one GPU or several.

    python -m training.summarizer --config training/configs/summarizer.yaml --data-root DATA
    python -m training.summarizer --set corpus='[my_folder]' --set mine=true --set rewrites=null
    python -m training.summarizer --config training/configs/summarizer.yaml --smoke    # a minute, for tests
    torchrun --nproc-per-node 2 -m training.summarizer --config …                      # two GPUs, the same run

Interrupted, the same command goes on from the last checkpoint and takes the same steps. OUT/best holds the best
adapter, OUT/curve.jsonl the loss of each step, OUT/sentences.json how many sentences were learned from and why the
others were not, OUT/validation.json the figures on the held-out fold.
"""

from __future__ import annotations

import contextlib
import json
import math
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from accelerate import Accelerator
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from communique.errors import UsageError
from training import command, data, summaries
from training.language_model import Base, SummaryModel, open_base
from training.model import best_arithmetic
from training.runs import schedule, writer_of
from training.settings import SummarizerSettings, as_yaml
from training.summary_batches import Sample, collate, make_sample, steps
from training.summary_validation import open_checker, teacher_forced, write_sentences, written_figures

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from training.data import Labelled
    from training.summaries import Pair

__all__ = ["Pool", "Run", "main", "train"]

console = Console(stderr=True)
#: Without a terminal, a line is printed every so many steps.
_LINE_EVERY = 10


class Pool:
    """All pairs, dealt into training and validation by event."""

    def __init__(self, settings: SummarizerSettings, base: Base, data_root: Path | None, smoke: bool = False) -> None:
        self.settings = settings
        self._encoder = base.encoder
        articles = summaries.gather(settings.corpus, data_root, settings.sets)
        if smoke:
            articles = articles[:: max(1, len(articles) // 16)]
        held_out = [article for article in articles if self._held(article)]
        shown = [article for article in articles if not self._held(article)]
        self.pairs, self.counts = self._pairs(shown, {article.id for article in held_out}, settings.contrasted)
        held, _ = self._pairs(held_out, {article.id for article in shown})
        random.Random(settings.seed).shuffle(held)
        self.held = held[: settings.validation_pairs]
        self.validation = [make_sample(self._encoder, pair, settings.max_tokens) for pair in self.held]
        if not self.pairs:
            told = ", ".join(f"{count} {what}" for what, count in sorted(self.counts.items())) or "none was found"
            hint = "" if settings.mine else "; --set mine=true --set rewrites=null learns from the articles' summaries"
            raise UsageError(f"no sentence is left to train on ({told}){hint}")

    def _pairs(
        self, articles: Sequence[Labelled], others: Collection[str], contrasted: bool = False
    ) -> tuple[list[Pair], Counter[str]]:
        settings = self.settings
        found: list[Pair] = []
        counts: Counter[str] = Counter()
        if settings.mine:
            found, counts = summaries.pairs(articles, settings.least_coverage)
        if settings.rewrites:
            written, more = summaries.rewritten(articles, Path(settings.rewrites), others)
            found += written
            counts += more
        if settings.cuts:
            found = summaries.cuts(found)
            counts["more than a sentence with words left out"] = counts["kept"] - len(found)
            counts["kept"] = len(found)
        if settings.rejected:
            found = summaries.with_rejected(found, Path(settings.rejected))
            counts[summaries.REJECTED] = sum(bool(pair.rejected) for pair in found)
        if contrasted:
            found = [pair for pair in found if pair.rejected]
            counts["have no rejected one beside them"] = counts["kept"] - len(found)
            counts["kept"] = len(found)
        if settings.drafts:
            written, more = summaries.rewritten(articles, Path(settings.drafts), others)
            found += written
            counts += more
        return found, counts

    def _held(self, article: Labelled) -> bool:
        return data.fold_of(article.event, self.settings.folds) == self.settings.hold_out

    def epoch(self, number: int) -> list[list[list[Sample]]]:
        """The steps of one pass, each a list of batches: the same for the same seed and number."""
        settings = self.settings
        rng = random.Random(f"{settings.seed}/{number}")
        samples = [
            make_sample(self._encoder, pair, settings.max_tokens, title=rng.random() >= settings.drop_title)
            for pair in self.pairs
        ]
        return steps(samples, settings.batch_tokens, settings.step_tokens, rng)


class Run:
    """What a training run holds and writes down: model, optimiser, rate, and how far it is."""

    def __init__(self, settings: SummarizerSettings, model: SummaryModel, accelerator: Accelerator, total: int) -> None:
        self.settings = settings
        self.accelerator = accelerator
        self.out = Path(settings.out)
        self.model = model
        optimizer = torch.optim.AdamW(model.trained().values(), lr=settings.lr, weight_decay=settings.weight_decay)
        self.rate = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: schedule((step + 1) / total, settings.warmup)
        )
        self.wrapped, self.optimizer = accelerator.prepare(model, optimizer)
        self.step = 0
        self.best = math.inf

    def advance(self, groups: Sequence[Sequence[Sample]]) -> dict[str, float]:
        """One step of the optimiser over its batches, dealt among the processes; returns the step's losses."""
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        device = self.accelerator.device
        tokens = sum(len(sample.answer) for group in groups for sample in group)
        forks = max(1, sum(len(sample.forks) for group in groups for sample in group))
        rejected = max(1, sum(bool(sample.rejected) for group in groups for sample in group))
        rounds = math.ceil(len(groups) / world)
        weights = torch.tensor([1.0, self.settings.forks, self.settings.preference], device=device)
        sums = torch.zeros(3, device=device)
        self.wrapped.train()
        for number in range(rounds):
            at = number * world + rank
            batch = collate(groups[at % len(groups)]).to(device)
            # A process that has run out of batches goes along with the others and counts for nothing.
            share = float(at < len(groups))
            together = number == rounds - 1
            with contextlib.nullcontext() if together else self.accelerator.no_sync(self.wrapped):
                found = self.wrapped(batch)
                parts = torch.stack([found.answers / tokens, found.forks / forks, found.preferred / rejected]) * share
                # Gradients are averaged over processes, but the sums above are over all of them.
                self.accelerator.backward((parts @ weights) * world)
            sums += parts.detach()
        self.accelerator.clip_grad_norm_(self.model.trained().values(), 1.0)
        rate = self.rate.get_last_lr()[0]
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.rate.step()
        self.step += 1
        answers, wrong, preferred = self.accelerator.reduce(sums, "sum").tolist()
        return {"step": self.step, "loss": answers, "forks": wrong, "preferred": preferred, "rate": rate}

    def save(self) -> None:
        """A checkpoint, whole or not at all."""
        part = self.out / "checkpoint.pt.part"
        state = {
            "trained": self.model.trained(),
            "optimizer": self.optimizer.state_dict(),
            "rate": self.rate.state_dict(),
            "step": self.step,
            "best": self.best,
            "random": torch.get_rng_state(),
        }
        torch.save(state, part)
        part.replace(self.out / "checkpoint.pt")

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one; the curve is cut back to where it stood."""
        path = self.out / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True, map_location="cpu")
        with torch.no_grad():
            for name, value in self.model.trained().items():
                value.copy_(state["trained"][name])
        self.optimizer.load_state_dict(state["optimizer"])
        self.rate.load_state_dict(state["rate"])
        torch.set_rng_state(state["random"])
        self.step, self.best = int(state["step"]), float(state["best"])
        curve = self.out / "curve.jsonl"
        if self.accelerator.is_main_process and curve.exists():
            lines = curve.read_text(encoding="utf-8").splitlines()
            kept = [line for line in lines if json.loads(line)["step"] <= self.step]
            curve.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
        console.print(f"resuming after step {self.step}")


def train(settings: SummarizerSettings, data_root: Path | None = None, smoke: bool = False) -> dict[str, Any]:
    """Train to the end (or from the last checkpoint to the end); returns the validation figures of the best."""
    kind, arithmetic = best_arithmetic()
    accelerator = Accelerator(mixed_precision="bf16" if arithmetic == "bf16" else "no", cpu=kind == "cpu")
    console.quiet = not accelerator.is_main_process
    torch.manual_seed(settings.seed)
    out = Path(settings.out)
    out.mkdir(parents=True, exist_ok=True)
    # Weights that stay as they are may be kept in bf16: nothing is added to them.
    frozen = torch.bfloat16 if settings.rank and arithmetic == "bf16" else torch.float32
    base = open_base(settings.base, frozen)
    pool = Pool(settings, base, data_root, smoke)
    model = SummaryModel(base, settings.rank, settings.alpha)
    if settings.start:
        model.load(Path(settings.start))
    epochs = [pool.epoch(number) for number in range(settings.epochs)]
    total = sum(map(len, epochs))
    run = Run(settings, model, accelerator, total)
    run.resume()
    _describe(pool, epochs, model, arithmetic)
    checker, why = open_checker()
    if checker is None:
        console.print(f"support will not be measured: {why}")
    if accelerator.is_main_process:
        (out / "settings.yaml").write_text(as_yaml(settings), encoding="utf-8")
        (out / "sentences.json").write_text(json.dumps(pool.counts, indent=1), encoding="utf-8")

    def validate() -> dict[str, Any]:
        model.eval()
        with accelerator.autocast():
            found: dict[str, Any] = dict(teacher_forced(model, pool.validation, settings.batch_tokens))
            few = settings.written_pairs
            written = write_sentences(model, base.encoder, pool.held[:few], pool.validation[:few], settings)
        found |= written_figures(written, checker) if written else {}
        return found

    best = _loop(run, epochs, total, validate if pool.validation else None)
    if accelerator.is_main_process:
        (out / "validation.json").write_text(json.dumps(best, indent=1), encoding="utf-8")
    accelerator.end_training()
    return best


def _loop(run: Run, epochs: Sequence[Any], total: int, validate: Any) -> dict[str, Any]:
    main_process = run.accelerator.is_main_process
    writer = writer_of(run.out, run.step) if main_process else None
    done, saved, began, tokens = run.step, time.monotonic(), time.monotonic(), 0
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    )
    with progress, (run.out / "curve.jsonl").open("a", encoding="utf-8") as curve:
        bar = progress.add_task("training", total=total, completed=done)
        for number, groups in enumerate(group for epoch in epochs for group in epoch):
            if number < done:
                continue
            losses = run.advance(groups)
            tokens += sum(len(sample) for group in groups for sample in group)
            spent = time.monotonic() - began
            progress.update(bar, advance=1, description=f"loss {losses['loss']:.3f}")
            if not console.is_terminal and run.step % _LINE_EVERY == 0:
                left = spent / (run.step - done) * (total - run.step) / 60
                line = f"step {run.step}/{total} loss {losses['loss']:.3f} forks {losses['forks']:.3f}"
                console.print(f"{line} {tokens / spent:.0f} tokens/s, {left:.0f} min left")
            if writer is not None:
                curve.write(json.dumps(losses) + "\n")
                curve.flush()
                for name in ("loss", "forks", "preferred", "rate"):
                    writer.add_scalar(f"training/{name}", losses[name], run.step)
            if run.step % run.settings.validate_every == 0 or run.step == total:
                if writer is not None:
                    _judge(run, validate, writer)
                run.accelerator.wait_for_everyone()
            late = time.monotonic() - saved > run.settings.checkpoint_minutes * 60
            if main_process and (late or run.step == total):
                run.save()
                saved = time.monotonic()
    if writer is not None:
        writer.close()
    best = run.out / "best" / "validation.json"
    return json.loads(best.read_text(encoding="utf-8")) if best.exists() else {}


def _judge(run: Run, validate: Any, writer: Any) -> None:
    """Validate; what has the lowest loss so far is kept under OUT/best. Without held-out pairs the last is."""
    found: dict[str, Any] = {"step": run.step, **(validate() if validate else {})}
    for name, value in found.items():
        writer.add_scalar(f"validation/{name}", value, run.step)
    console.print({name: round(value, 3) for name, value in found.items()})
    loss = found.get("loss", -math.inf)
    if loss < run.best or not validate:
        run.best = loss
        run.model.save(run.out / "best", run.settings.base)
        (run.out / "best" / "validation.json").write_text(json.dumps(found, indent=1), encoding="utf-8")


def _describe(pool: Pool, epochs: Sequence[Sequence[Sequence[Sequence[Sample]]]], model: Any, arithmetic: str) -> None:
    samples = [sample for step in epochs[0] for group in step for sample in group]
    told = ", ".join(f"{count} {what}" for what, count in sorted(pool.counts.items()))
    console.print(f"sentences: {told}")
    mean = sum(map(len, samples)) / len(samples)
    console.print(
        f"{len(samples)} sentences to learn from, of {mean:.0f} tokens with their prompt; {len(pool.held)} held out"
    )
    trained = sum(value.numel() for value in model.trained().values())
    console.print(f"{trained / 1e6:.1f} M parameters to train, {sum(map(len, epochs))} steps, {arithmetic}")


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = command.options("summarizer", __doc__)
    parser.add_argument("--base", help="the model to tune, in place of the config's")
    arguments = parser.parse_args(argv)
    if arguments.base:
        arguments.set.append(f"base={arguments.base}")
    smoke = {"epochs": 1, "validation_pairs": 2, "written_pairs": 1, "max_new_tokens": 16}

    def work() -> dict[str, Any]:
        settings = command.settings(SummarizerSettings, arguments, external={"sets": ()}, smoke=smoke)
        return train(settings, arguments.data_root, arguments.smoke)

    return command.answer(work, arguments, console)


if __name__ == "__main__":
    sys.exit(main())
