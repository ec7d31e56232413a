"""References: loaded, checked, named by what they hold, cut by event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from communique.errors import UsageError
from eval.references import REFERENCES, SLICES, Data, Reference, fold_of, load
from tests.eval.conftest import TEASER, article, write_jsonl
from training.data import fold_of as training_fold_of

if TYPE_CHECKING:
    from pathlib import Path


def test_pages_take_from_their_article_what_they_do_not_say(data: Data) -> None:
    text, _, html = data.pages
    assert text.summaries == data.articles[0].summaries
    assert text.stance == data.articles[0].stance
    assert text.body.strip() == data.articles[0].text
    assert html.article_text == data.articles[2].text
    assert html.body == html.article_text
    assert TEASER in html.text


def test_readers_labels_stand_beside(data: Data) -> None:
    first, second = data.articles[0].readings
    assert first.stance["Armenia"] == "favor"
    assert second.stance["Armenia"] == "neutral"


def test_hash_names_the_content_and_not_the_order(tmp_path: Path) -> None:
    items = [article(0), article(1)]
    one = load([write_jsonl(tmp_path / "one.jsonl", items)])
    other = load([write_jsonl(tmp_path / "other.jsonl", items[::-1])])
    changed = load([write_jsonl(tmp_path / "changed.jsonl", [items[0], {**items[1], "topics": ["other"]}])])
    assert one.sha256 == other.sha256 != changed.sha256


def test_folds_part_the_events_as_training_does(data: Data) -> None:
    folds = [data.fold(k, 3) for k in (1, 2, 3)]
    assert sum(len(fold.references) for fold in folds) == len(data.references)
    events = [{reference.event for reference in fold.references} for fold in folds]
    assert not (events[0] & events[1])
    assert not (events[1] & events[2])
    assert not (events[0] & events[2])
    for event in ("2020-10-10-truce", "2013-04", "kb-0001"):
        assert fold_of(event, 5) == training_fold_of(event, 5)


def test_first_and_only(data: Data) -> None:
    assert [r.id for r in data.first(2).references] == ["a0", "a1", "a0-page", "a1-page"]
    assert [r.id for r in data.only(["a3"]).references] == ["a3"]
    with pytest.raises(UsageError, match="no id nobody"):
        data.only(["a3", "nobody"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"topics": ["sport"]}, "unknown topic 'sport'; allowed: fighting"),
        ({"stance": {"Armenia": {"label": "unsure"}}}, "stance toward 'Armenia' is 'unsure'; allowed: favor"),
        ({"boilerplate": [{"start": 5, "end": 5, "kind": "x"}]}, "overlaps, is empty or leaves the text"),
        ({"boilerplate": [{"start": 0, "end": 9, "kind": "x"}, {"start": 8, "end": 12, "kind": "x"}]}, "overlaps"),
        ({"text": None}, "at least `id` and `text`"),
    ],
)
def test_a_wrong_reference_is_refused_by_name(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = write_jsonl(tmp_path / "wrong.jsonl", [{**article(0), **change}])
    with pytest.raises(UsageError, match=message) as error:
        load([path])
    assert "wrong.jsonl:1" in str(error.value)


def test_twice_the_same_id_and_no_file_are_refused(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "twice.jsonl", [article(0), article(0)])
    with pytest.raises(UsageError, match="'a0' stands twice"):
        load([path])
    with pytest.raises(UsageError, match=r"no reference file .*eval/references"):
        load([tmp_path / "none.jsonl"])


def test_slices_cover_every_reference(data: Data) -> None:
    for reference in data.references:
        assert {name: cut(reference) for name, cut in SLICES.items()}["length"] == "under 200 words"
    assert SLICES["boilerplate"](data.pages[2]) == "html"
    assert SLICES["date"](Reference("1", "t", "e", date="2021-05-04")) == "2020 to 2022"


def test_the_projects_references_load() -> None:
    data = load([REFERENCES], "references")
    assert len(data.articles) >= 60
    assert {(len(reference.summaries), len(reference.readings)) for reference in data.articles} == {(2, 2)}
    assert all(page.body.strip() for page in data.pages)
