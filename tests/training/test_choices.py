"""The sentences that readers chose: how they are read, what is learned from them, and that it is served so."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from rich.console import Console
from safetensors.numpy import load_file, save_file

from communique.errors import UsageError
from communique.trunk.features import CHOICE_FEATURES
from communique.trunk.heads import Heads
from communique.trunk.reader import UNTAUGHT, Reader
from communique.trunk.windows import cut, load_tokenizer
from training import choice, choice_teacher, data
from training.choice_model import Batch, Chooser, Read
from training.export import _Traced
from training.export_choice import export_choice
from training.graph import save_graph
from training.model import MultiTaskModel
from training.settings import ChoiceSettings, load

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.usefixtures("one_thread")

ARTICLE = data.Labelled(
    "a", "corpus", "talks", "Ministers meet", ("They met.", "They agreed.", "Rain fell.", "Bye."), (0, 0, 1, 1), (), {}
)


def chosen(tmp_path: Path, **changes: object) -> tuple[float, ...]:
    path = tmp_path / "choices.jsonl"
    item = {"id": "a", "sentences": 4, "best": [1], "next": [0], "weak": [2]} | changes
    path.write_text(json.dumps(item) + "\n", encoding="utf-8")
    (article,) = data.with_choices([ARTICLE], path)
    return article.choice


def test_a_choice_is_a_value_for_each_sentence(tmp_path: Path) -> None:
    assert chosen(tmp_path) == (0.5, 1.0, -1.0, 0.0)


@pytest.mark.parametrize("changes", [{"id": "b"}, {"sentences": 5}])
def test_of_another_article_or_one_cut_otherwise_nothing_is_kept(tmp_path: Path, changes: dict[str, object]) -> None:
    assert chosen(tmp_path, **changes) == ()


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two narrow layers with the shipped vocabulary."""
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("encoder")
    shutil.copy(ROOT / "models" / "trunk" / "tokenizer.json", folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=30522, hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def trunk(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trunk as it is exported, untrained and without a branch."""
    folder = tmp_path_factory.mktemp("trunk")
    model = MultiTaskModel(encoder).eval()
    tokenizer = load_tokenizer(encoder / "tokenizer.json")
    save_graph(_Traced(model.trunk), folder / "trunk.xml", [cut(tokenizer, a.title, a.sentences)[0] for a in corpus(8)])
    heads = {name: value.numpy() for name, value in model.heads.state_dict().items()}
    shipped = load_file(ROOT / "models" / "trunk" / "heads.safetensors")
    heads |= {name: value for name, value in shipped.items() if name.startswith("topic_words")}
    save_file(heads, folder / "heads.safetensors")
    shutil.copy(encoder / "tokenizer.json", folder)
    shutil.copy(ROOT / "models" / "trunk" / "calibration.json", folder)
    return folder


def corpus(count: int) -> list[data.Labelled]:
    return list(data.articles(ROOT / "training" / "corpus" / "conflict.jsonl", "corpus"))[:count]


@pytest.fixture
def settings(encoder: Path, trunk: Path, tmp_path: Path) -> ChoiceSettings:
    """Twelve articles, of which a reader takes every sentence that names a figure."""
    lines = (ROOT / "training" / "corpus" / "conflict.jsonl").read_text(encoding="utf-8").splitlines()[:12]
    (tmp_path / "corpus.jsonl").write_text("\n".join(lines), encoding="utf-8")
    with (tmp_path / "choices.jsonl").open("w", encoding="utf-8") as file:
        for article in corpus(12):
            numbers = range(len(article.sentences))
            best = [number for number in numbers if re.search(r"\d", article.sentences[number])]
            item = {"id": article.id, "sentences": len(numbers), "best": best, "next": [], "weak": []}
            file.write(json.dumps(item) + "\n")
    return ChoiceSettings(
        base=str(encoder), trunk=str(trunk), corpus=(str(tmp_path / "corpus.jsonl"),),
        choices=str(tmp_path / "choices.jsonl"), teacher=None, layers=1, width=16, epochs=2, batch_articles=3,
        hold_out=4, pages=4, checkpoint_minutes=0.0, out=str(tmp_path / "out"),
    )  # fmt: skip


def test_the_shipped_config_loads_and_wrong_settings_name_themselves() -> None:
    found = load(ChoiceSettings, ROOT / "training" / "configs" / "choice.yaml")
    assert all(Path(name).exists() for name in (*found.corpus, found.choices, found.trunk))
    with pytest.raises(UsageError, match="layers=0"):
        replace(found, layers=0)
    with pytest.raises(UsageError, match="teacher_share=2"):
        replace(found, teacher_share=2)


def test_a_killed_run_goes_on_to_the_same_weights(settings: ChoiceSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    result = choice.train(settings, None)
    assert result["n"] > 3
    whole = load_file(Path(settings.out) / "model.safetensors")

    real, calls = choice.batch_loss, iter(range(1000))

    def killed(*arguments: Any) -> Any:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    parts = replace(settings, out=settings.out + "-parts")
    with monkeypatch.context() as patch:
        patch.setattr(choice, "batch_loss", killed)
        with pytest.raises(KeyboardInterrupt):
            choice.train(parts, None)
    assert choice.train(parts, None) == result
    found = load_file(Path(parts.out) / "model.safetensors")
    assert all((found[name] == whole[name]).all() for name in whole)


def test_what_is_served_chooses_as_what_was_trained(settings: ChoiceSettings, trunk: Path, tmp_path: Path) -> None:
    """The branch in 8 bits in the trunk's graph, the head in numpy, against the torch model."""
    choice.train(settings, None)
    to = tmp_path / "trunk"
    shutil.copytree(trunk, to)
    before = Reader(to).read([data.document_of(article) for article in corpus(12)])
    assert set(before[0].salience().sentences) == {UNTAUGHT}
    assert export_choice(Path(settings.out), to)["branch_cosine_mean"] > 0.98
    export_choice(Path(settings.out), to)  # once more: the earlier branch gives way
    after = Reader(to).read([data.document_of(article) for article in corpus(12)])
    model = choice.chooser(settings, 24, 24 + CHOICE_FEATURES)
    model.load_state_dict(
        {k: torch.from_numpy(v) for k, v in load_file(Path(settings.out) / "model.safetensors").items()}
    )
    model.eval()
    reads = list(choice.read(settings, corpus(12), layer=1))
    assert before[0].meanings() is None
    for was, now, (read, numbers) in zip(before, after, reads, strict=True):
        np.testing.assert_allclose(was.salience().words[0], now.salience().words[0], atol=0.02)
        with torch.no_grad():
            logits, _, meant = model(Batch.of([read]))
        wanted, told = logits.sigmoid().numpy()[0], now.meanings()
        assert told is not None
        assert float(torch.cosine_similarity(torch.from_numpy(told[numbers]), meant).min()) > 0.95
        np.testing.assert_allclose([now.salience().sentences[n] for n in numbers], wanted, atol=0.03)
    assert "The choice of sentences" in (to / "CARD.md").read_text(encoding="utf-8")


def test_sentences_are_pooled_and_weighed_alike_in_torch_and_numpy() -> None:
    torch.manual_seed(1)
    model = Chooser(torch.nn.Identity(), 6, 5, width=8, dropout=0.0, likeness=3).eval()  # type: ignore[arg-type]
    torch.nn.init.normal_(model.head.out.weight)
    torch.nn.init.normal_(model.head.line.weight)
    heads = Heads({"choice_" + k.removeprefix("head."): v.numpy() for k, v in model.state_dict().items()})
    tokens = torch.randn(9, 6)
    owners = torch.tensor([0, 0, 1, 1, 1, 2, 3, 3, 3])
    pooled = model._pooled(tokens, owners, 4).detach()
    np.testing.assert_allclose(heads.pooled(tokens.numpy(), np.array([0, 2, 5, 6])), pooled, atol=1e-5)
    inputs = torch.cat([pooled, torch.randn(4, 5)], dim=-1)
    with torch.no_grad():
        wanted = model.head(inputs[None], torch.ones(1, 4, dtype=torch.bool))[0]
        beside = torch.cat([inputs, torch.randn(2, 17)])[None]
        present = torch.tensor([[True, True, True, True, False, False]])
        np.testing.assert_allclose(model.head(beside, present)[0, :4], wanted, atol=1e-5)  # what is not there
        meant = model.meaning(pooled)
    np.testing.assert_allclose(heads.choice(inputs.numpy()), wanted, atol=1e-5)
    np.testing.assert_allclose(heads.meanings(pooled.numpy()), meant, atol=1e-5)


def examples(count: int) -> tuple[list[choice.Example], list[np.ndarray]]:
    """Articles of five sentences; the one that a reader takes has the first number of its view; every third has none."""
    rng = np.random.default_rng(3)
    found, views = [], []
    for number in range(count):
        view = rng.normal(size=(5, 8)).astype(np.float32)
        taken = int(rng.integers(5))
        view[taken, 0] += 5
        chosen = (np.arange(5) == taken).astype(np.float32) if number % 3 else None
        read = Read(str(number), [], [], rng.normal(size=(5, 4 + CHOICE_FEATURES)).astype(np.float32))
        wanted = np.zeros((5, 2), np.float32) if chosen is None else choice.targets(chosen)
        found.append(choice.Example(read, f"e{number}", wanted, view, np.zeros((5, 3), np.float32), chosen))
        views.append(view)
    return found, views


def test_a_teacher_speaks_for_articles_that_nobody_chose_from(settings: ChoiceSettings) -> None:
    found, views = examples(500)
    told = choice.taught(found, views, settings)
    assert told["taken"] > 0.9
    right = [example.wanted[:, 0].argmax() == view[:, 0].argmax() for example, view in zip(found, views, strict=True)]
    assert np.mean(right) > 0.95
    for example in found:
        assert example.wanted[:, 1].all()
        if example.choice is not None:  # the reader counts for more than half of it
            assert example.wanted[example.choice == 1, 0] >= 1 - settings.teacher_share


def test_figures_count_as_many_of_the_best_as_the_reader_took() -> None:
    choices = [np.array([1.0, 0.5, 0.0, -1.0, 1.0]), np.array([0.0, 0.0])]
    scores = [np.array([5.0, 4.0, 3.0, 2.0, 1.0]), np.array([1.0, 0.0])]
    assert choice.figures(choices, scores) == {"n": 2, "taken": 0.5, "near": 1.0, "weak": 0.0}
    assert choice.figures(choices[1:], scores[1:]) == {}


def test_the_language_model_reads_no_article_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    articles = [replace(ARTICLE, id=str(number)) for number in range(5)]
    seen: list[str] = []

    def reader(teacher: str, layers: int) -> Any:
        def read(article: data.Labelled) -> np.ndarray:
            if len(seen) == 3:
                seen.append("killed")
                raise KeyboardInterrupt
            seen.append(article.id)
            return np.full((4, 2), float(article.id), dtype=np.float16)

        return read

    monkeypatch.setattr(choice_teacher, "_reader", reader)
    monkeypatch.setattr(choice_teacher, "_PART", 2)
    quiet = Console(quiet=True)
    with pytest.raises(KeyboardInterrupt):
        choice_teacher.sentence_states(articles, "any", 2, tmp_path, quiet)
    found = choice_teacher.sentence_states(articles, "any", 2, tmp_path, quiet)
    assert seen == ["0", "1", "2", "killed", "2", "3", "4"]
    assert [float(found[str(number)][0, 0]) for number in range(5)] == [0, 1, 2, 3, 4]


def test_a_sentence_means_the_same_whatever_stands_beside_it(encoder: Path, tmp_path: Path) -> None:
    quiet = Console(quiet=True)
    alone = [replace(ARTICLE, id=str(n), sentences=(text,)) for n, text in enumerate(ARTICLE.sentences)]
    found = choice_teacher.sentence_meanings([ARTICLE, *alone], encoder, tmp_path, quiet)
    assert found["a"].shape == (4, 24)
    np.testing.assert_allclose(np.linalg.norm(found["a"], axis=1), 1, atol=1e-2)
    each = np.concatenate([found[str(n)] for n in range(4)])
    assert (found["a"] * each).sum(1).min() > 0.99 > (each[:-1] * each[1:]).sum(1).max()


def test_pages_teach_what_sentences_are_about_and_no_choice(settings: ChoiceSettings) -> None:
    Path(settings.out).mkdir()
    pool = choice.Pool(settings, None, smoke=False, layer=1)
    pages = [example for example in pool.train if "-page-" in example.read.id]
    assert 0 < len(pages) <= settings.pages < len(pool.train)
    for example in pages:
        assert not example.wanted.any()
        assert example.choice is None
        assert example.meaning.any()
    assert not any("-page-" in example.read.id for example in pool.held)
    model = choice.chooser(settings, 24, 24 + CHOICE_FEATURES)
    assert torch.isfinite(choice.batch_loss(model, pages, settings))
