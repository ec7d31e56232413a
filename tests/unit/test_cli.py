"""The command line: what it prints, its exit status for each way to end, and that a killed run goes on."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import communique
from communique.cli import main, serve
from communique.cli.card import card
from communique.cli.main import parser
from communique.cli.options import settings_of
from communique.config import Settings
from communique.errors import ModelMissing, TooShort
from communique.record import Article, Record, Removal, Span, Stance, Summary, SummarySentence
from tests.fakes import FakePipeline

ROOT = Path(communique.__file__).parent.parent
TEXT = "Armenia said on Tuesday that the talks would go on in the city. Nothing else was said there."


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    for name in [name for name in os.environ if name.startswith("COMMUNIQUE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakePipeline:
    made = FakePipeline()

    def opened(settings: Any) -> FakePipeline:
        made.targets = settings.targets
        return made

    monkeypatch.setattr("communique.pipeline.Pipeline.open", opened)
    return made


def archive(path: Path, count: int = 10, bad: tuple[int, ...] = (3,)) -> Path:
    lines = [json.dumps({"id": f"n{number}", "text": f"{number} {TEXT}"}) for number in range(count)]
    path.write_text("".join(("{" if number in bad else line) + "\n" for number, line in enumerate(lines)))
    return path


def ids(path: Path) -> list[str]:
    return [json.loads(line)["id"] for line in path.read_text().splitlines()]


# analyze


def test_analyze_prints_the_record(fake: FakePipeline, tmp_path: Path, capfdbinary: Any) -> None:
    (tmp_path / "story.txt").write_text(TEXT)
    assert main(["analyze", "story.txt", "--json", "--target", "Armenia", "--target", "Iran", "--title", "T"]) == 0
    record = json.loads(capfdbinary.readouterr().out)
    assert (record["id"], record["summary"]["text"]) == ("story.txt", TEXT[:63])
    assert [stance["target"] for stance in record["stance"]] == ["Armenia", "Iran"]


def test_analyze_reads_standard_input(fake: FakePipeline, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    assert main(["analyze", "-"]) == 0
    assert "Armenia said on Tuesday" in capsys.readouterr().out


def test_analyze_reads_an_item_of_an_archive(
    fake: FakePipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any
) -> None:
    item = json.dumps({"text": TEXT, "title": "Own", "targets": ["Iran"], "url": "u"}).encode()
    (tmp_path / "story.json").write_bytes(item)
    assert main(["analyze", "story.json", "--json"]) == 0
    record = json.loads(capfdbinary.readouterr().out)
    assert (record["id"], record["meta"], record["stance"][0]["target"]) == ("story.json", {"url": "u"}, "Iran")
    assert record["summary"]["text"] == TEXT[:63]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b" " + item)))
    assert main(["analyze", "-", "--title", "Given"]) == 0
    assert "Given" in capfdbinary.readouterr().out.decode()


def test_a_file_of_many_articles_is_for_score(fake: FakePipeline, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n{"text": "b"}\n')
    assert main(["analyze", "a.jsonl"]) == 2
    assert "communique score a.jsonl" in capsys.readouterr().err


def test_what_an_error_says_is_said_once(fake: FakePipeline, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "a.txt").write_text("")
    main(["analyze", "a.txt"])
    assert capsys.readouterr().out.casefold().count("the text is empty") == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"caf\xe9", "not valid Unicode"), (b"", "The text is empty"), (b"Armenia.", "too short to summarise")],
)
def test_analyze_says_what_is_wrong(fake: FakePipeline, tmp_path: Path, capsys: Any, data: bytes, words: str) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    assert main(["analyze", "a.txt"]) == 0
    assert words in capsys.readouterr().out
    assert main(["analyze", "a.txt", "--strict"]) == 1


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["analyze", "nowhere.txt"], 2, "does not exist"),
        (["analyze", "."], 2, "communique score . --output"),
        (["analyze", "a.txt", "--max-words", "5"], 2, "allowed: from 10 to 400"),
        (["score", "a.txt"], 2, "--output"),
        (["score", "nowhere.jsonl", "--output", "o.jsonl"], 2, "does not exist"),
        (["score", "a.docx", "--output", "o.jsonl"], 2, "known: .jsonl"),
        (["score", "a.txt", "--output", "o.jsonl", "--limit", "0"], 2, "at least 1"),
        (["score", "a.txt", "--output", "a.txt"], 2, "is an input too"),
        (["score", "a.txt", "--output", "o.parquet"], 2, "would be a folder"),
        (["score", "a.txt", "--output", "o.jsonl.gz"], 2, "would be a folder"),
        (["score", "a.txt", "--output", "a.docx"], 2, "would be a folder"),
        (["nonsense"], 2, "invalid choice"),
        ([], 2, "COMMAND"),
    ],
)
def test_usage_errors(
    fake: FakePipeline, tmp_path: Path, capsys: Any, arguments: list[str], status: int, words: str
) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "a.docx").write_text(TEXT)
    try:
        found: Any = main(arguments)
    except SystemExit as end:  # argparse's own
        found = end.code
    assert found == status
    assert words in capsys.readouterr().err


def test_missing_models_are_3_and_say_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    def refuse(_settings: Any) -> FakePipeline:
        raise ModelMissing("the model `x` is not in the cache; run `communique models pull x`")

    monkeypatch.setattr("communique.pipeline.Pipeline.open", refuse)
    (tmp_path / "a.txt").write_text(TEXT)
    assert main(["analyze", "a.txt"]) == 3
    assert "communique models pull x" in capsys.readouterr().err
    assert main(["score", "a.txt", "--output", "o.jsonl"]) == 3


def test_a_fault_of_ours_shows_its_trace_and_is_no_item_error(fake: FakePipeline, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "a.txt").write_text("CRASH")
    assert main(["analyze", "a.txt"]) == 70
    assert "the fake was told to crash" in capsys.readouterr().err


# the card


def shown(article: Article, record: Record, width: int = 90) -> str:
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(card(article, record, width))
    return console.export_text()


def test_card_shows_proofs_topics_stances_and_what_was_left_out() -> None:
    html = "<p>Port workers &amp; the board <b>agreed</b> on Tuesday.</p><p>Also read: ferry fares</p>"
    article = Article(id="1", text=html, title="Harbour [bold]strike[/bold] ends", format="html")
    end = html.index("</p>")
    sentence = SummarySentence("Port workers and the board agreed.", "compressive", 0.9731, (Span(3, end),))
    record = Record(
        id="1",
        summary=Summary((sentence,)),
        topic_probabilities={"talks": 0.75},
        topics=("talks",),
        stance=(
            Stance("the board", "against", {"favor": 0.1, "neutral": 0.2, "against": 0.7}, (Span(0, 7, "title"),)),
            Stance("Iran", "absent"),
        ),
        removed=(Removal(end, len(html), "other-story"),),
        language="en",
        truncated=True,
        models={"summarizer": "a@1", "classifier": "a@1"},
    )
    text = " ".join(shown(article, record).replace("│", " ").split())
    for words in (
        "Harbour [bold]strike[/bold] ends",
        "Summary compressive, 6 words Port workers and the board agreed. [1]",
        f"[1] Port workers & the board agreed on Tuesday. 3–{end}, compressive, support 0.97",
        "talks ━━━━━━━━━━━━━━━····· 0.75",
        "the board against favor 0.10 neutral 0.20 against 0.70 Harbour title 0–7",
        "Iran absent plays no part",
        f"removed {len(html) - end} characters that are not article: other-story 1",
        "the article is longer than what was read",
        "language en · a@1",
    ):
        assert words in text


def test_card_lets_no_control_character_through() -> None:
    evil = "\x1b[2Jclear\x07 \u202eright \x9b31m" + TEXT
    article = Article(id="\x1b]0;title\x07", text=evil, title="\x1b[31mred")
    record = FakePipeline(targets=["\x1b[1mArmenia"]).score(article)
    text = shown(article, record.with_(error=TooShort("\x1b[5m2 words")))
    assert not set(text) & set("\x1b\x07\x9b\u202e")
    assert "clear" in text


def test_card_fits_a_narrow_terminal() -> None:
    article = Article(id="1", text=TEXT, title="A title that is longer than the terminal is wide")
    assert max(len(line) for line in shown(article, FakePipeline().score(article), 40).splitlines()) <= 40


# score


def test_score_writes_and_tells(fake: FakePipeline, tmp_path: Path, capsys: Any) -> None:
    archive(tmp_path / "in.jsonl")
    assert main(["score", "in.jsonl", "--output", "out.jsonl", "--shard-size", "4"]) == 0
    assert ids(tmp_path / "out.jsonl") == ["n0", "n1", "n2", "4", "n4", "n5", "n6", "n7", "n8", "n9"]
    told = capsys.readouterr().err
    assert "records" in told
    assert "error: malformed" in told
    assert main(["score", "in.jsonl", "--output", "out.jsonl"]) == 2
    assert main(["score", "in.jsonl", "--output", "strict", "--strict"]) == 1
    archive(tmp_path / "in.jsonl", bad=())
    assert main(["score", "in.jsonl", "--output", "good", "--strict"]) == 0


def test_a_full_disk_is_3_and_loses_nothing(
    fake: FakePipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    archive(tmp_path / "in.jsonl")
    command = ["score", "in.jsonl", "--output", "out.jsonl", "--shard-size", "4"]
    synced = 0

    def full(_descriptor: int) -> None:
        nonlocal synced
        synced += 1
        if synced > 2:  # the manifest, a shard
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        assert main(command) == 3
    assert "free some space and run the same command again" in capsys.readouterr().err
    assert not (tmp_path / "out.jsonl").exists()
    fake.calls.clear()
    assert main(command) == 0
    assert len(fake.calls) == 2
    assert len(ids(tmp_path / "out.jsonl")) == 10


#: The command with the fake pipeline, a fifth of a second a shard.
SLOW = """
import sys, time
import communique.pipeline
from communique.cli import main
from tests.fakes import FakePipeline

