"""Is it English?

Function words decide nearly always, in microseconds; the language identifier (py3langid, half a second to load) is
asked only about a text in which they are rare. A short text is English unless there is good reason to doubt it.

    >>> language_of("Le ministère de la défense a déclaré samedi que ses troupes avaient repris le village.")
    'fr'
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["language_of"]

#: Common in English prose and rare in that of other languages ("in", "on", "a", "an", "is" and "no" are not).
_FUNCTION_WORDS: Final = frozenset(
    "the of and that which with from have has had were was been this these those their there they would could should "
    "will by for not but who when where while after before about said says its it's his her she he it we our you your "
    "are be into between against under than also as at or if".split()
)
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
#: Characters that are read; a page that changes its language later is judged by its beginning, middle and end.
_SAMPLE: Final = 3000
#: Share of function words: English news has 0.25 to 0.45, lists of names in English 0.05 to 0.15, others under 0.03.
_SURELY: Final = 0.18
_PERHAPS: Final = 0.08
#: A text with fewer words than this is refused only if it holds hardly a Latin letter or not one English word.
_SHORT: Final = 12


def language_of(text: str) -> str:
    """The ISO 639-1 code of the text's language; `en` when in doubt, `und` when it holds no letters."""
    if len(text) > _SAMPLE:
        third = _SAMPLE // 3
        middle = len(text) // 2
        text = " ".join((text[:third], text[middle : middle + third], text[-third:]))
    words = [word.lower() for word in _WORD.findall(text)]
    if not words:
        return "und"
    share = sum(map(_FUNCTION_WORDS.__contains__, words)) / len(words)
    if share >= _SURELY:
        return "en"
    letters = "".join(words)
    latin = sum(letter < "\u0250" for letter in letters) / len(letters)
    if latin > 0.5 and (share >= _PERHAPS or (len(words) < _SHORT and (share > 0 or letters.isascii()))):
        return "en"
    language, confidence = _identifier()(text)
    return "en" if confidence < 0.9 and latin > 0.5 else language


@functools.cache
def _identifier() -> Callable[[str], tuple[str, float]]:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    classify: Callable[[str], tuple[str, float]] = LanguageIdentifier.from_model_file(
        MODEL_FILE, norm_probs=True
    ).classify
    return classify
