"""Whether a sentence can stand in a summary alone, or leans on what stood around it in its article.

It goes by form: a pronoun with nothing before it that it could mean, words without a speaker, a line without a verb. A
topic that was named a paragraph before it does not miss.

    >>> is_dangling("In the morning soldiers took him to the court."), is_dangling("In May Aliyev left his post.")
    (True, False)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from communique.summary.clauses import FINITE, QUOTED
from communique.summary.interview import LABEL

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["is_broken", "is_dangling", "is_own_voice", "spoken"]

_DANGLING: Final = re.compile(
    r"^(?:[“\"‘']?\s*)(?:He|She|They|His|Her|Its|Their|This|These|Those|That|Such|Here|Both|"
    r"There(?! (?:is|are|was|were|will|has|have|had|remains?|seems?|appears?)\b)|"
    # "It took three weeks for …", "It is hard to …" mean nothing that stood before.
    r"It(?! (?:took|takes) [\w -]{2,60} (?:for|to)\b| (?:looks|seems|appears) (?:like|that|as)\b|"
    r"(?:['’]s| is| was| remains) (?:not )?(?:\w+ly )?(?:hard|easy|clear|unclear|possible|impossible|likely|unlikely|"
    r"difficult|important|essential|tempting|reasonable|time|too early) (?:that|to|whether|if|how|why)\b)|"
    r"The former(?! (?:[\w.-]+ ){1,6}[A-Z][\w’'-]+ [A-Z][\w’'-]+)|"
    r"The (?:two|pair|latter|other|move|same|minister|ministry|president|official|spokesman|spokeswoman|"
    r"spokesperson|group|statement|"
    r"incident|matter|agreement|deal|decision|attack|measure|document|sides|meeting|country|leaders?|report|man|woman|men|law|plan)"
    # "The leaders of Britain" need nobody before them.
    r"(?! (?:of|for|between|on|against|who|whose|to|that|which)\b)|"
    r"Another|Others|Each(?= (?:has|have|had|is|was|will|says?|said)\b)|"
    r"(?:Some|Many)(?! (?:\w+ )?(?:\w{3,}s|people|men|women)\b)|"
    r"One(?! (?:day|week|month|year|thing|man|woman|in|of (?:the|its|his|her|their))\b)|You|Instead|Yet|"
    r"Nor|Or|Because|So(?!-)|Then|And yet|But|However|Nevertheless|Nonetheless|Still|"
    r"On the other hand|That said|To be sure|Of course|Granted|Admittedly|Yes|"
    r"No(?=,)|First(?=,)|Second(?=,)|Thus|Hence|The same|"
    r"If (?:he|she|it|they|that|this|so|not))\b"
    # "Against such a backdrop", "Ninety-five percent of them"
    r"|^(?:Against|In|With|Under|After|At|From|For|By|To|On|Amid|Despite|Among)\s+(?:this|that|these|those|such|them)\b"
    r"|^(?:[\w%-]+\s+){1,4}of\s+(?:them|these|those)\b"
)
#: Whoever speaks of themselves must be known.
_WE: Final = re.compile(r"^(?:[“\"‘']?\s*)(?:We|I|Our|My)\b")
#: "The agreement is a clear example of this."
_ENDS_BACKWARD: Final = re.compile(
    r"\b(?:of|about|behind|despite|after|before|like|for|to|with|by|from|than|on|in|against|do|did|does) (?:this|that)"
    r"[.!?]?[\"”’]*$"
)
#: Pronouns, and what may be meant by them where it stands before them: a name, somebody's trade, a plural.
_ONE_PERSON: Final = re.compile(r"\b(?:he|she|him|his|her|hers|He|She|His|Her)\b")
_PERSON: Final = re.compile(
    r"\b(?!(?:The|A|An|In|On|At|By|For|From|With|But|And|It|This|That|When|After|Before|As|If|He|She|His|Her)\b)[A-Z][\w’-]+|"
    r"\b(?:man|woman|boy|girl|father|mother|son|daughter|brother|sister|wife|husband|president|premier|clerk|chief|mayor|"
    r"\w+(?:er|or|ist|man|woman|ian))\b"
)
_SEVERAL: Final = re.compile(r"\b(?:they|them|their|theirs|They|Their)\b")
_PLURAL: Final = re.compile(
    r"\b(?!(?:was|has|this|This|its|his|says|does|is|as|us)\b)\w{2,}s\b|\b(?:people|men|women|police|children|both|sides?|two|three)\b|"
    r"(?<=[a-z] )[A-Z]\w+|\band\b"
)
_BACKWARD: Final = re.compile(
    r"\b(?:sa(?:id|ys)|d(?:id|oes|oing)|done|called it) so\b|\bsa(?:id|ys) it(?=[.,;]| (?:of|to|again|too|aloud)\b)|"
    r"\bthe (?:former|latter)(?=[.,;:]|\s(?:of|is|was|has|had|will|would|to|and)\b)|\bwhich is which\b|"
    r"\b(?:all|some|most|none|much) of (?:that|this)(?=[.,;])|"
    r",\s(?:however|though|nevertheless|nonetheless|on the other hand),\s"
)
#: "In his victory speech, Mr Johnson": whoever is meant is named right after the clause that opens the sentence.
_FORWARD: Final = re.compile(
    r"(?:As|In|On|At|Before|After|When|While|With|During|Since|Although|Though|Despite|For|By|Under|If|Because)\b"
    r"[^,;]{3,90},\s+(?:(?:released|published|issued|delivered|made|given|posted|written|held|aired)\s[^,;]{2,40},\s+)?"
)
_NAMED: Final = re.compile(r"(?:the|an?)\s\w|(?!(?:He|She|They|It|This|That|These|Those|We|I)\b)[A-Z]")
#: Further verbs that make a sentence of a few words; what is missing here costs a sentence, no more.
_VERB: Final = re.compile(
    r"\b(?:\w+ed|d(?:ies|rew|rove)|s(?:at|tood|tands?|poke|aw|ees?|old|pent|ings?|eems?|ought)|r(?:an|uns?)|kn(?:ew|ows?)|th(?:ought|inks?|rew)|"
    r"f(?:elt|eels?|ound|inds?|lew|ears?)|put|p(?:aid|ays?)|b(?:ought|uilt|ecame|ecomes?|elieves?)|grew|grows?|w(?:ore|orks?|ants?)|"
    r"m(?:eans?|eant)|l(?:ay|ies|et|ost|ives?|ooks?)|cut|quit|hurt|cost|needs?|hopes?|gets?|got|chose|"
    r"welcomes|commends|condemns|congratulates|considers|continues|deplores|won['’]t|isn['’]t|aren['’]t|\w+n['’]t|\w+['’]re)\b"
    # "commends the", "deepens a": a plural has no article after it.
    r"|\b\w{3,}[^s\W]s (?=(?:the|an?|his|its|their|that|whether|how|himself|herself|itself|themselves)\b)"
)
_FEW_WORDS: Final = 14
#: Words that a sentence writes small, and a headline with capitals; so many tell.
_LONG_WORD: Final = re.compile(r"\b[^\W\d_]{4,}\b")
_HEADLINE_WORDS: Final = 6
_RUN_TOGETHER: Final = re.compile(
    r"\b(?!ExxonMobil|AstraZeneca|BlackRock|CrowdStrike|MasterCard|ConocoPhillips)\w*[a-z]{4}[A-Z][a-z]{3}|\b[a-z]{3,}[A-Z][a-z]{2}|[a-z]{4}[A-Z]{3}|[A-Z]{4}[a-z]{3}|[.!?][)\]][A-Z][a-z]"
)
#: A quotation that is a statement, and not words within one ("a post of “high strategic value to the army”"), and what
#: names its speaker.
_SPOKEN: Final = re.compile(r"“[A-Z][^”]{23,}”|\"[A-Z][^\"]{23,}\"")
_VOICED: Final = re.compile(
    r"\b(?:sa(?:id|ys?|ying)|t(?:old|ell(?:s|ing)?)|chant\w*|shout\w*|add(?:ed|s|ing)|according|call(?:ed|s|ing)|wr(?:ote|ites?|itten|iting)|tweet\w*|post(?:ed|s)|"
    r"ask(?:ed|s|ing)|repl(?:ied|ies|ying)|answer\w*|argu\w+|warn\w*|declar\w+|stat(?:ed|es|ing|ement)|announc\w+|insist\w*|not(?:ed|es|ing)|"
    r"stress\w*|claim\w*|describ\w+|quot\w+|reads?|accus\w+|den(?:ied|ies|ying)|demand\w*|urg\w+|vow\w*|promis\w+|explain\w*|"
    r"conclud\w+|recall\w*|remark\w*|acknowledg\w+|admit\w*|assert\w*|confirm\w*|maintain\w*|suggest\w*|speak\w*|spoke|words?|"
    r"express\w*|emphasi[sz]\w+|condemn\w*|criticis\w+|criticiz\w+|praise\w*|predict\w*|propos\w+|testif\w+|agreed|hop(?:ed|es))\b",
    re.IGNORECASE,
)

#: Whose words a quotation was, right after it: "Ajjawi wrote", "said Ane Lone Bagger".
_SPEAKER: Final = re.compile(
    r"\s(?:(?:said|says|wrote|added|told)\s(?:the\s|an?\s)?(?:[\w’'.-]+\s){0,5}?)?(?!(?:He|She|They|It|The|A|An|In|On)\b)[A-Z][\w’'-]+\b"
)

#: A link of the page: "The documents can be seen here."
_LINK: Final = re.compile(
    r"\b(?:seen|read|found|watched|viewed|available|click|see|watch) (?:more )?here\b[.!]?$", re.IGNORECASE
)
#: A picture's credit, who stands where in it, and the label of a link to another story.
_CAPTION: Final = re.compile(
    r"^(?:(?:Image|Photo(?:graph)?|Picture|Video|Caption|Credit)s?|Background|Related|Explainer|Watch|Read(?: more)?)"
    r"\s?:\s|"
    r",\s(?:(?:far|second from) )?(?:left|right|cent(?:er|re)|pictured),|\((?:left|right|cent(?:er|re)|pictured)\)"
)
#: A quotation in single marks that does not end in the sentence.
_HALF_QUOTED: Final = re.compile(r"^['‘](?!.*\w[.,!?]?['’](?:[\s,.;:!?)]|$))")
_MARK: Final = re.compile(r"[“”\"]")
#: A quotation of more sentences in one paragraph is a mark that was forgotten.
_LONGEST_QUOTATION: Final = 8
#: Who speaks of themselves in words that are not quoted.
_OURSELVES: Final = re.compile(r"\b(?:[Ww]e|[Oo]ur|us|[Mm]y|me)\b|(?:^|\b[a-z]+,? )I(?=[ ,'’])")


def is_dangling(sentence: str, *, speaker_known: bool = False) -> bool:
    """Whether the sentence leans on the one before it: it points to what it does not name ("He left", "said so", "of
    them"), or it is words with no speaker; "We …" where the speaker is not known, and no label names them."""
    labelled = LABEL.match(sentence)
    sentence = sentence[labelled.end() :] if labelled else sentence
    told = QUOTED.sub(lambda match: " " * len(match[0]), sentence)
    return (
        _DANGLING.match(sentence) is not None
        or (_WE.match(sentence) is not None and not (speaker_known or labelled or _says_who(sentence)))
        or sentence[:1].islower()
        or _ENDS_BACKWARD.search(sentence) is not None
        or _BACKWARD.search(told) is not None
        or _unnamed(told, _ONE_PERSON, _PERSON)
        or _unnamed(told, _SEVERAL, _PLURAL)
        or (_SPOKEN.search(sentence) is not None and not _VOICED.search(QUOTED.sub("", sentence)))
    )


def _says_who(sentence: str) -> bool:
    """Whether it begins with a quotation and then names whose words it is: “We are not for sale,” Lone Bagger said."""
    quoted = QUOTED.match(sentence)
    return quoted is not None and _SPEAKER.match(sentence, quoted.end()) is not None


def is_own_voice(sentence: str) -> bool:
    """Whether somebody speaks of themselves in words that are not quoted, and no name stands before them."""
    return _OURSELVES.search(QUOTED.sub(" ", sentence)) is not None and not LABEL.match(sentence)


def spoken(sentences: Sequence[str], paragraphs: Sequence[int]) -> list[bool]:
    """Which sentences stand inside a quotation that another one opens: without it they read as the article's own words.

    Args:
        sentences: of an article, in order.
        paragraphs: the number of each one's paragraph; a quotation ends with its paragraph.
    """
    found: set[int] = set()
    opened: int | None = None
    for number, sentence in enumerate(sentences):
        if opened is not None and (paragraphs[number] != paragraphs[opened] or number - opened > _LONGEST_QUOTATION):
            opened = None
        marks = _MARK.findall(sentence)
        if marks and opened is not None and marks[0] != "“":  # it ends here: what lies between was said
            found.update(range(opened + 1, number))
        for mark in marks:
            opened = number if mark == "“" or (mark == '"' and opened is None) else None
    return [number in found for number in range(len(sentences))]


def is_broken(sentence: str) -> bool:
    """Whether it is no sentence to show: words run together ("sharingPRAGUE"), a link of the page, a picture's caption,
    half of a quotation, or few words and no verb, as in a headline."""
    if any(fault.search(sentence) for fault in (_RUN_TOGETHER, _LINK, _CAPTION, _HALF_QUOTED)):
        return True
    long = _LONG_WORD.findall(QUOTED.sub("", sentence))
    if len(long) >= _HEADLINE_WORDS and all(word[0].isupper() for word in long):
        return True
    return sentence.count(" ") < _FEW_WORDS and not (FINITE.search(sentence) or _VERB.search(sentence))


def _unnamed(told: str, pronoun: re.Pattern[str], antecedent: re.Pattern[str]) -> bool:
    """Whether a pronoun stands before all that it could mean, be it right after the clause that opens the sentence."""
    match = pronoun.search(told)
    if match is None or antecedent.search(told, 0, match.start()):
        return False
    opening = _FORWARD.match(told)
    return opening is None or match.start() > opening.end() or not _NAMED.match(told, opening.end())
