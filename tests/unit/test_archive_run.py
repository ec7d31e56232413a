"""A run over an archive: N in, N out, in order, each once, also when it is killed and taken up again."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from communique.archive import Plan, Progress, Source, score_archive
from communique.archive.shards import Shards
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


@pytest.mark.parametrize("kill", [False, True])
def test_a_text_that_came_before_is_told_also_where_the_run_is_taken_up(tmp_path: Path, kill: bool) -> None:
    texts = [SENTENCE.format(number) for number in (0, 1, 2, 3, 0, 5, 6)]
    texts[6] = texts[1].replace(" ", "\n ")
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    bad = [json.dumps({"id": "n7", "text": ""}), json.dumps({"id": "n8", "text": ""})]
    good = [json.dumps({"id": f"n{number}", "text": text}) for number, text in enumerate(texts)]
    source.write_text("\n".join(good + bad) + "\n")
    if kill:
        with pytest.raises(KeyboardInterrupt):
            score_archive(plan(source, output), lambda _: Dying())
    score_archive(plan(source, output), lambda _: FakePipeline())
    found = {record["id"]: record["duplicate_of"] for record in records(output)}
    assert found == dict.fromkeys((f"n{number}" for number in range(9)), None) | {"n4": "n0", "n6": "n1"}


class Dying(FakePipeline):
    """Ends like a killed process at its second shard."""

    def score_many(self, articles: Sequence[Article]) -> list[Record]:
        if articles[0].id in {"n4", "4.txt"}:
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
    assert sorted(fake.calls) == [["n0", "n1", "n2"], ["n4", "n5", "7", "n7"], ["n8", "n9"]]
    assert fake.closed
    assert seen == [4, 8, 10]
    assert (outcome.progress.items, dict(outcome.progress.errors)) == (10, {"malformed": 1, "language": 1})
    assert outcome.progress.summaries == 8
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out.jsonl.run.json", "in.jsonl", "out.jsonl"]


def test_a_shard_is_scored_beside_the_one_before_it(tmp_path: Path) -> None:
    class Waits(FakePipeline):
        """The first shard ends only when the second has begun."""

        begun = threading.Event()

        def score_many(self, articles: Sequence[Article]) -> list[Record]:
            if articles[0].id == "n4":
                self.begun.set()
            elif articles[0].id == "n0":
                assert self.begun.wait(timeout=20)
            return super().score_many(articles)

    output = tmp_path / "out.jsonl"
    score_archive(plan(archive(tmp_path / "in.jsonl"), output), lambda _: Waits())
    found = records(output)
    assert names(found) == ["n0", "n1", "n2", "4", "n4", "n5", "7", "n7", "n8", "n9"]
    assert [record["error"] is None for record in found].count(False) == 2


def test_what_fails_once_the_run_has_stopped_is_not_tried_again(tmp_path: Path) -> None:
    class Closing(FakePipeline):
        """Its second shard fails as work does whose engine was closed under it."""

        over = threading.Event()
        tried = 0

        def __exit__(self, *exception: object) -> None:
            super().__exit__(*exception)
            self.over.set()

        def score_many(self, articles: Sequence[Article]) -> list[Record]:
            if articles[0].id in {"n4", "n5", "7", "n7"}:
                self.tried += 1
                assert self.over.wait(timeout=20)
                raise RuntimeError("closed")
            return super().score_many(articles)

    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    fake = Closing()
    with pytest.raises(KeyboardInterrupt):
        score_archive(plan(archive(tmp_path / "in.jsonl"), tmp_path / "out.jsonl"), lambda _: fake, interrupt)
    for thread in threading.enumerate():
        if thread.name.startswith("communique-shard"):
            thread.join(timeout=20)
    assert fake.tried == 1


@pytest.mark.parametrize("output", ["out.jsonl", "folder"])
def test_an_interrupted_run_goes_on_and_ends_the_same(tmp_path: Path, output: str) -> None:
    source = archive(tmp_path / "in.jsonl")
    score_archive(plan(source, tmp_path / "whole.jsonl"), lambda _: FakePipeline())
    with pytest.raises(KeyboardInterrupt):
        score_archive(plan(source, tmp_path / output), lambda _: Dying())
    assert not (tmp_path / "out.jsonl").exists()
    again = FakePipeline()
    outcome = score_archive(plan(source, tmp_path / output), lambda _: again)
    assert sorted(again.calls) == [["n4", "n5", "7", "n7"], ["n8", "n9"]]
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


def refuse(_: Settings) -> FakePipeline:
    raise AssertionError("nothing is left to score")


def test_one_file_that_is_complete_is_not_scored_again(tmp_path: Path) -> None:
    source, output = archive(tmp_path / "in.jsonl"), tmp_path / "out.jsonl"
    first = score_archive(plan(source, output), lambda _: FakePipeline()).progress
    again = score_archive(plan(source, output), refuse).progress
    assert (again.items, again.resumed, again.errors) == (10, 10, first.errors)
    with pytest.raises(UsageError, match=r"settings\.max_words: 60 then, 80 now"):
        score_archive(plan(source, output, max_words=80), refuse)
    output.write_bytes(output.read_bytes()[:-100])
    with pytest.raises(UsageError, match="not as its run left it"):
        score_archive(plan(source, output), refuse)
    assert score_archive(plan(source, output, restart=True), lambda _: FakePipeline()).progress.resumed == 0
    assert score_archive(plan(source, output), refuse).progress.resumed == 10


@pytest.mark.parametrize("damaged", ["{", "[]", "{}", "5", '{"run": []}', "[" * 50_000])
def test_a_damaged_manifest_is_said_and_forgotten_by_a_restart(tmp_path: Path, damaged: str) -> None:
    source, output = archive(tmp_path / "in.jsonl"), tmp_path / "out"
    score_archive(plan(source, output), lambda _: FakePipeline())
    (output / "run.json").write_text(damaged)
    with pytest.raises(UsageError, match="is damaged; --restart begins anew"):
        score_archive(plan(source, output), refuse)
    assert score_archive(plan(source, output, restart=True), lambda _: FakePipeline()).progress.resumed == 0
    assert score_archive(plan(source, output), refuse).progress.resumed == 10


def test_a_shard_of_damaged_lines_is_scored_again(tmp_path: Path) -> None:
    source, output = archive(tmp_path / "in.jsonl"), tmp_path / "out"
    score_archive(plan(source, output), lambda _: FakePipeline())
    before = (output / "shard-000001.jsonl").read_bytes()
    (output / "shard-000001.jsonl").write_bytes(before.replace(b'{"schema', b"\0\0schema", 1))
    assert score_archive(plan(source, output), lambda _: FakePipeline()).progress.resumed == 6
    assert (output / "shard-000001.jsonl").read_bytes() == before


@pytest.mark.parametrize("output", ["pages/out", "pages/out.jsonl", "pages/.out"])
def test_an_output_inside_the_folder_that_is_scored(tmp_path: Path, output: str) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    for number in range(10):
        (pages / f"{number}.txt").write_text(SENTENCE.format(number))
    with pytest.raises(KeyboardInterrupt):
        score_archive(plan(pages, tmp_path / output), lambda _: Dying())
    assert score_archive(plan(pages, tmp_path / output), lambda _: FakePipeline()).progress.resumed == 4
    assert score_archive(plan(pages, tmp_path / output), refuse).progress.resumed == 10


def test_outputs_that_cannot_be_are_refused_before_anything_is_scored(tmp_path: Path) -> None:
    source = archive(tmp_path / "in.jsonl")
    (tmp_path / "dir.jsonl").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        plan(source, tmp_path / "dir.jsonl", restart=True)
    (tmp_path / "out.jsonl.part").write_text("mine")
    with pytest.raises(UsageError, match="is a file"):
        score_archive(plan(source, tmp_path / "out.jsonl", restart=True), refuse)
    with pytest.raises(UsageError, match="given twice"):
        Plan([Source.of(source), Source.of(source)], tmp_path / "o", Settings())


def test_every_input_is_looked_at_before_anything_is_scored(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("title\nx\n")
    sources = [Source.of(archive(tmp_path / "in.jsonl")), Source.of(tmp_path / "b.csv")]
    with pytest.raises(UsageError, match="no column `text`"):
        score_archive(Plan(sources, tmp_path / "out", Settings()), refuse)
    assert not (tmp_path / "out").exists()


def test_long_texts_are_dropped_as_they_are_read(tmp_path: Path) -> None:
    texts = [SENTENCE.format(1), "x" * 3000, SENTENCE.format(2)]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps({"text": text, "title": "t", "url": "u"}) + "\n" for text in texts))
    fake = FakePipeline()
    score_archive(plan(source, tmp_path / "out.jsonl", max_characters=1000), lambda _: fake)
    assert fake.calls == [["1", "3"]]
    found = records(tmp_path / "out.jsonl")[1]
    assert found["error"]["type"] == "too-large"  # type: ignore[index]
    assert "3,001 characters; at most 1,000" in found["error"]["detail"]  # type: ignore[index]
    assert found["meta"] == {"url": "u"}


def test_a_shard_of_long_articles_is_cut_short_and_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("communique.archive.run._SHARD_CHARACTERS", 150)
    source, output = archive(tmp_path / "in.jsonl"), tmp_path / "out"
    fake = FakePipeline()
    score_archive(plan(source, output), lambda _: fake)
    calls = sorted(fake.calls, key=lambda call: ["n0", "n2", "n5", "n8"].index(call[0]))
    assert [len(call) for call in calls] == [2, 2, 3, 2]
    (output / "shard-000002.jsonl").unlink()
    again = FakePipeline()
    assert score_archive(plan(source, output), lambda _: again).progress.items == 10
    assert again.calls == [calls[2]]


def test_the_lock_is_held_until_the_folder_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shards = Shards.open(tmp_path / "out.part")
    rename, seen = type(tmp_path).rename, []

    def renamed(path: Path, target: Path) -> Path:
        with pytest.raises(UsageError, match="another process is writing"):
            Shards.open(path)
        seen.append(path.name)
        return rename(path, target)

    monkeypatch.setattr(type(tmp_path), "rename", renamed)
    shards.remove()
    assert seen == ["out.part"]
    assert not (tmp_path / "out.part").exists()


def test_a_lock_on_a_folder_that_is_gone_is_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "out.part"

    def late(*_arguments: object) -> None:  # another process finishes between the opening and the locking
        folder.rename(tmp_path / "out.part.removed")

    monkeypatch.setattr("fcntl.flock", late)
    with pytest.raises(UsageError, match="has just finished"):
        Shards.open(folder)


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
