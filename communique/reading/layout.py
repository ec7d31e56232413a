"""The blocks of a text page: its lines, unless it is hard-wrapped or all in one line.

It looks at line lengths and white space only, never at what is said.

    >>> from communique.text import MappedText
    >>> [block.text for block in text_blocks(MappedText.of("One para.\\n\\nAnother  one."))]
    ['One para.', 'Another one.']
"""

from __future__ import annotations

import re
from collections import Counter
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
#: No line of a wrapped page is up to so many characters longer than its width.
_RAGGED: Final = 12
#: A page was wrapped if so many lines are as full as they could be, and such a share of those that are not longer.
_WRAPPED: Final = 5
_WRAPPED_SHARE: Final = 0.45
#: A line with more characters than this holds several paragraphs, or the whole page.
_LONG: Final = 1200
_LINE: Final = re.compile(r"^[^\S\n]*+\S[^\n]*", re.MULTILINE)
_FIRST_WORD: Final = re.compile(r"\S+")
#: White space inside a line that once was a paragraph's end.
_GAP: Final = re.compile(r"(?<=[.!?…\"”’)\]:]) {3,}(?=\S)")
#: A heading that lost its line break: "they requestedEarly on Saturday". Not "YouTube", "McDonald", "iPhone".
_GLUED: Final = re.compile(
    r"\b[a-z]{4,}(?=[A-Z][a-z]{2,}\b)"
    r"|\b[A-Z]?[a-z]{3,}(?=(?:The|In|On|At|But|And|He|She|It|We|They|As|For|According|This|That|There|After|Since|While)\b)"
)
#: Where a line without a full stop was joined to the next one by a space: before a dateline, a time or a prompt, after a
#: picture's credit, and before a capitalised word that opens sentences but stands in the middle of one.
_SEAM: Final = re.compile(
    r"(?= [A-Z\d©])(?:"
    r"(?<=[\w\"”’)])(?<!\bthe)(?<!\bof)(?<!\band)(?<!\bin)(?<!\bby) (?=[A-Z]{3,}(?:[ /][A-Z]{3,})*(?:, [A-Z][\w. ]{2,14})? [-–—] [A-Z])"
    r"|(?<=\w)(?<!\bat)(?<!\bby) (?=\d{1,2}:\d\d [A-Z][a-z])"
    r"|(?<=[a-z]{3}) (?=(?:On|In|At|A|An|As|After|When|He|She|It|They|We|But|By|For|From|With|Since|While|If|This|There|What|How"
    r"|Why) [\w“\"])"
    r"|(?<=[a-z]{3}) (?=The [a-z])"
    r"|(?<=[\w\"”’)]) (?=(?:Also [Rr]ead|ALSO READ|Read (?:[Mm]ore|[Aa]lso|[Nn]ext)|READ MORE|See [Aa]lso|SEE ALSO|Related|RELATED"
    r"|Follow (?:us|@)|Subscribe|Sign [Uu]p|Share (?:this|on)|Leave a|Click (?:here|to)|A(?:dvertisement|DVERTISEMENT)|Tags?:"
    r"|Topics?:|©|Copyright|Photo:|All rights|Latest news|Most (?:read|viewed|popular)|Trending|Recommended|You may|Comments"
    r"|Newsletter)\b)"
    r"|(?<=[Pp]hoto[)\]]) (?=[A-Z])|(?<=Reuters[)\]]) (?=[A-Z])|(?<=AFP[)\]]) (?=[A-Z])|(?<=Images[)\]]) (?=[A-Z]))"
)
#: Two buttons or more at the head of a line, which lost what parted them from each other and from the text.
_BUTTON: Final = (
    r"(?:Share(?: options| this(?: article| story)?| on| via)?|Copy(?: link| URL)?|Link|Save|Print|Tweet|Pin|E-?mail|Facebook|Twitter"
    r"|X|Telegram|Viber|Whats[Aa]pp|Messenger|Instagram|Linked[Ii]n|Reddit|Pinterest|VKontakte|VK|Odnoklassniki|Tumblr|Flipboard"
    r"|Pocket|Skype|Signal|Threads|Bluesky|Mastodon|YouTube|TikTok|SMS|RSS)(?![a-z])[ ,|·•/]{0,3}"
)
_MENU: Final = re.compile(rf"((?:{_BUTTON})+?){_BUTTON}(?!{_BUTTON})(?=[A-Z\d\"“‘(])")
#: With spaces between, so many buttons are a menu; and what follows it has at least so many characters.
_BUTTONS: Final = 3
_BUTTON_START: Final = re.compile(_BUTTON)
_AFTER_MENU: Final = 20


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
            menu = _menu(line.text)
            if menu:
                blocks.append(Block(collapse(line.slice(0, menu))))
            blocks.append(Block(collapse(line.slice(menu, len(line)))))
    return blocks


def _menu(text: str) -> int:
    """Where the row of buttons ends that a line begins with; 0 if it begins with none, or is nothing else."""
    found = _MENU.match(text)
    if found is None or len(text) - found.end() < _AFTER_MENU:
        return 0
    end = found.end()
    return end if text[end - 1].isalpha() or len(_BUTTON_START.findall(found[0])) >= _BUTTONS else 0


def _unwrapped(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The lines of each paragraph as one, where the page was wrapped at some column; else the lines as they are.

    A line was wrapped if the first word of the next one would not have fitted into the width. Longer lines, which came
    from elsewhere on the page, stay.
    """
    pairs: list[tuple[int, int] | None] = []
    for (start, end), (following, last) in pairwise(spans):
        word = _FIRST_WORD.search(text, following, last)
        apart = word is None or "\n\n" in text[end:following].replace(" ", "")
        pairs.append(None if word is None or apart else (end - start, word.end() - word.start() + 1))
    width = _width([pair for pair in pairs if pair])
    if not width:
        return spans
    merged: list[tuple[int, int]] = [spans[0]]
    for span, pair in zip(spans[1:], pairs, strict=True):
        if pair and pair[0] <= width < sum(pair):
            merged[-1] = merged[-1][0], span[1]
        else:
            merged.append(span)
    return merged


def _width(pairs: list[tuple[int, int]]) -> int:
    """The column at which lines were wrapped, or 0. `pairs`: a line's length, and what the next word would add."""
    lengths = Counter(length for length, _ in pairs if _NARROWEST <= length <= _WIDEST)
    best, most = 0, 0
    for width in lengths:
        tight = sum(length <= width < length + more for length, more in pairs)
        beyond = sum(width < length <= width + _RAGGED for length, _ in pairs)
        if tight - 2 * beyond > most:
            best, most = width, tight - 2 * beyond
    shorter = sum(length <= best for length, _ in pairs)
    return best if most >= max(_WRAPPED, _WRAPPED_SHARE * shorter) else 0


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
