"""Labels that need no understanding: the commonest one, and logistic regression over TF-IDF.

What stands for the target in the stance baseline is its name beside the sentences that name it; nothing else.

    >>> majority([("talks",), ("talks", "fighting"), ("fighting",), ("talks",)])
    'talks'
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from communique.labels import STANCES, TOPICS
from eval.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from eval.references import Reference

__all__ = ["majority", "stance_regression", "topic_regression"]


def majority(labels: Iterable[Sequence[str]]) -> str:
    """The label that stands most often; the first in alphabet of several."""
    counts = Counter(label for some in labels for label in some)
    return min(counts, key=lambda label: (-counts[label], label))


def topic_regression(training: Sequence[Reference]) -> Callable[[Reference], dict[str, float]]:
    """Topic probabilities of one regression a topic over words and pairs of words."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    model = _pipeline(OneVsRestClassifier(LogisticRegression(C=10, class_weight="balanced", max_iter=1000)))
    known = [topic for topic in TOPICS if 0 < sum(topic in r.topics for r in training) < len(training)]
    model.fit([_topic_text(r) for r in training], [[int(topic in r.topics) for topic in known] for r in training])
    return lambda r: dict(zip(known, map(float, model.predict_proba([_topic_text(r)])[0]), strict=True))


def stance_regression(training: Sequence[Reference]) -> Callable[[Reference, str], dict[str, float]]:
    """Stance probabilities toward a target of one regression over the sentences that name it."""
    from sklearn.linear_model import LogisticRegression

    model = _pipeline(LogisticRegression(C=10, class_weight="balanced", max_iter=1000))
    pairs = [(_stance_text(r, target), label) for r in training for target, label in r.stance.items()]
    model.fit([text for text, _ in pairs], [label for _, label in pairs])
    names = list(model.classes_)

    def judge(reference: Reference, target: str) -> dict[str, float]:
        found = dict(zip(names, map(float, model.predict_proba([_stance_text(reference, target)])[0]), strict=True))
        return {stance: found.get(stance, 0.0) for stance in STANCES}

    return judge


def _pipeline(classifier: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline

    return make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2), classifier)


def _topic_text(reference: Reference) -> str:
    return f"{reference.title}\n{reference.body}"


def _stance_text(reference: Reference, target: str) -> str:
    key = target.lower()[:5]
    return " ".join([target, *(s for s in sentences(_topic_text(reference)) if key in s.lower())])
