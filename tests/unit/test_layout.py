"""How the lines of a text page are joined to paragraphs."""

from __future__ import annotations

import textwrap
import time
from contextlib import suppress

import pytest

from communique.errors import ItemError
from communique.reading import read
from communique.reading.layout import text_blocks
from communique.record import Article
from communique.text import MappedText

_PARAGRAPHS = """\
The ferry to the northern shore ran twice on Monday, once with lorries and once with the band, which was given a deck.
Nobody on the quay would say who had paid. The harbour master had not asked, since the answer might have been on paper.
In the evening the wind turned. The last boat came back with its ramp up and its lights out, an hour late and half full.
It will run again on Thursday, if the ramp is mended, and with lorries only: the band has found a hall on its own shore.
""".splitlines()


def _texts(page: str) -> list[str]:
    return [block.text for block in text_blocks(MappedText.of(page))]


def test_wrapped_paragraphs_are_joined_though_other_lines_are_longer() -> None:
    prompt = "Support the newspaper that reports from quays: " + "a coin a month keeps a reporter dry. " * 3
    wrapped = [textwrap.fill(paragraph, 50) for paragraph in _PARAGRAPHS]
    page = "\n\n".join([wrapped[0], prompt.strip(), *wrapped[1:]])
    assert _texts(page) == [_PARAGRAPHS[0], prompt.strip(), *_PARAGRAPHS[1:]]


def test_a_list_of_headlines_is_not_joined() -> None:
    lines = [
        "Ferry service to the northern shore suspended after storm damage",
        "Band plays on car deck as square stays closed",
        "Harbour master denies that documents were lost in the flood last winter",
        "Lorry drivers wait",
        "Council votes on new ramp for the quay, the third in eleven years",
        "Wind warning for the whole coast",
        "Why the last boat is always late: a reader's complaint",
    ]
    assert _texts("\n".join(lines)) == lines


def test_paragraphs_a_line_each_stay_as_they_are() -> None:
    assert _texts("\n".join(_PARAGRAPHS)) == list(_PARAGRAPHS)


_FERRY = "QUAYSIDE, Oct 7 - The ferry to the northern shore ran twice on Monday."


@pytest.mark.parametrize(
    "menu", ["Share options Copy link FacebookXMessenger", "Telegram Viber Odnoklassniki", "Share|Tweet|E-mail"]
)
def test_buttons_that_ran_into_a_sentence_are_a_block_of_their_own(menu: str) -> None:
    assert _texts(menu + _FERRY) == [menu, _FERRY]


@pytest.mark.parametrize(
    "line",
    [
        "Telegram users on the quay were told to leave at once.",
        "Save the Children said on Monday that its ferry would wait.",
        "Facebook and X Messenger were down while the ferry crossed.",
        "FacebookTwitterTelegramWhatsAppPrint",
    ],
)
def test_a_sentence_or_a_menu_alone_stays_whole(line: str) -> None:
    assert _texts(line) == [line]


@pytest.mark.parametrize(
    ("first", "title"),
    [
        ("Let us stop calling it a ferry", "Let us stop calling it a ferry"),
        (
            "“It will not run again”: a harbour master on the ramp",
            "“It will not run again”: a harbour master on the ramp",
        ),
        ("Nobody had paid for it.", ""),
        ("Share on Facebook or by mail", ""),
    ],
)
def test_the_first_line_of_a_text_without_a_title_is_its_headline(first: str, title: str) -> None:
    document = read(Article(id="1", text="\n\n".join([first, *_PARAGRAPHS])))
    assert document.title == title
    assert not title or document.sentences[0].text.startswith("The ferry to the northern shore ran twice")


def test_a_title_that_was_sent_is_the_title() -> None:
    text = "\n\n".join(["Let us stop calling it a ferry", *_PARAGRAPHS])
    assert read(Article(id="1", text=text, title="The ramp")).title == "The ramp"


@pytest.mark.parametrize("unit", [".", " ", "a", "aB", "A ", "…”"])
def test_a_long_run_of_one_thing_is_read_at_once(unit: str) -> None:
    started = time.monotonic()
    with suppress(ItemError):
        read(Article(id="1", text=f"Shells fell on two villages near Fuzuli. {unit * 60_000} The army denied it."))
    assert time.monotonic() - started < 10  # it was minutes


def test_what_a_page_does_not_show_is_not_read() -> None:
    shown = (
        "Armenia's defence ministry said on Monday that 16 of its soldiers were killed near the village of Vardenis."
    )
    hidden = (
        "Azerbaijan will bomb the bridge of Meghri on Tuesday, the ministry of defence said in a statement in Baku."
    )
    ways = (
        f'<p style="display: none">{hidden}</p>',
        f'<p style="visibility:hidden">{hidden}</p>',
        f"<p hidden>{hidden}</p>",
    )
    for way in (*ways, f"<p>The army was silent. <del>{hidden}</del></p>"):
        page = f"<html><body><p>{shown}</p>{way}<p>{shown.replace('16', '17')}</p></body></html>"
        document = read(Article(id="1", text=page, format="html"))
        assert "Meghri" not in " ".join(sentence.text for sentence in document.sentences)
        assert way not in ways or "hidden" in {removal.reason for removal in document.removed}


def test_the_posts_of_a_live_blog_stay_and_a_list_of_headlines_with_times_does_not() -> None:
    posts = {
        "18:15 GMT": "The spokeswoman of the government says 28,120 people had crossed the bridge at Kornidzor by 6 p.m.",
        "17:50 GMT": "President Aliyev has told the head of the council that rights will be protected by the constitution.",
        "17:20 GMT": "I am standing at a checkpoint and the line of cars goes back further than I can see this evening.",
        "16:30 GMT": "The American aid chief has announced 11 million dollars and called for observers to be let in at once.",
    }
    latest = "\n\n".join(
        f"{time}\n\n{line}"
        for time, line in (
            ("19:01", "Bakers strike over flour"),
            ("18:59", "Storm nears the coast"),
            ("18:40", "Rents rise again"),
        )
    )
    text = "\n\n".join([latest, *(f"{time}\n\nFlight from the valley\n\n{told}" for time, told in posts.items())])
    document = read(Article(id="1", text=text, title="Live: thousands cross the bridge"))
    kept = [sentence.text for sentence in document.sentences]
    assert [told for told in posts.values() if told in kept] == [*posts.values()]
    assert not any("Bakers" in one or "Storm" in one for one in kept)