class Slow(FakePipeline):
    def score_many(self, articles):
        time.sleep(0.2)
        return super().score_many(articles)

communique.pipeline.Pipeline.open = staticmethod(lambda settings: Slow())
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)])
@pytest.mark.parametrize("output", ["out.jsonl", "out"])
def test_a_run_that_is_killed_goes_on(tmp_path: Path, number: int, status: int, output: str) -> None:
    archive(tmp_path / "in.jsonl", 40)
    arguments = ["score", "in.jsonl", "--output", output, "--shard-size", "2"]
    command = [sys.executable, "-c", SLOW, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    folder = tmp_path / (output + ".part" if output.endswith(".jsonl") else output)
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE) as process:
        end = time.monotonic() + 60
        while len(list(folder.glob("shard-*.jsonl"))) < 3:
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.01)
        process.send_signal(number)
        _, told = process.communicate(timeout=60)
    assert process.returncode == status
    assert (b"The same command goes on from there" in told) == (status == 130)
    done = len(list(folder.glob("shard-*.jsonl")))
    assert 3 <= done < 20
    assert not (tmp_path / "out.jsonl").exists()
    again = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert again.returncode == 0, again.stderr
    assert f"of an earlier run {done * 2} " in " ".join(again.stderr.split())
    parts = [tmp_path / output] if output.endswith(".jsonl") else sorted(folder.glob("shard-*.jsonl"))
    found = [name for part in parts for name in ids(part)]
    assert found == ["n0", "n1", "n2", "4", *(f"n{count}" for count in range(4, 40))]


