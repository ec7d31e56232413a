"""The model card of a trained classifier: what it is, what it learned from, figures, limits. Written by export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from communique.trunk.reader import Calibration
    from training.settings import ClassifierSettings

__all__ = ["SETS", "classifier_card"]

#: What each set is, and under which licence it was found.
SETS: Final[Mapping[str, tuple[str, str]]] = {
    "corpus": ("this project's corpus (`training/corpus/`)", "Apache-2.0"),
    "karabakh": ("202 articles on the Armenia-Azerbaijan conflict, labelled for this project", "texts: none stated"),
    "world": (
        "1,276 articles on world affairs (AllSides repository), labelled for this project",
        "repository Apache-2.0; texts: the publishers' copyright",
    ),
    "allsides": (
        "3,914 further articles on world affairs (AllSides repository), labelled for this project",
        "repository Apache-2.0; texts: the publishers' copyright; labels: this project's own",
    ),
    "feedback": ("records that the trainer corrected", "the trainer's own"),
    "newsmtsc": ("NewsMTSC, sentences with target polarity (Hamborg and Donnay, EACL 2021)", "MIT-style"),
    "grounding": ("sentences of machine summaries of `world`, read and marked for this project", "this project's own"),
}


def classifier_card(
    settings: ClassifierSettings,
    figures: Mapping[str, Any],
    agreement: Mapping[str, float],
    calibration: Calibration,
    external: bool,
    runs: int = 1,
) -> str:
    """Markdown. `figures` are of events held out from training, with the torch model; `runs` whose mean was taken."""
    used = [*(["corpus"] if settings.corpus else []), *(["feedback"] if settings.feedback else [])]
    if external:
        used += list(settings.sets)
        used += ["newsmtsc"] if settings.target_sentences else []
    lines = [
        "# The trunk and its heads",
        "",
        "A 22M-parameter encoder (all-MiniLM-L6-v2, Apache-2.0), fine-tuned with heads for topics, stance toward a",
        "named target, salience (which words a summary would hold), and which words are not the article's own but the",
        "page's. One reading of an article serves all heads.",
        "A line over what the stance head makes of each passage says which show the stance; it was fitted on what",
        "readers gave as evidence. Topics are read from the article's words alone as well, by a line over hashed",
        "stems and pairs of them. Weights and products in 8 bits, the rest bf16 or f32, on OpenVINO.",
        "",
        "Made by `python -m training.classifier` and `python -m training.export classifier`, which writes this card.",
        "",
        "## What it learned from",
        "",
        "| set | what | licence as found |",
        "|---|---|---|",
        *(f"| `{name}` | {SETS[name][0]} | {SETS[name][1]} |" for name in used),
        "",
        f"Split by event into {settings.folds} folds; fold {settings.hold_out} was held out.",
        f"{settings.epochs} pass{'es' if settings.epochs > 1 else ''}, seed {settings.seed}{_begun(settings)}.",
        *([f"The weights are the mean of {runs} runs, of which this was the last."] if runs > 1 else []),
        "No article text is in this repository but the corpus, which was written for it.",
        "",
        "## Figures on the held-out fold",
        "",
        "Quick figures without intervals, before calibration; `eval/` measures the shipped model on the references.",
        "The calibration was fitted on this fold, so figures of calibration must be read from the references.",
        "",
        "| figure | value |",
        "|---|---|",
        *(f"| {name} | {_shown(value)} |" for name, value in figures.items() if isinstance(value, (int, float))),
        "",
        *_classes(figures),
        "## Agreement of the graph with the torch model",
        "",
        *(f"* {name}: {value:.4f}" for name, value in agreement.items()),
        "",
        "## Limits",
        "",
        "* English only. Long articles are read whole, in windows of 256 tokens that do not see one another.",
        "* Stance is the article's toward a target as the codebook defines it. It is not an outlet's, and a few",
        "  articles say nothing of an outlet. `favor` is rare in the training data and is the weakest class.",
        "* Labels were made by language-model annotators who read each article by the codebook.",
        f"* It abstains under a best probability of {calibration.abstain_threshold:.2f}.",
        "",
    ]
    return "\n".join(lines)


def _shown(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def _classes(figures: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    topics = figures.get("topics_f1")
    if topics:
        lines += ["| topic | F1 |", "|---|---|", *(f"| `{name}` | {topics[name]:.3f} |" for name in topics), ""]
    stances = {name: value for name, value in figures.items() if name.startswith("stance_") and name.endswith("_f1")}
    stances = {name: value for name, value in stances.items() if isinstance(value, dict)}
    if stances:
        lines += ["| stance set | favor | neutral | against |", "|---|---|---|---|"]
        for name, value in stances.items():
            cells = " | ".join(f"{value[label]:.3f}" for label in ("favor", "neutral", "against"))
            lines.append(f"| {name.removeprefix('stance_').removesuffix('_f1')} | {cells} |")
        lines.append("")
    return lines


def _begun(settings: ClassifierSettings) -> str:
    return (
        f", begun at the {'mean of the ' if len(settings.init) > 1 else ''}weights of {' and '.join(settings.init)} "
        "(training/EXPERIMENTS.md has the stages)"
        if settings.init
        else ""
    )
