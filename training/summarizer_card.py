"""The model card of a tuned language model: what it learned from, figures, limits. Written by export."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

from training.card import SETS
from training.summaries import REJECTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training.settings import SummarizerSettings

__all__ = ["summarizer_card"]


def summarizer_card(
    settings: SummarizerSettings,
    figures: Mapping[str, Any],
    agreement: Mapping[str, float],
    size: int,
    sentences: Mapping[str, int],
) -> str:
    """Markdown. `figures` are those of `validation.json`, on events held out from training; `size` is in bytes.

    `sentences` counts those to be learned from: what was kept, and why the others were not.
    """
    own = all(source.startswith("training/corpus/") for source in settings.corpus)
    used = (["corpus"] if settings.corpus and own else []) + list(settings.sets)
    others = [] if own else [f"| `{source}` | the trainer's own | see the source |" for source in settings.corpus]
    left = ", ".join(
        f"{count} {name}" for name, count in sorted(sentences.items()) if name not in {"kept", REJECTED} and count
    )
    beside = [
        f"Beside {sentences.get(REJECTED)} of them stood what an earlier stage made of the same sentence and should",
        "not have, to be less likely.",
    ]
    earlier = [f"It went on from the adapter in `{settings.start}`."]
    lines = [
        "# The language model's adapter",
        "",
        f"LoRA of rank {settings.rank} on every linear layer of `{settings.base}` (SmolLM2-135M-Instruct, Apache-2.0,",
        f"unless another base is named), {size / 1e6:.1f} MB in half precision. It shortens sentences of a",
        "news article. `communique models pull` merges it with the base into one Q8_0 file.",
        "",
        "Made by `python -m training.summarizer` and `python -m training.export summarizer`, which writes this card.",
        "",
        "## What it learned from",
        "",
        "| set | what | licence as found |",
        "|---|---|---|",
        *(f"| `{name}` | {SETS[name][0]} | {SETS[name][1]} |" for name in used),
        *others,
        "",
        fill(
            f"{sentences['kept']} sentences {', and '.join(_kinds(settings))}, each beside those of its article, in "
            f"{settings.epochs} {'pass' if settings.epochs == 1 else 'passes'}; prompts of at most "
            f"{settings.max_tokens} tokens; seed {settings.seed}. Split by event into {settings.folds} folds; fold "
            f"{settings.hold_out} was held out.",
            width=100,
        ),
        *(beside if sentences.get(REJECTED) else []),
        *(earlier if settings.start else []),
        fill(f"Not learned from were sentences that: {left}.", width=100),
        "No article text is in this repository but the corpus, which was written for it.",
        "",
        "## Figures on the held-out fold",
        "",
        "Quick figures without intervals, of what the model writes alone, before any of it is proven; `eval/` measures",
        "what is served. `forks`: share of places where the true token is likelier than that of a broken sentence.",
        "`lead_…`: the first words of the sentences given, as many.",
        "",
        "| figure | value |",
        "|---|---|",
        *(f"| {name} | {_shown(value)} |" for name, value in figures.items() if isinstance(value, (int, float))),
        "",
        "## Agreement of the merged Q8_0 file with the trained model",
        "",
        *(f"* {name}: {_shown(value)}" for name, value in agreement.items()),
        "",
        "## Limits",
        "",
        "* English news. It knows nothing of the world that it should be asked for.",
        "* At 135M parameters it invents: most often a right name with another's deed, words or office. What it writes",
        "  is never to be shown unproven: the service lets a sentence stand only where the checker is sure of it.",
        "* What it learned from was written by language-model annotators.",
        "",
    ]
    return "\n".join(lines)


def _kinds(settings: SummarizerSettings) -> list[str]:
    kinds = ["of summaries with what they rest on"] if settings.mine else []
    written = "that readers wrote of one or two given ones and nothing else"
    cut = "that readers wrote, each a given one with words left out"
    drafted = ["others that the stage before wrote itself and readers let stand"] if settings.drafts else []
    return [*kinds, *([cut if settings.cuts else written] if settings.rewrites else []), *drafted]


def _shown(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"
