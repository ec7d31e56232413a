"""Pieces of pages put back into articles: never learned as something to tell, and the same for the same seed."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest

from communique.trunk.windows import load_tokenizer
from training import data
from training.batches import article_sample
from training.leftovers import Leftovers

ARTICLE = data.Labelled(
    id="a",
    source_set="corpus",
    event="talks",
    title="Ministers meet in Tbilisi",
    sentences=("Ministers met in Tbilisi on Monday.", "They agreed to open a road.", "No date was set."),
    paragraphs=(0, 0, 1),
    topics=("talks",),
    stance={},
    summaries=("Ministers met in Tbilisi and agreed to open a road; a teaser says Ministers met too.",),
)
STORY = data.Labelled(
    "b", "corpus", "fire", "A mill burns", ("A mill burned down.", "Nobody was hurt."), (0, 1), (), {}
)


@pytest.fixture
def leftovers(tmp_path: Path) -> Leftovers:
    text = "Read our newsletter every day &amp; night\nOk\n\nThe ministers met in Tbilisi today."
    page = {
        "event": "talks",
        "text": text,
        "boilerplate": [
            {"start": 0, "end": text.index("\n\n"), "kind": "newsletter"},
            {"start": text.index("The min"), "end": len(text), "kind": "repeated"},
        ],
    }
    (tmp_path / "pages.jsonl").write_text("\n".join(json.dumps(page | {"event": e}) for e in ("talks", "held")))
    return Leftovers.of([tmp_path / "pages.jsonl"], [ARTICLE, STORY], held=lambda event: event == "held")


def test_furniture_is_lines_that_are_not_the_article(leftovers: Leftovers) -> None:
    assert leftovers.furniture == ("Read our newsletter every day & night",)


def test_own_words_stay_and_foreign_ones_are_told(leftovers: Leftovers) -> None:
    places, glued = set(), 0
    for seed in range(60):
        found = leftovers.litter(ARTICLE, random.Random(seed))
        assert found == leftovers.litter(ARTICLE, random.Random(seed))
        ends = {n: end for n, ((start, end),) in found.foreign.items() if start == 0}
        assert ends.keys() == found.foreign.keys()
        own = [text[ends.get(n, 0) :] for n, text in enumerate(found.sentences)]
        assert tuple(text for text in own if text) == ARTICLE.sentences
        assert found.foreign
        assert list(found.paragraphs) == sorted(found.paragraphs)
        places |= {min(found.foreign) == 0, min(found.foreign) >= 2}
        glued += any(0 < end < len(found.sentences[n]) for n, end in ends.items())
    assert places == {True, False}
    assert 0 < glued < 40


def test_foreign_words_are_in_no_summary(leftovers: Leftovers) -> None:
    tokenizer = load_tokenizer(Path(__file__).parents[2] / "models" / "trunk" / "tokenizer.json")
    rng = random.Random(5)
    for _ in range(20):
        found = leftovers.litter(ARTICLE, rng)
        sample = article_sample(tokenizer, found)
        assert sample.salience is not None
        assert sample.foreign is not None
        assert not sample.salience[sample.foreign > 0].any()
        whole = {n for n, ((_, end),) in found.foreign.items() if end == len(found.sentences[n])}
        assert all(sample.foreign[at] for at, (_, sentence) in enumerate(sample.words) if sentence in whole)
        assert not any(sample.foreign[at] for at, (_, n) in enumerate(sample.words) if n not in found.foreign)
        assert sample.salience.any()


def test_allsides_labels_stand_beside_the_text_that_was_read(tmp_path: Path) -> None:
    long = "\n\n".join(f"Paragraph {n} " + "word " * 198 for n in range(5))
    rows = [{"ID": name, "title": "T", "source": "S", "date": "2019-05-04", "text": long} for name in ("x", "y")]
    folder = tmp_path / "allsides"
    folder.mkdir()
    with gzip.open(folder / "international_full.jsonl.gz", "wt") as file:
        file.write("\n".join(map(json.dumps, rows)))
    labels = {"id": "as-y", "topics": ["talks"], "stance": {"Baku": "against"}, "summary": "Words were said."}
    (tmp_path / "labels.jsonl").write_text(json.dumps(labels))
    (found,) = data.allsides(folder / "international_full.jsonl.gz", tmp_path / "labels.jsonl")
    assert (found.id, found.event, found.stance, found.topics) == ("as-y", "2019-05", {"Baku": "against"}, ("talks",))
    assert found.paragraphs[-1] == 1
    (tmp_path / "labels.jsonl").write_text(json.dumps(labels | {"id": "as-z"}))
    with pytest.raises(ValueError, match="as-z"):
        data.allsides(folder / "international_full.jsonl.gz", tmp_path / "labels.jsonl")
