"""Export the branch that says which sentences a reader would take: into the graph and the heads of its trunk.

python -m training.export choice --run runs/choice --to models/trunk
"""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from communique.errors import UsageError
from communique.trunk.encoder import Encoder
from communique.trunk.reader import Reader
from communique.trunk.windows import cut, load_tokenizer, padded
from training import data
from training.choice import chooser
from training.choice_model import MEANING
from training.corpus.pages import load_passages
from training.graph import read_up_to, save_branch
from training.settings import ChoiceSettings, load
from training.settling import fit_on_pages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training.choice_model import Branch

__all__ = ["export_choice"]

#: Articles of the corpus whose first windows the ranges of the branch's activations are taken from.
_RANGED: Final = 160
_COMPARED: Final = 16
_TITLE: Final = "## The choice of sentences"


def export_choice(run: Path, to: Path, data_root: Path | None = None) -> dict[str, float]:
    """Put branch and heads into the trunk's graph and heads, for earlier ones, and their figures into its card.

    What the cleaner leaves undecided is weighed anew, on pages of held-out articles and site patterns.

    Returns how far the graph's branch lies from the torch model's: the cosine a token, mean and least.

    Raises:
        UsageError: the trunk has another hidden size.
    """
    from safetensors.numpy import load_file, save_file
    from safetensors.torch import load_file as load_tensors

    settings = load(ChoiceSettings, run / "settings.yaml")
    tensors = load_tensors(run / "model.safetensors")
    hidden = tensors["pool.weight"].shape[1]
    heads = load_file(to / "heads.safetensors")
    if heads["topic_attention.weight"].shape[1] != hidden:
        raise UsageError(f"{to} holds another trunk than {settings.trunk} was: train the branch for it")
    model = chooser(settings, hidden, tensors["head.line.weight"].shape[1] - 2 * hidden)
    model.load_state_dict(tensors)
    tokenizer = load_tokenizer(to / "tokenizer.json")
    articles = [article for path in settings.corpus for article in data.articles(Path(path), "corpus")]
    articles = articles[:: max(1, len(articles) // _RANGED)][:_RANGED]
    windows = [cut(tokenizer, article.title, article.sentences)[0] for article in articles]
    begins = model.branch.begins
    read_up_to(to / "trunk.xml", begins, run / "below.xml")
    save_branch(model.branch.eval(), begins, to / "trunk.xml", windows)
    kept = {name: value for name, value in heads.items() if not name.startswith("choice")}
    own = {
        "choice_" + name.removeprefix("head."): value.numpy().astype(np.float16)
        for name, value in tensors.items()
        if name.startswith(("head.", "pool.", "meaning."))
    }
    save_file(kept | own, to / "heads.safetensors")
    _settle(settings, to, data_root)
    found = _agreement(model.branch, run / "below.xml", to / "trunk.xml", windows[:_COMPARED], hidden)
    figures = json.loads((run / "validation.json").read_text(encoding="utf-8"))
    card = to / "CARD.md"
    before = card.read_text(encoding="utf-8").split(_TITLE)[0].rstrip() if card.exists() else "# The trunk"
    card.write_text(f"{before}\n\n{_section(settings, figures, found)}", encoding="utf-8")
    return found


def _settle(settings: ChoiceSettings, to: Path, data_root: Path | None) -> None:
    """Weigh the cleaner's doubt with what the trunk now reads."""
    articles = data.load_articles([Path(path) for path in settings.corpus], data_root, settings.sets)
    held_articles = [a for a in articles if data.fold_of(a.event, settings.folds) == settings.hold_out]
    patterns = load_passages(Path(settings.passages))
    held_patterns = {
        name: passages for name, passages in patterns.items() if data.fold_of(name, settings.folds) == settings.hold_out
    }
    if held_articles and held_patterns:
        settling = fit_on_pages(Reader(to), held_articles, held_patterns, settings.seed)
        path = to / "calibration.json"
        told = json.loads(path.read_text(encoding="utf-8")) | {"settling": asdict(settling)}
        path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


@torch.no_grad()
def _agreement(branch: Branch, below: Path, graph: Path, windows: Any, hidden: int) -> dict[str, float]:
    under, whole = Encoder(below), Encoder(graph)
    cosines = []
    for window in windows:
        states = torch.from_numpy(under.states([window])[0][None, :, hidden:].copy())
        want = branch(states, torch.from_numpy(padded([window])[1])).numpy()[0]
        got = whole.states([window])[0][:, hidden:]
        cosines.append((want * got).sum(-1) / (np.linalg.norm(want, axis=-1) * np.linalg.norm(got, axis=-1)))
    every = np.concatenate(cosines)
    return {"branch_cosine_mean": float(every.mean()), "branch_cosine_min": float(every.min())}


def _section(settings: ChoiceSettings, figures: Mapping[str, Any], agreement: Mapping[str, float]) -> str:
    beside = f" and from what {settings.teacher}, read up to layer {settings.teacher_layers}, makes of all articles"
    text = (
        f"A branch of {settings.layers} layers, beside the trunk's last ones, says which sentences a reader would take "
        f"for a summary, and in {MEANING} numbers what each is about, by which the cleaner tells other stories. Made "
        "by `python -m training.choice` and `python -m training.export choice`. It learned from "
        f"readers' choices (`{settings.choices}`){beside if settings.teacher else ''}, and what sentences are about "
        f"from {settings.base}. Fold {settings.hold_out} of "
        f"{settings.folds} by event was held out. Of as many sentences as the reader took, the best by its score: "
        "`taken` by the reader too, `near` taken or nearly, `weak` not to be taken; `meaning_cosine`: how near the "
        "numbers come to what was to be learned; `teacher_…`: what is chosen by the language model's view of "
        "sentences, in the other folds."
    )
    rows = [
        f"| {name} | {value if isinstance(value, int) else f'{value:.4f}'} |"
        for name, value in (*figures.items(), *agreement.items())
    ]
    return "\n".join(
        [
            _TITLE,
            "",
            textwrap.fill(text, 118, break_on_hyphens=False),
            "",
            "| figure | value |",
            "|---|---|",
            *rows,
            "",
        ]
    )
