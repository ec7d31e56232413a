"""Who imports whom: service, training and eval import the library, never each other, and it never them.

And what stays out: no torch where articles are served on a CPU, nothing heavy where only the package is imported.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import communique

ROOT = Path(communique.__file__).parent.parent
ALLOWED = {
    "communique": {"communique"},
    "service": {"service", "communique"},
    "training": {"training", "communique"},
    "eval": {"eval", "communique"},
}
HEAVY = (
    "torch",
    "transformers",
    "openvino",
    "openvino_genai",
    "numpy",
    "bentoml",
    "rich",
    "lxml",
    "trafilatura",
    "tokenizers",
)


def imports(path: Path) -> set[str]:
    """Top-level names that a module imports, wherever in it: under TYPE_CHECKING and inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide who imports whom"
            found.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module") and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                found.add(name.value.split(".")[0])
    return found


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_in_one_direction(package: str) -> None:
    modules = sorted((ROOT / package).rglob("*.py"))
    assert modules
    own = set(ALLOWED) | {"tests"}
    wrong = {str(path.relative_to(ROOT)): imports(path) & (own - ALLOWED[package]) for path in modules}
    assert {path: names for path, names in wrong.items() if names} == {}


def test_the_walk_sees_imports_wherever_they_stand(tmp_path: Path) -> None:
    module = tmp_path / "m.py"
    module.write_text(
        "def f():\n    from eval.run import x\n    import service.app\n    import_module('training.data')\n"
    )
    assert imports(module) == {"eval", "service", "training"}


def run(program: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_package_is_quick_and_loads_nothing_heavy() -> None:
    program = f"""
import sys, time
before = time.perf_counter()
import communique
took = time.perf_counter() - before
print(took, *(name for name in {HEAVY!r} if name in sys.modules))"""
    found = [run(program).split() for _ in range(5)]
    assert min(float(took) for took, *_ in found) < 0.3
    assert found[0][1:] == []


def test_the_command_line_loads_nothing_heavy_until_a_command_runs() -> None:
    program = f"""
import sys
from communique.cli.main import parser
parser().parse_args(["score", "a.jsonl", "--output", "b.jsonl"])
print(*(name for name in {HEAVY!r} if name in sys.modules))"""
    assert run(program) == ""


def test_serving_on_a_cpu_imports_no_torch() -> None:
    """The library whole, the BentoML service, and an article scored through it, with the pipeline's place taken."""
    program = """
import sys
from tests.fakes import FakePipeline
import communique.pipeline
communique.pipeline.Pipeline.open = staticmethod(lambda settings=None: FakePipeline())
from starlette.testclient import TestClient
from service.app import service
with TestClient(service.to_asgi()) as client:
    while client.get("/readyz").status_code != 200:
        pass
    text = "Armenia said on Tuesday that the talks would go on in the city."
    assert client.post("/v1/analyze", json={"text": text}).json()["summary"]["text"] == text
print(*(name for name in ("torch", "transformers", "sklearn") if name in sys.modules))"""
    assert run(program) == ""


@pytest.mark.models
def test_scoring_with_the_real_models_imports_no_torch() -> None:
    program = """
import sys
import communique
text = "Officials from Armenia and Azerbaijan met in Geneva on Monday for a second round of talks. " * 8
with communique.Pipeline.open() as pipeline:
    record = pipeline.score(communique.Article(id="1", text=text))
assert record.error is None, record.error
print(*(name for name in ("torch", "transformers", "sklearn") if name in sys.modules))"""
    assert run(program) == ""
