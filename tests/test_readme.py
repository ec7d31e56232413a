"""The README's commands, run: a reader who copies them gets what the page says.

Commands are the lines of fenced blocks that begin with one of the words below; a block in another language (`json`,
`toml`) is what a command printed. `make` targets are run dry, for `make test` runs this; scripts of training and eval
are asked whether they know the flags; what needs the models is marked so; `curl` talks to a service that runs.
Files that a command reads are made here by their ending, unless the repository has them.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHELL = ("", "bash", "console", "sh", "shell")
WORDS = ("make", "communique", "python", "curl", "pip", "git", "cd", "bentoml", "docker")

STORY = (
    "Officials from Armenia and Azerbaijan met in Geneva on Monday for a second round of talks on border crossings. "
    "They agreed to reopen two roads by June and to exchange maps of minefields, a spokesman for the mediators said. "
    "Azerbaijan rejected a proposal to place observers along the frontier, which Armenia had welcomed. "
    "The delegations will meet again in May, and a working group on prisoners is to report before then."
)
SAMPLES = {
    ".txt": STORY,
    ".html": f"<html><body><article><h1>Talks resume</h1><p>{STORY}</p></article></body></html>",
    ".jsonl": json.dumps({"id": "1", "text": STORY}) + "\n" + json.dumps({"text": ""}) + "\n",
    ".csv": f'id,text\n1,"{STORY}"\n',
}


@dataclass(frozen=True)
class Command:
    """One command, and the JSON that the page shows under it, if it does."""

    text: str
    shown: str = ""

    def __str__(self) -> str:
        return self.text[:60]


def commands(page: str) -> list[Command]:
    """The commands of a page, in order; continued lines joined, quotes may span lines, comments gone."""
    found: list[Command] = []
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    for number, (language, body) in enumerate(blocks):
        if language not in SHELL:
            continue
        after = blocks[number + 1] if number + 1 < len(blocks) else ("", "")
        own = [Command(text) for text in lines_of(body)]
        if own and after[0] == "json":
            own[-1] = Command(own[-1].text, after[1])
        found += own
    return found


def lines_of(body: str) -> Iterator[str]:
    pending = ""
    for line in body.splitlines():
        pending += line if pending else line.removeprefix("$ ")
        if pending.endswith("\\"):
            pending = pending[:-1]
            continue
        try:
            words = shlex.split(pending, comments=True)
        except ValueError:  # a quote is open: the command goes on
            pending += "\n"
            continue
        if words and words[0] in WORDS:
            yield strip_comment(pending)
        pending = ""


def strip_comment(text: str) -> str:
    """Without a trailing comment; `#` within quotes stands."""
    for match in re.finditer(r"\s#", text):
        try:
            shlex.split(text[: match.start()])
        except ValueError:
            continue
        return text[: match.start()].rstrip()
    return text.rstrip()


FOUND = commands(README)


def of(*words: str) -> list[Command]:
    return [command for command in FOUND if command.text.split()[0] in words]


def run(command: str, folder: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": path}
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=600, **more
    )


def test_the_readme_names_the_two_commands_that_matter() -> None:
    texts = [command.text for command in FOUND]
    assert "make serve" in texts
    assert "make test" in texts


@pytest.mark.parametrize("command", of("make"), ids=str)
def test_make_targets_are_there(command: Command) -> None:
    done = run(command.text.replace("make", "make --dry-run", 1), ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", of("python"), ids=str)
def test_scripts_know_their_flags(command: Command) -> None:
    words = shlex.split(command.text)
    if words[1] != "-m" or words[2].split(".")[0] not in ("training", "eval"):
        pytest.fail(f"this test does not know how to try: {command.text}")
    done = run(f"{sys.executable} -m {words[2]} --help", ROOT)
    assert done.returncode == 0, done.stderr
    flags = {word.split("=")[0] for word in words[3:] if word.startswith("--")}
    assert {flag for flag in flags if flag not in done.stdout} == set()


@pytest.mark.parametrize("command", of("pip", "git", "cd", "bentoml", "docker"), ids=str)
def test_other_commands_name_what_exists(command: Command) -> None:
    words = shlex.split(command.text)
    if words[0] in ("cd", "git"):
        assert len(words) > 1
    elif words[0] == "pip":
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        assert set(re.findall(r"\[(\w+)\]", command.text)) <= set(extras)
    elif words[0] == "bentoml":
        assert words[1] in ("build", "containerize", "serve")


def prepared(command: str, folder: Path) -> str:
    """The command with its input files made in `folder`, or taken from the repository."""
    words = command.split()
    outputs = {words[number + 1] for number, word in enumerate(words[:-1]) if word in ("--output", "-o")}
    for word in words:
        name = word.strip("'\"").removeprefix("@")  # curl's "from this file"
        ending = Path(name).suffix
        if word in outputs or name.startswith("-"):
            continue
        if (ROOT / name).is_file():
            command = command.replace(name, str(ROOT / name))
        elif ending in SAMPLES:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(SAMPLES[ending], encoding="utf-8")
        elif name.endswith("/"):
            (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / name / "story.txt").write_text(STORY, encoding="utf-8")
    return command


@pytest.mark.models
@pytest.mark.parametrize("command", [command for command in of("communique") if " serve" not in command.text], ids=str)
def test_the_command_line(command: Command, tmp_path: Path) -> None:
    done = run(prepared(command.text, tmp_path), tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """Where a service listens that `communique serve` runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "communique", "serve", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        url = f"127.0.0.1:{port}"
        end = time.monotonic() + 120
        while True:
            assert process.poll() is None, "the service ended"
            assert time.monotonic() < end, "the service is not ready after two minutes"
            try:
                with urllib.request.urlopen(f"http://{url}/readyz", timeout=2):
                    break
            except OSError:
                time.sleep(0.2)
        yield url
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


@pytest.mark.models
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed: the README's requests are not tried")
@pytest.mark.parametrize("command", of("curl"), ids=str)
def test_requests_are_answered_as_shown(command: Command, service: str, tmp_path: Path) -> None:
    text = re.sub(r"(?:localhost|127\.0\.0\.1):3000", service, command.text)
    assert service in text, "the README's requests go to the service on port 3000"
    done = run(prepared(text, tmp_path), tmp_path)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert "status" not in answer, answer
    if command.shown:
        shown = json.loads(command.shown)
        assert set(shown) <= set(answer)
        if "summary" in shown:
            assert shown["summary"]["text"] == answer["summary"]["text"]
        if "topics" in shown:
            assert [topic["label"] for topic in shown["topics"]] == [topic["label"] for topic in answer["topics"]]


def test_commands_are_found_as_a_shell_reads_them() -> None:
    page = """
```bash
make serve   # all of it
curl -s localhost:3000/v1/analyze \\
  -d '{"text": "a # b
c"}'
```
```json
{"id": "1"}
```
```
$ communique labels
topics
```
```toml
make = 1
```
"""
    assert commands(page) == [
        Command("make serve"),
        Command('curl -s localhost:3000/v1/analyze   -d \'{"text": "a # b\nc"}\'', '{"id": "1"}\n'),
        Command("communique labels"),
    ]
