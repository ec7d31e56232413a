"""What the language model wrote is sorted: to learn from, to prefer against, or neither."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from communique.summary import Draft, Summariser
from training.candidates import sort_drafts
from training.data import Labelled, document_of

if TYPE_CHECKING:
    from collections.abc import Sequence

SENTENCES = (
    "Riga opened a long bridge across the Daugava on Monday after four years of work.",
    "The council of the city paid 12 million euros for it, the mayor said.",
    "Two hundred men had worked on the bridge since the spring of last year.",
)


class Sure:
    """A checker that supports everything but what speaks of a river."""

    def check(self, claims: Sequence[str], document: object) -> list[Any]:
        return [SimpleNamespace(support=0.1 if "Daugava" in claim else 0.99) for claim in claims]


def test_drafts_are_sorted_by_the_rule_by_the_checker_and_by_who_has_cut_their_source() -> None:
    document = document_of(Labelled("a", "corpus", "e", "Bridge", SENTENCES, (0, 0, 0), (), {}))
    fine = Draft(0, "Riga opened a bridge on Monday after four years of work.")
    doubted = Draft(0, "Riga opened a bridge across the Daugava on Monday.")
    copied = Draft(2, SENTENCES[2])
    empty = Draft(2, "")
    wrong = Draft(1, "The council of the city built it for 12 million euros, the mayor said.")
    right = Draft(1, "The council paid 12 million euros for it, the mayor said.")
    found = sort_drafts(
        Summariser(Sure(), 0.9),  # type: ignore[arg-type]
        document,
        [fine, doubted, copied, empty, wrong, right],
        known={1},
    )
    assert found == {"kept": [fine], "rejected": [wrong], "copies": [copied, empty], "other": [doubted, right]}
