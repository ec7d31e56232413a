"""The page and the document: whole in themselves, and true to what the service does."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from starlette.testclient import TestClient

from communique.config import Settings
from service.articles import ENDPOINTS
from service.openapi import document
from service.web import HEALTH_PATHS, create_app, methods_of
from tests.fakes import FakePipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (files("service") / "page.html").read_text(encoding="utf-8")


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(create_app(Settings(), FakePipeline)) as made:
        yield made


def test_page_fetches_nothing_from_elsewhere(client: TestClient) -> None:
    response = client.get("/")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.text == PAGE
    assert not re.findall(r"""(?:src|href|action)=["'](?!/|data:)|url\(|@import|https?://""", PAGE)


def test_only_the_pages_own_script_and_style_may_run(client: TestClient) -> None:
    policy = client.get("/").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", PAGE, re.DOTALL)
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy
    assert not re.findall(r"\sstyle=|\son\w+=|innerHTML|insertAdjacentHTML|document\.write", PAGE)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed: the page's script is not run")
def test_offsets_are_turned_from_code_points_into_utf16() -> None:
    text = "a😀b é\u0301 🇦🇲 end"
    marks = [(0, 2), (1, 2), (2, 3), (6, 9), (len(text) - 3, len(text)), (4, 4)]
    (script,) = re.findall(r"<script>(.*?)</script>", PAGE, re.DOTALL)
    functions = script[script.index("/** Offsets in the record") : script.index("function light(")]
    given = [{"start": start, "end": end, "key": number} for number, (start, end) in enumerate(marks)]
    program = f"""{functions}
    const pieces = cut({json.dumps(text)}, {json.dumps(given)});
    const found = {json.dumps([""] * len(marks))};
    for (const piece of pieces) for (const mark of piece.marks) found[mark.key] += piece.text;
    console.log(JSON.stringify([pieces.map((piece) => piece.text).join(""), found]));"""
    output = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True, timeout=60).stdout
    assert json.loads(output) == [text, [text[start:end] for start, end in marks]]


def test_document_describes_every_path_and_method(client: TestClient) -> None:
    found = client.get("/docs.json").json()
    assert found == json.loads(json.dumps(document()))
    described = {path: {method.upper() for method in item} for path, item in found["paths"].items()}
    served = {path: set(methods) - {"HEAD"} for path, methods in methods_of(client.app).items()}  # type: ignore[arg-type]
    assert described == served
    assert set(HEALTH_PATHS) < set(described)


def test_document_has_no_dangling_reference_and_its_schemas_are_sound() -> None:
    found = document()
    schemas = found["components"]["schemas"]
    references = re.findall(r'"\$ref": "([^"]+)"', json.dumps(found))
    assert references
    for reference in references:
        target: Any = found
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_examples_and_answers_obey_the_document(client: TestClient, endpoint: Any) -> None:
    found = document()
    post = found["paths"][endpoint.path]["post"]
    body = post["requestBody"]["content"]["application/json"]
    answer = post["responses"]["200"]["content"]["application/json"]

    def check(value: Any, schema: dict[str, Any]) -> None:
        jsonschema.Draft202012Validator({**schema, "components": found["components"]}).validate(value)

    check(body["example"], body["schema"])
    check(answer["example"], answer["schema"])
    while not (response := client.post(endpoint.path, json=body["example"])).is_success:
        assert response.status_code == 503
    check(response.json(), answer["schema"])
    problem = client.post(endpoint.path, json={"text": ""})
    assert str(problem.status_code) in post["responses"]
    check(problem.json(), {"$ref": "#/components/schemas/Problem"})
    check(client.get("/v1/labels").json(), {"$ref": "#/components/schemas/Labels"})
