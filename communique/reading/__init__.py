"""The first stages of the flow: an article as it was sent, read, cleaned and cut into sentences.

>>> from communique.record import Article
>>> document = read(Article(id="1", text="Baku denied the report.Yerevan confirmed it.\\n\\nShare on Facebook"))
>>> [sentence.text for sentence in document.sentences], document.removed
(['Baku denied the report.', 'Yerevan confirmed it.'], (Removal(start=46, end=63, reason='share'),))
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from communique.document import Document, Sentence
from communique.errors import BadEncoding, EmptyText, NothingToSummarise, WrongLanguage
from communique.reading.boilerplate import judge
from communique.reading.characters import collapse, normalise
from communique.reading.cleaner import shipped
from communique.reading.drop_cap import restore_drop_cap
from communique.reading.headline import headline_of
from communique.reading.inside import cuts
from communique.reading.language import language_of
from communique.reading.layout import text_blocks
from communique.reading.markup import html_blocks, looks_like_html
from communique.reading.sentences import split
from communique.reading.settling import only_boilerplate
from communique.record import Removal
from communique.text import MappedText

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.reading.block import Block
    from communique.reading.boilerplate import Verdict
    from communique.record import Article

__all__ = ["MAX_CHARACTERS", "read"]

#: A page as it was sent may be this long, in code points.
MAX_CHARACTERS: Final = 2_000_000
#: Of a page so much is read: characters of its title and its text, and blocks. What comes after is left, and the
#: article marked.
_TITLE_READ: Final = 2_000
_READ: Final = 400_000
_BLOCKS: Final = 4_000
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_VISIBLE: Final = re.compile(r"[^\W_]")


def read(article: Article, *, max_characters: int = MAX_CHARACTERS, undecided: bool = False) -> Document:
    """The article's sentences, and what was removed from the page with the reasons.

    Args:
        article: as it was sent.
        max_characters: code points that it may have at most.
        undecided: keep what may be of the page or of the article, for `settle` to decide once the trunk has read it.

    Raises:
        TooLarge: title and text have more than `max_characters` code points.
        BadEncoding: the text holds lone surrogates.
        EmptyText: no letter or digit in it, or none that a reader would see.
        NothingToSummarise: all of it is boilerplate.
        WrongLanguage: what is left is not English.
    """
    text = article.text
    article.check_size(max_characters)
    lone = _SURROGATE.search(text)
    if lone:
        raise BadEncoding(f"`text` holds a lone surrogate (U+{ord(lone[0]):04X}) at offset {lone.start()}")
    if _VISIBLE.search(text) is None:
        raise EmptyText("the text holds no letter or digit" if text.strip() else "the text is empty")
    blocks, truncated = _blocks(article)
    if not blocks:
        raise EmptyText("the page holds no text outside scripts, styles and forms")
    title = collapse(
        normalise(MappedText.of(article.title, 0, min(len(article.title), _TITLE_READ)))
    ).text or headline_of(blocks)
    truncated = truncated or len(article.title) > _TITLE_READ
    verdicts = judge(blocks, title, shipped())
    kinds = [verdict.kind if verdict.removed and (verdict.certain or not undecided) else "" for verdict in verdicts]
    sentences, removed = _kept(blocks, kinds, verdicts)
    sentences = restore_drop_cap(sentences, title)
    if not sentences:
        raise only_boilerplate(removed)
    language = language_of(" ".join(sentence.text for sentence in sentences))
    if language == "und":
        raise NothingToSummarise("the page holds no words")
    if language != "en":
        raise WrongLanguage(language)
    return Document(
        article=article, title=title, sentences=sentences, removed=removed, language=language, truncated=truncated
    )


def _blocks(article: Article) -> tuple[list[Block], bool]:
    """The page's blocks, and whether there were more than are read."""
    text = article.text
    if article.format == "html" or looks_like_html(text):
        blocks, whole = html_blocks(text, _READ)
        return blocks[:_BLOCKS], not whole or len(blocks) > _BLOCKS
    start = len(text) - len(text.lstrip())
    end = min(len(text), start + _READ)
    blocks = text_blocks(normalise(MappedText.of(text, start, end)))
    return blocks[:_BLOCKS], end < len(text) or len(blocks) > _BLOCKS


def _kept(
    blocks: Sequence[Block], kinds: Sequence[str], verdicts: Sequence[Verdict]
) -> tuple[tuple[Sentence, ...], tuple[Removal, ...]]:
    """The sentences of the blocks that stay, and the removals: one for each run of neighbours of one kind."""
    sentences: list[Sentence] = []
    removals: list[Removal] = []
    paragraph = -1
    previous = ""
    for number, (block, kind, verdict) in enumerate(zip(blocks, kinds, verdicts, strict=True)):
        mapped = block.mapped
        found = [(0, len(mapped), kind)] if kind else cuts(mapped.text)
        for start, end, reason in found:
            a, b = mapped.span(start, end)
            if kind and kind == previous:
                removals[-1] = Removal(removals[-1].start, b, kind)
            else:
                removals.append(Removal(a, b, reason))
        previous = kind
        if kind:
            continue
        if found:
            ends = [0, *(end for _, end, _ in found)]
            begins = [*(start for start, _, _ in found), len(mapped)]
            mapped = collapse(MappedText.join(mapped.slice(a, b) for a, b in zip(ends, begins, strict=True)))
        pieces = [piece for piece in split(mapped) if _VISIBLE.search(piece.text)]
        if pieces and (not block.joined or paragraph < 0):
            paragraph += 1
        sentences += [Sentence(piece, paragraph, verdict.doubt, verdict.kind, number) for piece in pieces]
    return tuple(sentences), tuple(removals)
