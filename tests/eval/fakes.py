"""A small deterministic system: leads as summaries, topics by key words, stance by who strikes whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from communique.labels import IPTC, TOPICS
from communique.record import Article
from eval.sentences import sentences
from eval.systems import System

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEYS = {"fighting": "shell", "ceasefire": "truce", "talks": "talks", "humanitarian": "refugees"}


def record(article: Article) -> dict[str, Any]:
    """Two first sentences; `against` whoever is said to have attacked; absent where the name does not stand."""
    assert isinstance(article, Article)
    chosen = sentences(article.text)[:2]
    text = article.text.lower()
    probabilities = {topic: 0.8 if topic in KEYS and KEYS[topic] in text else 0.05 for topic in TOPICS}
    topics = [topic for topic, p in probabilities.items() if p > 0.5] or ["other"]
    return {
        "schema_version": "1",
        "id": article.id,
        "meta": dict(article.meta),
        "summary": {
            "text": " ".join(chosen),
            "mode": "extractive",
            "words": len(" ".join(chosen).split()),
            "sentences": [
                {"text": s, "mode": "extractive", "support": 1.0, "evidence": [{"field": "text", "start": 0, "end": 1}]}
                for s in chosen
            ],
        },
        "topics": [{"label": t, "iptc": IPTC[t], "probability": probabilities[t]} for t in topics],
        "topic_probabilities": probabilities,
        "stance": [stance(target, article.text) for target in article.targets or ()],
        "removed": [],
        "language": "en",
        "truncated": False,
        "duplicate_of": None,
        "models": {"summarizer": "fake@1", "classifier": "fake@1"},
        "error": None,
    }


def stance(target: str, text: str) -> dict[str, Any]:
    if target not in text:
        return {"target": target, "label": "absent", "abstained": False, "probabilities": None, "evidence": []}
    label = "against" if f"{target} attacked" in text else "neutral"
    probabilities = {"favor": 0.1, "neutral": 0.2, "against": 0.2} | {label: 0.7}
    return {"target": target, "label": label, "abstained": False, "probabilities": probabilities, "evidence": []}


def check(article: Article, claims: Sequence[str]) -> list[float]:
    """1 for a sentence that the article has word by word."""
    return [1.0 if claim in article.text else 0.2 for claim in claims]


def fake_system() -> System:
    def score(articles: Sequence[Article]) -> Iterator[dict[str, Any]]:
        return (record(article) for article in articles)

    return System("fake", score, check=check)
