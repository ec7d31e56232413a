"""`communique serve`: the service, run by BentoML, from a checkout of the project.

This package does not import the service: BentoML is told its name, and the settings travel in the environment. BentoML
runs in a session of its own, so that Ctrl-C reaches it once, from here, and nothing of it is left behind.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import communique
from communique.cli.exit import Exit
from communique.cli.options import ARTICLE_SETTINGS, add_settings, settings_of
from communique.errors import EnvironmentFault, ModelMissing, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    import psutil

    from communique.config import Settings

__all__ = ["add_parser"]

#: What BentoML loads, and the folder of the project in which it is a module.
_SERVICE: Final = "service.app:service"
_PROJECT: Final = Path(communique.__file__).parent.parent

_SERVICE_SETTINGS: Final = ("host", "port", "concurrency", "queue_size", "deadline_seconds", "max_body_bytes")

#: Seconds after the deadline of the last request until the service is ended by force.
_STOP_SECONDS: Final = 5.0
_PDEATHSIG: Final = 1  # of prctl(2)

_DESCRIPTION: Final = """\
Serve /v1/analyze, /v1/summarize, /v1/classify and a page to try them, until
Ctrl-C. The first Ctrl-C (or SIGTERM) answers what is under way and exits 0; a
second one ends it at once and exits 130. With --mode abstractive the language
model loads as the service starts, else with the first article that asks for it.
"""

_EPILOG: Final = """\
examples:
  communique serve
  communique serve --port 8080 --target Armenia --target "peace talks"
"""

_EXAMPLE: Final = (
    "Officials from Armenia and Azerbaijan met in Geneva on Monday for a second round of talks on border crossings. "
    "They agreed to reopen two roads by June and to exchange maps of minefields, a spokesman said. "
    "Azerbaijan rejected a proposal to place observers along the frontier. The next meeting is planned for May."
)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "serve",
        help="the HTTP service",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_settings(parser, (*_SERVICE_SETTINGS, *ARTICLE_SETTINGS))
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    address = _address(settings)
    _check(settings, address)
    command = [
        *(sys.executable, "-m", "bentoml", "serve", _SERVICE),
        *("--working-dir", str(_PROJECT), "--host", address, "--port", str(settings.port)),
        *("--timeout-graceful-shutdown", str(int(settings.deadline_seconds) + 1)),
    ]
    with _stopping() as stop:
        child = subprocess.Popen(  # noqa: S603
            command, env=_environment(settings), start_new_session=True, preexec_fn=_end_with_parent
        )
        try:
            return _watch(child, settings, stop)
        finally:
            _end(child, settings.deadline_seconds + _STOP_SECONDS)


def _address(settings: Settings) -> str:
    """The address of a host's name; BentoML takes addresses only."""
    try:
        return str(socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][4][0])
    except socket.gaierror as error:
        raise UsageError(f"host {settings.host!r} is not known: {error.strerror}") from None


def _check(settings: Settings, address: str) -> None:
    """See beforehand what would fail in a process of which only the log tells."""
    if not (_PROJECT / "service" / "app.py").is_file():
        raise EnvironmentFault(
            f"the service is not in {_PROJECT}: it is not part of the installed package. "
            "Run from a checkout of the project, or serve a Bento of it with `bentoml serve`"
        )
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, settings.port))
        except OSError as error:
            raise EnvironmentFault(
                f"cannot listen on {address}:{settings.port} ({error.strerror}); choose another with --port"
            ) from None
    from communique.models import listing, names_for

    for state in listing(names_for("serving"), home=settings.home):
        if state.state != "ready":
            raise ModelMissing(state.problem)


def _environment(settings: Settings) -> dict[str, str]:
    """Of BentoML: these settings whatever ours says, no telemetry, and a folder of its own.

    BentoML empties the folder of its metrics when it starts, so that two services must not share it.
    """
    home = settings.home / "service" / str(settings.port)
    home.mkdir(parents=True, exist_ok=True)
    paths = os.pathsep.join(filter(None, (str(_PROJECT), os.environ.get("PYTHONPATH"))))
    own = {"BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True"}
    return settings.as_environment({**own, **os.environ, "PYTHONPATH": paths})


@contextmanager
def _stopping() -> Iterator[list[int]]:
    """A list that holds the signal once Ctrl-C or SIGTERM came; a second one raises KeyboardInterrupt."""
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(child: subprocess.Popen[bytes], settings: Settings, stop: list[int]) -> int:
    """Tell when the service is ready, and wait until it ends or is to end."""
    url = f"http://{settings.host}:{settings.port}"
    started = time.monotonic()
    ready = False
    while not stop:
        if child.poll() is not None:
            raise EnvironmentFault(f"the service ended with status {child.returncode}; its log is above")
        if not ready and (ready := _is_ready(url)):
            print(_greeting(url, time.monotonic() - started), flush=True)
        time.sleep(0.5 if ready else 0.1)
    return Exit.DONE


def _is_ready(url: str) -> bool:
    """Whether the models are loaded.

    Raises:
        EnvironmentFault: they could not be.
    """
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=2):  # noqa: S310
            return True
    except urllib.error.HTTPError as error:
        with suppress(ValueError):
            problem = json.load(error)
            if str(problem.get("type", "")).endswith("/environment"):
                raise EnvironmentFault(problem["detail"]) from None
        return False
    except OSError:
        return False


def _greeting(url: str, seconds: float) -> str:
    body = json.dumps({"text": _EXAMPLE, "targets": ["Armenia", "Azerbaijan"]})
    return (
        f"\nCommuniqué is ready after {seconds:.1f} s: {url}  (Ctrl-C ends it). Try it there, or with\n\n"
        f"curl -s {url}/v1/analyze -H 'Content-Type: application/json' -d '{body}'\n"
    )


def _end(child: subprocess.Popen[bytes], patience: float) -> None:
    """End the service: what is under way may finish for `patience` seconds, then by force.

    Raises:
        KeyboardInterrupt: came once more; it was ended by force at once.
    """
    family = _family(child.pid)  # named now: once a parent has ended, nobody can tell whose its children were
    try:
        if child.poll() is None:
            print("communique: ending; what is under way is answered first (Ctrl-C again: at once)", file=sys.stderr)
            child.terminate()
        _wait(family, patience)
    finally:
        _kill(family)
        child.wait()


def _family(pid: int) -> list[psutil.Process]:
    """A process and all that it and its children have started; empty where it has ended."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    return []


def _wait(family: list[psutil.Process], seconds: float) -> None:
    """Wait until all have ended, or for so long."""
    import psutil

    psutil.wait_procs(family, timeout=seconds)


def _kill(family: list[psutil.Process]) -> None:
    """End by force those that are left, and what they have started since: each is named, as each leads a group."""
    import psutil

    left = {process for member in family if member.is_running() for process in _family(member.pid)}
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _end_with_parent() -> None:
    """In the child, before it becomes BentoML: end when this process is killed. Linux only; elsewhere nothing."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGTERM)
