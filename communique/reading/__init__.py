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
from communique.errors import BadEncoding, EmptyText, NothingToSummarise, TooLarge, WrongLanguage
from communique.reading.boilerplate import judge
from communique.reading.characters import normalise
from communique.reading.language import language_of
from communique.reading.layout import text_blocks
from communique.reading.markup import html_blocks, looks_like_html
from communique.reading.sentences import split
from communique.record import Removal
from communique.text import MappedText

if TYPE_CHECKING:
    from communique.reading.block import Block
    from communique.record import Article

__all__ = ["MAX_CHARACTERS", "read"]

#: A page as it was sent may be this long, in code points.
MAX_CHARACTERS: Final = 2_000_000
#: Of an article this much is read, in characters after cleaning; a longer one is marked as truncated.
_READ: Final = 60_000
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_VISIBLE: Final = re.compile(r"\w")


def read(article: Article, *, max_characters: int = MAX_CHARACTERS) -> Document:
    """The article's sentences, and what was removed from the page with the reasons.

    Raises:
        TooLarge: more than `max_characters` code points.
        BadEncoding: the text holds lone surrogates.
        EmptyText: no letter or digit in it.
        NothingToSummarise: all of it is boilerplate.
        WrongLanguage: what is left is not English.
    """
    text = article.text
    if len(text) > max_characters:
        raise TooLarge(f"the text has {len(text):,} characters; at most {max_characters:,} are allowed")
    lone = _SURROGATE.search(text)
    if lone:
        raise BadEncoding(f"`text` holds a lone surrogate (U+{ord(lone[0]):04X}) at offset {lone.start()}")
    if _VISIBLE.search(text) is None:
        raise EmptyText("the text holds no letter or digit" if text.strip() else "the text is empty")
    blocks = _blocks(article)
    if not blocks:
        raise EmptyText("the page holds no text outside scripts, styles and forms")
    title = " ".join(normalise(MappedText.of(article.title)).text.split())
    kinds = judge(blocks, title)
    kept = [block for block, kind in zip(blocks, kinds, strict=True) if not kind]
    if not any(_VISIBLE.search(block.text) for block in kept):
        found = ", ".join(sorted({kind for kind in kinds if kind}))
        raise NothingToSummarise(f"all {len(blocks)} blocks of the page are boilerplate ({found})")
    language = language_of(" ".join(block.text for block in kept))
    if language != "en":
        raise WrongLanguage(f"the text is in {language!r}; only English ('en') is read")
    sentences, truncated = _sentences(kept)
    return Document(
        article=article,
        title=title,
        sentences=sentences,
        removed=_removals(blocks, kinds),
        language=language,
        truncated=truncated,
    )


def _blocks(article: Article) -> list[Block]:
    if article.format == "html" or looks_like_html(article.text):
        blocks = html_blocks(article.text)
        if blocks:
            return blocks
    return text_blocks(normalise(MappedText.of(article.text)))


def _sentences(blocks: list[Block]) -> tuple[tuple[Sentence, ...], bool]:
    """The sentences of the kept blocks, and whether the article was longer than what is read."""
    sentences: list[Sentence] = []
    paragraph, characters = -1, 0
    for block in blocks:
        if not block.joined or paragraph < 0:
            paragraph += 1
        for mapped in split(block.mapped):
            if characters > _READ:
                return tuple(sentences), True
            sentences.append(Sentence(mapped, paragraph))
            characters += len(mapped)
    return tuple(sentences), False


def _removals(blocks: list[Block], kinds: list[str]) -> tuple[Removal, ...]:
    """One removal for each run of neighbouring blocks of one kind."""
    removals: list[Removal] = []
    previous = ""
    for block, kind in zip(blocks, kinds, strict=True):
        if kind:
            start, end = block.mapped.span(0, len(block.mapped))
            if kind == previous:
                removals[-1] = Removal(removals[-1].start, end, kind)
            else:
                removals.append(Removal(start, end, kind))
        previous = kind
    return tuple(removals)
