"""The blocks of an HTML page, each character with its place in the source.

A tolerant reader in one pass, in time linear in the page: no tree, no recursion, nothing refused. It knows what the
markup says (elements, class names, links) and where the prose is densest, and leaves the judgement to the cleaner.

    >>> blocks, whole = html_blocks("<div><p>AT&amp;T paid.</p></div>")
    >>> [(block.tag, block.text, block.mapped.span(0, 4)) for block in blocks]
    [('p', 'AT&T paid.', (8, 16))]
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from typing import Final

from communique.reading.block import Block
from communique.reading.characters import collapse, normalise
from communique.text import MappedText

__all__ = ["HIDDEN", "html_blocks", "looks_like_html"]

#: The hint of what a page does not show.
HIDDEN: Final = "hidden"

_VOID: Final = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_INLINE: Final = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd mark q rp rt ruby s samp small span "
    "strike strong sub sup time tt u var wbr".split()
)
#: Nothing inside is read by anybody, or it was struck out.
_SILENT: Final = frozenset(
    "del s strike script style noscript template textarea iframe object embed svg math canvas select "
    "option datalist head title audio video map noframes noembed xmp applet".split()
)
#: Inside is no markup: ends at its own end tag only.
_RAW: Final = frozenset("script style textarea title xmp iframe noembed noframes".split())
#: Opening one of these ends an open paragraph.
_CLOSES_ITSELF: Final = {
    "li": ("p", "li"), "dt": ("p", "dt", "dd"), "dd": ("p", "dt", "dd"), "tr": ("p", "td", "th", "tr"),
    "td": ("p", "td", "th"), "th": ("p", "td", "th"),
}  # fmt: skip
#: What a piece of text counts towards the limit beside its characters: a page of single letters is long, too.
_ELEMENT_COST: Final = 20
#: Lines that breaks part are joined up to so many characters.
_LONGEST: Final = 4000
#: Not followed deeper: a page nested thousands deep is an accident or an attack.
_DEEPEST: Final = 400

_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:_-]*)((?:[^<>\"']|\"[^\"<>]*\"|'[^'<>]*')*+)>")
_TAG_NAME: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:_-]*)")
_ATTRIBUTE: Final = re.compile(
    r"(class|id|role|itemprop|style|aria-label|data-testid|data-component|hidden)"
    r"(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?(?=[\s/]|$)",
    re.IGNORECASE,
)
_INVISIBLE: Final = re.compile(r"\b(?:display\s*:\s*none|visibility\s*:\s*hidden)\b", re.IGNORECASE)
_NAME_PART: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_LOOKS: Final = re.compile(r"<(?:!doctype html|html|body|article|p|div)\b[^<>]*>", re.IGNORECASE)
_PROSE: Final = re.compile(r"[a-z,][.!?][\"'”’)]*(?:\s|$)")

_HINTS: Final[dict[str, str]] = {
    word: kind
    for kind, words in {
        "caption": "caption figcaption cutline legend imagecaption photocaption",
        "credit": "credit credits",
        "related": "related recommend recommended recommendations recommendation readmore alsoread popular trending "
        "mostread teaser teasers outbrain taboola suggested mostpopular morestories latest headlines readnext upnext "
        "onward mgid revcontent",
        "newsletter": "newsletter newsletters signup mailchimp",
        "subscription": "subscribe subscription paywall piano regwall",
        "donation": "donate donation contribute contribution",
        "share": "share sharing social socials sharebar addthis addtoany sharethis sharedaddy follow",
        "comments": "comment comments disqus respond commentlist replies discussion",
        "cookie": "cookie cookies consent gdpr onetrust ccpa cmp",
        "author-box": "author authors byline bio contributor",
        "tags": "tags taglist tagcloud keywords",
        "navigation": "nav navbar navigation menu menubar breadcrumb breadcrumbs pagination pager skip toolbar "
        "offcanvas masthead topbar sitemap",
        "copyright": "footer copyright colophon legal disclaimer",
        "promo": "ad ads advert advertisement sponsor sponsored sponsorship promo promotion banner dfp adslot",
        "media-player": "player jwplayer videoplayer audioplayer podcast playlist",
        "poll": "poll quiz survey",
        "counter": "views counter readtime viewcount timestamp dateline",
        "widget": "widget sidebar rail aside popup modal overlay toast hidden",
    }.items()
    for word in words.split()
}
_TAG_HINTS: Final = {
    "nav": "navigation", "aside": "widget", "footer": "copyright", "form": "widget", "button": "widget",
    "figcaption": "caption", "label": "widget", "dialog": "widget", "menu": "navigation",
}  # fmt: skip
_ROLE_HINTS: Final = {
    "navigation": "navigation", "complementary": "widget", "contentinfo": "copyright", "search": "widget",
    "dialog": "widget", "alertdialog": "cookie", "banner": "navigation", "form": "widget",
}  # fmt: skip
#: Never taken for boilerplate by a class name: they hold the page.
_NEVER_HINTED: Final = frozenset(("html", "body", "main", "article"))


@dataclass(slots=True)
class _Element:
    """An open or closed element. `prose` is the number of characters of prose in it, its descendants' included."""

    name: str
    parent: int
    depth: int
    hint: str
    silent: bool
    prose: int = 0