# the rest


@pytest.mark.parametrize("command", ["analyze", "score", "serve", "models", "labels", "config"])
def test_every_command_has_help_with_examples(command: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert f"communique {command}" in text[text.index("example") :]


def test_version(capsys: Any) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"communique {communique.__version__}\n"


def test_config_says_where_each_value_came_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    (tmp_path / "communique.toml").write_text("port = 4000")
    monkeypatch.setenv("COMMUNIQUE_MAX_WORDS", "80")
    assert main(["config", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["port"]["value"], found["port"]["from"]) == (4000, str(tmp_path / "communique.toml"))
    assert (found["max_words"]["value"], found["max_words"]["from"]) == (80, "environment COMMUNIQUE_MAX_WORDS")
    assert found["mode"]["from"] == "default"
    assert main(["config"]) == 0
    assert "80  (environment COMMUNIQUE_MAX_WORDS)" in capsys.readouterr().out
    monkeypatch.setenv("COMMUNIQUE_MAX_WORDS", "8")
    assert main(["config"]) == 2


def test_a_flag_wins_over_the_environment_in_the_service_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is passed to the process that serves, read as it reads it."""
    monkeypatch.setenv("COMMUNIQUE_TOPIC_THRESHOLD", "0.9")
    monkeypatch.setenv("COMMUNIQUE_PORT", "tcp://10.0.0.1:80")
    arguments = ["serve", "--topic-threshold", "none", "--home", str(tmp_path), "--queue-size", "7"]
    settings = settings_of(parser().parse_args(arguments))
    passed = serve._environment(settings)
    found = Settings.load({}, passed, tmp_path)
    assert (found.topic_threshold, found.queue_size, found.port) == (None, 7, 3000)
    assert passed["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize(
    ("variables", "arguments", "flags"),
    [({}, [], []), ({"COMMUNIQUE_PORT": "4000"}, [], []), ({}, ["PORT=5000"], ["--port", "5000"])],
)
def test_make_serve_names_a_port_only_where_it_was_given_one(
    variables: dict[str, str], arguments: list[str], flags: list[str]
) -> None:
    environment = {name: text for name, text in os.environ.items() if name != "PORT"} | variables
    command = ["make", "--dry-run", "serve", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    (line,) = (line.split() for line in done.stdout.splitlines() if " serve" in line)
    assert line[line.index("serve") + 1 :] == flags


def test_labels(capsys: Any) -> None:
    assert main(["labels", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["topics"][0] == {"label": "fighting", "iptc": "medtop:20000056"}
    assert main(["labels"]) == 0
    assert "absent (plays no part)" in capsys.readouterr().out


def test_a_reader_that_has_enough_is_no_error() -> None:
    program = "import sys; from communique.cli import main; sys.exit(main(['labels']))"
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 0
