"""Figures of the language model on held-out pairs while it trains: quick, without intervals (those are `eval/`'s).

Loss and forks on all of them; for a few also what it writes, beside the first of the sentences that it was given.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import torch

from communique.errors import CommuniqueError
from communique.grounding import Checker, missing
from training.data import document_of, sentences_of
from training.summary_batches import collate, in_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.language_model import ChatEncoder, SummaryModel, TextEncoder
    from training.settings import SummarizerSettings
    from training.summaries import Pair
    from training.summary_batches import Sample

__all__ = ["Written", "open_checker", "rouge", "teacher_forced", "write_sentences", "written_figures"]

#: From this support on a sentence counts as supported.
SUPPORTED = 0.5


@dataclass(frozen=True, slots=True)
class Written:
    """A held-out pair and what was written of its evidence."""

    pair: Pair
    text: str


@torch.no_grad()
def teacher_forced(model: SummaryModel, samples: Sequence[Sample], batch_tokens: int) -> dict[str, float]:
    """`loss` a token; `forks`: the share of places where the true token is likelier than the false one; `preferred`:
    of the right sentences beside a rejected one that are likelier, where there are any."""
    device = next(model.parameters()).device
    loss, tokens, right, forks, preferred, rejected = 0.0, 0, 0, 0, 0, 0
    for group in in_order(samples, batch_tokens):
        batch = collate(group).to(device)
        found = model(batch)
        loss += float(found.answers)
        tokens += batch.answer_tokens
        right += int(found.forks_right)
        forks += len(batch.forks)
        preferred += int(found.preferred_right)
        rejected += len(batch.rejected_rows)
    shares = {"preferred": preferred / rejected} if rejected else {}
    return {"loss": loss / max(1, tokens), "forks": right / max(1, forks), **shares}


def write_sentences(
    model: SummaryModel,
    encoder: ChatEncoder | TextEncoder,
    pairs: Sequence[Pair],
    samples: Sequence[Sample],
    settings: SummarizerSettings,
    together: int = 12,
) -> list[Written]:
    """A sentence of each pair's evidence; `samples` hold their prompts, in the same order."""
    order = sorted(range(len(samples)), key=lambda number: len(samples[number].prompt))
    texts: dict[int, str] = {}
    for at in range(0, len(order), together):
        numbers = order[at : at + together]
        answers = model.write(
            [samples[number].prompt for number in numbers], settings.max_new_tokens, settings.repetition_penalty
        )
        texts |= {number: encoder.decode(answer) for number, answer in zip(numbers, answers, strict=True)}
    return [Written(pair, texts[number]) for number, pair in enumerate(pairs)]


def written_figures(written: Sequence[Written], checker: Checker | None) -> dict[str, Any]:
    """ROUGE F1 (0-100) beside the first source's of as many words, and shares: supported, with something missing."""
    scores: dict[str, float] = {}
    for item in written:
        lead = " ".join(" ".join(item.pair.sources).split()[: len(item.text.split())])
        for prefix, text in (("", item.text), ("lead_", lead)):
            for name, value in rouge(text, [item.pair.sentence]).items():
                scores[prefix + name] = scores.get(prefix + name, 0.0) + value / len(written)
    lost = [bool(missing(item.text, " ".join([item.pair.article.title, *item.pair.sources]))) for item in written]
    found: dict[str, Any] = {
        **scores,
        "written_n": len(written),
        "words": sum(len(item.text.split()) for item in written) / max(1, len(written)),
        "with_something_missing": sum(lost) / max(1, len(lost)),
    }
    if checker is not None:
        verdicts = [v for item in written for v in checker.check([item.text], document_of(item.pair.article))]
        found["support_mean"] = sum(v.support for v in verdicts) / max(1, len(verdicts))
        found["supported"] = sum(v.support >= SUPPORTED for v in verdicts) / max(1, len(verdicts))
    return found


def rouge(text: str, references: Sequence[str]) -> dict[str, float]:
    """ROUGE-1, -2 and -Lsum F1 (0-100), stemmed, of the best reference each."""
    prepared = "\n".join(sentences_of(text))
    found: dict[str, float] = {}
    for reference in references:
        for name, score in _scorer().score("\n".join(sentences_of(reference)), prepared).items():
            found[name] = max(found.get(name, 0.0), 100 * score.fmeasure)
    return found


@cache
def _scorer() -> Any:
    from rouge_score import rouge_scorer

    return rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeLsum"], use_stemmer=True)


def open_checker() -> tuple[Checker | None, str]:
    """The shipped checker, or none and the reason why: a base may be trained before there is one."""
    try:
        return Checker.open(), ""
    except CommuniqueError as error:
        return None, str(error)
