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
        "The council said it would not reopen the bridge, which was built in 1908, until at least four piers had.",
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


def test_a_question_is_not_told_as_news() -> None:
    assert not is_faithful("Riga will reopen the bridge.", ["Will Riga, at last, reopen the bridge?"])
