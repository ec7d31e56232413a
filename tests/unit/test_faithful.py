"""What a rewritten sentence may leave out, and what it may not put in."""

from __future__ import annotations

import pytest

from communique.summary.faithful import is_faithful

SOURCE = (
    "RIGA (Daily) - The council of Riga said on Monday that it would not reopen the old bridge, which was built in 1908, "
    "until engineers, who have worked there since May, had strengthened at least four of its piers."
)
OTHER = "The mayor of Jelgava called the delay a scandal."


@pytest.mark.parametrize(
    "text",
    [
        "The council of Riga said that it would not reopen the old bridge until engineers had strengthened at least four.",
        "The council of Riga said it would not reopen the bridge until engineers had strengthened at least four of its piers.",
        "The mayor of Jelgava called the delay a scandal.",
    ],
)
def test_leaving_out_is_allowed(text: str) -> None:
    assert is_faithful(text, [SOURCE, OTHER])


@pytest.mark.parametrize(
    "text",
    [
        "The council of Riga said that it would reopen the old bridge.",
        "The council of Riga would not reopen the old bridge until engineers had strengthened at least four of its piers.",
        "The council said it would not reopen the old bridge until engineers had strengthened four of its piers.",
        "The mayor of Jelgava said that it would not reopen the old bridge.",
        "The council of Riga said on Monday that it would not reopen the old bridge, the mayor of Jelgava said.",
        "Riga said on Monday that our council would not reopen the old bridge until at least four piers had strengthened.",
        "The council of Riga said that it would not reopen the old bridge, would not reopen the old bridge.",
        "The council and council of Riga said that it would not reopen the old bridge.",
        "Daily said on Monday that it would not reopen the old bridge.",
        "",
    ],
    ids=[
        "negation", "attribution", "at least", "another's mouth", "two in one", "speaker", "stutter", "doubled",
        "dateline", "empty",
    ],
)  # fmt: skip
def test_what_changes_what_is_said_is_not(text: str) -> None:
    assert not is_faithful(text, [SOURCE, OTHER])


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("The truce ended after the talks in Riga.", "The truce ended before the talks in Riga."),
        ("Riga passed a law against the port.", "Riga passed a law for the port."),
        ("She told reporters that Riga had won.", "He told reporters that Riga had won."),
        ("Riga two men on Monday.", "Riga arrested two men on Monday."),
        (
            "The council would not reopen the bridge.",
            "The council would not reopen the bridge until engineers had come.",
        ),
        ("Rockets came from the Hamas on Monday.", "Rockets came from the Hamas-controlled territory on Monday."),
        ("Shells killed 20 men in Riga.", "Shells killed over 20 men in Riga."),
        ("Riga agreed to withdraw troops.", "Riga refused to say whether it agreed to withdraw troops."),
        ("The organizer of the march spoke in Riga.", "One of the organizers of the march spoke in Riga."),
    ],
)
def test_a_word_may_turn_a_sentence(text: str, source: str) -> None:
    assert not is_faithful(text, [source])


@pytest.mark.parametrize(
    ("text", "source", "stands"),
    [
        ("Riga signed the deal on Monday.", "Riga signed the deal over the old bridge on Monday.", True),
        ("Riga signed the deal after all talks.", "Riga signed the deal after nearly all talks.", False),
        ("Riga paid on Monday.", "Riga paid about 12 million euros on Monday.", True),
        ("Riga paid 12 million euros on Monday.", "Riga paid about 12 million euros on Monday.", False),
    ],
)
def test_a_limit_goes_only_with_what_it_limits(text: str, source: str, stands: bool) -> None:
    assert is_faithful(text, [source]) is stands


def test_a_word_of_saying_inside_a_quotation_names_no_speaker() -> None:
    source = (
        "“The paper wrote that the bridge of Riga would stay shut,” the mayor said on Monday, adding, “It is false.”"
    )
    assert not is_faithful("The paper wrote that the bridge of Riga would stay shut.", [source])
    assert is_faithful("“The paper wrote that the bridge of Riga would stay shut,” the mayor said.", [source])


def test_a_question_is_not_told_as_news() -> None:
    assert not is_faithful("Riga will reopen the bridge.", ["Will Riga, at last, reopen the bridge?"])
