"""Cut a sentence at its clauses: forms that say less, and nothing else.

A cut takes out an aside, a relative clause, an apposition, a dateline, a trailing clause: what the rest stands without.
It never takes a negation, a hedge, an attribution or a condition, a contrast ("however") only where it is but a word,
and never part of a quotation. Which form is worth its words is for `selection.py` to say.

    >>> [form.text for form in forms("Baku, which borders the sea, said that two men died in the hills.")][1]
    'Baku said that two men died in the hills.'
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Final

__all__ = ["DATELINE", "FINITE", "KEPT", "QUOTED", "Form", "forms"]

MOST_CUTS: Final = 5
MOST_FORMS: Final = 12
FEWEST_WORDS: Final = 7
#: In characters.
LONGEST_CUT: Final = 1500
_LONGEST_NAME: Final = 60

DATELINE: Final = re.compile(
    r"^(?:[A-Z][A-Z.’'/-]+(?:[ ,]+[A-Z][A-Z.’'/-]+){0,4}(?:,\s*[A-Z][a-z]+\.?(?:\s+\d{1,2})?)?(?:,\s*\d{4})?|[A-Z][a-z]+(?:,\s+[A-Z][a-z]+\.?\s+\d{1,2}(?:,\s*\d{4})?))"
    r"\s*(?:\([^)]{2,40}\)\s*)?(?:[—–]|--|\s-\s)\s*(?=[A-Z“\"‘'])|^\([A-Z][\w .]{1,30}\)\s*[—–-]+\s*(?=[A-Z])"
    # "Washington (CNN)", "Sao Paulo, Brazil (CNN)", "Dhaka, Bangladesh - "
    r"|^[A-Z][A-Za-z]+(?: [A-Z][a-z]+){0,2}(?:, [A-Z][a-z]+){0,2}\s*\((?:CNN|AP|AFP|Reuters|UPI|TASS|DPA)\)\s*(?:[-—–:]+\s*)?(?=[A-Z“\"])"
    r"|^[A-Z][a-z]+, [A-Z][a-z]+\s+[-—–]+\s+(?=[A-Z“\"])"
)
#: What only adds. A contrast ("However,", "But") stays: without it a sentence may say something else.
_CONNECTIVE: Final = re.compile(
    r"^(?:(?:Meanwhile|Moreover|Furthermore|In addition|Additionally|Also|Besides|Separately|Indeed|Thus|Therefore|In turn|"
    r"For (?:his|her|its|their) part|At the same time|In particular|Notably|As a result|Of course|In fact|In other words|"
    r"In this (?:regard|respect|context|connection)|Against this (?:background|backdrop)|To this end|With this in mind|"
    r"So|Then),\s+|And\s+)(?=[A-Za-z“\"])"
)
#: What sets a sentence against the one before it: beside that one it stays, alone it points to nothing.
_CONTRAST: Final = re.compile(
    r"^(?:(?:However|Nevertheless|Nonetheless|Instead|Still|Yet|That said|On the other hand|Yes|To be sure|Granted|"
    r"Admittedly),\s+|(?:But|Yet)\s+(?!for\b|then\b|so\b|not\b|given\b|even\b))(?=[A-Za-z“\"])"
)
#: The same within a sentence: "The Turks, however, are welcome to stay."
_INTERPOSED: Final = re.compile(
    r",\s+(?:however|though|nevertheless|nonetheless|meanwhile|on the other hand|in turn|for (?:his|her|its|their) part),"
    r"(?=\s)"
)
#: What a cut must not leave at the end.
_UNFINISHED: Final = re.compile(r"\b(?:and|or|but|nor|the|an?|of|that|which|who|because|than)[,.]?$", re.IGNORECASE)
#: Emoji, bullets and arrows at the head, and how old the page was ("2 DAYS AGO").
_ORNAMENT: Final = re.compile(
    r"^\d{1,2} (?:MINUTE|HOUR|DAY|WEEK|MONTH)S? AGO(?=[A-Z][a-z])|^[^\w\s“”\"‘’'(\[$€£@#.…-]+\s*"
)
#: What marks an answer in an interview.
_ANSWER: Final = re.compile(r"^(?:A|Answer)\s?:\s+")
_PARENTHESIS: Final = re.compile(r"\s*[(\[][^()\[\]]{1,160}[)\]]")
_DASHES: Final = re.compile(r"\s+[—–]\s+[^—–“”\"]{3,140}\s+[—–](?=\s)|\s+-\s+[^-“”\"]{3,140}\s+-(?=\s)")
_RELATIVE: Final = re.compile(r",\s+(?:which|who|whose|whom|where)\s[^,;:“”\"]{3,160}(?=,|[.]?$)")
#: "the negotiator, Kim Myong Gil": the comma that closes this must stay.
_NAME_APPOSED: Final = re.compile(r",\s+(?:[A-Z][\w.’'-]*\s?){1,5}$")
_ENDS_IN_NAME: Final = re.compile(r"(?:^|\s)[A-Z][\w’'-]+$")
_ATTRIBUTED: Final = re.compile(r"(?:[\w’'.]+\s){0,6}(?:said|says|told [^,.]{2,30}|reported)[.]?$")
_APPOSITION: Final = re.compile(
    r",\s+(?:a|an|the|one of)\s[^,;:“”\"]{3,90},(?=\s+(?:has|have|had|was|were|is|are|will|would|said|says|told|met|also|who|\w+ed)\b)"
)
_PARTICIPLE: Final = re.compile(
    r",\s+(?:including|citing|marking|noting|calling|bringing|making|leaving|raising|ending|following|"
    r"forcing|prompting|triggering|sparking|becoming|adding|stressing|pointing|underlining|recalling|describing|"
    r"giving|taking|allowing|reflecting|underscoring|highlighting|"
    r"home to|known as|along with|together with|as well as)\s[^;:“”\"]{3,200}(?=[.]?$)"
)
#: A second half after a comma: subordinate, or coordinate with a subject and a verb of its own.
_TRAILING: Final = re.compile(
    r",\s+(?:(?:while|whereas|as|after|following|amid|in the wake of|since|ahead of|days after|hours after|"
    r"weeks after|a day after|two days after)\s|and\s+(?=(?:the|a|an|he|she|it|they|his|her|its|their|[A-Z][\w’'-]+)\s[^,;]{0,60}?"
    r"\b(?:is|are|was|were|has|have|had|will|would|can|could)\s))[^;“”\"]{8,220}(?=[.]?$)"
)
#: The same without a comma, where the word alone opens a clause. "While" then limits: "to halt tests while talks go on".
_TAIL: Final = re.compile(
    r"(?<!even)(?<!just)(?<!hours)(?<!days)(?<!day)(?<!weeks)(?<!week)(?<!months)(?<!month)(?<!years)(?<!year)(?<!minutes)"
    r"(?<!only)(?<!shortly)(?<!soon)(?<!immediately)(?<!long)(?<!came)(?<!comes)(?<!come)(?<!was)(?<!were)(?<!is)(?<!are)"
    r"\s(?:whereas|following|amid|in the wake of)\s[^;“”\"]{12,200}(?=[.]?$)"
)
_OPENS_SUBORDINATE: Final = re.compile(
    r"^(?:Although|While|When|Whenever|As|If|After|Because|Since|Despite|Though|Once|Until|Unless|Before|Even|With|"
    r"Under|Given|Adding|Whether|In addition|Not)\b"
)
#: A clause that opens the sentence: what follows its comma is the subject, and adds nothing to the name before it.
_OPENING: Final = re.compile(
    r"(?:[A-Z][a-z]+(?:ing|ed)|In|On|At|By|For|From|To|With|After|Before|During|Since|While|When|As|Amid|Despite|Under|"
    r"Following|Among|Until|Although|Though|If|Because|Once|Along|Across|Near|Inside|Outside|Like|Unlike)\s[^,]*"
)
#: Behind two dashes, the subject that a clause before them waits for: "Dubbed the pact — … — it is an old one".
_SUBJECT: Final = re.compile(r"\s(?:it|he|she|they|there)\b")
_DETERMINED: Final = re.compile(r"(?:the|an?|his|her|its|their|no|some|many|most|all|both|[A-Z]\S*)\s")
_DASH: Final = re.compile(r"\s(?:--|[—–])\s")
_SEMICOLON: Final = re.compile(r";\s[^“”\"]{10,260}(?=[.]?$)")
_SETTING: Final = re.compile(
    r"^(?:Speaking|Addressing|Commenting|Asked|Responding|Writing|Following|According to tradition|During|After|Amid|Ahead of|"
    r"In an? (?:interview|statement|speech|briefing|address|post|tweet)|At an? \w+)\b[^,;“”\"]{3,110},\s+(?=[A-Z“])"
)

#: What must never be lost: negation, hedge, condition, contrast, attribution.
KEPT: Final = re.compile(
    r"\b(?:not|no|never|none|neither|nor|without|minus|excluding|barring|n['’]t|cannot|unless|if|until|except|only if|but|although|though|despite|however|"
    r"allegedly|reportedly|alleged|apparently|purported\w*|claim\w*|unconfirmed|possibl\w+|may|might|could|according|"
    r"denie[sd]|den(?:y|ying)|reject\w*|said|says|saying|told|tells|reports?|reported|statement|accus\w+|insist\w*|warn\w*|alleg\w+|"
    r"unclear|likely|suspect\w*|believed|estimated|so-called|self-proclaimed|unrecogni[sz]ed|disputed)\b",
    re.IGNORECASE,
)
QUOTED: Final = re.compile(r"“[^”]*”|\"[^\"]*\"")
FINITE: Final = re.compile(
    r"\b(?:is|are|was|were|has|have|had|will|would|can|could|may|might|must|should|do|does|did|\w{3,}ed|says?|said|told|"
    r"met|held|began|begins?|took|takes?|made|makes?|gave|left|came|comes?|went|goes|won|lost|hit|fell|rose|kept|led|"
    r"brought|called?|calls|signs?|wants?|plans?|expects?|faces?|remains?|killed|broke|fought|sent|set|shot|struck|"
    r"denies|accuses|urges|warns|backs|seeks|shows?|leaves|meets|agrees?)\b"
)


@dataclass(frozen=True, slots=True)
class Form:
    """A sentence, whole or cut: the pieces [start, end) of it that are kept, and how they read.

    `borrowed` are words that stand elsewhere, (number of the sentence, start, end), and were put in: who speaks, or a
    whole name.
    """

    text: str
    pieces: tuple[tuple[int, int], ...]
    cuts: int
    borrowed: tuple[tuple[int, int, int], ...] = ()

    @property
    def words(self) -> int:
        return len(self.text.split())


def forms(sentence: str) -> list[Form]:
    """The sentence as it reads alone, and its shorter forms, the whole one first; at most twelve.

    A dateline, an interview's "A:" and a connective that only adds ("Meanwhile,") are taken off every form, a contrast
    ("However,") off some: the whole sentence keeps it. What is longer than any sentence of a reporter is not cut.
    """
    end = len(sentence)
    begin = match.end() if (match := _ORNAMENT.match(sentence)) else 0
    if match := DATELINE.match(sentence[begin:]) or _ANSWER.match(sentence[begin:]):
        begin += match.end()
    if match := _CONNECTIVE.match(sentence[begin:]):
        begin += match.end()
    spans = _cuttable(sentence, begin) if len(sentence) <= LONGEST_CUT else []
    found: dict[str, Form] = {}
    begins = [begin]
    if match := _CONTRAST.match(sentence[begin:]):
        begins.append(begin + match.end())
    for count in range(min(len(spans), 3) + 1):
        for chosen in combinations(spans, count):
            if any(a[1] > b[0] for a, b in pairwise(chosen)):
                continue
            for first in begins:
                form = _form(sentence, first, end, chosen, cuts=len(chosen) + (first > begin))
                if form and (not count or (form.words >= FEWEST_WORDS and FINITE.search(form.text))):
                    found.setdefault(form.text, form)
    return list(found.values())[: MOST_FORMS * len(begins)]


def _cuttable(sentence: str, begin: int) -> list[tuple[int, int]]:
    """Spans that may go, in order; none inside a quotation, none with what must be kept."""
    quoted = [match.span() for match in QUOTED.finditer(sentence)]
    spans: set[tuple[int, int]] = set()
    for pattern in (_PARENTHESIS, _DASHES, _RELATIVE, _APPOSITION, _PARTICIPLE, _TRAILING, _TAIL, _SEMICOLON):
        at = begin
        while match := pattern.search(sentence, at):
            start, stop = match.span()
            at = start + 1
            if pattern is _RELATIVE and sentence[stop : stop + 1] == ",":
                after = sentence[stop + 1 :].lstrip()
                apposed = _NAME_APPOSED.search(sentence[max(0, start - 2 * _LONGEST_NAME) : start])
                if FINITE.match(after) and not (apposed or _in_aside(sentence[begin:start])):
                    stop += 1
                elif not (FINITE.match(after) or _ATTRIBUTED.match(after)):
                    continue
            if pattern is _APPOSITION and (
                not _ENDS_IN_NAME.search(sentence[max(0, start - _LONGEST_NAME) : start])
                or _OPENING.fullmatch(sentence, begin, start)
            ):
                continue
            if pattern is _APPOSITION and _in_aside(sentence[begin:start]):
                stop -= 1
            if pattern is _DASHES and _SUBJECT.match(sentence, stop):
                continue
            trails = pattern in (_PARTICIPLE, _TRAILING, _TAIL)
            if trails and _DASH.search(sentence, start, stop):
                continue
            if trails and not FINITE.search(sentence, begin, start):
                continue
            if trails and _OPENS_SUBORDINATE.match(sentence[begin:]) and "," not in sentence[begin:start]:
                continue
            spans.add((start, stop))
    if match := _SETTING.match(sentence[begin:]):
        spans.add((begin, begin + match.end()))
    interposed = {
        (match.start(), match.end() - _in_aside(sentence[begin : match.start()]))
        for match in _INTERPOSED.finditer(sentence, begin)
    }
    allowed = [
        (start, stop)
        for start, stop in spans | interposed
        if start >= begin
        and not any(a < stop and start < b for a, b in quoted)
        and ((start, stop) in interposed or not KEPT.search(sentence[start:stop]))
        and sentence.count("(", start, stop) == sentence.count(")", start, stop)
    ]
    return sorted(allowed, key=lambda span: (span[0], -span[1]))[:MOST_CUTS]


def _in_aside(before: str) -> bool:
    """Whether what stands before an apposition is an aside itself, whose closing comma must stay: "Daryl Morey, general
    manager of the Rockets, one of the teams,"; not so a name ("On Monday Aliyev") or what follows an opening clause."""
    head, comma, last = before.rpartition(", ")
    if not comma or re.fullmatch(r"(?:[A-Z][\w.’'-]*\s?)+", last):
        return False
    opening = _OPENING.fullmatch(head) or (head.count(" ") < 4 and _DETERMINED.match(last))
    return not opening or "," in head


def _form(sentence: str, begin: int, end: int, spans: tuple[tuple[int, int], ...], cuts: int) -> Form | None:
    pieces: list[tuple[int, int]] = []
    at = begin
    for start, stop in spans:
        if start > at:
            pieces.append((at, start))
        at = max(at, stop)
    if at < end:
        pieces.append((at, end))
    text = "".join(sentence[a:b] for a, b in pieces)
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\s+([,.;:!?])", r"\1", text)
    text = re.sub(r",([.!?])", r"\1", text).strip(" ,;")
    if not text or (spans and _UNFINISHED.search(text)):
        return None
    text = text[0].upper() + text[1:]
    if text[-1] not in '.!?”"’)…':
        text += "."
    return Form(text, tuple(pieces), cuts)
