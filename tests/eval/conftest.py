"""A handful of invented articles in the reference form, two readers' labels, and pages of two of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from eval.references import Data, load

if TYPE_CHECKING:
    from pathlib import Path

PLACES = ("Arvel", "Bessan", "Corith", "Dorma", "Elvane", "Fesk", "Gorin", "Hallo")
TEASER = "Also read: Ferry fares to rise in June"
SHARE = "Share this article on all networks"


def article(number: int) -> dict[str, Any]:
    """Articles 0, 2, 4, 6 tell of an attack on Armenia, the odd ones of talks; two articles an event."""
    place = PLACES[number]
    if number % 2 == 0:
        first = (
            f"Azerbaijan attacked positions near {place} on Monday, and shells killed {number + 3} soldiers of Armenia."
        )
        topics, stance = ["fighting"], {"Armenia": {"label": "favor"}, "Azerbaijan": {"label": "against"}}
    else:
        first = f"Envoys of Armenia and Azerbaijan held talks in {place} on Monday for {number + 3} hours."
        topics, stance = ["talks"], {"Armenia": {"label": "neutral"}, "Azerbaijan": {"label": "neutral"}}
    more = " ".join(
        f"A resident of {place} said that the road number {n} was closed and that the school would open again."
        for n in range(20, 24)
    )
    text = f"{first} Officials in {place} confirmed the report in the evening.\n\n{more}\n\nA further round is planned."
    return {
        "id": f"a{number}", "title": f"News from {place}", "text": text, "date": f"20{16 + number}-01-02",
        "manner": "wire" if number < 4 else "column", "event": f"event-{number // 2}", "topics": topics,
        "stance": {**stance, f"the mayor of {place}": {"label": "neutral"}},
        "summaries": [first, f"On Monday something happened in {place}, officials said."],
    }  # fmt: skip


def text_page(number: int) -> dict[str, Any]:
    held = article(number)
    text = f"{SHARE}\n\n{held['text']}\n\n{TEASER}"
    spans = [
        {"start": 0, "end": len(SHARE), "kind": "share", "pattern": "share-bar"},
        {"start": len(text) - len(TEASER), "end": len(text), "kind": "related", "pattern": "also-read"},
    ]
    return {
        "id": f"a{number}-page", "article": f"a{number}", "event": held["event"], "title": held["title"], "text": text,
        "boilerplate": spans, "unseen_patterns": ["also-read"], "format": "text",
    }  # fmt: skip


def html_page(number: int) -> dict[str, Any]:
    held = article(number)
    body = "".join(f"<p>{part}</p>\n" for part in held["text"].split("\n\n"))
    text = f"<html><body><article><h1>{held['title']}</h1>{body}</article><aside>{TEASER}</aside></body></html>"
    at = text.index(TEASER)
    return {
        "id": f"a{number}-html", "article": f"a{number}", "event": held["event"], "title": held["title"], "text": text,
        "boilerplate": [{"start": at, "end": at + len(TEASER), "kind": "related", "pattern": "also-read"}],
        "format": "html",
    }  # fmt: skip


def write_jsonl(path: Path, items: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of references as `eval/references` is."""
    tmp_path = tmp_path_factory.mktemp("data")
    articles = [article(number) for number in range(8)]
    write_jsonl(tmp_path / "refs/articles.jsonl", articles)
    write_jsonl(tmp_path / "refs/pages.jsonl", [text_page(0), text_page(1), html_page(2)])
    labels = [
        {"id": a["id"], "topics": a["topics"], "stance": {t: s["label"] for t, s in a["stance"].items()}}
        for a in articles
    ]
    write_jsonl(tmp_path / "refs/labels/first.jsonl", labels)
    labels[0]["stance"]["Armenia"] = "neutral"
    labels[1]["topics"] = ["talks", "other"]
    write_jsonl(tmp_path / "refs/labels/second.jsonl", labels)
    return tmp_path / "refs"


@pytest.fixture(scope="session")
def data(folder: Path) -> Data:
    return load([folder], "invented")
