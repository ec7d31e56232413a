"""A run over an archive: N in, N out, in order, each once, also when it is killed and taken up again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from communique.archive import Plan, Progress, Source, score_archive
from communique.config import Settings
from communique.errors import EngineDied, UsageError
from tests.fakes import FakePipeline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from communique.record import Article, Record

SENTENCE = "Armenia said on Tuesday that talks number {} would go on in the city. Nothing else was said."


def archive(path: Path, count: int = 10) -> Path:
    bad = {3: b"{", 6: b'{"text": "FRENCH"}'}
    good = (json.dumps({"id": f"n{number}", "text": SENTENCE.format(number)}).encode() for number in range(count))
    path.write_bytes(b"\n".join(bad.get(number, line) for number, line in enumerate(good)) + b"\n")
    return path


def plan(path: Path, output: Path, **more: object) -> Plan:
    limit, restart = more.pop("limit", None), bool(more.pop("restart", False))
    settings = Settings.load({"shard_size": 4, **more}, {}, path.parent)
    assert limit is None or isinstance(limit, int)
    return Plan([Source.of(path)], output, settings, limit, restart)


def records(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def names(found: list[dict[str, object]]) -> list[object]:
    return [record["id"] for record in found]


class Dying(FakePipeline):
    """Ends like a killed process at its second shard."""

    def score_many(self, articles: Sequence[Article]) -> list[Record]:
        if len(self.calls) == 1:
            raise KeyboardInterrupt
        return super().score_many(articles)


def test_one_file_whole_and_in_order(tmp_path: Path) -> None:
    fake, output, seen = FakePipeline(), tmp_path / "out.jsonl", []
    outcome = score_archive(
        plan(archive(tmp_path / "in.jsonl"), output), lambda _: fake, lambda progress: seen.append(progress.items)
    )
    found = records(output)
    assert names(found) == ["n0", "n1", "n2", "4", "n4", "n5", "7", "n7", "n8", "n9"]
    assert [record["error"] is None for record in found].count(False) == 2
    assert fake.calls == [["n0", "n1", "n2"], ["n4", "n5", "7", "n7"], ["n8", "n9"]]
    assert fake.closed
    assert seen == [4, 8, 10]
    assert (outcome.progress.items, dict(outcome.progress.errors)) == (10, {"malformed": 1, "language": 1})
    assert outcome.progress.summaries == 8
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


@pytest.mark.parametrize("output", ["out.jsonl", "folder"])
def test_an_interrupted_run_goes_on_and_ends_the_same(tmp_path: Path, output: str) -> None:
    source = archive(tmp_path / "in.jsonl")
    score_archive(plan(source, tmp_path / "whole.jsonl"), lambda _: FakePipeline())
    with pytest.raises(KeyboardInterrupt):
        score_archive(plan(source, tmp_path / output), lambda _: Dying())
    assert not (tmp_path / "out.jsonl").exists()
    again = FakePipeline()
    outcome = score_archive(plan(source, tmp_path / output), lambda _: again)
    assert again.calls == [["n4", "n5", "7", "n7"], ["n8", "n9"]]
    assert (outcome.progress.items, outcome.progress.resumed, sum(outcome.progress.errors.values())) == (10, 4, 2)
    if output == "out.jsonl":
        joined = (tmp_path / output).read_bytes()
    else:
        joined = b"".join(path.read_bytes() for path in sorted((tmp_path / output).glob("shard-*.jsonl")))
    assert joined == (tmp_path / "whole.jsonl").read_bytes()


def test_a_complete_folder_needs_no_models(tmp_path: Path) -> None:
    source, output = archive(tmp_path / "in.jsonl"), tmp_path / "out"
    score_archive(plan(source, output), lambda _: FakePipeline())
    assert json.loads((output / "run.json").read_bytes())["complete"] is True

    def refuse(_: Settings) -> FakePipeline:
        raise AssertionError("nothing is left to score")

    assert score_archive(plan(source, output), refuse).progress.resumed == 10


def test_a_shard_that_was_cut_is_scored_again(tmp_path: Path) -> None:
    source, output = archive(tmp_path / "in.jsonl"), tmp_path / "out"
    score_archive(plan(source, output), lambda _: FakePipeline())
    shard = output / "shard-000001.jsonl"
    before = shard.read_bytes()
    shard.write_bytes(before[:100])
    again = FakePipeline()
    score_archive(plan(source, output), lambda _: again)
    assert again.calls == [["n4", "n5", "7", "n7"]]
    assert shard.read_bytes() == before


def test_other_settings_inputs_or_models_are_refused(tmp_path: Path) -> None:
    source, output = archive(tmp_path / "in.jsonl"), tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        score_archive(plan(source, output), lambda _: Dying())
    with pytest.raises(UsageError, match=r"settings\.max_words: 60 then, 80 now"):
        score_archive(plan(source, output, max_words=80), lambda _: FakePipeline())
    with pytest.raises(UsageError, match="limit: null then, 5 now"):
        score_archive(plan(source, output, limit=5), lambda _: FakePipeline())
    newer = FakePipeline()
    newer.models = {**newer.models, "classifier": "fake@3"}
    with pytest.raises(UsageError, match=r'models\.classifier: "fake@2" then, "fake@3" now'):
        score_archive(plan(source, output), lambda _: newer)
    archive(source, count=11)
    with pytest.raises(UsageError, match=r"inputs\.1\.sha256"):
        score_archive(plan(source, output), lambda _: FakePipeline())
    assert score_archive(plan(source, output, restart=True), lambda _: newer).progress.resumed == 0


def test_settings_that_change_no_record_do_not_matter(tmp_path: Path) -> None:
    source, output = archive(tmp_path / "in.jsonl"), tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        score_archive(plan(source, output), lambda _: Dying())
    assert score_archive(plan(source, output, threads=1, port=99), lambda _: FakePipeline()).progress.resumed == 4


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    source, output = archive(tmp_path / "in.jsonl"), tmp_path / "out.jsonl"
    output.write_text("mine")
    with pytest.raises(UsageError, match="there already"):
        score_archive(plan(source, output), lambda _: FakePipeline())
    assert output.read_text() == "mine"
    score_archive(plan(source, output, restart=True), lambda _: FakePipeline())
    assert len(records(output)) == 10


def test_a_folder_with_other_files_is_let_be(tmp_path: Path) -> None:
    source, output = archive(tmp_path / "in.jsonl"), tmp_path / "out"
    output.mkdir()
    (output / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"other files and no run\.json"):
        score_archive(plan(source, output, restart=True), lambda _: FakePipeline())


def test_two_runs_do_not_write_one_folder(tmp_path: Path) -> None:
    source, output = archive(tmp_path / "in.jsonl"), tmp_path / "out"

    def second(_: Progress) -> None:
        with pytest.raises(UsageError, match="another process is writing"):
            score_archive(plan(source, output), lambda _: FakePipeline())

    assert score_archive(plan(source, output), lambda _: FakePipeline(), second).progress.items == 10


def test_a_crash_takes_its_own_article_only(tmp_path: Path) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    texts = [SENTENCE.format(1), "CRASH", SENTENCE.format(2)]
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    score_archive(plan(source, output), lambda _: FakePipeline())
    assert [(record["error"] or {}).get("type") for record in records(output)] == [None, "internal", None]  # type: ignore[attr-defined]


class Losing(FakePipeline):
    """Gives back a record too few when there is more than one article."""

    def score_many(self, articles: Sequence[Article]) -> list[Record]:
        return super().score_many(articles)[: max(1, len(articles) - 1)]


class Unwritable(FakePipeline):
    """A probability that is no number."""

    def score_many(self, articles: Sequence[Article]) -> list[Record]:
        made = super().score_many(articles)
        return [record.with_(topic_probabilities={"talks": float("nan")}) for record in made]


def test_a_scorer_that_loses_records_is_found_out(tmp_path: Path) -> None:
    score_archive(plan(archive(tmp_path / "in.jsonl"), tmp_path / "out.jsonl"), lambda _: Losing())
    assert names(records(tmp_path / "out.jsonl")) == ["n0", "n1", "n2", "4", "n4", "n5", "7", "n7", "n8", "n9"]


def test_a_record_that_json_lacks_becomes_an_error(tmp_path: Path) -> None:
    score_archive(plan(archive(tmp_path / "in.jsonl"), tmp_path / "out.jsonl"), lambda _: Unwritable())
    found = records(tmp_path / "out.jsonl")
    assert len(found) == 10
    assert found[0]["error"]["type"] == "internal"  # type: ignore[index]


class Dead(FakePipeline):
    """The engine died."""

    def score_many(self, articles: Sequence[Article]) -> list[Record]:
        raise EngineDied("the generation process ended")


def test_a_dead_engine_ends_the_run_and_nothing_is_blamed_on_articles(tmp_path: Path) -> None:
    source, output = archive(tmp_path / "in.jsonl"), tmp_path / "out.jsonl"
    with pytest.raises(EngineDied):
        score_archive(plan(source, output), lambda _: Dead())
    assert not output.exists()
    assert score_archive(plan(source, output), lambda _: FakePipeline()).progress.items == 10


def test_limit_and_an_empty_archive(tmp_path: Path) -> None:
    source = archive(tmp_path / "in.jsonl")
    assert score_archive(plan(source, tmp_path / "a.jsonl", limit=6), lambda _: FakePipeline()).progress.items == 6
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    assert score_archive(plan(empty, tmp_path / "b.jsonl"), lambda _: FakePipeline()).progress.items == 0
    assert (tmp_path / "b.jsonl").read_bytes() == b""
