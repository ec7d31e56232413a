from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from communique.evidence import EvidenceIndex
from communique.grounding import Checker, missing
from communique.perturbation import perturb, swap_sides
from communique.reading import read
from communique.record import Article

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.grounding.source import Source

ARTICLE = (
    "Azerbaijan said on Monday that 12 of its soldiers died near Shusha. "
    "Armenia's Prime Minister Nikol Pashinyan denied the report and called it “pure invention”. "
    "US Secretary of State John Kerry urged both sides to hold the truce."
)


@pytest.mark.parametrize(
    ("claim", "lost"),
    [
        ("Azerbaijan said 12 soldiers died on Monday.", ()),
        ("Azerbaijan said twelve soldiers died on Monday.", ()),
        ("Azerbaijan said 14 soldiers died on Friday.", ("14", "Friday")),
        ("Kerry met Lavrov.", ("Lavrov",)),
        ("Twelve died near Shushi.", ()),
        ("Barack Kerry urged both.", ()),
        ("Soldiers of the United States and of the United Nations stayed away.", ("Nations",)),
        ("The Armenians and the Azerbaijani side met Iranians.", ("Iranians",)),
        ("Washington urged both sides, and Brussels did not.", ("Brussels",)),
        ("The Kerry-brokered truce held; the Lavrov-brokered one did not.", ("Lavrov-brokered",)),
        ("Pashinyan called it “pure fiction”.", ("pure fiction",)),
        ("Pashinyan called it “pure invention”.", ()),
    ],
)
def test_what_the_source_lacks_is_named(claim: str, lost: tuple[str, ...]) -> None:
    assert missing(claim, ARTICLE) == lost


def test_evidence_covers_the_claim_with_few_sentences() -> None:
    sentences = ["Rain fell.", "Baku said 12 soldiers died.", "Kerry urged both sides to hold the truce."]
    index = EvidenceIndex(sentences)
    assert index.find("Kerry urged a truce after 12 soldiers died.") == [1, 2]
    assert index.coverage("Kerry urged both sides.", [2]) == 1.0
    assert index.find("Zebras graze.") == []


class Sure:
    """A model that believes everything: what it is asked is what the exact checks let through."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def support(self, claims: Sequence[str], source: Source) -> list[float]:
        assert len(source.lines) == 4  # the title and three sentences
        self.asked.extend(claims)
        return [0.9] * len(claims)


def test_a_claim_with_a_figure_that_the_article_lacks_never_reaches_the_model() -> None:
    model = Sure()
    document = read(Article(id="1", text=ARTICLE))
    false, true = Checker(model).check(["Azerbaijan said 30 soldiers died.", "Kerry urged both sides."], document)
    assert (false.support, false.missing) == (0.0, ("30",))
    assert (true.support, true.evidence) == (0.9, (2,))
    assert model.asked == ["Kerry urged both sides."]


def test_sides_swap_all_at_once_and_back() -> None:
    text = "Baku accused Armenian forces; Pashinyan answered Aliyev."
    assert swap_sides(text) == "Yerevan accused Azerbaijani forces; Aliyev answered Pashinyan."
    assert swap_sides(swap_sides(text)) == text


def test_each_way_of_breaking_changes_the_sentence_in_its_own_way() -> None:
    sentence = "Azerbaijan said on Monday that 12 of its soldiers were killed near Shusha."
    broken = perturb(sentence, ARTICLE, random.Random(3))
    assert {"figure", "side", "place-date", "attribution", "negation"} <= broken.keys()
    assert "12" not in broken["figure"]
    assert broken["side"].startswith("Armenia said")
    assert "Azerbaijan said" not in broken["attribution"]
    assert "were not killed" in broken["negation"]


def test_a_symmetric_swap_is_no_error() -> None:
    sentence = "Armenia and Azerbaijan agreed to a truce."
    assert "side" not in perturb(sentence, sentence, random.Random(1))
