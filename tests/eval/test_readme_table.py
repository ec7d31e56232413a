"""The README's table is what the newest run found."""

from __future__ import annotations

from eval import readme


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
