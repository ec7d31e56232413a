"""The label sets: topics with their IPTC Media Topics codes, stances, and the targets judged by default.

The names are what the code, the HTTP interface and the data files use; what each means is said in the codebook,
`training/corpus/CODEBOOK.md`. The codes are of the IPTC Media Topics vocabulary (https://iptc.org/standards/media-topics/).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["DEFAULT_TARGETS", "IPTC", "STANCES", "TOPICS", "StanceLabel", "label_sets", "topics_of"]

#: Topic name to the closest Media Topics code; `other` has none. Those of the shipped classifier.
IPTC: Final[dict[str, str | None]] = {
    "fighting": "medtop:20000056",  # armed conflict
    "ceasefire": "medtop:20000073",  # peace process
    "talks": "medtop:20000639",  # diplomacy
    "humanitarian": "medtop:20000645",  # refugees and internally displaced people
    "borders-and-routes": "medtop:20001316",  # border disputes
    "military-posture": "medtop:20000598",  # defence
    "economy-and-sanctions": "medtop:20000344",  # economy
    "domestic-politics": "medtop:20000649",  # political process
    "law-and-rights": "medtop:02000000",  # crime, law and justice
    "society-and-culture": "medtop:14000000",  # society
    "other": None,
}

#: Topic names in the order of every probability vector.
TOPICS: Final[tuple[str, ...]] = tuple(IPTC)

#: Stance names in the order of every probability vector.
STANCES: Final[tuple[str, ...]] = ("favor", "neutral", "against")

#: What a record says of a target: one of `STANCES`, or `absent` (plays no part), or `unsure` (the model abstains).
StanceLabel = Literal["favor", "neutral", "against", "absent", "unsure"]

#: Judged when neither the article nor the configuration names targets.
DEFAULT_TARGETS: Final[tuple[str, ...]] = ("Armenia", "Azerbaijan", "Turkey", "Russia", "peace talks")


def topics_of(model: Path) -> dict[str, str | None]:
    """The topics that the classifier in a folder tells apart, with their IPTC codes: `IPTC`, or its trainer's own."""
    found = json.loads((model / "calibration.json").read_text(encoding="utf-8"))
    return dict(found.get("topics", IPTC))


def label_sets(topics: Mapping[str, str | None] = IPTC, targets: Sequence[str] = DEFAULT_TARGETS) -> dict[str, Any]:
    """All of them as `/v1/labels` and `communique labels --json` give them.

    `stances` have probabilities; what a record says of a target is one of `stance_labels`.

    Args:
        topics: of the model, with their codes.
        targets: those judged by default.
    """
    return {
        "topics": [{"label": label, "iptc": code} for label, code in topics.items()],
        "stances": list(STANCES),
        "stance_labels": list(get_args(StanceLabel)),
        "default_targets": list(targets),
    }
