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

    from communique.errors import ItemError
    from communique.record import Article, Record, Span, Stance, SummarySentence

__all__ = ["card"]

_STANCE_STYLES: Final = {"favor": "green", "neutral": "blue", "against": "red", "unsure": "yellow", "absent": "dim"}
#: Control characters, and those that turn the direction of writing around.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_TAG: Final = re.compile(r"<[^>]*>")
#: Characters of a quotation at most: what proves a sentence, what a stance rests on.
_PROOF: Final = 300
_REASON: Final = 120
_BAR: Final = 20


def card(article: Article, record: Record, width: int = 100) -> Panel:
    """The card of one record; `article` is what it was made from."""
    parts: list[RenderableType] = []
    if record.error is not None:
        parts += [_error(record.error), ""]
    if record.summary is not None:
        parts += [*_summary(article, record), ""]
    if record.topics:
        parts += [_heading("Topics"), _topics(record), ""]
    if record.stance:
        parts += [_heading("Stance"), _stances(article, record), ""]
    parts += [Text(footer, "dim")] if (footer := _footer(record)) else []
    while parts and parts[-1] == "":
        parts.pop()
    title = Text(_tidy(article.title or record.id), "bold", overflow="ellipsis", no_wrap=True)
    title.truncate(max(10, width - 8))
    return Panel(Group(*parts), title=title, title_align="left", border_style="cyan", padding=(1, 2), width=width)


def _heading(text: str, more: str = "") -> Text:
    return Text.assemble((text, "bold cyan"), (f"  {more}" if more else "", "dim"))


def _error(error: ItemError) -> Text:
    """What kind it is of, and what was given, unless that says the same."""
    detail = _tidy(str(error))
    more = "" if detail.casefold() == error.title.casefold() else f"\n{detail}"
    return Text.assemble((error.title, "bold red"), more)


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
            proofs.add_row(Text(f"[{number}]"), _proof(article, sentence, span))
    return [_heading("Summary", f"{summary.mode}, {summary.words} words"), text, "", proofs]


def _proof(article: Article, sentence: SummarySentence, span: Span) -> Text:
    """Where the sentence comes from, and the words there where they are not the sentence itself."""
    if sentence.mode == "extractive" and _source(article, span) == _tidy(sentence.text):
        return Text(f"{_place(span)}, as it stands there", "dim")
    return _quote(article, span, f"{_place(span)}, {sentence.mode}, support {sentence.support:.2f}", _PROOF)


def _topics(record: Record) -> Table:
    table = Table.grid(padding=(0, 2))
    for label in record.topics:
        probability = record.topic_probabilities[label]
        full = round(probability * _BAR)
        bar = Text.assemble(("━" * full, "cyan"), ("·" * (_BAR - full), "bright_black"))
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
    return Group(line, *(_quote(article, span, _place(span), _REASON) for span in stance.evidence))


def _quote(article: Article, span: Span, note: str, most: int) -> Text:
    text = _source(article, span)
    if len(text) > most:
        text = text[: most - 1].rstrip() + "…"
    return Text.assemble((text, "italic"), (f"  {note}", "dim"))


def _source(article: Article, span: Span) -> str:
    """The words at a span, as they read: of HTML without the tags."""
    if span.field == "title":
        return _tidy(article.title[span.start : span.end])
    text = article.text[span.start : span.end]
    return _tidy(html.unescape(_TAG.sub("", text)) if article.format == "html" else text)


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
