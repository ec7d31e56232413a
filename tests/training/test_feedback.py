"""Corrected records become articles to learn from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from communique.errors import UsageError
from communique.record import Record, Stance
from training.feedback import read_corrections

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "Estonia and Latvia signed an accord in Riga on Monday. The mayor of Riga called it a triumph for Estonia."


def written(path: Path, *lines: dict[str, Any]) -> str:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return str(path)


@pytest.fixture
def archive(tmp_path: Path) -> str:
    return written(
        tmp_path / "in.jsonl",
        {"id": "a", "text": TEXT, "title": "Accord", "date": "2024-02-03", "topics": ["talks"]},
        {"id": "b"},
    )


def test_a_record_put_right_is_learned_from_with_the_text_that_was_scored(archive: str, tmp_path: Path) -> None:
    probabilities = {"favor": 0.2, "neutral": 0.5, "against": 0.3}
    record = Record(
        id="a", topics=("talks",), topic_probabilities={"talks": 0.9}, meta={"date": "2024-02-03", "topics": ["talks"]}
    ).with_(
        stance=(
            Stance("Estonia", "neutral", probabilities),
            Stance("Latvia", "unsure", probabilities),
            Stance("Russia", "neutral", probabilities),
        )
    )
    line = record.as_dict()
    line["stance"][0]["label"] = "favor"
    line["stance"][2]["label"] = "absent"
    line["topics"].append({"label": "society-and-culture"})
    [found] = read_corrections([written(tmp_path / "right.jsonl", line)], [archive])
    assert (found.id, found.source_set, found.title, found.event) == ("feedback/a", "feedback", "Accord", "2024-02")
    assert found.topics == ("talks", "society-and-culture")
    assert found.stance == {"Estonia": "favor"}
    assert found.absent == ("Russia",)
    assert found.summaries == ()
    assert " ".join(found.sentences) == TEXT


def test_the_later_correction_counts_and_a_line_may_bring_its_text(tmp_path: Path) -> None:
    first = {"id": "a", "text": TEXT, "stance": [{"target": "Latvia", "label": "against"}]}
    later = {"id": "a", "text": TEXT, "topics": [{"label": "talks"}]}
    [found] = read_corrections([written(tmp_path / "right.jsonl", first, later)], [])
    assert (found.stance, found.topics) == ({}, ("talks",))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"id": "z", "topics": [{"label": "talks"}]}, "no text for the corrections of z"),
        ({"topics": [{"label": "talks"}]}, "correction 1 has no id"),
        ({"id": "a", "topics": [{"label": "talk"}]}, "unknown topic: talk"),
        ({"id": "a", "topics": ["talks"]}, "'a' is not in the record's form"),
        ({"id": "a", "stance": [{"target": "Latvia", "label": "positive"}]}, "unknown stance: positive"),
    ],
)
def test_what_is_no_correction_says_why(line: dict[str, Any], message: str, archive: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        read_corrections([written(tmp_path / "right.jsonl", line)], [archive])


def test_articles_are_found_in_any_archive(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "a.txt").write_text(TEXT, encoding="utf-8")
    line = {"id": "a.txt", "topics": [{"label": "talks"}]}
    [found] = read_corrections([written(tmp_path / "right.jsonl", line)], [str(tmp_path / "pages")])
    assert found.topics == ("talks",)
