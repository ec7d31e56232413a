"""Text that remembers where each character stood in what was sent.

Cleaning, un-escaping and joining change a text; a `MappedText` carries, for each of its characters, the half-open
interval of Unicode code points in the source that it came from. The mapping is kept as runs, so a text that was
changed in few places costs little more than the string. It knows nothing of articles, HTML or sentences.

    >>> import re
    >>> mapped = MappedText.of("Baku  said&nbsp;no.")
    >>> clean = mapped.sub(re.compile(r"&nbsp;|\\s+"), " ")
    >>> clean.text, clean.span(5, 9)
    ('Baku said no.', (6, 10))
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable

__all__ = ["MappedText", "Run"]

#: (offset in the text, source start, source end); a run reaches to the offset of the next one. A run of one character
#: may have any interval. A longer one maps one to one, or its interval is empty.
Run = tuple[int, int, int]

_offset = itemgetter(0)


@dataclass(frozen=True, slots=True)
class MappedText:
    """A text with the source interval of each character.

    The intervals ascend and do not overlap; a character that was inserted has an empty one.
    """

    text: str
    runs: tuple[Run, ...]

    @classmethod
    def of(cls, source: str, start: int = 0, end: int | None = None) -> MappedText:
        """source[start:end] as it stands, each character mapped to itself."""
        end = len(source) if end is None else end
        return cls(source[start:end], ((0, start, end),) if start < end else ())

    @classmethod
    def join(cls, parts: Iterable[MappedText]) -> MappedText:
        """The parts one after the other, nothing between them."""
        texts: list[str] = []
        runs: list[Run] = []
        length = 0
        for part in parts:
            texts.append(part.text)
            runs.extend(part.runs if length == 0 else [(length + at, a, b) for at, a, b in part.runs])
            length += len(part.text)
        return cls("".join(texts), tuple(runs))

    @classmethod
    def inserted(cls, text: str, at: int) -> MappedText:
        """Characters that the source does not have, placed at source offset `at`."""
        return cls(text, ((0, at, at),) if text else ())

    @classmethod
    def replaced(cls, text: str, start: int, end: int) -> MappedText:
        """Characters that stand for source[start:end].

        As many as the interval is long: one to one. Otherwise the first takes the whole interval and the others the
        empty one at its end.
        """
        if not text:
            return cls("", ())
        if len(text) in (1, end - start):
            return cls(text, ((0, start, end),))
        return cls(text, ((0, start, end), (1, end, end)))

    def __len__(self) -> int:
        return len(self.text)

    def slice(self, start: int, end: int) -> MappedText:
        """Characters [start, end) with their mapping."""
        start, end = max(start, 0), min(end, len(self.text))
        if start >= end:
            return MappedText("", ())
        runs = self.runs
        first = bisect_right(runs, start, key=_offset) - 1
        last = bisect_right(runs, end - 1, key=_offset)
        kept = [(at - start, a, b) for at, a, b in runs[first:last]]
        at, a, b = kept[-1]
        stop = runs[last][0] if last < len(runs) else len(self.text)
        if stop - start - at == b - a:
            kept[-1] = at, a, b - (stop - end)
        at, a, b = kept[0]
        if at < 0:
            kept[0] = 0, a if a == b else a - at, b
        return MappedText(self.text[start:end], tuple(kept))

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
        return self._interval(start)[0], self._interval(end - 1)[1]

    def sub(self, pattern: re.Pattern[str], replacement: str | Callable[[re.Match[str]], str]) -> MappedText:
        """Each non-empty match replaced by the literal `replacement`, or by what it returns for the match.

        How the new characters map is said in `replaced`.
        """
        parts: list[MappedText] = []
        last = 0
        for match in pattern.finditer(self.text):
            begin, stop = match.span()
            if begin == stop:
                continue
            new = replacement if isinstance(replacement, str) else replacement(match)
            if last < begin:
                parts.append(self.slice(last, begin))
            if new:
                parts.append(MappedText.replaced(new, *self.span(begin, stop)))
            last = stop
        if last == 0:
            return self
        parts.append(self.slice(last, len(self.text)))
        return MappedText.join(parts)

    def insert(self, text: str, offsets: Iterable[int]) -> MappedText:
        """`text`, which the source does not have, put in before each of the ascending `offsets`."""
        parts: list[MappedText] = []
        last = 0
        for offset in offsets:
            parts.append(self.slice(last, offset))
            at = self._interval(offset)[0] if offset < len(self.text) else self._interval(offset - 1)[1]
            parts.append(MappedText.inserted(text, at))
            last = offset
        if not parts:
            return self
        parts.append(self.slice(last, len(self.text)))
        return MappedText.join(parts)

    def _interval(self, index: int) -> tuple[int, int]:
        """The source interval of one character."""
        number = bisect_right(self.runs, index, key=_offset) - 1
        at, a, b = self.runs[number]
        stop = self.runs[number + 1][0] if number + 1 < len(self.runs) else len(self.text)
        if a == b or (stop - at == 1 and index == at):
            return a, b
        return a + index - at, a + index - at + 1
