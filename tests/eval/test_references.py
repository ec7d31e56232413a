"""The references are held out, labelled twice, summarised by two hands, and their pages say what is not article."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import communique
from eval.agreement import agreements, read_labels
from eval.references import REFERENCES, load

CORPUS = Path(__file__).parents[2] / "training" / "corpus"


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


ARTICLES = {article["id"]: article for article in lines(REFERENCES / "articles.jsonl")}
TEXT_PAGES = lines(REFERENCES / "pages.jsonl")
HTML_PAGES = lines(REFERENCES / "pages-html.jsonl")
TRAINING = [article for name in ("conflict", "world") for article in lines(CORPUS / f"{name}.jsonl")]


def tokens(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def squeezed(text: str) -> str:
    return re.sub(r"[\s\u00ad\u200b]+", "", text)


def test_counts_are_what_was_promised() -> None:
    assert len(ARTICLES) >= 60
    assert {page["article"] for page in TEXT_PAGES} == ARTICLES.keys()
    assert len(TEXT_PAGES) == len(ARTICLES)
    assert len({page["article"] for page in HTML_PAGES}) == len(HTML_PAGES) >= 40
    assert len({page["site"] for page in TEXT_PAGES}) >= 20
    data = load([REFERENCES])
    assert (len(data.articles), len(data.pages)) == (len(ARTICLES), len(TEXT_PAGES) + len(HTML_PAGES))


def test_files_obey_the_schema() -> None:
    schema = json.loads((Path(communique.__file__).parent / "schemas/reference.schema.json").read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    for record in (*ARTICLES.values(), *TEXT_PAGES, *HTML_PAGES):
        validator.validate(record)


def test_nothing_of_the_references_stands_in_the_corpus() -> None:
    assert not {a["event"] for a in ARTICLES.values()} & {a["event"] for a in TRAINING}
    assert not {a["title"] for a in ARTICLES.values()} & {a["title"] for a in TRAINING}
    runs = {tuple(told[at : at + 12]) for a in TRAINING for told in [tokens(a["text"])] for at in range(len(told) - 11)}
    for article in ARTICLES.values():
        told = tokens(article["text"])
        shared = [told[at : at + 12] for at in range(len(told) - 11) if tuple(told[at : at + 12]) in runs]
        assert not shared, (article["id"], shared[0])


@pytest.mark.parametrize("article", ARTICLES.values(), ids=lambda article: article["id"])
def test_labels_and_summaries_rest_on_the_text(article: dict[str, Any]) -> None:
    assert 1 <= len(article["topics"]) == len(set(article["topics"])) <= 3
    for target, judged in article["stance"].items():
        assert ("evidence" in judged) == (judged["label"] != "neutral"), target
        assert judged.get("evidence", "") in article["text"], target
        assert len(judged.get("evidence", "").split()) <= 30, target
    first, second = article["summaries"]
    a, b = set(tokens(first)), set(tokens(second))
    assert len(a & b) < 0.7 * len(a | b), "two hands do not write the same"
    told = article["title"] + " " + article["text"]
    for summary in (first, second):
        assert 35 <= len(summary.split()) <= 60
        assert not undated(summary, told)
        for figure in re.findall(r"\d[\d,.:]*\d|\d", summary):
            assert re.search(rf"(?<!\d){re.escape(figure)}(?!\d)", told), figure


def test_every_article_was_labelled_twice_and_settled() -> None:
    first, second = (read_labels(REFERENCES / "labels" / f"{name}.jsonl") for name in ("first", "second"))
    assert first.keys() == second.keys() == ARTICLES.keys()
    for i, labels in first.items():
        if labels.topics == second[i].topics:
            assert tuple(ARTICLES[i]["topics"]) == labels.topics, i
    found = {agreement.name: agreement.alpha.value for agreement in agreements(first, second)}
    assert found["main topic"] > 0.8
    assert found["topics, as sets (Jaccard)"] > 0.8
    assert found["stance, all targets, with absent"] > 0.8


@pytest.mark.parametrize("page", [*TEXT_PAGES, *HTML_PAGES], ids=lambda page: page["id"])
def test_page_says_of_its_article_what_the_article_says(page: dict[str, Any]) -> None:
    article = ARTICLES[page["article"]]
    assert {t: v["label"] for t, v in page["stance"].items()} == {t: v["label"] for t, v in article["stance"].items()}
    for key in ("title", "event", "source", "date", "manner", "topics", "summaries"):
        assert page[key] == article[key], key


@pytest.mark.parametrize("page", [*TEXT_PAGES, *HTML_PAGES], ids=lambda page: page["id"])
def test_page_without_what_is_marked_is_the_article(page: dict[str, Any]) -> None:
    kept, at = "", 0
    for span in page["boilerplate"]:
        assert at <= span["start"] < span["end"] <= len(page["text"])
        assert page["text"][span["start"] : span["end"]].strip()
        kept += page["text"][at : span["start"]] + " "
        at = span["end"]
    kept += page["text"][at:]
    article = ARTICLES[page["article"]]
    if page["format"] == "html":
        kept = re.sub(r"(?is)<(script|style|noscript|title)\b.*?</\1\s*>|<[^>]+>", "", kept)
        kept = squeezed(html.unescape(kept)).replace(squeezed(article["title"]), "", 1)  # the heading, in no span
        assert page["article_text"] == article["text"]
    if "mojibake" in page["noise"]:
        kept = b"".join(_byte(character) for character in kept).decode("utf-8")
    if "html-entities" in page["noise"]:
        kept = html.unescape(kept)
    plain = str.maketrans("“”‘’", "\"\"''")
    assert squeezed(kept).translate(plain) == squeezed(article["text"]).translate(plain)


def test_six_patterns_are_the_references_own() -> None:
    unseen = {name for page in (*TEXT_PAGES, *HTML_PAGES) for name in page["unseen_patterns"]}
    assert len(unseen) >= 6
    seen = {squeezed(line).lower() for row in lines(CORPUS / "boilerplate.jsonl") for line in row["lines"]}
    for page in TEXT_PAGES:
        marked = {span["pattern"] for span in page["boilerplate"]}
        assert set(page["unseen_patterns"]) == marked & unseen
        for span in page["boilerplate"]:
            if span["pattern"] in unseen:
                own = page["text"][span["start"] : span["end"]].split("\n")
                assert not {squeezed(line).lower() for line in own if line.strip()} & seen, own


def _byte(character: str) -> bytes:
    """The byte that a character was misread from."""
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:
        return character.encode("latin-1")
