"""What goes in and what comes out: the article as it was sent, and the record that each stage of the flow fills.

All offsets are half-open intervals of Unicode code points into a field (`text` or `title`) as it was sent.
The JSON forms are fixed by the schemas in `communique/schemas/`; other programs read them.

    >>> Article.from_dict({"text": "Baku said …"}, default_id="1").id
    '1'
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from communique.errors import BadEncoding, ItemError, Malformed, TooLarge, WrongLanguage
from communique.labels import IPTC, StanceLabel

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "MAX_TARGETS",
    "MAX_WORDS_RANGE",
    "SCHEMA_VERSION",
    "Article",
    "Field",
    "Mode",
    "Record",
    "Removal",
    "RequestedMode",
    "SentenceMode",
    "Span",
    "Stance",
    "Summary",
    "SummarySentence",
    "TextFormat",
]

SCHEMA_VERSION: Final = "1"

TextFormat = Literal["text", "html"]
#: What a caller may ask for.
RequestedMode = Literal["auto", "extractive", "compressive", "abstractive"]
#: How one summary sentence came to be.
SentenceMode = Literal["extractive", "compressive", "abstractive"]
#: How a whole summary came to be.
Mode = Literal["extractive", "compressive", "abstractive", "mixed"]
Field = Literal["text", "title"]

MAX_TARGETS: Final = 64
#: Characters that a target has at most.
MAX_TARGET_CHARACTERS: Final = 200
MAX_WORDS_RANGE: Final = (10, 400)


def _rounded(value: float) -> float:
    """Four places, as every probability and support of a record is written."""
    return round(float(value), 4)


@dataclass(frozen=True, slots=True)
class Span:
    """[start, end) in code points of the field as it was sent."""

    start: int
    end: int
    field: Field = "text"

    def as_dict(self) -> dict[str, Any]:
        return {"field": self.field, "start": self.start, "end": self.end}


@dataclass(frozen=True, slots=True)
class Removal:
    """[start, end) of `text` that is not article, and why, such as `other-story` or `caption`."""

    start: int
    end: int
    reason: str

    def as_dict(self) -> dict[str, Any]:
        return {"start": self.start, "end": self.end, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class SummarySentence:
    """One sentence with what proves it. `support` is in [0, 1]; 1.0 for an extracted sentence."""

    text: str
    mode: SentenceMode
    support: float
    evidence: tuple[Span, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "mode": self.mode,
            "support": _rounded(self.support),
            "evidence": [span.as_dict() for span in self.evidence],
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """Sentences in the order in which they are read."""

    sentences: tuple[SummarySentence, ...]

    @property
    def text(self) -> str:
        return " ".join(sentence.text for sentence in self.sentences)

    @property
    def words(self) -> int:
        return len(self.text.split())

    @property
    def mode(self) -> Mode:
        modes = {sentence.mode for sentence in self.sentences}
        return next(iter(modes)) if len(modes) == 1 else "mixed"

    def as_dict(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "mode": self.mode,
            "words": self.words,
            "sentences": [sentence.as_dict() for sentence in self.sentences],
        }


@dataclass(frozen=True, slots=True)
class Stance:
    """Where the article stands toward one target.

    `probabilities` maps `favor`, `neutral` and `against` to [0, 1], or is None for an absent target.
    """

    target: str
    label: StanceLabel
    probabilities: Mapping[str, float] | None = None
    evidence: tuple[Span, ...] = ()

    @property
    def abstained(self) -> bool:
        return self.label == "unsure"

    def as_dict(self) -> dict[str, Any]:
        probabilities = self.probabilities
        return {
            "target": self.target,
            "label": self.label,
            "abstained": self.abstained,
            "probabilities": None if probabilities is None else {k: _rounded(v) for k, v in probabilities.items()},
            "evidence": [span.as_dict() for span in self.evidence],
        }


@dataclass(frozen=True, slots=True)
class Article:
    """One article as it was sent, and what is asked of it.

    `targets` None means the configured list. `meta` holds every input field that the flow does not use.
    """

    id: str
    text: str
    title: str = ""
    format: TextFormat = "text"
    targets: tuple[str, ...] | None = None
    max_words: int | None = None
    mode: RequestedMode = "auto"
    meta: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, item: object, default_id: str) -> Article:
        """An article from a decoded JSON value.

        Raises:
            Malformed: not an object of the input form; the message names the field, what was given and what is allowed.
            BadEncoding: a text holds lone surrogates.
        """
        if not isinstance(item, dict):
            raise Malformed(f"expected a JSON object with a `text`, got {_kind(item)}")
        known = dict(item)
        text = _string(known, "text", required=True)
        title = _string(known, "title")
        identifier = known.pop("id", None)
        if identifier is not None and (isinstance(identifier, bool) or not isinstance(identifier, (str, int))):
            raise Malformed(f"`id` must be a string or an integer, got {_kind(identifier)}")
        if isinstance(identifier, str):
            _check_unicode(identifier, "id")
        return cls(
            id=default_id if identifier is None or identifier == "" else str(identifier),
            text=text,
            title=title,
            format=_choice(known, "format", get_args(TextFormat), "text"),
            targets=_targets(known.pop("targets", None)),
            max_words=_max_words(known.pop("max_words", None)),
            mode=_choice(known, "mode", get_args(RequestedMode), "auto"),
            meta={str(key): value for key, value in known.items() if value is not None},
        )

    def check_size(self, max_characters: int) -> None:
        """See that title and text together have no more code points.

        Raises:
            TooLarge: they have.
        """
        length = len(self.title) + len(self.text)
        if length > max_characters:
            raise TooLarge(f"title and text have {length:,} characters; at most {max_characters:,} are allowed")


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of one article; a scored article, or one that carries its error."""

    id: str
    meta: Mapping[str, Any] = field(default_factory=dict)
    summary: Summary | None = None
    topic_probabilities: Mapping[str, float] = field(default_factory=dict)
    topics: tuple[str, ...] = ()
    topic_codes: Mapping[str, str | None] = field(default_factory=lambda: IPTC)
    stance: tuple[Stance, ...] = ()
    removed: tuple[Removal, ...] = ()
    language: str | None = None
    truncated: bool = False
    duplicate_of: str | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    error: ItemError | None = None

    @classmethod
    def failed(cls, article: Article, error: ItemError) -> Record:
        """The record of an article that cannot be scored."""
        language = error.language if isinstance(error, WrongLanguage) else None
        return cls(id=article.id, meta=article.meta, language=language, error=error)

    def with_(self, **changes: Any) -> Record:
        """A copy with some fields changed."""
        return replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """The JSON form, schema version 1."""
        return {
            "schema_version": SCHEMA_VERSION,
            "id": self.id,
            "meta": dict(self.meta),
            "summary": None if self.summary is None else self.summary.as_dict(),
            "topics": [
                {
                    "label": label,
                    "iptc": self.topic_codes.get(label),
                    "probability": _rounded(self.topic_probabilities[label]),
                }
                for label in self.topics
            ],
            "topic_probabilities": {k: _rounded(v) for k, v in self.topic_probabilities.items()},
            "stance": [stance.as_dict() for stance in self.stance],
            "removed": [removal.as_dict() for removal in self.removed],
            "language": self.language,
            "truncated": self.truncated,
            "duplicate_of": self.duplicate_of,
            "models": dict(self.models),
            "error": None if self.error is None else self.error.as_dict(),
        }


