"""The README's table is what the newest run found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from communique.errors import UsageError
from eval import readme
from eval.results import write


def test_the_readme_shows_the_newest_run() -> None:
    assert readme.main(["--check"]) == 0


def test_drift_is_told(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    page = tmp_path / "README.md"
    page.write_text(f"before\n{readme.BEGIN}\nanother table\n{readme.END}\nafter", encoding="utf-8")
    monkeypatch.setattr(readme, "README", page)
    assert readme.main(["--check"]) == 1
    assert readme.main([]) == 0
    assert readme.main(["--check"]) == 0
    assert page.read_text(encoding="utf-8").startswith("before\n")
    assert page.read_text(encoding="utf-8").endswith("\nafter")


def test_the_newest_is_the_run_that_was_made_last(tmp_path) -> None:  # type: ignore[no-untyped-def]
    shipped = readme.newest()

    def keep(name: str, created: str, **other) -> None:  # type: ignore[no-untyped-def]
        suites = {suite: replace(held, items=()) for suite, held in shipped.suites.items()}
        made = replace(shipped, provenance={**shipped.provenance, "created": created}, suites=suites)
        write(replace(made, **other), tmp_path / name)

    keep("2030-01-01.json", "2030-01-01T06:00:00+00:00")
    keep("2030-01-01-200000-references.json", "2030-01-01T20:00:00+00:00")
    keep("2030-01-02-few.json", "2030-01-02T00:00:00+00:00", data={**shipped.data, "n": 8})
    keep("2030-01-03-elsewhere.json", "2030-01-03T00:00:00+00:00", data={**shipped.data, "name": "karabakh"})
    keep("2030-01-04-part.json", "2030-01-04T00:00:00+00:00", suites={"topics": shipped.suites["topics"]})
    (tmp_path / "2030-01-05-speed.json").write_text('{"suites": {"serve": []}}', encoding="utf-8")
    assert readme.newest(tmp_path).provenance["created"] == "2030-01-01T20:00:00+00:00"


def test_without_a_whole_run_it_says_what_to_run(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError, match=r"no run of all suites over the references: python -m eval\.run"):
        readme.newest(tmp_path)
