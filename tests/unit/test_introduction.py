from __future__ import annotations

import pytest

from communique.summary.clauses import Form
from communique.summary.introduction import introduced, named, people

ARTICLE = [
    "Energy Minister Taner Yildiz flew to Soma on Monday.",
    "Yildiz said that 450 men had been rescued.",
]


def told(article: list[str], told: str = "", room: int = 9) -> str:
    """The last sentence of an article, introduced."""
    text = article[-1]
    return introduced(Form(text, ((0, len(text)),), 0), len(article) - 1, people(article), told, room).text


def test_a_surname_becomes_the_name_with_its_office() -> None:
    assert told(ARTICLE) == "Energy Minister Taner Yildiz said that 450 men had been rescued."


def test_where_it_stands_is_told() -> None:
    form = introduced(Form(ARTICLE[1], ((0, 42),), 0), 1, people(ARTICLE), "", 9)
    [(number, start, end)] = form.borrowed
    assert ARTICLE[number][start:end] == "Energy Minister Taner Yildiz"
    assert form.pieces == ((0, 42),)


def test_whom_the_summary_named_before_is_not_named_again() -> None:
    assert told(ARTICLE, told=ARTICLE[0]) == ARTICLE[1]


def test_without_room_the_surname_stays() -> None:
    assert told(ARTICLE, room=2) == ARTICLE[1]


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("Susan Rice spoke. Susan Rice said no.", "They met Mr. Rice in Baku.", "They met Susan Rice in Baku."),
        ("“No,” Ali Asadov said.", "Asadov’s deputy left.", "Ali Asadov’s deputy left."),
        ("Secretary of State John Kerry flew home.", "On Monday, Kerry spoke.", "On Monday, John Kerry spoke."),
    ],
)
def test_a_name_in_other_forms(first: str, last: str, expected: str) -> None:
    assert told([first, last]) == expected


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("President Ilham Aliyev spoke.", "President Aliyev left."),  # an office is enough
        ("President Ilham Aliyev spoke.", "Mehriban Aliyev left."),
        ("President Ilham Aliyev spoke.", "The Aliyev Foundation gave money."),
        ("President Ilham Aliyev spoke.", "The mayor said: “Aliyev left us.”"),  # nobody's words are changed
        ("Senator Bill Clinton met Hillary Clinton.", "In May Clinton left."),  # which?
        ("Media caption: Trump Kim said so. Mr. Trump left.", "In May Kim left."),  # two people
        ("The Islamic State said so; the state fell.", "In May State Department men left."),
        ("Despite Azerbaijan said so.", "In May Azerbaijan left."),
        ("The town of Nagorno Talish burned.", "In May Talish burned again."),  # no person
        ("Share this storyPRAGUE: President Libra Trump said.", "In May Trump left."),  # words that ran together
    ],
)
def test_what_is_not_sure_stays(first: str, last: str) -> None:
    assert told([first, last]) == last


def test_names_of_one_word_and_of_several() -> None:
    assert named("Health Minister Suraya Dalil met Mr. Ghani.") == ({"Dalil"}, {"Ghani"})
