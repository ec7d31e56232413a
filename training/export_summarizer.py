"""Export a tuned language model: its adapter with a card, pinned in the registry, and what merging and 8 bits change.

    python -m training.export summarizer --run runs/summarizer --to models/summarizer

`communique models pull` then merges it with the base into one Q8_0 file and converts that. Here the same merge is made
once and read back, so that the card can say how far the served weights lie from the trained ones.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import torch

from communique.errors import UsageError
from communique.lm.torch_model import load_gguf
from communique.models import load_registry, resolve
from communique.models.llama_gguf import merge
from communique.models.registry import file_sha256
from training.language_model import Base, SummaryModel, open_base
from training.settings import SummarizerSettings, load
from training.summarizer import Pool
from training.summarizer_card import summarizer_card
from training.summary_batches import collate, in_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.summary_batches import Sample

__all__ = ["agreement", "export_summarizer", "pin"]

#: What git carries: the adapter is shipped in the tree.
MOST_BYTES: Final = 20_000_000
#: The registry's names of the adapter and of what is made with it.
ADAPTER: Final = "adapter"
SERVED: Final = "summarizer"


def export_summarizer(run: Path, to: Path, data_root: Path | None, pairs: int = 96) -> dict[str, float]:
    """Write adapter, its config and its card to `to`, pin them in the registry beside it; returns the agreement.

    Args:
        run: folder of a finished training.
        to: folder under the registry's.
        data_root: folder of external sets, as in training: the agreement is measured on its held-out fold.
        pairs: of that fold.

    Raises:
        UsageError: the network was trained whole, the adapter is too large, or the base is no GGUF of the registry's.
    """
    settings = load(SummarizerSettings, run / "settings.yaml")
    best = run / "best"
    if not settings.rank:
        raise UsageError(f"{best} holds a whole network, not an adapter: serve that folder with the torch engine")
    size = (best / "adapter.safetensors").stat().st_size
    if size > MOST_BYTES:
        raise UsageError(f"the adapter has {size / 1e6:.1f} MB, the tree takes {MOST_BYTES / 1e6:.0f}: lower `rank`")
    gguf_file = _gguf(settings.base)
    to.mkdir(parents=True, exist_ok=True)
    for name in ("adapter.safetensors", "adapter_config.json"):
        shutil.copyfile(best / name, to / name)
    base = open_base(str(gguf_file))
    pool = Pool(settings, base, data_root if settings.sets else None)
    tuned = SummaryModel(base, settings.rank, settings.alpha)
    tuned.load(to)
    with tempfile.TemporaryDirectory() as folder:
        merged_file = Path(folder) / "merged.gguf"
        merge(gguf_file, to, merged_file)
        merged = Base(settings.base, load_gguf(merged_file), base.encoder, encoder_decoder=False)
        found = agreement(tuned, SummaryModel(merged, rank=0, alpha=0), pool.validation[:pairs])
    validation = json.loads((run / "validation.json").read_text(encoding="utf-8"))
    sentences = json.loads((run / "sentences.json").read_text(encoding="utf-8"))
    card = summarizer_card(settings, validation, found, size, sentences)
    (to / "CARD.md").write_text(card, encoding="utf-8")
    registry = to.parent / "registry.toml"
    if registry.exists():
        registry.write_text(pin(registry.read_text(encoding="utf-8"), to), encoding="utf-8")
    return found


@torch.no_grad()
def agreement(tuned: SummaryModel, merged: SummaryModel, samples: Sequence[Sample]) -> dict[str, float]:
    """Of the reference tokens of `samples`: the loss under either, and how often both find one token the likeliest."""
    tuned.eval()
    merged.eval()
    losses, same, tokens = [0.0, 0.0], 0, 0
    for group in in_order(samples, 2048):
        batch = collate(group)
        both = [model.logits(batch) for model in (tuned, merged)]
        for number, (logits, truth) in enumerate(both):
            losses[number] += float(torch.nn.functional.cross_entropy(logits, truth, reduction="sum"))
        same += int((both[0][0].argmax(-1) == both[1][0].argmax(-1)).sum())
        tokens += batch.answer_tokens
    tokens = max(1, tokens)
    return {"tokens": tokens, "loss": losses[0] / tokens, "loss_q8_0": losses[1] / tokens, "same_token": same / tokens}


def pin(registry: str, folder: Path) -> str:
    """The registry's text with the adapter's entry renewed (or added), and the served model made with it."""
    files = "".join(
        f'  {{ name = "{name}", bytes = {(folder / name).stat().st_size}, sha256 = "{file_sha256(folder / name)}" }},\n'
        for name in ("adapter.safetensors", "adapter_config.json")
    )
    entry = (
        f'[{ADAPTER}]\nkind = "shipped"\ntitle = "the language model\'s adapter"\nlicense = "Apache-2.0"\n'
        f'folder = "{folder.name}"\nfiles = [\n{files}]\n'
    )
    sections = _sections(registry)
    if ADAPTER in sections:
        sections[ADAPTER] = entry + sections[ADAPTER].partition("\n]\n")[2]
    else:
        sections[ADAPTER] = f"\n# Made by python -m training.export summarizer; see its CARD.md.\n{entry}"
    if SERVED not in sections:
        raise UsageError(f"the registry has no [{SERVED}] to serve the adapter with")
    if "\nadapter = " not in sections[SERVED]:
        base = next(line for line in sections[SERVED].splitlines() if line.startswith("base = "))
        sections[SERVED] = sections[SERVED].replace(base, f'{base}\nadapter = "{ADAPTER}"')
    return "".join(sections.values())


def _sections(registry: str) -> dict[str, str]:
    """The text in pieces by table name, each from its header on; what stands before the first has the name ""."""
    found = {"": ""}
    name = ""
    for line in registry.splitlines(keepends=True):
        if line.startswith("[") and line.rstrip().endswith("]"):
            name = line.strip()[1:-1]
            found[name] = ""
        found[name] += line
    return found


def _gguf(name: str) -> Path:
    place = Path(name)
    if not place.exists() and name in load_registry().models:
        place = resolve(name)
    files = [place] if place.suffix == ".gguf" else sorted(place.glob("*.gguf"))
    if not files:
        raise UsageError(f"{name} is no GGUF: its adapter cannot be merged for OpenVINO; use it with the torch engine")
    return files[0]
