"""What other readers make of sentences: numbers for the trunk's branch to learn from (Hinton et al. 2015).

The base of the summarizer reads each article once, title first; a sentence's vector is the mean of its tokens' states
at one layer. On these readers' choices are told far better than on the trunk's (`training/EXPERIMENTS.md`), at a
hundred times the cost of serving. The untuned encoder, which was made to tell texts alike (Reimers and Gurevych 2019),
reads each sentence by itself: what stands in another story on the page is less like the article.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from rich.progress import track

from communique.lm.tokenizer import LanguageTokenizer
from communique.lm.torch_model import load_gguf
from communique.models import load_registry, resolve
from communique.trunk.windows import load_tokenizer
from training.model import best_arithmetic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from rich.console import Console

    from training.data import Labelled

__all__ = ["sentence_meanings", "sentence_states"]

#: Tokens of an article that are read at most; sentences after them have no vector.
MOST_TOKENS: Final = 1000
#: Tokens of a sentence that is read by itself, and such sentences that are read together.
SENTENCE_TOKENS: Final = 128
_SENTENCES: Final = 64
#: Articles in a file: an interrupted reading goes on after the last whole one.
_PART: Final = 128


def sentence_states(
    articles: Sequence[Labelled], teacher: str, layers: int, folder: Path, console: Console
) -> dict[str, NDArray[np.float16]]:
    """By article the vectors [S', H] of its first S' sentences after `layers` of the `teacher`'s layers.

    What was read lies in `folder` and is not read again.

    Args:
        articles: in an order that stays the same.
        teacher: a causal model of the registry, as it came.
        layers: how many of its layers are computed.
        folder: for this teacher, these layers and these articles.
        console: where the progress is shown.
    """
    return _in_parts(articles, folder, lambda: _reader(teacher, layers), "reading with the language model", console)


def sentence_meanings(
    articles: Sequence[Labelled], base: Path, folder: Path, console: Console
) -> dict[str, NDArray[np.float16]]:
    """By article the unit vectors [S, H] of its sentences, each read by itself by the encoder in the folder `base`.

    What was read lies in `folder`, which is for this encoder and these articles, and is not read again.
    """
    return _in_parts(articles, folder, lambda: _encoder(base), "reading sentence by sentence", console)


def _in_parts(
    articles: Sequence[Labelled],
    folder: Path,
    reader: Callable[[], Callable[[Labelled], NDArray[np.float16]]],
    doing: str,
    console: Console,
) -> dict[str, NDArray[np.float16]]:
    """What a `reader` makes of each article, kept in `folder` as it goes."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [articles[start : start + _PART] for start in range(0, len(articles), _PART)]
    paths = [folder / f"{number:05d}.npz" for number in range(len(parts))]
    missing = [number for number, path in enumerate(paths) if not path.exists()]
    if missing:
        read = reader()
        for number in track(missing, doing, console=console):
            unfinished = paths[number].with_suffix(".part.npz")
            np.savez(unfinished, **{article.id: read(article) for article in parts[number]})  # type: ignore[arg-type]
            unfinished.replace(paths[number])
    found: dict[str, NDArray[np.float16]] = {}
    for path in paths:
        with np.load(path) as part:
            found.update(part)
    return found


def _encoder(base: Path) -> Callable[[Labelled], NDArray[np.float16]]:
    """A function from an article to its sentences' vectors, each read by itself."""
    from transformers import AutoModel

    device, arithmetic = best_arithmetic()
    network = AutoModel.from_pretrained(base, add_pooling_layer=False).to(device).eval()
    tokenizer = load_tokenizer(base / "tokenizer.json")
    tokenizer.enable_truncation(SENTENCE_TOKENS)

    @torch.no_grad()
    def read(article: Labelled) -> NDArray[np.float16]:
        rows = [row.ids for row in tokenizer.encode_batch(list(article.sentences))]
        found = np.zeros((len(rows), network.config.hidden_size), dtype=np.float16)
        order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
        for start in range(0, len(order), _SENTENCES):
            some = order[start : start + _SENTENCES]
            ids = torch.zeros(len(some), len(rows[some[-1]]), dtype=torch.long, device=device)
            for at, row in enumerate(some):
                ids[at, : len(rows[row])] = torch.tensor(rows[row])
            mask = (ids > 0).long()
            with torch.autocast(device, torch.bfloat16, enabled=arithmetic == "bf16"):
                states = network(input_ids=ids, attention_mask=mask).last_hidden_state.float()
            means = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            found[some] = torch.nn.functional.normalize(means, dim=-1).half().cpu().numpy()
        return found

    return read


def _reader(teacher: str, layers: int) -> Any:
    """A function from an article to its sentences' vectors."""
    device, arithmetic = best_arithmetic()
    base = load_registry()[teacher]
    network = load_gguf(
        resolve(teacher) / base.files[0].name, torch.bfloat16 if arithmetic == "bf16" else torch.float32
    )
    network.model.layers = network.model.layers[:layers]
    network.model.norm = torch.nn.Identity()
    network = network.model.to(device).eval()
    tokenizer = LanguageTokenizer.open()

    @torch.no_grad()
    def read(article: Labelled) -> NDArray[np.float16]:
        ids = tokenizer.encode(f"{article.title}\n\n")
        spans: list[tuple[int, int]] = []
        for number, sentence in enumerate(article.sentences):
            tokens = tokenizer.encode(f" {sentence}" if number else sentence)
            if len(ids) + len(tokens) > MOST_TOKENS:
                break
            spans.append((len(ids), len(ids) + len(tokens)))
            ids += tokens
        if not any(end > start for start, end in spans):
            return np.zeros((0, network.config.hidden_size), dtype=np.float16)
        states = network(input_ids=torch.tensor([ids], device=device)).last_hidden_state[0].float()
        return np.stack([states[a : max(b, a + 1)].mean(0).half().cpu().numpy() for a, b in spans])

    return read
