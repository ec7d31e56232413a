"""What is left out of a sentence, and whether the truth of the rest, or its grammar, hangs on it.

Every rule was made from shortened sentences that readers found false or broken; each names one way to go wrong. A gap
that none objects to is mostly harmless. Too strict costs a sentence that could have been shorter, no more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from communique.summary.clauses import FINITE, KEPT, QUOTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.words import Word

__all__ = ["Gap", "is_harmful"]

#: What bears on truth beside `KEPT`: degrees of certainty, attempts. Neither left out nor put in.
_GUARDED: Final = re.compile(
    r"\b(?:nobody|nothing|would|should|must|whether|at least|more than|most|only|just|even|part(?:ly|ially)|look\w*|"
    r"suggest\w*|seem\w*|appear\w*|perhaps|probabl[ey]|potential\w*|unlikely|presumed|supposedly|attempt\w*|tried|fail\w*|"
    r"as long as|provided|refus\w*|hopefully|unofficial|preliminary|tentative)\b",
    re.IGNORECASE,
)
#: Limits of what comes after them, and what an office or a person no longer or not quite is: they go with it, or not at
#: all.
_LIMIT: Final = re.compile(
    r"\b(?:almost|nearly|about|around|approximately|least|at most|more|less|fewer|over|under|up to|half|part|some|all|"
    r"one|what|official|unrelated|former|deputy|acting)\W*$",
    re.IGNORECASE,
)
_MONTH: Final = re.compile(r"\bMay\b")
_SAYING: Final = re.compile(
    r"sa(?:id|ys|ying)|t(?:old|ells)|report(?:s|ed)?|according|accus\w+|statement|warn\w*", re.IGNORECASE
)
_DAY: Final = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_TIME: Final = re.compile(
    rf"^\W*(?:(?:on|late|early|earlier|last|this|next|in|by)\s+)*(?:{_DAY}|today|yesterday|tomorrow|tonight|week|month|"
    r"year|morning|afternoon|evening|night|(?:January|February|March|April|May|June|July|August|September|October|"
    r"November|December)(?:\s\d+)?|\d{4}|recently|earlier|now|currently|also|already)"
    r"(?:\s+(?:morning|afternoon|evening|night))?\W*$",
    re.IGNORECASE,
)
#: When: a preposition that opens this tells nothing of the words before it.
_WHEN: Final = re.compile(
    rf"\W*(?:on|in|at|by|since|until|from)\s+(?:late\s+|early\s+)?(?:{_DAY}|[A-Z][a-z]+\s+\d{{1,2}}\b|\d{{4}})"
)
_HIGHEST: Final = frozenset(
    "worst best first only largest biggest highest lowest deadliest longest oldest youngest newest greatest strongest "
    "smallest fewest heaviest richest poorest bloodiest most worse".split()
)
#: So many words after a highest its scope may still come.
_NEAR: Final = 8
_PREPOSITIONS: Final = frozenset(
    "of to in for on with from by at over under about into onto after before during against between through since "
    "until amid among around across near within without toward towards outside inside ahead following".split()
)
_SCOPES: Final = _PREPOSITIONS | {"ever", "so"}
_RELATIVES: Final = frozenset("that who whom whose which where when".split())
_POINTING_BACK: Final = frozenset("who whom whose which where when none".split())
#: With whom, is said after them.
_SHARED: Final = frozenset(
    "meeting meetings talks deal war agreement call summit conversation dispute truce contract border ties relations "
    "alliance treaty pact negotiations".split()
)
#: Of what, is said after them.
_HEADLESS: Final = frozenset("some those many others any few several these both".split())
_ARTICLES: Final = frozenset(("a", "an", "the"))
_JOINING: Final = frozenset(("and", "or"))
_LISTING: Final = frozenset(("amid", "including", "such"))
#: A whole clause may go with its verb; so many words are none. So many may be the end of a name for a thing.
_HOLDING: Final = 2
_HOLDING_TO: Final = frozenset("of to in for on with from by at".split())
_HEAD_WORDS: Final = 3
_PHRASE: Final = 3
#: What is longer and joins things is more than one of two.
_PAIR_WORDS: Final = 8
_NAMED_OR_COUNTED: Final = re.compile(
    r"[A-Z]|\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|dozens?|hundreds?|thousands?)\b"
)


@dataclass(frozen=True, slots=True)
class Gap:
    """Words [start, end) of a source that are left out; `kept` are the numbers of those that are not."""

    source: str
    words: Sequence[Word]
    start: int
    end: int
    kept: frozenset[int]

    @property
    def text(self) -> str:
        return self.source[self.words[self.start].start : self.words[self.end - 1].end]

    @property
    def opening(self) -> str:
        """What stands between the word before it and its first: white space, and marks."""
        begin = self.words[self.start - 1].end if self.start else 0
        return self.source[begin : self.words[self.start].start]

    @property
    def closing(self) -> str:
        """The same after its last word."""
        end = self.words[self.end].start if self.end < len(self.words) else len(self.source)
        return self.source[self.words[self.end - 1].end : end]

    def word(self, number: int) -> str:
        """A word of the source in small letters; nothing outside it."""
        if not 0 <= number < len(self.words):
            return ""
        return self.source[self.words[number].start : self.words[number].end].lower()

    @property
    def first(self) -> str:
        return self.word(self.start)

    @property
    def before(self) -> str:
        return self.word(self.start - 1)

    @property
    def after(self) -> str:
        return self.word(self.end)

    @property
    def is_time(self) -> bool:
        return _TIME.match(self.text) is not None

    @property
    def has_content(self) -> bool:
        return any(not word.is_function for word in self.words[self.start : self.end])


def is_harmful(gap: Gap) -> bool:
    """Whether a rule objects to what is left out."""
    return any(rule(gap) for rule in _RULES)


def _turns(gap: Gap) -> bool:
    """A negation, a hedge, a condition. One of two sayings may go: that one is left is looked at elsewhere."""
    told = _MONTH.sub("", gap.text)
    kept = any(not _SAYING.fullmatch(match[0]) for match in KEPT.finditer(told))
    return kept or any(guard.search(told) for guard in (_GUARDED, _LIMIT))


def _splits(gap: Gap) -> bool:
    """Half of a compound: "the Hamas-controlled territory" is not the Hamas."""
    return gap.opening.endswith("-") or gap.closing.startswith("-")


def _holds(gap: Gap) -> bool:
    """A word or two that hold the rest together: a verb, or a preposition."""
    if gap.end == len(gap.words) or gap.end - gap.start > _HOLDING:
        return False
    told = gap.text.lower().split()
    return told[-1] in _HOLDING_TO or any(map(FINITE.fullmatch, told))


def _widens(gap: Gap) -> bool:
    """The scope of a highest: "the largest sentence [in modern history]", "[the country's] worst disaster"."""
    if gap.after in _HIGHEST and re.search(r"['’]s?$", gap.text):
        return True
    near = range(max(0, gap.start - _NEAR), gap.start)
    return gap.first in _SCOPES and any(number in gap.kept and gap.word(number) in _HIGHEST for number in near)


def _leaves_wrong_article(gap: Gap) -> bool:
    """ "a [Virginia-based] immigration attorney"."""
    if gap.start - 1 not in gap.kept or not gap.after:
        return False
    return (gap.before == "a" and gap.after[0] in "aeio") or (gap.before == "an" and gap.after[0] not in "aeiouh")


def _takes_antecedent(gap: Gap) -> bool:
    """What a relative clause is about: "goodwill [ahead of the summit], which he thought would be a success"."""
    return gap.after in _POINTING_BACK and gap.has_content and not gap.is_time


def _unrestricts(gap: Gap) -> bool:
    """A clause without a comma, which says who is meant: "the Muslims [with whom he had travelled]", "the pundits
    [condemning him]"."""
    if "," in gap.opening or not gap.start:
        return False
    if gap.first == "that" and gap.end - gap.start == 1:
        return FINITE.fullmatch(gap.after) is not None  # "an object [that] washed ashore was not from the ship"
    led = gap.first in _PREPOSITIONS and gap.word(gap.start + 1) in {"whom", "which", "whose"}
    return gap.first in _RELATIVES or led or gap.first.endswith("ing")


