"""A record as a card for a terminal: the summary with its proofs, topics, stances, and what was left out.

Text from articles is shown as text: it is never parsed for markup, and control characters never reach the terminal.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from communique.record import Article, Record, Span, Stance

__all__ = ["card"]

_STANCE_STYLES: Final = {"favor": "green", "neutral": "blue", "against": "red", "unsure": "yellow", "absent": "dim"}
#: Control characters, and those that turn the direction of writing around.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_TAG: Final = re.compile(r"<[^>]*>")
_SNIPPET: Final = 180
_BAR: Final = 20


def card(article: Article, record: Record, width: int = 100) -> Panel:
    """The card of one record; `article` is what it was made from."""
    parts: list[RenderableType] = []
    if record.error is not None:
        parts += [Text.assemble((record.error.title, "bold red"), f"\n{_tidy(str(record.error))}"), ""]
    if record.summary is not None:
        parts += [*_summary(article, record), ""]
    if record.topics:
        parts += [_heading("Topics"), _topics(record), ""]
    if record.stance:
        parts += [_heading("Stance"), _stances(article, record), ""]
    parts.append(Text(_footer(record), "dim"))
    title = Text(_tidy(article.title or record.id), "bold", overflow="ellipsis", no_wrap=True)
    title.truncate(max(10, width - 8))
    return Panel(Group(*parts), title=title, title_align="left", border_style="cyan", padding=(1, 2), width=width)


def _heading(text: str, more: str = "") -> Text:
    return Text.assemble((text, "bold cyan"), (f"  {more}" if more else "", "dim"))


def _summary(article: Article, record: Record) -> list[RenderableType]:
    summary = record.summary
    if summary is None:
        return []
    text = Text()
    proofs = Table.grid(padding=(0, 1))
    proofs.add_column(justify="right", style="dim", no_wrap=True)
    proofs.add_column(ratio=1)
    number = 0
    for sentence in summary.sentences:
        text.append((" " if text else "") + _tidy(sentence.text))
        for span in sentence.evidence:
            number += 1
            text.append(f" [{number}]", "cyan")
            how = sentence.mode if sentence.support >= 1 else f"{sentence.mode}, support {sentence.support:.2f}"
            proofs.add_row(Text(f"[{number}]"), _quote(article, span, f"{_place(span)}, {how}"))
    return [_heading("Summary", f"{summary.mode}, {summary.words} words"), text, "", proofs]


def _topics(record: Record) -> Table:
    table = Table.grid(padding=(0, 2))
    for label in record.topics:
        probability = record.topic_probabilities[label]
        full = round(probability * _BAR)
        bar = Text.assemble(("━" * full, "cyan"), ("━" * (_BAR - full), "bright_black"))
        table.add_row(Text(label), bar, Text(f"{probability:.2f}"))
    return table


def _stances(article: Article, record: Record) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(max_width=26)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    for stance in record.stance:
        style = _STANCE_STYLES[stance.label]
        table.add_row(Text(_tidy(stance.target), "bold"), Text(stance.label, style), _reasons(article, stance))
    return table


def _reasons(article: Article, stance: Stance) -> RenderableType:
    """The probabilities in a line, the evidence under it."""
    if stance.probabilities is None:
        return Text("plays no part", "dim")
    line = Text()
    for label, probability in stance.probabilities.items():
        style = _STANCE_STYLES[label] if probability == max(stance.probabilities.values()) else "dim"
        line.append(f"{label} {probability:.2f}   ", style)
    return Group(line, *(_quote(article, span, _place(span)) for span in stance.evidence))


def _quote(article: Article, span: Span, note: str) -> Text:
    source = article.title if span.field == "title" else article.text
    text = source[span.start : span.end]
    if article.format == "html" and span.field == "text":
        text = html.unescape(_TAG.sub(" ", text))
    text = _tidy(text)
    if len(text) > _SNIPPET:
        text = text[: _SNIPPET - 1].rstrip() + "…"
    return Text.assemble((f"“{text}”", "italic"), (f"  {note}", "dim"))


def _place(span: Span) -> str:
    return f"{'title ' if span.field == 'title' else ''}{span.start}–{span.end}"


def _footer(record: Record) -> str:
    notes = []
    if record.removed:
        reasons = Counter(removal.reason for removal in record.removed)
        characters = sum(removal.end - removal.start for removal in record.removed)
        listed = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
        notes.append(f"removed {characters:,} characters that are not article: {listed}")
    if record.truncated:
        notes.append("the article is longer than what was read")
    models = ", ".join(dict.fromkeys(record.models.values()))
    notes.append(
        " · ".join(part for part in (f"language {record.language}" if record.language else "", models) if part)
    )
    return "\n".join(note for note in notes if note)


def _tidy(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())
