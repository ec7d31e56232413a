"""The service as BentoML runs it: health, metrics, and nothing but problems where BentoML would answer an error."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from service.app import service
from service.problems import TYPE_BASE
from tests.fakes import FakePipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = "Armenia said on Tuesday that the talks would go on in the city. Nothing else was said there."
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """One for all: BentoML's metrics can be made once in a process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("communique.pipeline.Pipeline.open", lambda _settings: FakePipeline())
        with TestClient(service.to_asgi()) as made:
            wait_until_ready(made)
            yield made


def wait_until_ready(client: TestClient) -> None:
    end = time.monotonic() + 20
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_it_answers_and_lives(client: TestClient) -> None:
    assert client.post("/v1/analyze", json={"text": TEXT}).json()["summary"]["text"] == TEXT[:63]
    assert client.get("/livez").status_code == 200
    assert client.get("/").headers["content-type"].startswith("text/html")
    assert client.get("/docs.json").json()["info"]["title"] == "Communiqué"


def test_what_bentoml_would_answer_in_its_own_way_is_a_problem(client: TestClient) -> None:
    answers: list[Any] = [
        client.get("/schema.json"),
        client.get("/healthz"),
        client.get("/static_content/x"),
        client.post("/livez"),
        client.request("PURGE", "/v1/analyze"),
        client.put("/metrics"),
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 404, 405, 405, 405]
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}


def test_models_that_cannot_be_loaded_are_told_by_readyz() -> None:
    program = """
import json, time
import communique.pipeline
from communique.errors import ModelMissing
from starlette.testclient import TestClient

def refuse(settings=None):
    raise ModelMissing("run `communique models pull trunk`")

communique.pipeline.Pipeline.open = staticmethod(refuse)
from service.app import service
with TestClient(service.to_asgi()) as client:
    while not client.get("/readyz").json()["type"].endswith("/environment"):
        time.sleep(0.01)
    answers = client.get("/readyz"), client.post("/v1/analyze", json={"text": "x"}), client.get("/livez")
    print(json.dumps([[answer.status_code, answer.headers["content-type"], answer.text] for answer in answers]))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    ready, refused, live = json.loads(done.stdout.splitlines()[-1])
    assert [ready[:2], refused[:2]] == [[503, "application/problem+json"]] * 2
    for _, _, text in (ready, refused):
        assert json.loads(text)["type"] == TYPE_BASE + "environment"
        assert json.loads(text)["detail"] == "run `communique models pull trunk`"
    assert live[0] == 200


def test_bentoml_finds_what_to_pack(tmp_path: Path) -> None:
    """`bentoml build`, with a store of its own."""
    environment = {
        "BENTOML_HOME": str(tmp_path),
        "BENTOML_DO_NOT_TRACK": "True",
        "PATH": str(Path(sys.executable).parent),
    }
    command = [sys.executable, "-m", "bentoml", "build", "--output", "tag"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (bento,) = (path for path in (tmp_path / "bentos" / "communique").iterdir() if path.is_dir())
    for name in ("service/app.py", "service/page.html", "communique/pipeline.py", "models/registry.toml"):
        assert (bento / "src" / name).is_file()
    assert not (bento / "src" / "tests").exists()
    assert "openvino-genai==" in (bento / "env" / "python" / "requirements.txt").read_text()
    assert "python -m communique models pull" in (bento / "env" / "docker" / "Dockerfile").read_text()
