"""Whether what a paragraph takes up of its page is counted, and whether trees answer as they were written."""

from __future__ import annotations

import pytest

from communique.reading.cohesion import COHESION, cohesion
from communique.reading.layout import text_blocks
from communique.reading.look import look_at
from communique.reading.phrases import words_of
from communique.reading.stories import Rarity, stems
from communique.reading.telling import Odds
from communique.text import MappedText
from communique.trees import Trees

_PAGE = (
    "The council of Orlova closed the wooden bridge on Friday after an engineer put his thumb through a beam.",
    "Carts must now go round by the mill, which adds an hour; the engineer, Ilya Brandt, called the beam a sponge.",
    "Glass factory in Tarn reopens furnaces",
    "The glass factory in Tarn lit two furnaces again on Sunday and took back sixty workers, the owner said there.",
    "For Brandt only a new bridge of steel will do. The council has money for half a bridge of wood, and the mill has the carts.",
)


def _numbers() -> list[dict[str, float]]:
    blocks = text_blocks(MappedText.of("\n\n".join(_PAGE)))
    looks = [look_at(block) for block in blocks]
    odds = Odds(*([-1.0 if look.closed else 1.0 for look in looks] for _ in range(3)))
    title = stems(words_of("Orlova closes its wooden bridge"))
    rows = cohesion(blocks, looks, odds, [False] * len(blocks), title, Rarity({}))
    return [dict(zip(COHESION, row, strict=True)) for row in rows]


def test_a_paragraph_of_the_article_takes_up_more_than_a_teaser_does() -> None:
    _, _, headline, teaser, article = _numbers()
    assert headline["prose"] == 0
    for name in ("c-title", "c-lead", "c-before", "c-rest", "c-names-known"):
        assert article[name] > teaser[name], name


def test_a_headline_is_known_by_the_paragraph_below_it() -> None:
    _, second, _, teaser, article = _numbers()
    assert second["part-head-first"] == 0
    assert teaser["part-head-own"] > 0.7 > article["part-head-own"]
    assert (teaser["part-number"], article["part-number"] > 0) == (0, True)


def test_a_page_without_prose_has_rows_all_the_same() -> None:
    blocks = text_blocks(MappedText.of("Home\nNews"))
    looks = [look_at(block) for block in blocks]
    rows = cohesion(blocks, looks, Odds([1.0] * 2, [0.0] * 2, [0.0] * 2), [False] * 2, set(), Rarity({}))
    assert [len(row) for row in rows] == [len(COHESION)] * 2


_TREES = {
    "names": ["a", "b"],
    "bias": 0.25,
    "trees": [
        {
            "feature": [0, 0, 1, 0, 0],
            "threshold": [0.5, 0.0, 2.0, 0.0, 0.0],
            "left": [1, 1, 3, 3, 4],
            "right": [2, 1, 4, 3, 4],
            "value": [0.0, -1.0, 0.0, 1.0, 3.0],
        },
        {"feature": [0], "threshold": [0.0], "left": [0], "right": [0], "value": [10.0]},
    ],
}


@pytest.mark.parametrize(("row", "score"), [((0.5, 9.0), 9.25), ((0.6, 2.0), 11.25), ((0.6, 2.1), 13.25)])
def test_trees_add_up_the_leaves_that_a_row_comes_to(row: tuple[float, float], score: float) -> None:
    trees = Trees.from_dict(_TREES)
    assert trees([row]) == [pytest.approx(score)]
    assert Trees.from_dict(trees.as_dict())([row, row]) == [pytest.approx(score)] * 2


def test_trees_answer_nothing_to_nothing() -> None:
    assert Trees.from_dict(_TREES)([]) == []
