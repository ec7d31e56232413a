"""Characters as a reader sees them: white space, invisible marks, mojibake and left-over entities made plain.

What is normalised here is how the text was stored or shipped, never what it says. Line breaks are kept, as "\\n".

    >>> from communique.text import MappedText
    >>> normalise(MappedText.of("Mr\\u00a0Mirzo\\u00adyan\\u200b said:\\r\\nâ€œNoâ€\\u009d")).text
    'Mr Mirzoyan said:\\n“No”'
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from communique.text import MappedText


__all__ = ["collapse", "normalise"]

_LINE_BREAK: Final = "\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]"
_SPACE: Final = "[\t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]"
#: Controls, soft hyphen, zero-width and direction marks, variation selectors, object replacement, byte order mark.
_INVISIBLE: Final = (
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffc\U000e0000-\U000e007f]"
)
#: UTF-8 that was read as Windows-1252 or Latin-1: a lead byte of two or three, and what its continuations became.
_CONTINUATION: Final = "[\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
_MOJIBAKE: Final = f"[\xc2-\xdf]{_CONTINUATION}|[\xe0-\xef]{_CONTINUATION}{{2}}"
#: The last byte of a closing quote has no Windows-1252 character and is often dropped.
_MOJIBAKE_CUT: Final = "â€(?![\x80-\xbf\u0152-\u2122])"
_ENTITY: Final = r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"

_ODD: Final = re.compile(
    f"(?P<line>{_LINE_BREAK})|(?P<mojibake>{_MOJIBAKE})|(?P<cut>{_MOJIBAKE_CUT})|(?P<space>{_SPACE})"
    f"|(?P<invisible>(?:{_INVISIBLE})+)|(?P<entity>{_ENTITY})"
)
#: What each of these begins with: a page without any of them is left as it is.
_SUSPECT: Final = re.compile(
    "[\t\r\v\f\x00-\x08\x0e-\x1f\x7f-\xa0\xad\xc2-\xef&\u034f\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    "\u3000\ufe00-\ufe0f\ufeff\ufff9-\ufffc\U000e0000-\U000e007f]"
)
_SPACES: Final = re.compile(r"\s{2,}|[^\S ]")


def normalise(mapped: MappedText) -> MappedText:
    """The text with plain spaces and "\\n", without invisible characters, mojibake or entities."""
    clean = mapped
    # Twice: an entity or a repaired sequence may itself stand for a space or an invisible mark.
    for _ in range(2):
        if _SUSPECT.search(clean.text) is None:
            break
        clean = clean.sub(_ODD, _plain)
    return clean


def collapse(mapped: MappedText) -> MappedText:
    """Each run of white space as one space, none at the ends."""
    return mapped.strip().sub(_SPACES, " ")


def _plain(match: re.Match[str]) -> str:
    found = match[0]
    match match.lastgroup:
        case "line":
            return "\n"
        case "space":
            return " "
        case "invisible":
            return ""
        case "cut":
            return "”"
        case "entity":
            return html.unescape(found)
        case _:
            return _repaired(found)


def _repaired(found: str) -> str:
    """Mojibake read back, or what was found if its bytes are not UTF-8."""
    try:
        return b"".join(_byte(character) for character in found).decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return found


def _byte(character: str) -> bytes:
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:
        return character.encode("latin-1")
