"""Export what was trained into `models/`: the trunk as an OpenVINO graph, the heads as safetensors; the adapter.

    python -m training.export classifier --run runs/classifier --to models/trunk
    python -m training.export choice --run runs/choice --to models/trunk
    python -m training.export summarizer --run runs/summarizer --to models/summarizer

Prints how far what is served lies from the torch model.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from communique.errors import CommuniqueError, UsageError
from communique.trunk.reader import Calibration, Reader
from training import evidence
from training.batches import ArticleSample
from training.calibration import fit, fit_topics
from training.card import classifier_card
from training.classifier import held_out_predictions
from training.data import document_of
from training.export_choice import export_choice
from training.export_summarizer import export_summarizer
from training.graph import agreement, save_graph
from training.model import MultiTaskModel
from training.runs import base_folder, start_from
from training.settings import ClassifierSettings, load
from training.settling import fit_on_pages
from training.topic_words import fit as fit_words
from training.validation import figures

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from communique.trunk.windows import Window
    from training.data import Labelled

__all__ = ["export_classifier", "main"]

#: Windows of training articles that the ranges of the graph's activations are taken from, and held-out ones to compare.
_RANGED, _COMPARED = 160, 32
#: Articles that are read at once.
_TOGETHER: Final = 32
#: What a finished run holds.
_NEEDED: Final = {
    "classifier": ("model.safetensors",),
    "choice": ("model.safetensors", "validation.json"),
    "summarizer": ("best/adapter_config.json", "sentences.json"),
}


class _Traced(torch.nn.Module):
    def __init__(self, trunk: torch.nn.Module) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
        states: torch.Tensor = self.trunk(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state
        return states


def export_classifier(runs: Sequence[Path], to: Path, data_root: Path | None) -> dict[str, float]:
    """Write graph, heads, tokenizer and calibration; returns the graph's agreement with the torch model.

    Of several runs the mean of their weights is exported (Wortsman et al. 2022), with the settings of the last.
    """
    from safetensors.numpy import save_file

    *earlier, settings = (load(ClassifierSettings, run / "settings.yaml") for run in runs)
    if any(other.topic_set != settings.topic_set for other in earlier):
        raise UsageError("these runs tell different topics apart: they have no mean")
    base = base_folder(settings.base)
    model = MultiTaskModel(base, topics=len(settings.topic_set))
    start_from(model, [run / "model.safetensors" for run in runs])
    model.eval()
    kept, pool = held_out_predictions(settings, model, data_root)
    words = fit_words(pool.train_articles, pool.topics)
    heads = {k: v.contiguous().half().numpy() for k, v in model.heads.state_dict().items()}
    heads |= {name: value.astype(np.float16) for name, value in words.items()}
    calibration = Calibration(topics=settings.topic_set, **fit(kept))
    to.mkdir(parents=True, exist_ok=True)
    save_file(heads, to / "heads.safetensors")
    shutil.copyfile(base / "tokenizer.json", to / "tokenizer.json")
    _write(calibration, to)
    module = _Traced(model.trunk)
    save_graph(module, to / "trunk.xml", _windows(pool.samples.values(), _RANGED))
    held = _windows((sample for sample in pool.validation if isinstance(sample, ArticleSample)), _COMPARED)
    found = agreement(module, to / "trunk.xml", held)
    if known := [article for article in pool.held_articles if article.topics]:
        calibration = replace(calibration, **_topics(Reader(to), known, settings))
        _write(calibration, to)
    if shown := [article for article in pool.train_articles if article.evidence]:
        calibration = replace(calibration, evidence=evidence.fit(Reader(to), shown))
        _write(calibration, to)
    if pool.held_patterns:
        settling = fit_on_pages(Reader(to), pool.held_articles, pool.held_patterns, settings.seed)
        calibration = replace(calibration, settling=settling)
        _write(calibration, to)
    found["graph_megabytes"] = sum(path.stat().st_size for path in to.glob("trunk.*")) / 1e6
    card = classifier_card(settings, figures(kept, pool.topics), found, calibration, data_root is not None, len(runs))
    (to / "CARD.md").write_text(card, encoding="utf-8")
    return found


def _topics(reader: Reader, articles: Sequence[Labelled], settings: ClassifierSettings) -> dict[str, Any]:
    """The calibration of topics on held-out articles, as what is served reads them."""
    evidence = []
    for at in range(0, len(articles), _TOGETHER):
        documents = [document_of(article) for article in articles[at : at + _TOGETHER]]
        evidence += [reading.topic_evidence() for reading in reader.read(documents)]
    truth = np.array([[topic in article.topics for topic in settings.topic_set] for article in articles])
    return fit_topics(np.stack(evidence), truth, [article.source_set for article in articles], settings.topic_set)


def _write(calibration: Calibration, to: Path) -> None:
    (to / "calibration.json").write_text(json.dumps(asdict(calibration), indent=1) + "\n", encoding="utf-8")


def _windows(samples: Iterable[ArticleSample], most: int) -> list[Window]:
    """The first windows of articles spread over all of them."""
    firsts = [sample.windows[0] for sample in samples]
    return firsts[:: max(1, len(firsts) // most)][:most]


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m training.export", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="what", required=True)
    classifier = commands.add_parser("classifier", help="trunk and heads")
    classifier.add_argument(
        "--run", type=Path, nargs="+", default=[Path("runs/classifier")], help="of several the weights' mean"
    )
    classifier.add_argument("--to", type=Path, default=Path("models/trunk"))
    classifier.add_argument("--data-root", type=Path, help="folder of external sets, as in training")
    summarizer = commands.add_parser("summarizer", help="the language model's adapter")
    summarizer.add_argument("--run", type=Path, default=Path("runs/summarizer"))
    summarizer.add_argument("--to", type=Path, default=Path("models/summarizer"))
    summarizer.add_argument("--data-root", type=Path, help="folder of external sets, as in training")
    chosen = commands.add_parser("choice", help="the trunk's branch, into the trunk that it was trained for")
    chosen.add_argument("--run", type=Path, default=Path("runs/choice"))
    chosen.add_argument("--to", type=Path, default=Path("models/trunk"))
    chosen.add_argument("--data-root", type=Path, help="folder of external sets, as in training")
    arguments = parser.parse_args(argv)
    try:
        for run in arguments.run if arguments.what == "classifier" else [arguments.run]:
            if not all((run / name).exists() for name in _NEEDED[arguments.what]):
                raise UsageError(f"{run} holds no finished training: run python -m training.{arguments.what} first")
        if arguments.what == "choice":
            print(json.dumps(export_choice(arguments.run, arguments.to, arguments.data_root)))
        else:
            export = export_classifier if arguments.what == "classifier" else export_summarizer
            print(json.dumps(export(arguments.run, arguments.to, arguments.data_root)))
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except CommuniqueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
