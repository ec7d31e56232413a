"""What a rewritten sentence may leave out, and what it may not put in."""

from __future__ import annotations

import pytest

from communique.summary.faithful import is_faithful

SOURCE = (
    "RIGA (Daily) - The council of Riga said on Monday that it would not reopen the old bridge, which was built in 1908, "
    "until engineers, who have worked there since May, had strengthened at least four of its piers."
)


@pytest.mark.parametrize(
    "text",
    [
        "The council of Riga said that it would not reopen the old bridge until engineers had strengthened at least four.",
        "The council of Riga said it would not reopen the bridge until engineers had strengthened at least four of its piers.",
    ],
)
def test_leaving_out_is_allowed(text: str) -> None:
    assert is_faithful(text, SOURCE)


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
    assert not is_faithful(text, SOURCE)


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
    assert not is_faithful(text, source)


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
    assert is_faithful(text, source) is stands


def test_a_word_of_saying_inside_a_quotation_names_no_speaker() -> None:
    source = (
        "“The paper wrote that the bridge of Riga would stay shut,” the mayor said on Monday, adding, “It is false.”"
    )
    assert not is_faithful("The paper wrote that the bridge of Riga would stay shut.", source)
    assert is_faithful("“The paper wrote that the bridge of Riga would stay shut,” the mayor said.", source)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("It was the largest strike.", "It was the largest strike in the history of Riga."),
        ("The navy concluded that Riga had won.", "The navy and the CIA concluded that Riga had won."),
        (
            "The strikes killed 161 Latvians, including 71 civilians.",
            "The strikes killed 161 Latvians, including 71 civilians, and five Estonians.",
        ),
        ("The worst flood came in 1992.", "The country's worst flood came in 1992."),
        ("Ilze Kalna, a engineer, left.", "Ilze Kalna, a Riga-trained engineer, left."),
        (
            "They came as a gesture, which the mayor praised.",
            "They came as a gesture ahead of the fair, which the mayor praised.",
        ),
        ("He quarrelled with the men.", "He quarrelled with the men with whom he had sailed."),
        ("Many of the pundits are to blame.", "Many of the pundits condemning Riga are to blame."),
        ("A box washed ashore was not from the ship.", "A box that washed ashore was not from the ship."),
        (
            "Riga saw a war between the council and the builder.",
            "Riga saw a war between the council, the union and the builder.",
        ),
        ("Some in private doubt it.", "Some currently in the council in private doubt it."),
        ("They got it onto the target in order to steal.", "They got it onto the target network in order to steal."),
        (
            "They discuss a truce in Geneva.",
            "They discuss a truce ahead of a major conference in Geneva.",
        ),
        (
            "They prepare for talks, a port on the Daugava.",
            "They prepare for talks, to be held in Riga, a port on the Daugava.",
        ),
        ("The meeting came late.", "The meeting with Ilze Kalna came late."),
        ("He saw no end to threats if it failed.", "He saw no end to threats to shut the port if it failed."),
        (
            "It was called after the rowers, becoming a legend.",
            "It was called after the rowers, two crews of Riga, becoming a legend.",
        ),
        ("They rallied and torched a flag.", "They rallied, burning a figure, and torched a flag."),
        (
            "The mayor said “there is a chance that it will not open.”",
            "The mayor said “there is a chance that it will not open in its present form.”",
        ),
        ("Riga may print it even if it did not steal it.", "Riga may print it even if stolen as long as it did not steal it."),
        (
            "It follows a quarrel of Riga and Ilze Kalna.",
            "It follows a quarrel of Riga and the campaign of Ilze Kalna.",
        ),
        (
            "The victory caps a campaign, rising crime and scandals.",
            "The victory caps a campaign amid recession, rising crime and scandals.",
        ),
        ("The “long bridge is shut.", "The “long and old” bridge is shut."),
        ("The chief of Riga left.", "The deputy chief of Riga left."),
        ("I would have stayed in Riga.", "I would have stayed in Riga for years.”"),
    ],
    ids=[
        "scope", "beside", "casualties", "whose", "article", "antecedent", "restrictive", "participle", "that", "party", "headless", "head", "moved",
        "apposition", "with", "object", "doer", "coordinate", "quoted", "condition", "name", "list", "quotation", "deputy", "somebody's words",
    ],
)  # fmt: skip
def test_ways_to_go_wrong_that_readers_found(text: str, source: str) -> None:
    assert not is_faithful(text, source)


def test_a_question_is_not_told_as_news() -> None:
    assert not is_faithful("Riga will reopen the bridge.", "Will Riga, at last, reopen the bridge?")
