"""The generator against a small process that speaks the engine's protocol and misbehaves on request."""

from __future__ import annotations

import json
import sys
import threading
import time
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING

import pytest

from communique.errors import EngineDied, EnvironmentFault, ModelMissing, TimedOut, UsageError
from communique.lm import EngineSettings, Generator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from communique.lm import Job

#: A first token that makes the fake do something else than answer with the prompt reversed.
DIE, SILENT, REFUSE, BROKEN = 900, 901, 902, 903

#: Seconds; far more than is needed, for machines that are busy.
WAIT = 60.0

FAKE = """
import json, os, sys
from communique.lm.worker import Channel
DIE, SILENT, REFUSE, BROKEN = 900, 901, 902, 903
log = open(sys.argv[1], "a", buffering=1)
mode = sys.argv[2]
channel = Channel(0, 1)

def handle(message):
    print(json.dumps(message), file=log)
    if "settings" in message:
        if mode == "fatal":
            channel.send({"event": "fatal", "type": "ModelMissing", "message": "run `communique models pull`"})
            os._exit(1)
        if mode == "stillborn" or (mode == "sick" and os.path.exists(sys.argv[1] + ".sick")):
            os._exit(7)
        if mode != "slow":
            channel.send({"event": "ready"})
    elif message["op"] == "add":
        for request in message["requests"]:
            first, id_ = request["tokens"][0], request["id"]
            if first == DIE:
                os._exit(9)
            elif first == REFUSE:
                channel.send({"event": "failed", "id": id_, "type": "invalid", "message": "too long"})
            elif first == BROKEN:
                channel.send({"event": "done", "id": id_})
            elif first != SILENT:
                channel.send({"event": "done", "id": id_, "tokens": request["tokens"][::-1], "logprobs": []})

messages = []
while messages is not None:
    for message in messages:
        handle(message)
    messages = channel.receive(wait=True)
"""


