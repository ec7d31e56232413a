"""The page in a real browser against the real service: paste, read, follow a sentence to its evidence."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
BROWSER = next((path for name in ("chromium", "google-chrome", "chrome") if (path := shutil.which(name))), None)
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the page is NOT tested")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.models,
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here: the page is NOT tested in a browser"),
]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("serve") / "log"
    with log.open("w") as output:
        service = subprocess.Popen(
            [sys.executable, "-m", "communique", "serve", "--port", str(port)],
            cwd=ROOT, stdout=output, stderr=output, env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        try:
            _await(f"http://127.0.0.1:{port}/readyz", service, log)
            yield f"http://127.0.0.1:{port}/"
        finally:
            service.terminate()
            service.wait(timeout=60)


def _await(address: str, service: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(240):
        assert service.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"not ready after two minutes:\n{log.read_text()}")


@pytest.fixture(scope="module")
def page(url: str) -> Iterator[Any]:
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
    with playwright.sync_playwright() as player:
        browser = player.chromium.launch(executable_path=BROWSER, args=flags)
        opened = browser.new_page()
        opened.goto(url)
        yield opened
        browser.close()


def analyze(page: Any, text: str, targets: str = "") -> None:
    page.fill("#text", text)
    page.fill("#targets", targets)
    page.click("#go")
    playwright.expect(page.locator("#go")).to_be_enabled(timeout=60_000)


# Characters beyond the basic plane stand before the article: the browser counts them twice, the record once.
ARTICLE = "\U0001f5de\U0001f1e6\U0001f1f2 " + (ROOT / "docs" / "example.txt").read_text(encoding="utf-8")


WITH_TITLE = {
    "error": None, "summary": None, "topics": [], "removed": [], "models": {},
    "stance": [{
        "target": "a truce", "label": "favor", "probabilities": None,
        "evidence": [{"field": "title", "start": 0, "end": 5}],
    }],
}  # fmt: skip


def test_a_sentence_leads_to_the_very_words_that_prove_it(page: Any) -> None:
    analyze(page, ARTICLE, "Azerbaijan, Brazil")
    assert page.is_visible("#result")
    sentence = page.locator("#record .sentence").first
    words = sentence.evaluate("element => element.firstChild.textContent")
    sentence.click()
    lit = "".join(page.locator("#source .on").all_text_contents())
    # Between two pieces of a cut sentence no space is lit.
    assert "".join(words.rstrip(".").split()) in "".join(lit.split())
    assert page.locator("#record .stance").count() == 2
    assert page.locator("#record .stance .absent").all_text_contents() == ["absent"]


def test_what_was_left_out_is_shown_as_such(page: Any) -> None:
    analyze(page, ARTICLE)
    assert "newsletter" in " ".join(page.locator("#source .removed").all_text_contents())


def test_markup_in_an_article_is_shown_and_not_run(page: Any) -> None:
    analyze(page, ARTICLE + "\n\nThe minister wrote <img src=x onerror='window.broken=1'> in his letter to the court.")
    assert page.evaluate("window.broken") is None
    assert page.locator("#source img").count() == 0


def test_evidence_in_the_title_is_shown(page: Any) -> None:
    page.fill("#title", "Armenia reports 16 dead, Azerbaijan denies breaking truce")
    analyze(page, ARTICLE, "Azerbaijan")
    assert page.inner_text("#headline") == page.input_value("#title")
    page.evaluate(
        "answer => { const { record, article } = answer; showRecord(record); showSource(record, article); }",
        {"record": WITH_TITLE, "article": {"title": "Truce broken", "text": "It was."}},
    )
    page.locator("#record .stance").click()
    assert page.locator("#headline .on").all_text_contents() == ["Truce"]
    page.fill("#title", "")


def test_on_a_narrow_screen_nothing_leaves_it_and_evidence_comes_into_view(page: Any) -> None:
    wide = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 640})
    try:
        analyze(page, ARTICLE, f"Azerbaijan, {'x' * 150}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert page.evaluate("document.activeElement.id") == "go"
        page.locator("#record .sentence").first.click()
        playwright.expect(page.locator("#source .on").first).to_be_in_viewport()
    finally:
        page.set_viewport_size(wide)


def test_trouble_is_told_in_words(page: Any) -> None:
    analyze(page, "Le ministre a déclaré lundi que les deux pays allaient reprendre les négociations de paix. " * 5)
    assert page.is_visible("#trouble")
    assert "English" in page.inner_text("#trouble")
