"""Readers of public sets, on files of their form written here."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from communique.errors import UsageError
from eval import external, published
from eval.references import fold_of
from eval.systems import System
from tests.eval.conftest import article, write_jsonl
from tests.eval.fakes import check, record

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder laid out as --data-root."""
    world = [{**article(n), "event": None, "summary": article(n)["summaries"][0], "summaries": None} for n in range(4)]
    write_jsonl(tmp_path / "world/train.jsonl", world)
    kept = ("id", "title", "text", "topics", "stance")
    write_jsonl(tmp_path / "karabakh/train.jsonl", [{k: article(n)[k] for k in kept} for n in range(4)])
    said = (("Officials in Arvel confirmed the report in the evening.", "supported"), ("Nobody fell.", "unsupported"))
    marks = [{"id": "a0", "n": n, "system": "s", "sentence": s, "label": label} for n, (s, label) in enumerate(said)]
    write_jsonl(tmp_path / "grounding/train.jsonl", marks)
    sentences = [
        {
            "primary_gid": f"set_{n}_7_1_Ann_0_3", "sentence_normalized": "Ann attacked the plan of Bob.",
            "targets": [
                {"Input.gid": f"{n}a", "from": 0, "to": 3, "mention": "Ann", "polarity": 2.0},
                {"Input.gid": f"{n}b", "from": 25, "to": 28, "mention": "Bob", "polarity": 4.0},
            ],
        }
        for n in range(40)
    ]  # fmt: skip
    zipped(tmp_path / "newsmtsc/train.jsonl.gz", "".join(json.dumps(s) + "\n" for s in sentences))
    rows = (
        ("", "sentence_id", "sentence", "source", "target", "gold_penta", "gold_root"),
        ("", "4", 'Ann said "no" to Bob.', "Ann", "Bob", "3", "REJECT"),
    )
    zipped(tmp_path / "plover/PLV_train.tsv.gz", "".join("\t".join(row) + "\n" for row in rows))
    text = article(0)["text"]
    edits = [
        {"id": "1", "doc": text, "summary": "Officials in Arvel confirmed the report in the evening.", "label": 1},
        {"id": "2", "doc": text, "summary": "Officials in Arvel denied the report in the evening.", "label": 0},
    ]
    zipped(tmp_path / "summedits/news_evaluation.json.gz", json.dumps(edits))
    votes = [{"response": "yes"}, {"response": "no"}, {"response": "no"}]
    qags = {"article": text, "summary_sentences": [{"sentence": "It was denied.", "responses": votes}]}
    zipped(tmp_path / "qags/mturk_xsum.jsonl.gz", json.dumps(qags) + "\n" + json.dumps(qags) + "\n")
    return tmp_path


def zipped(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write(text)


def test_articles_are_external_and_get_a_story_to_be_split_by(root: Path) -> None:
    world = external.articles(root, "world")
    assert world.external
    assert [r.event for r in world.references] == ["2016-01", "2017-01", "2018-01", "2019-01"]
    assert world.references[0].summaries == (article(0)["summaries"][0],)
    karabakh = external.articles(root, "karabakh")
    assert {r.event for r in karabakh.references} <= {"a0", "a1", "a2", "a3"}
    with pytest.raises(UsageError, match="unknown external set 'mars'; allowed: karabakh, world, allsides"):
        external.articles(root, "mars")


def test_stories_are_those_that_training_splits_by(root: Path) -> None:
    from training.data import articles

    for name in ("karabakh", "world"):
        theirs = {labelled.id: labelled.event for labelled in articles(root / name / "train.jsonl", name)}
        assert {r.id: r.event for r in external.articles(root, name).references} == theirs


def test_articles_labelled_here_are_read_as_training_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.data import allsides

    long = "\n\n".join(f"Paragraph {n} says little. " + "Word follows word. " * 66 for n in range(5))
    rows = [{"ID": name, "title": "T", "source": "S", "date": "2019-05-04", "text": long} for name in ("x", "y")]
    zipped(tmp_path / "allsides/international_full.jsonl.gz", "\n".join(map(json.dumps, rows)))
    labels = {"id": "as-y", "topics": ["talks"], "stance": {"Baku": "against"}, "summary": "Words were said."}
    write_jsonl(tmp_path / "labels.jsonl", [labels])
    monkeypatch.setattr(external, "ALLSIDES_LABELS", tmp_path / "labels.jsonl")
    (ours,) = external.articles(tmp_path, "allsides").references
    (theirs,) = allsides(tmp_path / "allsides/international_full.jsonl.gz", tmp_path / "labels.jsonl")
    assert (ours.id, ours.event, ours.topics) == (theirs.id, theirs.event, theirs.topics)
    assert "".join(theirs.sentences).replace(" ", "") == "".join(ours.text.split())
    assert "Paragraph 1" in ours.text
    assert "Paragraph 3" not in ours.text
    write_jsonl(tmp_path / "labels.jsonl", [labels, {**labels, "id": "as-z"}])
    with pytest.raises(UsageError, match="lacks 1 of the labelled articles"):
        external.articles(tmp_path, "allsides")


def test_claims_of_each_set(root: Path) -> None:
    good, bad = external.claims(root)
    assert (good.supported, bad.supported) == (True, False)
    assert good.article == article(0)["text"]
    assert [claim.supported for claim in external.summedits(root)] == [True, False]
    assert {claim.event for claim in external.summedits(root)} == {"doc-0"}
    assert [claim.supported for claim in external.qags(root)] == [False, False]


def test_sentences_with_targets(root: Path) -> None:
    mentions = external.newsmtsc(root)
    assert len(mentions) == 80
    assert mentions[0].sentence[mentions[0].start : mentions[0].end] == mentions[0].target == "Ann"
    assert [m.label for m in mentions[:2]] == ["against", "neutral"]
    assert mentions[0].event == "set_0"
    [event] = external.plover(root)
    assert (event.source, event.fine, event.coarse) == ("Ann", "REJECT", "3")
    assert event.sentence == 'Ann said "no" to Bob.'


def test_published_figures_stand_beside_ours(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    system = System("fake", lambda articles: (record(a) for a in articles), check=check)
    monkeypatch.setattr("eval.systems.open_system", lambda *_, **__: system)
    sets = ["--set", "newsmtsc", "--set", "summedits", "--set", "qags"]
    assert published.main(["--data-root", str(root), *sets]) == 0
    out = capsys.readouterr().out
    line = json.loads(out.strip().splitlines()[-1])
    assert line["external"] is True
    ours = line["sets"]["newsmtsc"][0]
    held = [m for m in external.newsmtsc(root) if fold_of(m.event, 5) == 0]
    assert ours["n"] == len(held) > 0
    assert ours["f1.against"][0] == 1.0
    assert ours["accuracy"][0] == 1.0
    assert {row["system"] for row in line["sets"]["newsmtsc"]} >= {"GRU-TSC", "always against"}
    assert line["sets"]["summedits"][0]["balanced_accuracy"][0] == 1.0
    assert "fake is ahead of" in out


def test_a_set_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no qags/mturk_xsum.jsonl.gz"):
        external.qags(tmp_path)
