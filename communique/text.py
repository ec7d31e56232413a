"""Text that remembers where each character stood in what was sent.

Cleaning, un-escaping and joining change a text; a `MappedText` carries, for each of its characters, the half-open
interval of Unicode code points in the source that it came from. It knows nothing of articles, HTML or sentences.

    >>> mapped = MappedText.of("Baku  said&nbsp;no.")
    >>> clean = mapped.sub(re.compile(r"&nbsp;|\\s+"), " ")
    >>> clean.text, clean.span(5, 9)
    ('Baku said no.', (6, 10))
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MappedText"]


@dataclass(frozen=True, slots=True)
class MappedText:
    """A text with the source interval of each character.

    `text` has n characters; `starts` and `ends` have n entries: character i came from source[starts[i]:ends[i]].
    Inserted characters have an empty interval (starts[i] == ends[i]). Intervals ascend and do not overlap.
    """

    text: str
    starts: array[int]
    ends: array[int]

    @classmethod
    def of(cls, source: str, start: int = 0, end: int | None = None) -> MappedText:
        """source[start:end] as it stands, each character mapped to itself."""
        end = len(source) if end is None else end
        return cls(source[start:end], array("I", range(start, end)), array("I", range(start + 1, end + 1)))

    @classmethod
    def join(cls, parts: Iterable[MappedText]) -> MappedText:
        """The parts one after the other, nothing between them."""
        texts: list[str] = []
        starts, ends = array("I"), array("I")
        for part in parts:
            texts.append(part.text)
            starts.extend(part.starts)
            ends.extend(part.ends)
        return cls("".join(texts), starts, ends)

    @classmethod
    def inserted(cls, text: str, at: int) -> MappedText:
        """Characters that the source does not have, placed at source offset `at`."""
        return cls(text, array("I", [at] * len(text)), array("I", [at] * len(text)))

    def __len__(self) -> int:
        return len(self.text)

    def slice(self, start: int, end: int) -> MappedText:
        """Characters [start, end) with their mapping."""
        return MappedText(self.text[start:end], self.starts[start:end], self.ends[start:end])

    def strip(self) -> MappedText:
        """Without white space at both ends."""
        left = len(self.text) - len(self.text.lstrip())
        right = len(self.text.rstrip())
        return self.slice(left, max(left, right))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The source interval [a, b) that covers characters [start, end).

        Raises:
            ValueError: the interval is empty or outside the text.
        """
        if not 0 <= start < end <= len(self.text):
            raise ValueError(f"[{start}, {end}) is not a non-empty interval within 0..{len(self.text)}")
        return self.starts[start], self.ends[end - 1]

    def sub(self, pattern: re.Pattern[str], replacement: str) -> MappedText:
        """Each match replaced by the literal `replacement`; its first character takes the match's whole interval."""
        parts: list[MappedText] = []
        last = 0
        for match in pattern.finditer(self.text):
            begin, stop = match.span()
            if begin == stop:
                continue
            parts.append(self.slice(last, begin))
            if replacement:
                a, b = self.span(begin, stop)
                rest = len(replacement) - 1
                parts.append(MappedText(replacement, array("I", [a] + [b] * rest), array("I", [b] + [b] * rest)))
            last = stop
        if not parts:
            return self
        parts.append(self.slice(last, len(self.text)))
        return MappedText.join(parts)
