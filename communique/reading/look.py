"""What one block looks like, as numbers: its length, marks, capitals and kinds of words, and what the markup says.

Nothing of its neighbours, its place or its story is known here, and nothing is decided.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from communique.reading.phrases import kind_of, words_of

if TYPE_CHECKING:
    from communique.reading.block import Block

__all__ = ["CAPITAL", "DATELINE", "FULL_NAME", "LOOKS", "Look", "look_at"]

_RUN: Final = re.compile(r"\w+")
_DATES: Final = re.compile(r"\b(?:\d{1,2}[:.]\d\d|(?:19|20)\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4})\b")
_MONTHS: Final = frozenset(
    month + rest
    for month in "jan feb febr mar apr jun jul aug sep sept oct nov dec".split()
    for rest in ("", "uary", "ch", "il", "e", "y", "ust", "ember", "tember", "ober")
) | {"may"}
#: "YEREVAN, October 3 -", "BAKU/YEREVAN (Wire) —", "Baku, April 3."
DATELINE: Final = re.compile(
    r"[A-Z][A-Z'’.-]{2,}(?:[ ,/]+[A-Z][\w'’.-]*){0,4}(?:[ ,]+(?:\d{1,2} )?[A-Z][a-z]{2,8}\.?(?: \d{1,2})?(?:,? \d{4})?)?"
    r"\s?(?:\([^()]{1,40}\)\s?)?(?:[-–—:.]|/[A-Z]+/)\s"
    r"|[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)?, (?:\d{1,2} [A-Z][a-z]{2,8}\.?|[A-Z][a-z]{2,8}\.? \d{1,2})(?:,? \d{4})?\s?[-–—:.(/]"
)
_LINKISH: Final = re.compile(r"https?:|www\.|\w\.(?:com|org|net|info|example)\b|@\w|#\w|pic\.twitter")
_SEPARATED: Final = re.compile(r"[|»«›→·•▸►▶\\]|\s[-–—/]\s?$|^[-–—*/]\s")
_REPORTED: Final = frozenset(
    "said says told added announced stated reported accused denied warned claimed insisted argued wrote noted confirmed "
    "demanded explained described asked".split()
)
_REPORTED_IN_TWO: Final = re.compile(r"\b(?:according to|called for)\b")
_PAST: Final = frozenset(
    "was were had did took came went began held left met gave made fell rose lost won fought broke led kept".split()
)
#: What a picture shows: somebody does something, now.
_SCENE: Final = frozenset(
    "walk walks stand stands sit sits hold holds wave waves gather gathers look looks lie lies passes pass search "
    "searches inspect inspects speak speaks attend attends shake shakes light lights lay lays marches march react "
    "reacts queue queues wait waits rise rises burn burns guard guards patrol patrols carry carries rest rests ride "
    "rides drive drives pose poses smile smiles pray prays mourn mourns hug hugs embrace embraces kneel kneels "
    "point points aim aims fire fires run runs flee flees leave leaves arrive arrives enter enters hang hangs flies "
    "fly clean cleans repair repairs unload unloads board boards play plays sell sells watch watches listen listens "
    "addresses address greet greets meet meets".split()
)
FULL_NAME: Final = re.compile(r"\b[A-Z][a-z’'-]+ [A-Z][a-z][\w’'-]*")
_OFFICES: Final = frozenset(
    "president minister secretary spokesman spokeswoman spokesperson chancellor general ambassador chairman leader "
    "colonel".split()
)
CAPITAL: Final = re.compile(r"\b[A-ZÀ-Þ]")
_DIGIT: Final = re.compile(r"\d")

_YOU: Final = frozenset("you your yours you're you've you'll yourself".split())
_WE: Final = frozenset("we our us ours we're we've i my me i'm".split())
_FUNCTION: Final = frozenset(
    "the of and to in a that for on with as by was were is are be been has have had it its his her their they he she which "
    "who from at after before but not an this would will when where while into over than also because".split()
)
#: Words of pages and their upkeep, of prompts and of selling; hardly a news story uses two of them in one line.
_WEB: Final = frozenset(
    "subscribe subscriber subscribers subscription newsletter newsletters inbox email e-mail mail click tap share shares "
    "shared tweet follow followers like likes comment comments reply replies login log sign signup register registered "
    "account password username website site page pages web online app download browser cookie cookies privacy policy "
    "terms conditions consent settings preferences advertisement advertisements advertising advertise ads ad sponsored "
    "sponsor promo promoted partner partners offer offers discount deal free trial premium unlimited access member "
    "members membership donate donation donations contribute support journalism newsroom readers reader editor editors "
    "editorial copyright rights reserved reproduction permission reprint republish hyperlink link links video videos "
    "photo photos photograph image images gallery podcast audio listen watch player play embed loading javascript read "
    "reading views viewed popular trending related recommended latest headlines stories story article articles post "
    "posts posted published updated edited tags tag topics category categories archive archives search menu home next "
    "previous back top more also see contact facebook twitter telegram whatsapp instagram youtube viber linkedin reddit "
    "pinterest google rss feed notification notifications alerts poll vote votes quiz survey reporting writing byline "
    "author authors correspondent writer contributor journalist columnist print copy send friend paywall gift shop buy "
    "order book booking tickets prices weather rates horoscope crossword puzzle edition issue issues digest briefing "
    "blog blogger blogroll theme powered wordpress channel magazine newspaper publication column tip tips feedback".split()
)
#: First words of prompts, buttons and questions to the reader.
_COMMANDS: Final = frozenset(
    "subscribe sign share follow read watch listen click tap get join support donate help download see view show hide "
    "check visit enter leave write send email print copy save add like tweet buy shop book order start try find discover "
    "explore learn register log login create choose select vote take tell ask submit post reply report call contact "
    "accept reject manage continue enjoy love want looking turn enable play open close skip scroll go keep stay become "
    "make give please don't let pick rate scan tune upload swipe browse unlock upgrade switch meet catch".split()
)
#: Openings that go on from what was said before.
_GOING_ON: Final = frozenset(
    "he she it they but and yet still this that these those his her their however meanwhile also another both so nor such "
    "then there later earlier separately instead".split()
)
_KINDS: Final = (
    "caption credit author-box counter tags cookie comments newsletter messenger donation subscription share copyright "
    "media-player promo poll related notice navigation".split()
)
_LENGTHS: Final = (1, 3, 6, 10, 15, 22, 35, 60, 100)

#: The names of the numbers in `Look.row`, in order.
LOOKS: Final = (
    *(f"words<={limit}" for limit in _LENGTHS),
    "log-characters", "closed", "ends-colon", "open", "ends-ellipsis", "ends-bracket", "ends-question", "ends-arrow",
    "starts-lower", "starts-digit", "starts-mark", "starts-quote", "capitals", "all-capitals", "digits", "dates",
    "linkish", "separated", "function-words", "past", "reported", "full-names", "offices", "quotes", "you", "we",
    "web", "web>1", "web>3", "command", "dateline", "marks", "long-closed", "short-closed", "open-dated", "title-case",
    "you-web", "we-web", "closed-no-past", "exclaims", "asks-you", "goes-on", "plain",
    "scene", "scene-open", "label", "short-label",
    *(f"says-{kind}" for kind in _KINDS), "says-any",
    "joined", "linked", "aside", "hint", "hint-caption", "in-heading", "in-paragraph", "in-list", "in-table", "in-box", "html",
)  # fmt: skip


@dataclass(slots=True)
class Look:
    """A block's words in lower case, the kind of boilerplate that it says it is, and its row of numbers."""

    words: list[str]
    kind: str
    closed: bool
    going_on: bool
    row: list[float]


