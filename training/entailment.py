"""Train the encoder that reads a claim beside its evidence: does the one follow from the other?

    python -m training.entailment --config training/configs/entailment.yaml --data-root DATA
    python -m training.entailment --config training/configs/entailment.yaml --smoke    # a minute, for tests

True sentences come from reference summaries and articles, false ones are made of them, one change each, and both stand
in one group, so that the model must see the change and not the topic. Interrupted, the same command goes on from the
last checkpoint. Figures on the held-out fold: OUT/validation.json; the graph for serving: OUT/entailment.xml, which
`python -m training.checker` weighs beside its own model.
"""

from __future__ import annotations

import json
import math
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.torch import save_file
from torch import Tensor, nn

from communique.evidence import EvidenceIndex
from communique.grounding import missing
from communique.perturbation import KINDS, perturb
from communique.trunk.windows import load_tokenizer, padded, pair
from training import command, data
from training.graph import save_graph
from training.model import best_arithmetic
from training.runs import base_folder, checkpoint, resume, schedule, writer_of
from training.settings import EntailmentSettings, as_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from communique.trunk.windows import Window

__all__ = ["EntailmentModel", "Example", "epoch", "examples", "export", "logits_of", "main", "train"]

console = Console(stderr=True)
READ: Final = "read"
REFERENCE: Final = "reference"
#: A reference sentence whose words the article covers less may not be true of it: it would teach the wrong thing.
_LEAST_COVERAGE: Final = 0.6
_LOG_EVERY: Final = 10


@dataclass(frozen=True, slots=True)
class Example:
    """A claim with its evidence. `group` holds one true sentence and what was made of it; `kind` says how."""

    group: str
    window: Window
    supported: bool
    kind: str
    held: bool


