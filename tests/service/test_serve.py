"""`communique serve`, the whole of it in processes of their own, with the fake pipeline in the pipeline's place."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from communique.cli import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]

#: Python runs this first in each process: what serves is the fake, and no model is missed.
TAKEOVER = """
import sys
if "pip" not in sys.argv[0]:
    import communique.models, communique.pipeline
    from tests.fakes import FakePipeline
    communique.models.listing = lambda *names, **more: []
    communique.pipeline.Pipeline.open = staticmethod(lambda settings=None: FakePipeline())
"""


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


@pytest.fixture
def server(tmp_path: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """The command, ready; its output up to the greeting is in `server.greeting`."""
    (tmp_path / "sitecustomize.py").write_text(TAKEOVER)
    environment = {
        **os.environ,
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
        "COMMUNIQUE_HOME": str(tmp_path / "home"),
    }
    command = [sys.executable, "-m", "communique", "serve", "--port", str(port), "--deadline-seconds", "5"]
    log = tmp_path / "log"
    with (
        log.open("w") as output,
        subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=output, stderr=output, text=True) as process,
    ):
        end = time.monotonic() + 120
        while "curl -s" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        yield process
        if process.poll() is None:
            process.kill()


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def gone(processes: list[psutil.Process], seconds: float = 30) -> bool:
    """A zombie is gone too: where nothing plays init, an orphan that ended is never buried."""
    _, left = psutil.wait_procs(processes, timeout=seconds)
    return not [process for process in left if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def check_metrics(port: int, home: Path) -> None:
    """They count requests, grow with no path that somebody asks for, and stand in a folder of this service's own."""

    def status(path: str, body: bytes | None = None) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    assert status("/v1/analyze", b'{"text": "Armenia said on Tuesday that the talks would go on."}')[0] == 200
    assert status("/v1/analyze", b'{"text": ""}')[0] == 422
    assert status("/wp-admin/1")[0] == 404
    code, text = status("/metrics")
    assert code == 200
    assert b'endpoint="/v1/analyze",http_response_code="200"' in text
    assert b'endpoint="/v1/analyze",http_response_code="422"' in text
    assert b"wp-admin" not in text
    assert list((home / "service" / str(port)).rglob("*.db")), "another service must not empty its folder"


def test_it_prints_a_request_that_works_and_leaves_nothing_behind(
    server: subprocess.Popen[str], port: int, tmp_path: Path
) -> None:
    log = (tmp_path / "log").read_text()
    (request,) = (line for line in log.splitlines() if line.startswith("curl -s"))
    assert f"http://127.0.0.1:{port}/v1/analyze" in request
    answer = subprocess.run(["bash", "-c", request], capture_output=True, text=True, timeout=60)
    record = json.loads(answer.stdout)
    assert record["summary"]["sentences"]
    assert [stance["target"] for stance in record["stance"]] == ["Armenia", "Azerbaijan"]
    check_metrics(port, tmp_path / "home")
    children = family(server)
    assert len(children) >= 2
    server.send_signal(signal.SIGINT)
    assert server.wait(30) == 0
    assert gone(children, 1)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_killed_it_takes_its_children_along(server: subprocess.Popen[str]) -> None:
    children = family(server)
    server.kill()
    server.wait(30)
    assert gone(children)


def test_a_taken_port_and_a_wrong_host_are_told_at_once(port: int, tmp_path: Path) -> None:
    def serve(*more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "communique", "serve", "--port", str(port), *more]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        done = serve()
    assert done.returncode == 3
    assert "choose another with --port" in done.stderr
    done = serve("--host", "no.such.host.invalid")
    assert done.returncode == 2
    assert "is not known" in done.stderr


def send_article(port: int, text: str) -> socket.socket:
    """A connection on which an article was sent whole, and is worked on."""
    body = json.dumps({"text": text}).encode()
    head = (
        f"POST /v1/analyze HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.sendall(head.encode() + body)
    time.sleep(0.5)
    return connection


def test_ended_it_answers_what_is_under_way_and_leaves_what_does_not_end(
    server: subprocess.Popen[str], port: int
) -> None:
    """The fake takes a SLOW article to its deadline, five seconds, and minds no deadline with a STUCK one."""
    children = family(server)
    with send_article(port, "STUCK"), send_article(port, "SLOW") as connection:
        started = time.monotonic()
        server.send_signal(signal.SIGTERM)
        answer = b""
        while block := connection.recv(65536):
            answer += block
        assert answer.startswith(b"HTTP/1.1 504")
        assert server.wait(60) == 0
        assert time.monotonic() - started < 40
    assert gone(children, 1)


def test_a_second_ctrl_c_ends_it_at_once_and_is_told(server: subprocess.Popen[str], port: int, tmp_path: Path) -> None:
    children = family(server)
    with send_article(port, "STUCK"):
        server.send_signal(signal.SIGINT)
        while "Ctrl-C again" not in (tmp_path / "log").read_text():
            time.sleep(0.05)
        started = time.monotonic()
        server.send_signal(signal.SIGINT)
        assert server.wait(60) == 130
        assert time.monotonic() - started < 8, "less than the patience, which is the deadline and five seconds"
    assert gone(children, 1)
    assert "interrupted" in (tmp_path / "log").read_text()


#: Minds no SIGTERM, starts a child that minds none either, and says who that is.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sleeper = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(300)"
child = subprocess.Popen([sys.executable, "-c", sleeper], stdout=subprocess.PIPE, start_new_session=True)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(300)
"""


@pytest.mark.parametrize("interrupted", [False, True])
def test_what_does_not_end_is_ended_by_force_with_its_children(
    monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    def interrupt(*_arguments: Any, **_named: Any) -> None:
        raise KeyboardInterrupt

    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as stubborn:
        assert stubborn.stdout
        grandchild = psutil.Process(int(stubborn.stdout.readline()))
        if interrupted:
            monkeypatch.setattr("psutil.wait_procs", interrupt)
        with pytest.raises(KeyboardInterrupt) if interrupted else nullcontext():
            serve._end(stubborn, 0.3)
        monkeypatch.undo()
        assert stubborn.poll() == -signal.SIGKILL
        assert gone([grandchild], 5)
