"""The blocks of a text page: its lines, unless it is hard-wrapped or all in one line.

It looks at line lengths and white space only, never at what is said.

    >>> from communique.text import MappedText
    >>> [block.text for block in text_blocks(MappedText.of("One para.\\n\\nAnother  one."))]
    ['One para.', 'Another one.']
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from communique.reading.block import Block
from communique.reading.characters import collapse
from communique.reading.sentences import boundaries, joints

if TYPE_CHECKING:
    from collections.abc import Iterator

    from communique.text import MappedText

__all__ = ["text_blocks"]

#: No mail client, terminal or typewriter wraps wider.
_WIDEST: Final = 110
_NARROWEST: Final = 45
#: A line with more characters than this holds several paragraphs, or the whole page.
_LONG: Final = 1200
_LINE: Final = re.compile(r"[^\n]*\S[^\n]*")
_FIRST_WORD: Final = re.compile(r"\S+")
#: White space inside a line that once was a paragraph's end.
_GAP: Final = re.compile(r"(?<=[.!?…\"”’)\]:]) {3,}(?=\S)")
#: A heading that lost its line break: "they requestedEarly on Saturday". Not "YouTube", "McDonald", "iPhone".
_GLUED: Final = re.compile(
    r"\b[a-z]{4,}(?=[A-Z][a-z]{2,}\b)"
    r"|\b[A-Z]?[a-z]{3,}(?=(?:The|In|On|At|But|And|He|She|It|We|They|As|For|According|This|That|There|After|Since|While)\b)"
)
#: Where a line without a full stop was joined to the next one by a space: before a dateline, a time, a prompt, after the
#: credit of a picture, and before a capitalised word that opens sentences but stands in the middle of one.
_SEAM: Final = re.compile(
    r"(?<=[\w\"”’)]) (?=[A-Z]{3,}(?:[ /][A-Z]{3,})*(?:, [A-Z][\w. ]{2,14})? [-–—] [A-Z])"
    r"|(?<=\w) (?=\d{1,2}:\d\d [A-Z])"
    r"|(?<=\w[)\]]) (?=[A-Z])"
    r"|(?<=[a-z]{3}) (?=(?:On|In|At|A|An|As|After|When|He|She|It|They|We|But|By|For|From|With|Since|While|If|This|There|What|How|Why)"
    r" [\w“\"])"
    r"|(?<=[a-z]{3}) (?=The [a-z])"
    r"|(?<=[\w\"”’)]) (?=(?:Also [Rr]ead|ALSO READ|Read (?:[Mm]ore|[Aa]lso|[Nn]ext)|READ MORE|See [Aa]lso|SEE ALSO|Related|RELATED|Follow (?:us|@)|"
    r"Subscribe|Sign [Uu]p|Share (?:this|on)|Leave a|Click (?:here|to)|A(?:dvertisement|DVERTISEMENT)|Tags?:|Topics?:|©|"
    r"Copyright|Photo:|All rights|Latest news|Most (?:read|viewed|popular)|Trending|Recommended|You may|Comments|Newsletter)\b)"
)


def text_blocks(page: MappedText) -> list[Block]:
    """The page's lines or paragraphs, in order."""
    spans = [match.span() for match in _LINE.finditer(page.text)]
    spans = _unwrapped(page.text, spans)
    blocks: list[Block] = []
    for start, end in spans:
        line = page.slice(start, end).strip()
        if end - start > _LONG:
            blocks.extend(_paragraphs(line))
        else:
            blocks.append(Block(collapse(line)))
    return blocks


def _unwrapped(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The lines of each paragraph as one, if the page was wrapped at some column; else the lines as they are.

    A line was wrapped if the first word of the next one would not have fitted into the page's width.
    """
    lengths = sorted(end - start for start, end in spans)
    if len(lengths) < 6 or not _NARROWEST <= lengths[-1] <= _WIDEST or lengths[len(lengths) // 2] < _NARROWEST:
        return spans
    width = lengths[-1]
    merged: list[tuple[int, int]] = [spans[0]]
    joined = 0
    for (start, end), (next_start, next_end) in pairwise(spans):
        word = _FIRST_WORD.search(text, next_start, next_end)
        fits = word is None or (end - start) + 1 + (word.end() - word.start()) <= width
        if fits or "\n\n" in text[end:next_start].replace(" ", ""):
            merged.append((next_start, next_end))
        else:
            merged[-1] = merged[-1][0], next_end
            joined += 1
    return merged if joined >= len(spans) / 3 else spans


def _paragraphs(line: MappedText) -> Iterator[Block]:
    """The pieces of a long line: its former paragraphs where (lost) white space shows them, or its sentences."""
    text = line.text
    cuts = {match.end() for match in _GAP.finditer(text)}
    cuts.update(joints(text))
    cuts.update(match.end() for match in _GLUED.finditer(text))
    cuts.update(match.start() for match in _SEAM.finditer(text))
    ends = [*sorted(cuts), len(text)]
    begin = 0
    joined = False
    for end in ends:
        if end <= begin:
            continue
        piece = collapse(line.slice(begin, end))
        begin = end
        if not piece.text:
            continue
        if len(piece) <= _LONG:
            yield Block(piece, joined=joined)
            joined = False
            continue
        last = 0
        for stop in boundaries(piece.text):
            sentence = piece.slice(last, stop).strip()
            last = stop
            if sentence.text:
                yield Block(sentence, joined=joined)
                joined = True
        joined = False
