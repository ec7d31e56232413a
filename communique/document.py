"""An article after reading and cleaning: sentences that remember where they stood in what was sent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from communique.record import Span

if TYPE_CHECKING:
    from communique.record import Article, Removal
    from communique.text import MappedText

__all__ = ["Document", "Sentence"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: white space collapsed, soft hyphens gone. `paragraph` counts from 0.

    `doubt` is the log-odds that it is of the page and not of the article, and `kind` what of the page it is then.
    `block` is the number of the line or paragraph of the page that it stands in: a block goes or stays as a whole.
    """

    mapped: MappedText
    paragraph: int
    doubt: float = -math.inf
    kind: str = ""
    block: int = 0

    @property
    def text(self) -> str:
        return self.mapped.text

    def span(self, start: int = 0, end: int | None = None) -> Span:
        """Where characters [start, end) of the sentence stand in the article's `text` as it was sent."""
        return Span(*self.mapped.span(start, len(self.mapped) if end is None else end))


@dataclass(frozen=True, slots=True)
class Document:
    """The article proper. `title` is cleaned of white space only; `removed` ascends and does not overlap."""

    article: Article
    title: str
    sentences: tuple[Sentence, ...]
    removed: tuple[Removal, ...]
    language: str
    truncated: bool

    @property
    def words(self) -> int:
        return sum(len(sentence.text.split()) for sentence in self.sentences)

    @property
    def paragraphs(self) -> tuple[tuple[Sentence, ...], ...]:
        """Sentences by paragraph, in order."""
        groups: dict[int, list[Sentence]] = {}
        for sentence in self.sentences:
            groups.setdefault(sentence.paragraph, []).append(sentence)
        return tuple(tuple(group) for group in groups.values())
