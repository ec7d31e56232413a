"""Who imports whom: service, training and eval import the library, never each other, and it never them.

Every other package that they import is declared where pyproject.toml lists what they need. And what stays out: no torch where articles are served on a CPU, nothing heavy where only the package is imported.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
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
#: Where a package may take what it imports from: `dependencies`, and these extras.
EXTRAS = {
    "communique": ("gpu", "archive"),
    "service": (),
    "training": ("train",),
    "eval": ("train",),
    "tests": ("dev", "train", "archive"),
}
OTHERWISE_CALLED = {"sklearn": "scikit-learn", "yaml": "pyyaml"}
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


def declared(*extras: str) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in extras)]
    return {re.split(r"[^\w-]", requirement)[0] for listed in lists for requirement in listed}


def distributions(package: str) -> set[str]:
    """What a package imports that is neither Python's nor this project's, as pyproject.toml calls it."""
    found = set().union(*(imports(path) for path in (ROOT / package).rglob("*.py")))
    own = sys.stdlib_module_names | set(EXTRAS)
    return {OTHERWISE_CALLED.get(name, name.replace("_", "-")) for name in found - own}


@pytest.mark.parametrize("package", EXTRAS)
def test_what_is_imported_is_declared(package: str) -> None:
    assert distributions(package) - declared(*EXTRAS[package]) == set()


def test_who_serves_installs_no_more_than_is_imported() -> None:
    assert declared() - distributions("communique") - distributions("service") == set()


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