class Fake:
    """Starts generators on the fake process and reads what it was told."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self.log.touch()
        self._script = folder / "fake.py"
        self._script.write_text(FAKE, encoding="utf-8")
        self._open: list[Generator] = []
        #: While this file is there, a process in the mode `sick` dies at its start.
        self.sick = folder / "log.sick"
        self.seconds = 1000.0

    def __call__(self, mode: str = "plain", settings: EngineSettings | None = None) -> Generator:
        command = [sys.executable, str(self._script), str(self.log), mode]
        self._open.append(Generator(settings, command=command, clock=lambda: self.seconds))
        return self._open[-1]

    def told(self, op: str) -> list[dict]:
        messages = [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]
        return [message for message in messages if message.get("op", "settings") == op]

    def close(self) -> None:
        for generator in self._open:
            generator.close()


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    fakes = Fake(tmp_path)
    yield fakes
    fakes.close()


def submit(generator: Generator, prompt: Sequence[int], deadline: float | None = None) -> Job:
    [job] = generator.submit_batch([prompt], 8, deadline=deadline)
    return job


def until(condition: Callable[[], bool], seconds: float = WAIT) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def test_a_batch_comes_back_in_order_and_goes_out_as_one(fake: Fake) -> None:
    prompts = [[n, 2, 3] for n in range(1, 40)]
    found = fake().generate(prompts, 7)
    assert [completion.token_ids for completion in found] == [(3, 2, n) for n in range(1, 40)]
    [message] = fake.told("add")
    assert [request["tokens"] for request in message["requests"]] == prompts
    assert {request["max_new_tokens"] for request in message["requests"]} == {7}


def test_nothing_starts_before_the_first_request(fake: Fake) -> None:
    generator = fake()
    assert generator.pid is None
    assert generator.generate([], 8) == []
    assert generator.pid is None
    generator.start()
    until(lambda: generator.ready)
    assert not fake.told("add")


def test_requests_from_many_threads_each_get_their_own_answer(fake: Fake) -> None:
    generator = fake()
    found: dict[int, tuple[int, ...]] = {}

    def ask(n: int) -> None:
        found[n] = submit(generator, [n, 7]).result(WAIT).token_ids

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(1, 25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: (7, n) for n in range(1, 25)}


def test_cancel_tells_the_engine_and_frees_the_waiter(fake: Fake) -> None:
    job = submit(fake(), [SILENT])
    assert job.cancel()
    with pytest.raises(CancelledError):
        job.result(5)
    until(lambda: [message["id"] for message in fake.told("cancel")] == [1])
    assert job.cancel()


def test_the_deadline_ends_the_work_while_the_engine_is_silent(fake: Fake) -> None:
    generator = fake()
    submit(generator, [1]).result(WAIT)
    began = time.monotonic()
    job = submit(generator, [SILENT], deadline=began + 0.3)
    other = submit(generator, [SILENT])
    with pytest.raises(TimedOut):
        job.result(WAIT)
    assert 0.25 < time.monotonic() - began < 5
    until(lambda: len(fake.told("cancel")) == 1)
    assert not other.done()


def test_the_deadline_holds_while_the_model_loads(fake: Fake) -> None:
    with pytest.raises(TimedOut):
        submit(fake("slow"), [SILENT], deadline=time.monotonic() + 0.2).result(WAIT)


def test_a_dead_process_is_replaced_and_the_work_done_once_more(fake: Fake) -> None:
    generator = fake()
    silent = submit(generator, [SILENT])
    until(lambda: bool(fake.told("add")))
    first = generator.pid
    generator._process.kill()  # type: ignore[union-attr]
    assert submit(generator, [4, 5]).result(WAIT).token_ids == (5, 4)
    assert generator.pid != first
    assert not silent.done()
    assert sum(message["requests"][0]["tokens"] == [SILENT] for message in fake.told("add")) == 2


def test_a_batch_is_done_again_whole_though_parts_were_finished(fake: Fake) -> None:
    generator = fake()
    done, silent = generator.submit_batch([[1], [SILENT]], 8)
    done.result(WAIT)
    generator._process.kill()  # type: ignore[union-attr]
    until(lambda: len(fake.told("add")) == 2)
    assert [len(message["requests"]) for message in fake.told("add")] == [2, 2]
    assert not silent.done()


def test_a_request_that_kills_twice_fails_and_the_engine_lives_on(fake: Fake) -> None:
    generator = fake()
    with pytest.raises(EngineDied, match="twice"):
        submit(generator, [DIE]).result(WAIT)
    assert submit(generator, [1, 2]).result(WAIT).token_ids == (2, 1)


def test_a_refused_request_leaves_the_others_unharmed(fake: Fake) -> None:
    good, bad = fake().submit_batch([[1, 2], [REFUSE]], 8)
    assert good.result(WAIT).token_ids == (2, 1)
    with pytest.raises(UsageError, match="too long"):
        bad.result(WAIT)


def test_a_model_that_is_missing_says_so_each_time(fake: Fake) -> None:
    generator = fake("fatal")
    for _ in range(3):
        with pytest.raises(ModelMissing, match="models pull"):
            submit(generator, [1]).result(WAIT)


def test_a_process_that_cannot_start_is_given_up(fake: Fake) -> None:
    generator = fake("stillborn")
    with pytest.raises(EngineDied, match="exit status 7"):
        submit(generator, [1]).result(WAIT)
    with pytest.raises(EngineDied):
        submit(generator, [1])
    assert len(fake.told("settings")) == 2


def test_a_process_that_could_not_start_is_tried_again_after_a_pause(fake: Fake) -> None:
    fake.sick.touch()
    generator = fake("sick")
    for tries in (2, 4):
        with pytest.raises(EngineDied, match="exit status 7"):
            submit(generator, [1]).result(WAIT)
        fake.seconds += 29.0
        with pytest.raises(EngineDied, match=r"exit status 7.*tried again after 30 s"):
            submit(generator, [1])
        assert len(fake.told("settings")) == tries
        fake.seconds += 2.0
    fake.sick.unlink()
    assert submit(generator, [1, 2]).result(WAIT).token_ids == (2, 1)
    assert len(fake.told("settings")) == 5


def test_a_program_that_is_not_there_is_named() -> None:
    generator = Generator(command=["/no/such/program"])
    with pytest.raises(EngineDied, match="/no/such/program"):
        generator.start()
    generator.close()


def test_a_process_that_never_gets_ready_is_given_up(fake: Fake) -> None:
    with pytest.raises(EngineDied):
        submit(fake("slow", EngineSettings(start_seconds=1.0)), [SILENT]).result(WAIT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_message_that_makes_no_sense_leaves_nobody_waiting(fake: Fake) -> None:
    generator = fake()
    with pytest.raises(EnvironmentFault):
        submit(generator, [BROKEN]).result(WAIT)
    with pytest.raises(EnvironmentFault, match="tried again after 30 s"):
        submit(generator, [1])
    fake.seconds += 31.0
    assert submit(generator, [1, 2]).result(WAIT).token_ids == (2, 1)


def test_closing_cancels_what_is_in_work_and_ends_the_process(fake: Fake) -> None:
    generator = fake()
    job = submit(generator, [SILENT])
    until(lambda: bool(fake.told("add")))
    generator.close()
    generator.close()
    assert job.cancelled()
    assert generator.pid is None
    with pytest.raises(UsageError, match="closed"):
        submit(generator, [1])


def test_large_batches_do_not_clog_the_pipe(fake: Fake) -> None:
    prompts = [[n, *range(1500)] for n in range(1, 101)]
    began = time.monotonic()
    jobs = fake().submit_batch(prompts, 8)
    assert time.monotonic() - began < 5
    assert [job.result(WAIT).token_ids[-1] for job in jobs] == list(range(1, 101))


def test_requests_are_checked_before_they_are_sent(fake: Fake) -> None:
    generator = fake()
    with pytest.raises(UsageError, match="token"):
        submit(generator, [])
    for wrong in (0, 8193):
        with pytest.raises(UsageError, match="max_new_tokens"):
            generator.generate([[1]], wrong)
    with pytest.raises(UsageError, match="precision"):
        EngineSettings(precision="int8")  # type: ignore[arg-type]
