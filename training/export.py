"""Export what was trained into `models/`: the trunk as an OpenVINO graph, the heads as safetensors; the adapter.

    python -m training.export classifier --run runs/classifier --to models/trunk
    python -m training.export summarizer --run runs/summarizer --to models/summarizer

Prints how far what is served lies from the torch model.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from communique.bag import bag
from communique.errors import CommuniqueError, UsageError
from communique.heads import Heads
from training.calibration import fit
from training.card import classifier_card
from training.classifier import base_folder, held_out_predictions
from training.export_summarizer import export_summarizer
from training.model import MultiTaskModel
from training.settings import ClassifierSettings, load
from training.topic_words import fit as fit_words

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["export_classifier", "main"]


class _Traced(torch.nn.Module):
    def __init__(self, trunk: torch.nn.Module) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
        states: torch.Tensor = self.trunk(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state
        return states


def export_classifier(run: Path, to: Path, data_root: Path | None) -> dict[str, float]:
    """Write graph, heads, tokenizer and calibration; returns the graph's agreement with the torch model."""
    import nncf
    import openvino
    from safetensors.numpy import save_file
    from safetensors.torch import load_file

    settings = load(ClassifierSettings, run / "settings.yaml")
    base = base_folder(settings.base)
    model = MultiTaskModel(base)
    model.load_state_dict(load_file(run / "model.safetensors"))
    model.eval()
    kept, pool = held_out_predictions(settings, model, data_root)
    words = fit_words(pool.train_articles)
    heads = {k: v.contiguous().half().numpy() for k, v in model.heads.state_dict().items()}
    heads |= {name: value.astype(np.float16) for name, value in words.items()}
    lines = Heads(heads)
    topic_words = {a.id: lines.topic_words(*bag((a.title, *a.sentences))) for a in pool.held_articles}
    calibration = fit(kept, topic_words)
    to.mkdir(parents=True, exist_ok=True)
    save_file(heads, to / "heads.safetensors")
    shutil.copyfile(base / "tokenizer.json", to / "tokenizer.json")
    (to / "calibration.json").write_text(json.dumps(asdict(calibration), indent=1) + "\n", encoding="utf-8")
    example = (torch.randint(1000, 20000, (2, 64)), torch.ones(2, 64, dtype=torch.long), torch.zeros(2, 64).long())
    with torch.no_grad():
        graph = openvino.convert_model(_Traced(model.trunk), example_input=example, input=[(-1, -1)] * 3)
    for port, name in zip(graph.inputs, ("ids", "mask", "types"), strict=True):
        port.get_tensor().set_names({name})
    # Weights in 8 bits, one scale a row; arithmetic stays bf16 or f32. Dynamic quantisation of activations drifts.
    graph = nncf.compress_weights(graph, mode=nncf.CompressWeightsMode.INT8_SYM)
    openvino.save_model(graph, to / "trunk.xml", compress_to_fp16=True)
    agreement = _agreement(model, to, example)
    validation = json.loads((run / "validation.json").read_text(encoding="utf-8"))
    card = classifier_card(settings, validation, agreement, calibration, data_root is not None)
    (to / "CARD.md").write_text(card, encoding="utf-8")
    return agreement


@torch.no_grad()
def _agreement(model: MultiTaskModel, to: Path, example: tuple[torch.Tensor, ...]) -> dict[str, float]:
    import openvino

    want = model.trunk(
        input_ids=example[0], attention_mask=example[1], token_type_ids=example[2]
    ).last_hidden_state.numpy()
    found: dict[str, float] = {}
    for precision in ("f32", "bf16"):
        compiled = openvino.Core().compile_model(to / "trunk.xml", "CPU", {"INFERENCE_PRECISION_HINT": precision})
        got = compiled([tensor.numpy() for tensor in example])[0]
        cosine = (want * got).sum(-1) / (np.linalg.norm(want, axis=-1) * np.linalg.norm(got, axis=-1))
        found[f"cosine_{precision}_mean"] = float(cosine.mean())
        found[f"cosine_{precision}_min"] = float(cosine.min())
    found["graph_megabytes"] = sum(path.stat().st_size for path in to.glob("trunk.*")) / 1e6
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m training.export", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="what", required=True)
    classifier = commands.add_parser("classifier", help="trunk and heads")
    classifier.add_argument("--run", type=Path, default=Path("runs/classifier"))
    classifier.add_argument("--to", type=Path, default=Path("models/trunk"))
    classifier.add_argument("--data-root", type=Path, help="folder of external sets, as in training")
    summarizer = commands.add_parser("summarizer", help="the language model's adapter")
    summarizer.add_argument("--run", type=Path, default=Path("runs/summarizer"))
    summarizer.add_argument("--to", type=Path, default=Path("models/summarizer"))
    summarizer.add_argument("--data-root", type=Path, help="folder of external sets, as in training")
    arguments = parser.parse_args(argv)
    result = "model.safetensors" if arguments.what == "classifier" else "best/adapter_config.json"
    try:
        if not (arguments.run / result).exists():
            raise UsageError(
                f"{arguments.run} holds no finished training: run python -m training.{arguments.what} first"
            )
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