@dataclass(slots=True)
class _Piece:
    """A block while it is read: source intervals, and how many of their characters are linked."""

    element: int
    intervals: list[tuple[int, int]] = field(default_factory=list)
    linked: int = 0
    after_break: bool = False


def looks_like_html(text: str) -> bool:
    """Whether a text that was sent as plain is a page's source: at least three elements that hold blocks."""
    found = _LOOKS.finditer(text, 0, 200_000)
    return sum(1 for _ in zip(found, range(3), strict=False)) == 3


def html_blocks(source: str, limit: int = 1_000_000) -> tuple[list[Block], bool]:
    """The page's blocks in order, silent elements left out, and whether it was read to its end.

    It is left once about `limit` characters of text were read.
    """
    reader = _Reader(source, limit)
    reader.read()
    return reader.blocks(), reader.left > 0


class _Reader:
    def __init__(self, source: str, limit: int) -> None:
        self.source = source
        self.left = limit
        self.elements = [_Element("", -1, 0, "", silent=False)]
        self.stack = [0]
        self.open: dict[str, int] = {}
        self.pieces: list[_Piece] = []
        self.piece = _Piece(0)
        self.in_link = False

    def read(self) -> None:
        """One pass over the source."""
        source, find = self.source, self.source.find
        position, size = 0, len(self.source)
        unclosed: set[str] = set()
        while position < size and self.left > 0:
            at = find("<", position)
            if at < 0:
                at = size
            if at > position:
                self._text(position, at)
            if at == size:
                break
            tag = _TAG.match(source, at)
            if tag is None:
                position = self._odd(at, unclosed)
                continue
            position = tag.end()
            name = tag[2].lower()
            if tag[1]:
                self._close(name)
                continue
            self._start(name, tag[3])
            if name in _RAW and name not in unclosed:
                end = _end_of_raw(name).search(source, position)
                if end is None:
                    unclosed.add(name)
                else:
                    position = end.start()
        self._flush()

    def _odd(self, at: int, unclosed: set[str]) -> int:
        """What begins with "<" and is no plain tag: comment, declaration, broken tag, or just the character."""
        source = self.source
        if source.startswith("<!--", at):
            end = source.find("-->", at + 2) if "--" not in unclosed else -1
            if end >= 0:
                return end + 3
            unclosed.add("--")
        if source.startswith(("<!", "<?", "</"), at) or _TAG_NAME.match(source, at):
            # A broken tag ends at the next ">", but not past the next "<".
            end = source.find(">", at, at + 20_000)
            following = source.find("<", at + 1, at + 20_000)
            name = _TAG_NAME.match(source, at)
            stop = end + 1 if end >= 0 and (following < 0 or end < following or source[at + 1] in "!?") else following
            if name is not None:
                if name[1]:
                    self._close(name[2].lower())
                else:
                    self._start(name[2].lower(), "")
            return stop if stop > at else min(at + (len(name[0]) if name else 1), len(source))
        self._text(at, at + 1)
        return at + 1

    def _text(self, start: int, end: int) -> None:
        if self.elements[self.stack[-1]].silent:
            return
        piece = self.piece
        if self.source[start:end].isspace():
            if piece.intervals:
                piece.intervals.append((start, end))
            return
        if not piece.intervals:
            piece.element = self.stack[-1]
        while self.elements[piece.element].depth >= len(self.stack) or not self._is_open(piece.element):
            piece.element = self.elements[piece.element].parent
        piece.intervals.append((start, end))
        self.left -= end - start + _ELEMENT_COST
        if self.in_link:
            piece.linked += end - start

    def _is_open(self, index: int) -> bool:
        return self.stack[self.elements[index].depth] == index

    def _start(self, name: str, attributes: str) -> None:
        if name == "br":
            self._flush()
            self.piece.after_break = True
            return
        if name in _VOID:
            if name == "hr":
                self._flush()
            return
        inline = name in _INLINE
        if not inline:
            self._flush()
            self.in_link = False
            for sibling in _CLOSES_ITSELF.get(name, ("p",)):
                if self.elements[self.stack[-1]].name == sibling:
                    self._pop()
        elif name == "a":
            self.in_link = True
        if attributes.endswith("/") and name not in _SILENT:
            return
        if len(self.stack) >= _DEEPEST:
            return
        parent = self.stack[-1]
        hint = "" if name in _NEVER_HINTED else _TAG_HINTS.get(name, "") or _hint(attributes)
        if name == "header" and hint == "" and len(self.stack) < 4:
            hint = "navigation"
        self.elements.append(
            _Element(name, parent, len(self.stack), hint, self.elements[parent].silent or name in _SILENT)
        )
        self.stack.append(len(self.elements) - 1)
        self.open[name] = self.open.get(name, 0) + 1

    def _close(self, name: str) -> None:
        if name == "a":
            self.in_link = False
        if name == "br" or (name == "p" and not self.open.get("p")):
            self._flush()
            return
        if not self.open.get(name):
            return
        if name in _INLINE:
            for depth, index in enumerate(reversed(self.stack[-16:]), 1):
                if self.elements[index].name == name:
                    for _ in range(depth):
                        self._pop()
                    return
                if self.elements[index].name not in _INLINE:
                    return
            return
        self._flush()
        while self._pop() != name:
            pass

    def _pop(self) -> str:
        name = self.elements[self.stack.pop()].name
        self.open[name] -= 1
        return name

    def _flush(self) -> None:
        piece = self.piece
        if piece.intervals:
            self.pieces.append(piece)
        self.piece = _Piece(0)

    def blocks(self) -> list[Block]:
        """What was read, with the hints that do not cover most of the page."""
        found: list[tuple[int, Block]] = []
        for piece in self.pieces:
            raw = MappedText.join(MappedText.of(self.source, a, b) for a, b in piece.intervals)
            mapped = collapse(normalise(raw))
            if not mapped.text:
                continue
            if piece.after_break and found and _goes_on(found[-1][1].text, mapped.text):
                gap = MappedText.inserted(" ", mapped.span(0, 1)[0])
                found[-1][1].mapped = MappedText.join([found[-1][1].mapped, gap, mapped])
                continue
            element = piece.element
            while self.elements[element].name in _INLINE and element:
                element = self.elements[element].parent
            linked = min(1.0, piece.linked / max(1, len(raw)))
            block = Block(mapped, tag=self.elements[element].name, linked=linked)
            found.append((piece.element, block))
            if linked < 0.4 and _PROSE.search(mapped.text):
                self.elements[piece.element].prose += len(mapped)
        for element_ in reversed(self.elements[1:]):
            self.elements[element_.parent].prose += element_.prose
        total = self.elements[0].prose
        hints, inside = self._inherited(total)
        for index, block in found:
            block.hint = hints[index]
            block.main = inside[index]
        return [block for _, block in found]

    def _inherited(self, total: int) -> tuple[list[str], list[bool]]:
        """For each element its hint, its ancestors' included, and whether it stands in the main part of the page.

        The main part is the innermost element that holds six tenths of the prose. A hint on an element that holds
        four tenths is about the template, not about a box.
        """
        children: dict[int, int] = {}
        for index, element in enumerate(self.elements[1:], 1):
            best = children.get(element.parent)
            if best is None or element.prose > self.elements[best].prose:
                children[element.parent] = index
        main = 0
        while main in children and self.elements[children[main]].prose > 0.6 * total:
            main = children[main]
        while self.elements[main].name in ("p", *_INLINE) and main:
            main = self.elements[main].parent
        hints = [""] * len(self.elements)
        inside = [total == 0 or main == 0] * len(self.elements)
        for index, element in enumerate(self.elements[1:], 1):
            own = element.hint if element.prose <= 0.4 * total or element.prose < 200 else ""
            hints[index] = hints[element.parent] or own
            inside[index] = inside[element.parent] or index == main
        return hints, inside


def _goes_on(above: str, below: str) -> bool:
    """Whether a line break stands inside a sentence. A block does not grow beyond what a paragraph may hold."""
    return below[0].islower() and above[-1] not in ".!?:" and len(above) < _LONGEST


@functools.cache
def _end_of_raw(name: str) -> re.Pattern[str]:
    return re.compile(f"</{name}", re.IGNORECASE)


@functools.lru_cache(maxsize=4096)
def _hint(attributes: str) -> str:
    """The kind of boilerplate that an element's names speak of, or ""."""
    if len(attributes) > 4000:
        return ""
    for match in _ATTRIBUTE.finditer(attributes):
        name = match[1].lower()
        value = match[2] or match[3] or match[4] or ""
        if name == "hidden" and value.lower() in ("", "hidden"):
            return HIDDEN
        if name == "role":
            if value in _ROLE_HINTS:
                return _ROLE_HINTS[value]
            continue
        if name == "style":
            if _INVISIBLE.search(value):
                return HIDDEN
            continue
        for part in _NAME_PART.findall(value):
            kind = _HINTS.get(part.lower())
            if kind:
                return kind
        for part in value.lower().replace("_", "-").split():
            kind = _HINTS.get(part.replace("-", ""))
            if kind:
                return kind
    return ""