class EntailmentModel(nn.Module):
    """The encoder with one logit: the higher, the surer the claim follows from its evidence."""

    def __init__(self, base: Path | str) -> None:
        super().__init__()
        from transformers import AutoModel

        self.trunk = AutoModel.from_pretrained(
            base, attn_implementation="sdpa", add_pooling_layer=False, attention_probs_dropout_prob=0.0
        )
        self.trunk.embeddings.word_embeddings.requires_grad_(False)
        hidden = self.trunk.config.hidden_size
        self.hidden = nn.Linear(2 * hidden, 256)
        self.out = nn.Linear(256, 1)
        self.dropout = nn.Dropout(0.1)

    def forward(self, ids: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        """Logits [N] of windows ids [N, L] with mask and token types [N, L]."""
        device, arithmetic = best_arithmetic(ids.device.type)
        with torch.autocast(device, torch.bfloat16, enabled=arithmetic == "bf16"):
            states = self.trunk(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state
        return self.judged(states.float(), mask)

    def judged(self, states: Tensor, mask: Tensor) -> Tensor:
        """Logits [N] from the states [N, L, H]."""
        kept = mask.unsqueeze(-1).float()
        pooled = torch.cat([states[:, 0], (states * kept).sum(1) / kept.sum(1)], dim=-1)
        return self.out(self.dropout(nn.functional.gelu(self.hidden(self.dropout(pooled))))).squeeze(-1)  # type: ignore[no-any-return]


class _Plain(nn.Module):
    """The model without the choice of arithmetic, which no graph can hold."""

    def __init__(self, model: EntailmentModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        states = self.model.trunk(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state
        return self.model.judged(states, mask)


def examples(
    articles: Iterable[data.Labelled], read: Iterable[data.Claim], tokenizer: Any, settings: EntailmentSettings
) -> Iterator[Example]:
    """Groups of a true sentence and its broken forms, then the sentences that people read, each a group of its own."""
    for article in articles:
        rng = random.Random(f"{settings.seed}/{article.id}")
        text, index = " ".join(article.sentences), EvidenceIndex(article.sentences)
        held = data.fold_of(article.event, settings.folds) == settings.hold_out
        true = [(s, REFERENCE) for summary in article.summaries for s in data.sentences_of(summary)]
        true += [(s, "article") for s in rng.sample(article.sentences, min(1, len(article.sentences)))]
        for number, (sentence, kind) in enumerate(true):
            found = index.find(sentence)
            if not found or index.coverage(sentence, found) < _LEAST_COVERAGE or missing(sentence, text):
                continue
            made = [(sentence, True, kind)]
            made += [(broken, False, name) for name, broken in sorted(perturb(sentence, text, rng).items())]
            for claim, supported, name in made:
                evidence = [article.sentences[i] for i in index.find(claim) or found]
                window = pair(tokenizer, claim, evidence, settings.window_tokens)
                yield Example(f"{article.id}#{number}", window, supported, name, held)
    for claim_ in read:
        index = EvidenceIndex(claim_.sentences)
        evidence = [claim_.sentences[i] for i in index.find(claim_.text)]
        window = pair(tokenizer, claim_.text, evidence, settings.window_tokens)
        held = data.fold_of(claim_.event, settings.folds) == settings.hold_out
        yield Example(claim_.id, window, claim_.supported, READ, held)


def epoch(groups: Sequence[Sequence[Example]], settings: EntailmentSettings, number: int) -> list[list[list[Example]]]:
    """Batches of groups of like length, some broken forms of each drawn anew: the same for the same seed and number."""
    rng = random.Random(f"{settings.seed}/{number}")
    drawn = []
    for group in groups:
        broken = [example for example in group if not example.supported]
        kept = [example for example in group if example.supported]
        drawn.append(kept + rng.sample(broken, min(settings.broken_per_sentence, len(broken))))
    rng.shuffle(drawn)
    drawn = [group for group in drawn if group][: settings.groups_per_epoch or None]
    longest = {id(group): max(len(example.window) for example in group) for group in drawn}
    jitter = {id(group): rng.random() * 20 for group in drawn}
    batches: list[list[list[Example]]] = []
    batch: list[list[Example]] = []
    for group in sorted(drawn, key=lambda group: longest[id(group)] + jitter[id(group)]):
        most = max(longest[id(other)] for other in [*batch, group])
        if batch and most * sum(map(len, [*batch, group])) > settings.batch_tokens:
            batches.append(batch)
            batch = []
        batch.append(group)
    if batch:
        batches.append(batch)
    rng.shuffle(batches)
    return batches


def batch_loss(model: EntailmentModel, batch: Sequence[Sequence[Example]]) -> Tensor:
    """Cross-entropy of every claim, and within a group the true one is to stand above the broken ones."""
    found = [example for group in batch for example in group]
    logits = model(*map(torch.from_numpy, padded([example.window for example in found])))
    wanted = torch.tensor([float(example.supported) for example in found])
    # Of one true sentence two broken ones are made: they weigh as much as it does together.
    weights = torch.where(wanted > 0, 2.0, 1.0)
    loss = nn.functional.binary_cross_entropy_with_logits(logits, wanted, weight=weights)
    margins, at = [], 0
    for group in batch:
        margins += [logits[at] - logits[at + step] for step in range(1, len(group))]
        at += len(group)
    if margins:
        loss = loss + 0.5 * nn.functional.softplus(-torch.stack(margins)).mean()
    return loss


@torch.no_grad()
def logits_of(model: EntailmentModel, found: Sequence[Example], size: int = 32) -> np.ndarray[Any, Any]:
    """[N], in the order given."""
    model.eval()
    result = np.zeros(len(found))
    order = sorted(range(len(found)), key=lambda i: len(found[i].window))
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        result[rows] = model(*map(torch.from_numpy, padded([found[i].window for i in rows]))).numpy()
    model.train()
    return result


def figures(scores: np.ndarray[Any, Any], held: Sequence[Example]) -> dict[str, Any]:
    """AUC on read and on made sentences, and the share of broken references caught at 5% false alarms, by kind."""
    from sklearn.metrics import roc_auc_score

    kinds = np.array([example.kind for example in held])
    wanted = np.array([example.supported for example in held])
    found: dict[str, Any] = {}
    for name, rows in (("read", kinds == READ), ("made", kinds != READ)):
        if len(set(wanted[rows])) == 2:
            found[f"{name}_n"] = int(rows.sum())
            found[f"{name}_auc"] = float(roc_auc_score(wanted[rows], scores[rows]))
    if (kinds == REFERENCE).any():
        threshold = float(np.quantile(scores[kinds == REFERENCE], 0.05))
        found["caught_at_5"] = {k: float(np.mean(scores[kinds == k] < threshold)) for k in KINDS if (kinds == k).any()}
    return found


def train(settings: EntailmentSettings, data_root: Path | None, smoke: bool = False) -> dict[str, Any]:
    """Train to the end (or from the last checkpoint to the end); returns the validation figures."""
    torch.manual_seed(settings.seed)
    out = Path(settings.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "settings.yaml").write_text(as_yaml(settings), encoding="utf-8")
    base = base_folder(settings.base)
    train_groups, held = _dealt(settings, base, data_root, smoke)
    model = EntailmentModel(base)
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in model.trunk.parameters() if p.requires_grad], "lr": settings.trunk_lr},
            {"params": [*model.hidden.parameters(), *model.out.parameters()], "lr": settings.head_lr},
        ],
        weight_decay=settings.weight_decay,
    )
    batches = [batch for number in range(settings.epochs) for batch in epoch(train_groups, settings, number)]
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: schedule(step / len(batches), settings.warmup, floor=0.02)
    )
    console.print(f"{len(train_groups)} groups, {len(held)} held-out claims; {len(batches)} steps")
    done = resume(out, model, optimizer, rate)
    writer = writer_of(out)
    saved = time.monotonic()
    model.train()
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    ) as progress:
        bar = progress.add_task("training", total=len(batches), completed=done)
        for step, batch in enumerate(batches[done:], start=done + 1):
            loss = batch_loss(model, batch)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            rate.step()
            value = float(loss.detach())
            if not math.isfinite(value):
                raise ValueError(f"the loss is {value} at step {step}: lower trunk_lr")
            progress.update(bar, advance=1, description=f"loss {value:.3f}")
            if step % _LOG_EVERY == 0:
                writer.add_scalar("loss", value, step)
            if step % settings.validate_every == 0 and held:
                console.print(
                    {"step": step}
                    | figures(
                        logits_of(model, held[:: settings.validation_stride]), held[:: settings.validation_stride]
                    )
                )
            if time.monotonic() - saved > settings.checkpoint_minutes * 60 or step == len(batches):
                checkpoint(out, model, optimizer, rate, step)
                saved = time.monotonic()
    writer.close()
    result = figures(logits_of(model, held), held) if held else {}
    (out / "validation.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, out / "model.safetensors")
    export(model, settings, out)
    return result


def export(model: EntailmentModel, settings: EntailmentSettings, to: Path) -> None:
    """Write the graph that `communique/grounding/entailment.py` reads, and beside it what it was made with.

    Its products stay bf16 or f32: in 8 bits the logits would correlate with these ones by .97 only.
    """
    model.eval()
    save_graph(_Plain(model), to / "entailment.xml")
    made = {"window_tokens": settings.window_tokens, "folds": settings.folds, "hold_out": settings.hold_out}
    (to / "entailment.json").write_text(json.dumps(made) + "\n", encoding="utf-8")


def _dealt(
    settings: EntailmentSettings, base: Path, data_root: Path | None, smoke: bool
) -> tuple[list[list[Example]], list[Example]]:
    """Groups to learn from, and the claims of the held-out fold."""
    articles = data.load_articles([Path(path) for path in settings.corpus], data_root, settings.sets)
    read = (
        list(data.claims(data_root / settings.grounding, {a.id: a for a in articles}))
        if (settings.grounding and data_root)
        else []
    )
    if settings.inshorts and data_root:
        articles += data.inshorts(data_root / settings.inshorts)
    if smoke:
        articles, read = articles[:: max(1, len(articles) // 24)], read[:10]
    groups: dict[str, list[Example]] = {}
    held: list[Example] = []
    for example in examples(articles, read, load_tokenizer(base / "tokenizer.json"), settings):
        if example.held:
            held.append(example)
        else:
            groups.setdefault(example.group, []).append(example)
    return list(groups.values()), held


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    arguments = command.options("entailment", __doc__).parse_args(argv)
    external = {"sets": (), "grounding": None, "inshorts": None}

    def work() -> dict[str, Any]:
        settings = command.settings(EntailmentSettings, arguments, external=external, smoke={"epochs": 1})
        return train(settings, arguments.data_root, arguments.smoke)

    return command.answer(work, arguments, console)


if __name__ == "__main__":
    sys.exit(main())