def _kind(value: object) -> str:
    """How JSON calls the type of a decoded value."""
    names = {
        dict: "an object",
        list: "an array",
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
    }
    return "null" if value is None else names.get(type(value), type(value).__name__)


def _check_unicode(text: str, name: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadEncoding(
            f"`{name}` holds a lone surrogate (U+{ord(text[error.start]):04X}) at offset {error.start}; "
            "send whole code points"
        ) from None


def _string(item: dict[str, Any], name: str, *, required: bool = False) -> str:
    if required and name not in item:
        raise Malformed(f"`{name}` is missing; it must be a string")
    value = item.pop(name, None)
    if value is None and not required:
        return ""
    if not isinstance(value, str):
        raise Malformed(f"`{name}` must be a string, got {_kind(value)}")
    _check_unicode(value, name)
    return value


def _choice(item: dict[str, Any], name: str, allowed: tuple[str, ...], default: str) -> Any:
    value = item.pop(name, None)
    if value is None:
        return default
    if value not in allowed:
        shown = repr(value) if isinstance(value, str) else _kind(value)
        raise Malformed(f"`{name}` must be one of {', '.join(allowed)}; got {shown}")
    return value


def _targets(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(target, str) and target.strip() for target in value):
        raise Malformed("`targets` must be an array of non-empty strings")
    if len(value) > MAX_TARGETS:
        raise Malformed(f"`targets` holds {len(value)} names; at most {MAX_TARGETS} are allowed")
    for target in value:
        _check_unicode(target, "targets")
        if (length := len(target.strip())) > MAX_TARGET_CHARACTERS:
            raise Malformed(
                f"a name in `targets` has {length:,} characters; at most {MAX_TARGET_CHARACTERS} are allowed"
            )
    return tuple(dict.fromkeys(target.strip() for target in value))


def _max_words(value: object) -> int | None:
    if value is None:
        return None
    low, high = MAX_WORDS_RANGE
    whole = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not whole or value != int(value) or not low <= value <= high:  # type: ignore[call-overload,operator]
        raise Malformed(f"`max_words` must be a whole number from {low} to {high}; got {value!r}")
    return int(value)  # type: ignore[call-overload,no-any-return]
