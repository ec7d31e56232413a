"""The cleaner on scraped pages, by characters: how much of what is not article goes, how much of the article is lost.

White space does not count. On text, the reader's kept spans are compared with the marked spans, pattern by pattern,
patterns that its author never saw apart. On HTML, words are aligned with the article as a reader sees it, with
trafilatura alone and jusText beside. Pages a second are of one core and of the cleaner alone, without the trunk's
reading, which every task shares.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from contextlib import suppress
from difflib import SequenceMatcher
from html import unescape
from typing import TYPE_CHECKING, Final

from communique.errors import ItemError, UsageError
from eval.intervals import Statistic, ratio
from eval.suites.base import Collected, Setting, Suite, article_of, item_of, means

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from communique.document import Document
    from communique.record import Article
    from eval.references import Boilerplate, Reference
    from eval.results import Item
    from eval.systems import Record

__all__ = ["SUITE"]

#: Of each character of a page, whether it was kept.
Kept = bytearray


def collect(setting: Setting) -> Collected:
    """What each cleaner keeps of each page."""
    pages = setting.data.pages
    if not pages:
        raise UsageError(f"{setting.data.name} has no pages (references with `boilerplate` or `article_text`)")
    name, clean = setting.answers.system.name, setting.answers.system.clean
    in_process = clean is not None
    items: list[Item] = []
    notes: list[str] = []
    records: list[Record] = [] if in_process else setting.answers.of(article_of(r, setting.modes[0]) for r in pages)
    if in_process:
        _seconds(pages[0])  # what loads at the first page is not part of any page's time
    # All are timed before the trunk is asked, whose threads wait busily for more.
    times = [_seconds(reference) if clean else math.nan for reference in pages]
    for at, (reference, seconds) in enumerate(zip(pages, times, strict=True)):
        document = _cleaned(reference, clean) if clean else None
        kept = _kept(reference, document) if in_process else _complement(reference, records[at])
        if reference.format == "text":
            items.append(_text_item(reference, name, kept, seconds))
        elif in_process:
            text = " ".join(sentence.text for sentence in document.sentences) if document else ""
            item = _html_item(reference, name, text, seconds)
            item["characters"] |= _unseen(reference, kept)
            items.append(item)
    if not in_process:
        notes.append("HTML pages are judged only where the reader runs in process")
    if setting.rivals:
        for rival, extract in (("trafilatura", _trafilatura), ("justext", _justext)):
            for reference in pages:
                if reference.format == "html":
                    start = time.perf_counter()
                    text = extract(reference.text)
                    items.append(_html_item(reference, rival, text, time.perf_counter() - start))
    return Collected(items, (name,), tuple(notes))


def measure(items: Sequence[Item]) -> dict[str, Statistic]:
    """Shares pooled over characters, apart for text and HTML; `pages_per_second` of the whole."""
    statistics: dict[str, Statistic] = {}
    for kind in ("text", "html"):
        held = [item["characters"] if item["kind"] == kind else {} for item in items]
        if any(held):
            prefix = f"{kind}."
            statistics[f"{prefix}removed"] = _pooled(held, "boilerplate_removed", "boilerplate")
            statistics[f"{prefix}lost"] = _pooled(held, "article_lost", "article")
            statistics[f"{prefix}removed_unseen"] = _pooled(held, "unseen_removed", "unseen")
            if kind == "text":
                for pattern in sorted({p for item in items if item["kind"] == kind for p in item["patterns"]}):
                    removed, marked = (
                        [item["patterns"].get(pattern, (0, 0))[i] if item["kind"] == kind else 0 for item in items]
                        for i in (0, 1)
                    )
                    statistics[f"removed.{pattern}"] = ratio(removed, marked)
            seconds = [0.0 if item["seconds"] is None else item["seconds"] for item in items]
            counted = [float(item["kind"] == kind) for item in items]
            spent = [s * c for s, c in zip(seconds, counted, strict=True)]
            statistics[f"{prefix}pages_per_second"] = ratio(counted, spent)
    return statistics | means(items)


def _cleaned(reference: Reference, clean: Callable[[Article], Document]) -> Document | None:
    """The article proper of a page; None where none is found."""
    try:
        return clean(article_of(reference))
    except ItemError:
        return None


def _seconds(reference: Reference) -> float:
    """How long the cleaner alone takes over a page."""
    from communique.reading import read

    start = time.perf_counter()
    with suppress(ItemError):
        read(article_of(reference))
    return time.perf_counter() - start


def _kept(reference: Reference, document: Document | None) -> Kept:
    """The characters that stand in a sentence."""
    kept = bytearray(len(reference.text))
    for sentence in document.sentences if document else ():
        for _, start, end in sentence.mapped.runs:
            kept[start:end] = b"\x01" * (end - start)
    return kept


def _complement(reference: Reference, record: Record) -> Kept:
    """What a record does not call removed; nothing where nothing was found to summarise."""
    if (record.get("error") or {}).get("type") in ("nothing-to-summarise", "empty"):
        return bytearray(len(reference.text))
    kept = bytearray(b"\x01" * len(reference.text))
    for removal in record["removed"]:
        kept[removal["start"] : removal["end"]] = bytes(removal["end"] - removal["start"])
    return kept


def _text_item(reference: Reference, system: str, kept: Kept, seconds: float) -> Item:
    text = reference.text
    marked = bytearray(len(text))
    counts: Counter[str] = Counter()
    patterns: dict[str, tuple[int, int]] = {}
    for span in reference.boilerplate:
        marked[span.start : span.end] = b"\x01" * (span.end - span.start)
        visible, removed = _removed(text, kept, span)
        before = patterns.get(span.pattern, (0, 0))
        patterns[span.pattern] = (before[0] + removed, before[1] + visible)
        counts["boilerplate"] += visible
        counts["boilerplate_removed"] += removed
    article = [i for i in range(len(text)) if not marked[i] and not text[i].isspace()]
    counts["article"] = len(article)
    counts["article_lost"] = sum(not kept[i] for i in article)
    lost = "".join(text[i] if text[i].isspace() or not (marked[i] or kept[i]) else "\n" for i in range(len(text)))
    left = "".join(text[i] if text[i].isspace() or (marked[i] and kept[i]) else "\n" for i in range(len(text)))
    return item_of(
        reference, system, kind="text", characters=dict(counts) | _unseen(reference, kept), patterns=patterns,
        seconds=seconds, lost=_squeezed(lost), left=_squeezed(left), scores={},
    )  # fmt: skip


def _unseen(reference: Reference, kept: Kept) -> dict[str, int]:
    """Characters of boilerplate of patterns that the cleaner's author never saw, and how many of them went."""
    spans = [_removed(reference.text, kept, s) for s in reference.boilerplate if s.pattern in reference.unseen_patterns]
    return {"unseen": sum(visible for visible, _ in spans), "unseen_removed": sum(removed for _, removed in spans)}


