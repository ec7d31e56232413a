"""Every error that the library raises, in one tree. Only `service/` turns them into status codes.

CommuniqueError
├── ItemError            one article cannot be scored; its neighbours are unharmed
│   ├── EmptyText            nothing in it                              type "empty"
│   ├── TooShort             under 40 words: no summary                 type "too-short"
│   ├── NothingToSummarise   all of the page was boilerplate            type "nothing-to-summarise"
│   ├── WrongLanguage        not English                                type "language"
│   ├── TooLarge             more characters than the limit             type "too-large"
│   ├── Malformed            not an object of the input form            type "malformed"
│   ├── BadEncoding          lone surrogates, bytes that are not UTF-8  type "encoding"
│   ├── TimedOut             the deadline passed                        type "timeout"
│   └── Internal             a fault of ours                            type "internal"
├── UsageError           the caller asked for something that does not exist      exit code 2
└── EnvironmentFault     models, disk or network are not as they must be         exit code 3
    ├── ModelMissing         not in the cache: `communique models pull`
    ├── HashMismatch         the bytes are not those that the registry pins
    ├── DownloadFailed       no network, no such package, or half a file
    ├── DiskFull             no room for the models
    └── EngineDied           the generation process ended
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "BadEncoding",
    "CommuniqueError",
    "DiskFull",
    "DownloadFailed",
    "EmptyText",
    "EngineDied",
    "EnvironmentFault",
    "HashMismatch",
    "Internal",
    "ItemError",
    "Malformed",
    "ModelMissing",
    "NothingToSummarise",
    "TimedOut",
    "TooLarge",
    "TooShort",
    "UsageError",
    "WrongLanguage",
]


class CommuniqueError(Exception):
    """Base of all errors of this library."""


class ItemError(CommuniqueError):
    """One article cannot be scored. `str(error)` is the detail: what was given and what is allowed."""

    type: ClassVar[str] = "internal"
    title: ClassVar[str] = "The article could not be scored"

    def as_dict(self) -> dict[str, str]:
        """The `error` object of a record: {"type", "title", "detail"}."""
        return {"type": self.type, "title": self.title, "detail": str(self)}


class EmptyText(ItemError):
    """The text holds no visible character."""

    type = "empty"
    title = "The text is empty"


class TooShort(ItemError):
    """The article has fewer words than a summary needs; topics and stance are still given."""

    type = "too-short"
    title = "The article is too short to summarise"


class NothingToSummarise(ItemError):
    """Cleaning left nothing: the page is teasers, captions and prompts."""

    type = "nothing-to-summarise"
    title = "The page holds no article"


class WrongLanguage(ItemError):
    """The article is not in English but in `language`, by its ISO 639-1 code."""

    type = "language"
    title = "The article is not in English"

    def __init__(self, language: str) -> None:
        super().__init__(f"the text is in {language!r}; only English ('en') is read")
        self.language = language


class TooLarge(ItemError):
    """The text is longer than the limit."""

    type = "too-large"
    title = "The article is too large"


class Malformed(ItemError):
    """The item is not an object of the input form."""

    type = "malformed"
    title = "The item is malformed"


class BadEncoding(ItemError):
    """The text holds lone surrogates, or its bytes are not UTF-8."""

    type = "encoding"
    title = "The text is not valid Unicode"


class TimedOut(ItemError):
    """The deadline passed; the work was stopped."""

    type = "timeout"
    title = "The deadline passed"


class Internal(ItemError):
    """A fault of ours; the log holds the trace."""


class UsageError(CommuniqueError):
    """The caller asked for something that does not exist; the message lists what does."""


class EnvironmentFault(CommuniqueError):
    """Models, disk or network are not as they must be; the message says what to do."""


class ModelMissing(EnvironmentFault):
    """A model is not in the cache."""


class HashMismatch(EnvironmentFault):
    """A file's sha256 is not the one that the registry pins."""


class DownloadFailed(EnvironmentFault):
    """A model could not be fetched, or only half of it came."""


class DiskFull(EnvironmentFault):
    """There is no room for a model."""


class EngineDied(EnvironmentFault):
    """The generation process ended and could not be started again."""
