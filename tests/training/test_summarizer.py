"""The language model's training on a tiny random Llama: losses, resumption, data, adapter."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

from communique.errors import UsageError
from communique.models.llama_gguf import read_adapter
from tests.training.conftest import TOWNS
from training import summarizer
from training.data import Labelled, fold_of
from training.language_model import SummaryModel, open_base
from training.settings import SummarizerSettings, as_yaml, load
from training.summaries import Pair, coverage, cuts, edit_of, pairs, read_source, rewritten, with_rejected
from training.summarizer import Pool, main, train
from training.summary_batches import collate, in_order, make_sample, steps
from training.summary_validation import Written, written_figures


def article(text: str, **more: object) -> Labelled:
    whole = Labelled("x", "corpus", "e", "", tuple(text.split("|")), (0,) * text.count("|") + (0,), (), {})
    return replace(whole, **more)  # type: ignore[arg-type]


def curve(settings: SummarizerSettings) -> list[dict[str, float]]:
    return [json.loads(line) for line in (Path(settings.out) / "curve.jsonl").read_text().splitlines()]


def pair(text: str, sentence: str, **more: object) -> Pair:
    whole = article(text, **more)
    return Pair(whole, sentence, tuple(range(len(whole.sentences))))


def test_a_pair_holds_what_its_sentence_rests_on() -> None:
    text = (
        "Snow fell in Oslo.|Riga opened a bridge on Monday.|Bands played.|It cost 12 million euros, the council said."
    )
    sentence = "Riga on Monday opened a bridge that cost 12 million euros, the council said."
    [found], counts = pairs([article(text, summaries=(sentence,))], 0.8)
    assert found.evidence == (1, 3)
    assert found.sentence == sentence
    assert counts == {"kept": 1}


@pytest.mark.parametrize(
    ("sentence", "fault"),
    [
        ("Riga opened a bridge of 30 million euros on Monday, the council said.", "name what their evidence lacks"),
        ("It cost the council 12 million euros in all.", "lean on another sentence"),
        ("Riga opened a bridge.", "too short or too long"),
        ("Riga celebrated with much joy a splendid crossing over its river.", "far from their evidence"),
    ],
)
def test_sentences_that_would_teach_to_invent_are_not_learned_from(sentence: str, fault: str) -> None:
    text = "Riga opened a bridge on Monday.|It cost 12 million euros, the council said."
    found, counts = pairs([article(text, summaries=(sentence,))], 0.8)
    assert not found
    assert counts == {fault: 1}


def test_what_readers_rewrote_stands_beside_what_they_rewrote(tmp_path: Path) -> None:
    text = "Snow fell in Oslo.|Riga opened a bridge on Monday, after years.|It cost 12 million euros, the council said."
    lines = [
        {
            "id": "x",
            "of": 3,
            "sentences": [1],
            "sentence": "Riga opened a bridge on Monday after some years of waiting.",
        },
        {
            "id": "x",
            "of": 3,
            "sentences": [1, 2],
            "sentence": "Riga opened a bridge that cost 13 million euros, it said.",
        },
        {
            "id": "x",
            "of": 4,
            "sentences": [1],
            "sentence": "Riga opened a bridge on Monday after some years of waiting.",
        },
        {
            "id": "y",
            "of": 3,
            "sentences": [1],
            "sentence": "Riga opened a bridge on Monday after some years of waiting.",
        },
    ]
    path = tmp_path / "rewrites.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    [found], counts = rewritten([article(text)], path)
    assert rewritten([article(text)], path, others={"y"})[1]["of articles that are not here"] == 0
    assert found.sources == ("Riga opened a bridge on Monday, after years.",)
    assert counts == {
        "kept": 1,
        "name what their evidence lacks": 1,
        "of articles that are cut otherwise by now": 1,
        "of articles that are not here": 1,
    }


def test_a_rewritten_sentence_may_be_told_as_an_edit(tmp_path: Path) -> None:
    text = "Riga opened, after years of waiting, a bridge on Monday.|It cost 12 million euros, the council said."
    path = tmp_path / "rewrites.jsonl"
    line = {"id": "x", "of": 2, "sentences": [0, 1], "edit": [[0, 1], "opened", [6, 8], "that", [11, 18]]}
    path.write_text(json.dumps(line), encoding="utf-8")
    [found], _ = rewritten([article(text)], path)
    assert found.sentence == "Riga opened a bridge that cost 12 million euros, the council said."


def test_an_edit_gives_back_the_sentence_that_it_was_made_of(tmp_path: Path) -> None:
    text = "Riga opened, after years of waiting, a bridge on Monday.|It cost 12 million euros, the council said."
    sentence = "Riga opened a long-awaited bridge that cost 12 million euros, the council said."
    line = {"id": "x", "of": 2, "sentences": [0, 1], "edit": edit_of(text.split("|"), sentence)}
    path = tmp_path / "rewrites.jsonl"
    path.write_text(json.dumps(line), encoding="utf-8")
    [found], _ = rewritten([article(text)], path)
    assert found.sentence == sentence


def test_what_was_rejected_stands_beside_the_pair_of_the_same_sentences(tmp_path: Path) -> None:
    text = "Riga opened a bridge on Monday, after years.|It cost 12 million euros, the council said."
    whole = article(text)
    lines = [
        {"id": "x", "of": 2, "sentences": [1], "sentence": "Of another sentence."},
        {"id": "x", "of": 3, "sentences": [0], "sentence": "Of the article cut otherwise."},
        {"id": "x", "of": 2, "sentences": [0], "edit": [[0, 1], "shut", [2, 4]]},
        {"id": "z", "of": 2, "sentences": [0], "sentence": "Of another article."},
    ]
    path = tmp_path / "rejected.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    first, second = with_rejected([Pair(whole, "Riga opened a bridge.", (0,)), Pair(whole, "It cost.", (0, 1))], path)
    assert first.rejected == "Riga shut a bridge"
    assert second.rejected == ""


def test_cuts_are_of_one_sentence_whose_words_were_only_left_out() -> None:
    whole = article("Riga opened a long bridge on Monday.|The council of the city paid for it.")
    kept = Pair(whole, "Riga opened a bridge on Monday.", (0, 1))
    copied = Pair(whole, "Riga opened a long bridge on Monday.", (0,))
    joined = Pair(whole, "The council of Riga paid for a long bridge.", (0, 1))
    assert cuts([kept, copied, joined]) == [replace(kept, evidence=(0,))]


def test_coverage_is_the_share_of_words_that_the_article_holds() -> None:
    assert coverage("Riga opened bridges", "In Riga a bridge opens.") == 1.0
    assert coverage("Riga closed roads", "In Riga a bridge opens.") == pytest.approx(1 / 3)


def test_a_folder_of_texts_with_a_table_or_files_beside(tmp_path: Path) -> None:
    body = "The council of Riga said that the bridge would stay shut until May because ice had damaged its piers."
    for name in ("one", "two", "three"):
        (tmp_path / f"{name}.txt").write_text(f"{body} This is text {name}.", encoding="utf-8")
    (tmp_path / "summaries.csv").write_text('id,summary\none.txt,"Shut, until May."\n', encoding="utf-8")
    (tmp_path / "two.summary").write_text("The bridge stays shut.\n", encoding="utf-8")
    found = {item.id: item.summaries for item in read_source(str(tmp_path))}
    assert found == {"one": ("Shut, until May.",), "two": ("The bridge stays shut.",)}


def test_a_folder_without_summaries_says_what_is_needed(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("Nothing beside it.", encoding="utf-8")
    with pytest.raises(UsageError, match="id,summary"):
        list(read_source(str(tmp_path)))
    with pytest.raises(UsageError, match="no such file"):
        list(read_source(str(tmp_path / "none.jsonl")))


def test_a_sample_is_the_prompt_of_its_evidence_and_its_sentence(base: Path) -> None:
    encoder = open_base(str(base)).encoder
    shut = pair(
        "Divers came.|The harbour of Kiel was closed by them.", "Divers closed the harbour of Kiel.", title="Shut"
    )
    sample = make_sample(encoder, shut, 500)
    assert all(text in encoder.decode(sample.prompt) for text in ("Shut", "Divers came.", "harbour of Kiel"))
    assert "Shut" not in encoder.decode(make_sample(encoder, shut, 500, title=False).prompt)
    assert encoder.decode(sample.answer) == "Divers closed the harbour of Kiel."
    assert sample.answer[-1] == encoder.end
    assert len(make_sample(encoder, pair("word " * 400, "A word."), 200).prompt) <= 200


def test_the_right_sentence_is_to_be_likelier_than_the_rejected(base: Path) -> None:
    """One step the way that the loss wants, and the right sentence is farther ahead."""
    opened = open_base(str(base))
    model = SummaryModel(opened, 4, 8)
    both = replace(pair("Riga opened a bridge on Monday.", "Riga opened a bridge."), rejected="Riga shut a bridge.")
    alone = replace(both, rejected="")
    batch = collate([make_sample(opened.encoder, one, 400) for one in (alone, both)])
    assert batch.rejected_rows.tolist() == [1]
    optimizer = torch.optim.SGD(model.trained().values(), lr=1.0)
    before = model(batch).preferred
    before.backward()
    optimizer.step()
    assert float(model(batch).preferred) < float(before)
    assert float(model(collate([make_sample(opened.encoder, alone, 400)])).preferred) == 0


def test_forks_stand_where_a_broken_summary_parts_from_the_true_one(base: Path) -> None:
    encoder = open_base(str(base)).encoder
    text = "Baku said 12 soldiers died near Terter.|Yerevan said 30 soldiers died near Martuni."
    sample = make_sample(encoder, pair(text, "Baku said 12 soldiers died near Terter."), 500)
    forks = [(encoder.decode(sample.answer[:at]), encoder.decode([token])) for at, token in sample.forks]
    assert ("", "Y") in forks  # the other side
    assert any(before.startswith("Baku said") and token.isdigit() for before, token in forks)
    assert all(sample.answer[at] != token for at, token in sample.forks)


def test_loss_is_that_of_the_answer_alone_however_it_is_batched(base: Path) -> None:
    model = SummaryModel(open_base(str(base)), rank=4, alpha=8).eval()
    encoder = open_base(str(base)).encoder
    texts = ["Riga opened a bridge.", "Kiel shut its harbour and the ferries to Oslo stopped, a spokesman said."]
    samples = [make_sample(encoder, pair(text, text), 500) for text in texts]
    together = model(collate(samples))
    apart = [model(collate([sample])) for sample in samples]
    assert float(together.answers) == pytest.approx(sum(float(found.answers) for found in apart), rel=1e-5)
    assert float(together.forks) == pytest.approx(sum(float(found.forks) for found in apart), rel=1e-5)
    ids = torch.tensor([samples[0].prompt + samples[0].answer])
    labels = ids.clone()
    labels[:, : len(samples[0].prompt)] = -100
    plain = model.network(input_ids=ids, labels=labels).loss * len(samples[0].answer)
    assert float(apart[0].answers) == pytest.approx(float(plain), rel=1e-5)


def test_batches_hold_every_sample_once_and_keep_to_their_tokens(base: Path) -> None:
    encoder = open_base(str(base)).encoder
    samples = [make_sample(encoder, pair("word " * n, "word " * (60 - n), id=str(n)), 900) for n in range(1, 50)]
    groups = in_order(samples, 2000)
    assert sorted(sample.id for group in groups for sample in group) == sorted(sample.id for sample in samples)
    assert all(len(group) == 1 or len(group) * max(map(len, group)) <= 2000 for group in groups)
    dealt = steps(samples, 2000, 4000, random.Random(1))
    assert sorted(s.id for step in dealt for group in step for s in group) == sorted(s.id for s in samples)
    assert dealt == steps(samples, 2000, 4000, random.Random(1))
    assert dealt != steps(samples, 2000, 4000, random.Random(2))


def test_training_learns_and_leaves_an_adapter_that_merges(settings: SummarizerSettings) -> None:
    train(replace(settings, epochs=12))
    losses = [row["loss"] for row in curve(settings)]
    assert np.mean(losses[-3:]) < np.mean(losses[:3]) - 0.5
    best = Path(settings.out) / "best"
    deltas = read_adapter(best)
    assert deltas["model.layers.1.mlp.down_proj"].shape == (32, 64)
    assert len(deltas) == 2 * 7
    assert json.loads((best / "adapter_config.json").read_text())["base_model_name_or_path"] == settings.base
    assert json.loads((Path(settings.out) / "validation.json").read_text())["written_n"] == 1


def test_a_killed_run_goes_on_to_the_same_curve(
    settings: SummarizerSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = replace(settings, out=str(tmp_path / "whole"))
    train(whole)
    killed = replace(settings, checkpoint_minutes=0.0)
    advance = summarizer.Run.advance

    def dying(run: summarizer.Run, groups: object) -> dict[str, float]:
        found = advance(run, groups)  # type: ignore[arg-type]
        if run.step == 3:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(summarizer.Run, "advance", dying)
    with pytest.raises(KeyboardInterrupt):
        train(killed)
    monkeypatch.setattr(summarizer.Run, "advance", advance)
    assert [row["step"] for row in curve(killed)] == [1, 2]
    train(killed)
    assert curve(killed) == curve(whole)
    assert len(curve(whole)) > 4
    states = [torch.load(Path(s.out) / "checkpoint.pt", weights_only=True)["trained"] for s in (whole, killed)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_a_run_begins_where_another_ended(settings: SummarizerSettings, tmp_path: Path) -> None:
    train(replace(settings, epochs=12))
    fresh, going_on = (replace(settings, epochs=1, out=str(tmp_path / name)) for name in ("fresh", "on"))
    train(fresh)
    train(replace(going_on, start=f"{settings.out}/best"))
    assert curve(going_on)[0]["loss"] < curve(fresh)[0]["loss"] - 0.5
    assert curve(going_on)[0]["loss"] == pytest.approx(curve(replace(settings, epochs=12))[-1]["loss"], abs=0.5)


def test_a_run_cannot_begin_at_what_is_no_adapter(settings: SummarizerSettings, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no adapter"):
        train(replace(settings, start=str(tmp_path)))


@pytest.mark.slow
def test_two_processes_take_the_same_steps_as_one(settings: SummarizerSettings, tmp_path: Path) -> None:
    train(settings)
    config = tmp_path / "two.yaml"
    config.write_text(as_yaml(replace(settings, out=str(tmp_path / "two"))), encoding="utf-8")
    command = ["torch.distributed.run", "--nproc-per-node", "2", "-m", "training.summarizer", "--config", str(config)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run([sys.executable, "-m", *command], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.count('"written_n"') == 1
    ours = [row["loss"] for row in curve(settings)]
    theirs = [row["loss"] for row in curve(replace(settings, out=str(tmp_path / "two")))]
    assert theirs == pytest.approx(ours, rel=1e-3)


def test_faulty_references_and_held_out_events_are_not_learned_from(settings: SummarizerSettings) -> None:
    pool = Pool(replace(settings, validation_pairs=99), open_base(settings.base), None)
    held = {one.article.id for one in pool.held}
    learned = {sample.id for step in pool.epoch(0) for group in step for sample in group}
    assert held
    assert learned == {one.article.id for one in pool.pairs}
    assert not learned & held
    assert not (learned | held) & {"a0", "a5", "a10", "a15"}  # their summaries name what no text has


def test_of_what_readers_rewrote_only_the_contrasted_is_learned_from_and_what_was_drafted(
    settings: SummarizerSettings, tmp_path: Path
) -> None:
    def told(name: str, numbers: list[int], text: str) -> str:
        lines = [{"id": f"a{n}", "of": 2, "sentences": [1], "sentence": text.format(TOWNS[n % 12])} for n in numbers]
        (tmp_path / name).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return str(tmp_path / name)

    cut = "The council of {} had refused the plan twice, and it has not said why."
    mine = replace(
        settings,
        mine=False,
        rewrites=told("rewrites.jsonl", list(range(20)), cut),
        rejected=told("rejected.jsonl", [0, 1, 2, 3], "The mayor of {} had refused the plan twice."),
        drafts=told("drafts.jsonl", [4, 5], "The council had refused the plan twice, and it has not said why it did."),
        cuts=True,
        contrasted=True,
        validation_pairs=99,
    )
    pool = Pool(mine, open_base(mine.base), None)
    held = {f"a{n}" for n in range(20) if fold_of(f"e{n}") == 0}
    assert {pair.article.id for pair in pool.pairs} == {"a0", "a1", "a2", "a3", "a4", "a5"} - held
    assert all(bool(pair.rejected) == pair.sentence.endswith("said why.") for pair in pool.pairs)
    assert pool.counts["have no rejected one beside them"] == 20 - len(held | {"a0", "a1", "a2", "a3"})
    assert {pair.article.id for pair in pool.held} == held  # what is held out needs no rejected one
    with pytest.raises(UsageError, match="name in `rejected`"):
        replace(mine, rejected=None)


def test_the_whole_network_can_be_trained(settings: SummarizerSettings) -> None:
    train(replace(settings, rank=0, lr=3e-3))
    losses = [row["loss"] for row in curve(settings)]
    assert losses[-1] < losses[0]
    assert (Path(settings.out) / "best" / "model.safetensors").exists()


def test_an_encoder_decoder_is_trained_too(base: Path, settings: SummarizerSettings, tmp_path: Path) -> None:
    folder = tmp_path / "t5"
    config = T5Config(
        vocab_size=300, d_model=32, d_kv=8, d_ff=64, num_layers=1, num_heads=2, decoder_start_token_id=0, eos_token_id=1
    )
    torch.manual_seed(0)
    T5ForConditionalGeneration(config).save_pretrained(folder)
    PreTrainedTokenizerFast.from_pretrained(base).save_pretrained(folder)
    train(replace(settings, base=str(folder), epochs=6))
    losses = [row["loss"] for row in curve(settings)]
    assert np.mean(losses[-3:]) < np.mean(losses[:3]) - 0.3


def test_figures_of_what_was_written() -> None:
    source = pair("Riga opened a bridge on Monday.|It cost 12 million euros.", "Riga opened a bridge.")
    found = written_figures([Written(source, "Riga opened a bridge."), Written(source, "Oslo paid 30 million.")], None)
    assert found["written_n"] == 2
    assert found["with_something_missing"] == 0.5
    assert found["rouge1"] == pytest.approx(50)
    assert found["lead_rouge1"] > found["rouge1"]  # half of the sentences have nothing of their source


def test_command_line_refuses_what_it_does_not_know(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--set", "epocs=3"]) == 2
    assert main(["--base", "./no/such/model", "--set", f"out={tmp_path}"]) == 2


@pytest.mark.parametrize("name", ["summarizer", "summarizer-cuts", "summarizer-judged"])
def test_the_shipped_configs_load(name: str) -> None:
    settings = load(SummarizerSettings, Path(f"training/configs/{name}.yaml"))
    assert settings.base == "summarizer-base"
    named = (*settings.corpus, settings.rewrites, settings.rejected, settings.drafts)
    assert all(Path(source).exists() for source in named if source)
