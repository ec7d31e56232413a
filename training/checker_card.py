"""The model card of a trained checker: what it is, what it learned from, figures, limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.card import SETS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training.settings import CheckerSettings

__all__ = ["checker_card"]


def checker_card(settings: CheckerSettings, figures: Mapping[str, Any], *, external: bool) -> str:
    """Markdown. `figures` are those of `validation.json`, each fold scored by a model that never saw it."""
    used = ["corpus"] if settings.corpus else []
    if external:
        used += [*settings.sets, *(["grounding"] if settings.grounding else [])]
    lines = [
        "# The checker",
        "",
        "Says how probable it is that an article supports a sentence about it. Exact checks come first: a figure,",
        "name, date or quotation that the article lacks makes the support 0. The rest is compared with the article by",
        "features of form (`communique/grounding/features.py`: what is covered, in which order, beside whom, counted",
        "by what, denied by whom, and whether another name or figure would fit better), which a straight line and",
        f"{settings.trees} small boosted trees weigh. It needs numpy alone.",
        "",
        "Made by `python -m training.checker`, which writes this card.",
        "",
        "## What it learned from",
        "",
        "| set | what | licence as found |",
        "|---|---|---|",
        *(f"| `{name}` | {SETS[name][0]} | {SETS[name][1]} |" for name in used),
        "",
        "Sentences of machine summaries that were read against their articles, and sentences of reference summaries",
        "and articles, whole and broken in one of seven ways (`communique/perturbation.py`). A read sentence weighs",
        f"{settings.read_weight:g} times a made one. No article text is in the model: it holds thresholds and weights.",
        "",
        f"## Figures, {settings.folds} folds by event, each scored by a model that never saw it",
        "",
        "| figure | value |",
        "|---|---|",
        *(f"| {name} | {_shown(value)} |" for name, value in figures.items() if not isinstance(value, dict)),
        "",
        "`read_auc_of_…` are single features alone, as baselines; `exact_checks` is the presence of figures and names.",
        "`references_lost` is the share of true reference sentences that the exact checks reject.",
        "",
        "| broken references caught at 5% false alarms | share | n |",
        "|---|---|---|",
        *(f"| {k} | {v:.3f} | {figures['broken_n'][k]} |" for k, v in figures.get("caught_at_5", {}).items()),
        "",
        "## Limits",
        "",
        "* It compares words. A true sentence in words that the article does not use looks unsupported, and a false",
        "  one in the article's own words and order looks supported.",
        "* Calibrated on sentences that a small language model wrote about news of the world, 35% of them supported;",
        "  among sentences of another origin the probabilities are too low or too high.",
        "* On the read sentences the share of linked words alone (`link_mean`) ranks about as well as the whole,",
        "  and the line alone a little better; the trees cost some of that and catch more that is broken on purpose.",
        "* Exchanged speakers, dropped attributions and wrongly joined halves mostly pass.",
        "* English only. Pronouns are followed one sentence back, no farther.",
        "",
    ]
    return "\n".join(lines)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return " to ".join(f"{item:.3f}" for item in value)
    return str(value) if isinstance(value, int) else f"{value:.3f}"
