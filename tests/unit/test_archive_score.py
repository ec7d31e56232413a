"""`communique score` where something is odd: what it says, and its exit status."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from communique.cli import main
from tests.fakes import FakePipeline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from communique.record import Article, Record

TEXT = "Armenia said on Tuesday that talks number {} would go on in the city. Nothing else was said."


class Stopping(FakePipeline):
    """Ctrl-C at the shard of that number, of two items each, if there is one."""

    stop: int | None = None

    def score_many(self, articles: Sequence[Article]) -> list[Record]:
        if self.stop is not None and articles[0].id == str(2 * self.stop + 1):
            raise KeyboardInterrupt
        return super().score_many(articles)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stopping:
    """The scorer, and a current folder with an archive of ten in it."""
    made = Stopping()
    monkeypatch.setattr("communique.pipeline.Pipeline.open", lambda _settings: made)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"text": TEXT.format(n)}) + "\n" for n in range(10)))
    return made


COMMAND = ["score", "in.jsonl", "-o", "out.jsonl", "--shard-size", "2"]


@pytest.mark.parametrize("output", ["out.jsonl", "out"])
def test_a_finished_command_may_be_repeated(fake: Stopping, output: str, capsys: Any) -> None:
    command = [*COMMAND[:3], output, *COMMAND[4:]]
    assert main(command) == 0
    fake.calls.clear()
    capsys.readouterr()
    assert main(command) == 0
    assert fake.calls == []
    assert "of an earlier run 10" in " ".join(capsys.readouterr().err.split())


def test_an_interrupted_restart_says_how_to_go_on_and_that_works(fake: Stopping, capsys: Any) -> None:
    fake.stop = 2
    assert main([*COMMAND, "--restart"]) == 130
    assert "4 of them are done. The same command without --restart goes on" in capsys.readouterr().err
    fake.stop = None
    assert main(COMMAND) == 0
    assert "of an earlier run 4" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("limit", ["x", "0", "-1", "1.5", "\u0664"])
def test_a_limit_that_is_no_number_is_named(fake: Stopping, limit: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as end:
        main([*COMMAND, f"--limit={limit}"])
    assert end.value.code == 2
    assert f"argument --limit: must be a whole number, at least 1; got {limit!r}" in capsys.readouterr().err


def test_an_output_that_is_a_folder_is_refused_at_once(fake: Stopping, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "out.jsonl").mkdir()
    assert main([*COMMAND, "--restart"]) == 2
    assert "out.jsonl is a folder" in capsys.readouterr().err
    assert fake.calls == []


def test_an_archive_without_pages_is_refused(fake: Stopping, tmp_path: Path, capsys: Any) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.json", "{}")
    assert main(["score", "a.zip", "-o", "out"]) == 2
    assert "a.zip holds no file that ends in .txt" in capsys.readouterr().err
    (tmp_path / "a.csv").touch()
    assert main(["score", "a.csv", "-o", "out"]) == 2
    assert "a.csv is empty" in capsys.readouterr().err


def test_a_page_that_declares_a_codec_of_no_page_stops_nothing(fake: Stopping, tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    for number, name in enumerate(["utf-8", "hex", "undefined"]):
        text = f'<meta charset="{name}"><p>{TEXT.format(number)}'
        (tmp_path / "pages" / f"{number}.html").write_text(text)
    assert main(["score", "pages", "-o", "out.jsonl", "--strict"]) == 0


def test_an_archive_inside_the_scored_folder_may_be_repeated(fake: Stopping, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    command = ["score", ".", "-o", "scored", "--shard-size", "1"]
    assert main(command) == main(command) == 0