def _drops_a_party(gap: Gap) -> bool:
    """ "between Congress[, the Navy's civilian official,] and the shipbuilder"; "the meeting [with Xi]"."""
    if gap.first in {"with", "between"} and gap.before in _SHARED:
        return True
    opened = max((number for number in gap.kept if number < gap.start and gap.word(number) == "between"), default=None)
    if opened is None:
        return False
    joined = any(gap.word(number) == "and" for number in range(opened, gap.start))
    return not joined and any(gap.word(number) == "and" for number in range(gap.end, len(gap.words)))


def _beheads(gap: Gap) -> bool:
    """ "some [currently in the ministry] privately doubt it"; "onto the target [wifi network] to steal"."""
    if gap.start - 1 not in gap.kept or gap.is_time:
        return False
    if gap.before in _HEADLESS:
        return True
    told, words = gap.text, gap.words
    plain = told == told.lower() and not told.endswith("ly") and not re.search(r"\d", told)
    content = all(not word.is_function for word in words[gap.start : gap.end]) and not words[gap.start - 1].is_function
    ends = gap.end == len(words) or gap.closing.strip() or words[gap.end].is_function
    return bool(plain and content and ends and not gap.opening.strip() and gap.end - gap.start <= _HEAD_WORDS)


def _moves(gap: Gap) -> bool:
    """What came after it belonged to it: "a truce [ahead of a conference set for next week] in Geneva", "the talks[, to
    be held in Riga], a port on the Daugava"."""
    if "," in gap.opening and "," in gap.closing and gap.after in _ARTICLES and gap.has_content:
        return True
    rest = gap.source[gap.words[gap.end - 1].end :]
    if gap.is_time or "," in gap.closing or len(gap.text.split()) < _PHRASE or _WHEN.match(rest):
        return False
    return gap.first in _PREPOSITIONS and gap.after in _PREPOSITIONS