def look_at(block: Block) -> Look:
    """What a block looks like."""
    text = block.text
    words = words_of(text)
    kind = kind_of(text, words)
    size, count = len(text), max(1, len(words))
    # Runs of letters and digits as they stand, and those of small letters alone.
    runs = _RUN.findall(text)
    low_runs = [run.lower() for run in runs]
    plain = [run for run in runs if len(run) > 2 and run.isascii() and run.islower() and run.isalpha()]
    closed = text.rstrip("\"'”’»)]").endswith((".", "!", "?", "…"))
    capitals = len(CAPITAL.findall(text)) / count
    quotes = text.count('"') + text.count("“") + text.count("”")
    spoken = quotes > 1
    web = sum(map(_WEB.__contains__, words))
    you = 0 if spoken else sum(map(_YOU.__contains__, words))
    we = 0 if spoken else sum(map(_WE.__contains__, words))
    past = sum(run in _PAST or (len(run) > 4 and run[-2:] == "ed") for run in plain)
    digits = len(_DIGIT.findall(text))
    dates = sum(map(_MONTHS.__contains__, low_runs)) + (len(_DATES.findall(text)) if digits else 0)
    function = sum(map(_FUNCTION.__contains__, words))
    first = words[0] if words else ""
    start, end = text[0], text[-1]
    colon = end == ":"
    tag = block.tag
    scene = past == 0 and 4 < count < 40 and not _SCENE.isdisjoint(runs)
    going_on = first in _GOING_ON
    row = [
        *(count <= limit for limit in _LENGTHS),
        math.log(1 + size), closed, colon, not closed and not colon, text.endswith(("…", "...")), end in ")]", end == "?",
        end in "→»›>", start.islower(), start.isdigit(), not start.isalnum() and start not in "\"“”‘’'(", start in "\"“”‘",
        min(1.0, capitals), text.isupper() and size > 3, min(1.0, 4 * digits / size), min(3, dates) / 3,
        _LINKISH.search(text) is not None, _SEPARATED.search(text) is not None, function / count, min(4, past) / 4,
        not _REPORTED.isdisjoint(plain) or _REPORTED_IN_TWO.search(text) is not None, min(4, len(FULL_NAME.findall(text))) / 4, not _OFFICES.isdisjoint(low_runs),
        min(4, quotes) / 4, min(3, you) / 3, min(3, we) / 3,
        min(1.0, 3 * web / count), web > 1, web > 3, first in _COMMANDS, DATELINE.match(text) is not None,
        1 - sum(map(len, words)) / size, closed and count > 18, closed and count < 8, not closed and dates > 0 and count < 15,
        not closed and capitals > 0.7 and count > 1, you > 0 and web > 0, we > 0 and web > 0,
        closed and past == 0 and count < 30, "!" in text and not spoken, you > 0 and end == "?", going_on,
        min(1.0, len(plain) / count),
        scene, scene and not closed, kind == "related" and count <= 5, not closed and count <= 4 and not kind,
        *(kind == name for name in _KINDS), kind != "",
        block.joined, block.linked, not block.main, block.hint != "", block.hint in ("caption", "credit"),
        tag in ("h1", "h2", "h3", "h4", "h5", "h6"), tag in ("p", "blockquote"), tag in ("li", "ul", "ol", "dd", "dt"),
        tag in ("td", "th", "table", "tr"),
        tag in ("aside", "nav", "footer", "figcaption", "form", "button", "label", "header", "figure"), tag != "",
    ]  # fmt: skip
    return Look(words, kind, closed, going_on, row)
