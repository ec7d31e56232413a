"""Prove a sentence against its article: exact checks first, then the trained comparison with all of the article.

>>> checker.check(["Baku said 12 died."], document)         # doctest: +SKIP
[Verdict(support=0.93, evidence=(3,), missing=())]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from communique.evidence import EvidenceIndex
from communique.grounding.facts import missing
from communique.grounding.source import Source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from communique.document import Document

__all__ = ["Checker", "Verdict"]


class SupportModel(Protocol):
    """What gives calibrated probabilities that claims are supported by an article."""

    def support(self, claims: Sequence[str], source: Source) -> list[float]: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """`support` in [0, 1]; `evidence` are sentence numbers; `missing` is what the article does not hold at all."""

    support: float
    evidence: tuple[int, ...]
    missing: tuple[str, ...]


class Checker:
    """Checks claims of any origin; a figure, name, date or quotation that the article lacks makes the support 0."""

    def __init__(self, model: SupportModel) -> None:
        self._model = model

    @classmethod
    def open(cls, home: Path | None = None) -> Checker:
        """With the shipped model.

        Raises:
            EnvironmentFault: the model is missing or is not what the registry pins.
        """
        from communique.grounding.support import SupportModel
        from communique.models import resolve

        return cls(SupportModel.load(resolve("checker", home=home) / "checker.json"))

    def check(self, claims: Sequence[str], document: Document) -> list[Verdict]:
        """A verdict for each claim, in order."""
        if not claims:
            return []
        texts = [sentence.text for sentence in document.sentences]
        index = EvidenceIndex(texts)
        whole = " ".join([document.title, *texts])
        found = [tuple(index.find(claim)) for claim in claims]
        lost = [missing(claim, whole) for claim in claims]
        asked = [i for i in range(len(claims)) if found[i] and not lost[i]]
        support: dict[int, float] = {}
        if asked:
            scores = self._model.support([claims[i] for i in asked], Source(document.title, texts))
            support = dict(zip(asked, scores, strict=True))
        return [Verdict(support.get(i, 0.0), found[i], lost[i]) for i in range(len(claims))]