def _removed(text: str, kept: Kept, span: Boilerplate) -> tuple[int, int]:
    """How many characters a span shows, and how many of them were not kept."""
    visible = [i for i in range(span.start, span.end) if not text[i].isspace()]
    return len(visible), sum(not kept[i] for i in visible)


def _html_item(reference: Reference, system: str, text: str, seconds: float) -> Item:
    """Words of the extracted text aligned with the article's; what is left over is boilerplate that stayed."""
    if not reference.article_text:
        raise UsageError(f"HTML page {reference.id!r} has no `article_text`, and its article is not among the data")
    wanted, given = reference.article_text.split(), _untitled(text, reference.title).split()
    matcher = SequenceMatcher(None, wanted, given, autojunk=False)
    kept = sum(len(word) for a, _, size in matcher.get_matching_blocks() for word in wanted[a : a + size])
    article = sum(map(len, wanted))
    boilerplate = sum(len("".join(unescape(reference.text[s.start : s.end]).split())) for s in reference.boilerplate)
    counts = {
        "article": article,
        "article_lost": article - kept,
        "boilerplate": boilerplate,
        "boilerplate_removed": max(0, boilerplate - (sum(map(len, given)) - kept)),
    }
    changed = [code for code in matcher.get_opcodes() if code[0] != "equal"]
    return item_of(
        reference, system, kind="html", characters=counts, patterns={}, seconds=seconds, scores={},
        lost=_squeezed(" | ".join(" ".join(wanted[a:b]) for _, a, b, _, _ in changed if b > a)),
        left=_squeezed(" | ".join(" ".join(given[c:d]) for _, _, _, c, d in changed if d > c)),
    )  # fmt: skip


def _untitled(text: str, title: str) -> str:
    """Without a headline at its start: it is neither article nor boilerplate."""
    start = " ".join(text.split())
    return start[len(title) :] if title and start.startswith(title) else start


def _trafilatura(html: str) -> str:
    import trafilatura

    return trafilatura.extract(html, include_comments=False, include_tables=False) or ""


def _justext(html: str) -> str:
    import justext

    paragraphs = justext.justext(html, justext.get_stoplist("English"))
    return "\n".join(paragraph.text for paragraph in paragraphs if not paragraph.is_boilerplate)


def _pooled(held: Sequence[dict[str, int]], above: str, below: str) -> Statistic:
    return ratio([counts.get(above, 0) for counts in held], [counts.get(below, 0) for counts in held])


def _squeezed(text: str) -> str:
    return " ".join(text.split())[:2000]


SUITE: Final = Suite(
    "cleaning",
    "Does what is not article go, and does the article stay?",
    collect,
    measure,
    (
        "text.removed", "text.lost", "text.removed_unseen", "text.pages_per_second",
        "html.removed", "html.lost", "html.removed_unseen", "html.pages_per_second",
    ),
    ("text.removed", "text.lost", "html.removed", "html.lost"),
    frozenset({"lost"}),
)  # fmt: skip
