"""One item of an archive: an article, or why it cannot be one. Every item becomes exactly one record."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Final

from communique.errors import ItemError, TooLarge
from communique.record import Article, Record

__all__ = ["Item"]

#: What the flow uses of an input; the rest is `meta`.
_USED: Final = frozenset(Article.__dataclass_fields__) - {"meta"}


@dataclass(frozen=True, slots=True)
class Item:
    """`error` is set where the item cannot be read; `article` then carries its id and what else could be kept.

    `duplicate_of` is the id of an earlier item with the same text.
    """

    article: Article
    error: ItemError | None = None
    duplicate_of: str | None = None

    @classmethod
    def from_object(cls, value: object, default_id: str) -> Item:
        """The item of a decoded JSON value or a row of a table."""
        try:
            return cls(Article.from_dict(value, default_id))
        except ItemError as error:
            return cls(_remains(value, default_id), error)

    @classmethod
    def failed(cls, error: ItemError, default_id: str) -> Item:
        """An item of which nothing could be read."""
        return cls(Article(id=default_id, text=""), error)

    def within(self, max_characters: int) -> Item:
        """Itself, or where title and text are longer than that an error, which does not keep the text."""
        try:
            self.article.check_size(max_characters)
        except TooLarge as error:
            return Item(replace(self.article, text="", title=""), self.error or error)
        return self

    @property
    def digest(self) -> bytes | None:
        """The same for texts that differ in white space alone; None where there is none to compare."""
        words = self.article.text.split() if self.error is None else []
        text = " ".join(words).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, digest_size=12).digest() if words else None

    @property
    def characters(self) -> int:
        """About how many characters it keeps in memory."""
        article = self.article
        return len(article.text) + len(article.title) + _characters(dict(article.meta))

    def failure(self) -> Record:
        """The record of an item with an error."""
        if self.error is None:
            raise ValueError(f"item {self.article.id!r} has no error")
        return Record.failed(self.article, self.error)


def _remains(value: object, default_id: str) -> Article:
    """The id and meta of an object whose other fields are wrong, so that its record can still be matched to it."""
    if not isinstance(value, dict):
        return Article(id=default_id, text="")
    given = value.get("id")
    usable = isinstance(given, (str, int)) and not isinstance(given, bool) and given != ""
    meta = {str(key): kept for key, kept in value.items() if key not in _USED and kept is not None}
    return Article(id=str(given) if usable else default_id, text="", meta=meta)


def _characters(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(len(name) + _characters(inner) for name, inner in value.items())
    return sum(map(_characters, value)) + 1 if isinstance(value, list) else 1
