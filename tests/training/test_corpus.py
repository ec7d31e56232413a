"""The corpus is what its datasheet says: valid, sourced from its own text, labelled twice where it says so."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import communique
from communique.labels import STANCES, TOPICS
from eval.agreement import read_labels
from eval.references import load

CORPUS = Path(__file__).parents[2] / "training" / "corpus"
FILES = ("conflict.jsonl", "world.jsonl", "voices.jsonl")
SIDES = {"Armenia", "Azerbaijan"}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"


def undated(summary: str, told: str) -> list[str]:
    """Days of the year that a summary names and its article does not."""
    found = re.findall(rf"\b(?:({MONTHS}) (\d+)|(\d+) ({MONTHS}))\b", summary)
    days = [(a or d, b or c) for a, b, c, d in found]
    return [
        f"{month} {day}"
        for month, day in days
        if not re.search(rf"{month[:3]}[a-z]*\.? {day}(?!\d)|(?<!\d){day} {month}", told)
    ]


ARTICLES = [article for name in FILES for article in lines(CORPUS / name)]


def words(text: str) -> int:
    return len(text.split())


def test_counts_and_variety_are_what_was_promised() -> None:
    conflict, world, _ = (lines(CORPUS / name) for name in FILES)
    assert len(ARTICLES) >= 690
    assert 0.6 <= sum(bool(SIDES & article["stance"].keys()) for article in ARTICLES) / len(ARTICLES) <= 0.75
    assert len({article["id"] for article in ARTICLES}) == len(ARTICLES)
    assert len({article["manner"] for article in ARTICLES}) >= 10
    assert all(120 <= words(article["text"]) <= 800 for article in ARTICLES)
    assert {article["date"][:4] for article in conflict} == {str(year) for year in range(2016, 2026)}
    assert all(SIDES & article["stance"].keys() for article in conflict)
    assert not any(SIDES & article["stance"].keys() for article in world)


def test_sides_of_the_conflict_are_seen_from_all_sides() -> None:
    labels = Counter((t, v["label"]) for a in ARTICLES for t, v in a["stance"].items() if t in SIDES)
    assert min(labels[side, label] for side in SIDES for label in ("favor", "neutral", "against")) >= 100


def test_files_obey_the_schema_and_the_harness_reads_them() -> None:
    schema = json.loads((Path(communique.__file__).parent / "schemas/reference.schema.json").read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    for article in ARTICLES:
        validator.validate(article)
    assert len(load([CORPUS / name for name in FILES]).articles) == len(ARTICLES)


@pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article["id"])
def test_labels_rest_on_the_text(article: dict[str, Any]) -> None:
    topics = article["topics"]
    assert 1 <= len(topics) == len(set(topics)) <= 3
    assert "other" not in topics or topics == ["other"]
    for target, judged in article["stance"].items():
        if judged["label"] == "neutral":
            assert "evidence" not in judged, target
        else:
            assert judged["evidence"] in article["text"], target
            assert words(judged["evidence"]) <= 30, target


@pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article["id"])
def test_summary_is_short_and_its_figures_and_dates_are_of_the_text(article: dict[str, Any]) -> None:
    (summary,) = article["summaries"]
    assert 35 <= words(summary) <= 60
    told = article["title"] + " " + article["text"]
    assert not undated(summary, told)
    for figure in re.findall(r"\d[\d,.:]*\d|\d", summary):
        assert re.search(rf"(?<!\d){re.escape(figure)}(?!\d)", told), figure


def test_second_reading_is_large_enough_and_settled() -> None:
    first, second = (read_labels(CORPUS / "labels" / f"{name}.jsonl") for name in ("first", "second"))
    assert first.keys() == second.keys()
    assert len(first) >= 50
    settled = {article["id"]: article for article in ARTICLES}
    for i, labels in first.items():
        if labels.topics == second[i].topics:
            assert tuple(settled[i]["topics"]) == labels.topics, i
        for target in labels.stance.keys() | second[i].stance.keys():
            both = {labels.stance.get(target), second[i].stance.get(target)}
            if len(both) == 1:
                assert settled[i]["stance"][target]["label"] in both, (i, target)


def test_labels_of_real_articles_are_legal_and_hold_no_text() -> None:
    labels = lines(CORPUS / "allsides-labels.jsonl")
    assert len({item["id"] for item in labels}) == len(labels) >= 1000
    for item in labels:
        assert set(item) - {"absent"} == {"id", "topics", "stance", "summary"}
        assert not set(item.get("absent", ())) & set(item["stance"])
        assert set(item["topics"]) <= set(TOPICS)
        assert 1 <= len(item["topics"]) <= 4
        assert item["stance"]
        assert set(item["stance"].values()) <= set(STANCES)
        assert 20 <= words(item["summary"]) <= 62