def _beheads_a_name(gap: Gap) -> bool:
    """ "and [the campaign of] Hillary Clinton"."""
    if not gap.start or gap.opening.strip() or "," in gap.closing or not gap.after:
        return False
    inner = " of " in f" {gap.text} " and gap.first not in _PREPOSITIONS | _RELATIVES
    return inner and gap.source[gap.words[gap.end].start].isupper()


def _breaks_a_list(gap: Gap) -> bool:
    """ "[amid a recession], rising crime and scandals"; "rallied[, burning him in effigy] and torching flags"."""
    rest = gap.source[gap.words[gap.end - 1].end :]
    if gap.first in _LISTING and rest.lstrip().startswith(",") and " and " in rest:
        return True
    return gap.after in _JOINING and (gap.first in _JOINING or gap.first.endswith("ing"))


def _takes_one_of_two(gap: Gap) -> bool:
    """A party or a figure beside another: "the CIA [and FBI] concluded", "161 Palestinians[, and five Israelis]"."""
    enclosed = "," in gap.opening and "," in gap.closing
    if enclosed or len(gap.text.split()) > _PAIR_WORDS or FINITE.search(gap.text):
        return False
    joins = any(gap.word(number) in _JOINING for number in range(gap.start, gap.end))
    return joins and _NAMED_OR_COUNTED.search(gap.text) is not None


def _takes_object(gap: Gap) -> bool:
    """ "no retreat from threats [to resume the conflict]", "access [to such weapons]"."""
    return gap.first == "to" and gap.start > 0 and "," not in gap.opening


def _takes_doer(gap: Gap) -> bool:
    """Who did it: "the stories of the soldiers[, black cavalry units], becoming icons"."""
    return gap.after.endswith("ing") and "," in gap.closing and gap.has_content and gap.start > 0 and not gap.is_time


def _is_quoted(gap: Gap) -> bool:
    """A part of somebody's words."""
    begin, end = gap.words[gap.start].start, gap.words[gap.end - 1].end
    return any(
        (a < begin and end < b) and not (gap.opening.strip() and gap.closing.strip() and begin - a < 2 and b - end < 3)
        for a, b in (match.span() for match in QUOTED.finditer(gap.source))
    )


_RULES: Final = (
    _turns, _splits, _holds, _widens, _leaves_wrong_article, _takes_antecedent, _unrestricts, _drops_a_party, _beheads,
    _moves, _beheads_a_name, _breaks_a_list, _takes_one_of_two, _takes_object, _takes_doer, _is_quoted,
)  # fmt: skip
