"""Makes scraped pages of the corpus's articles, with the spans of what is not article marked.

A page is an article set between the passages of one site pattern of `boilerplate.jsonl`, in the noise that scrapers
leave. Teasers of other stories are taken from other articles of the corpus. The same article, pattern and noise give
the same page, so the output is a function of the inputs.

    python -m training.corpus.pages --output training/corpus/pages.jsonl
"""

from __future__ import annotations

import argparse
import functools
import html
import json
import random
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Line", "Passage", "html_page", "load_passages", "main", "pages", "read_articles", "text_page"]

_HERE: Final = Path(__file__).parent
_ARTICLES: Final = ("conflict.jsonl", "world.jsonl", "voices.jsonl")
_FIRST: Final = tuple("Nare Tigran Leyla Farid Anna Marko Elif Giorgi Petra Samuel Nino Rauf".split())
_LAST: Final = tuple("Avagyan Mammadov Keller Lomidze Demir Novak Haroyan Beridze Quinn Safarli Vance Orbeli".split())
_MONTHS: Final = tuple("January February March April May June July August September October November December".split())
#: How likely a page shows one passage of its pattern.
_SHOWN: Final = 0.8
#: How likely the lines above a text page's article run into it: a menu whose buttons lost what parted them.
_GLUED: Final = 0.1
#: How likely the other stories are those that name most of the same people and places, and how many of these.
_CLOSE: Final = 0.5
_CLOSEST: Final = 30
#: Kinds whose buttons stand on one line, and run into what follows once the markup is gone.
_MENUS: Final = frozenset(("share", "messenger"))
_NAME: Final = re.compile(r"(?<=[a-z,;] )[A-Z][\w’-]{2,}")
#: Noise and how likely a text page has it; a page has at most one layout.
_LAYOUTS: Final = {"one-line": 0.14, "wrapped": 0.08, "single-newlines": 0.25, "crlf": 0.08}
_NOISES: Final = {
    "lost-spaces": 0.15, "soft-hyphens": 0.06, "nbsp": 0.1, "mojibake": 0.06, "zero-width": 0.05, "entities": 0.05,
    "double-spaces": 0.08,
}  # fmt: skip
#: How likely an article has headings between its paragraphs.
_HEADED: Final = 0.4


@dataclass(frozen=True, slots=True)
class Passage:
    """A site's passage: `place` is head, top (under the headline), inside or foot; placeholders are in braces."""

    pattern: str
    place: str
    kind: str
    element: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page; `kind` is "" for a line of the article."""

    text: str
    kind: str = ""
    element: str = "p"


def load_passages(path: Path) -> dict[str, list[Passage]]:
    """The passages by pattern, in the order of the file."""
    patterns: dict[str, list[Passage]] = {}
    for row in path.read_text(encoding="utf-8").splitlines():
        item = json.loads(row)
        passage = Passage(item["pattern"], item["place"], item["kind"], item["element"], tuple(item["lines"]))
        patterns.setdefault(passage.pattern, []).append(passage)
    return patterns


def read_articles(folder: Path) -> list[dict[str, Any]]:
    """The corpus's articles in the order of their ids."""
    rows = [row for name in _ARTICLES for row in (folder / name).read_text(encoding="utf-8").splitlines()]
    return sorted(map(json.loads, rows), key=lambda article: str(article["id"]))


def pages(
    articles: Sequence[dict[str, Any]], patterns: dict[str, list[Passage]], rounds: int = 1
) -> Iterable[dict[str, Any]]:
    """A text page of every article, and an HTML page, after another pattern, of every second one, in each round."""
    names = sorted(patterns)
    for turn in range(rounds):
        for number, article in enumerate(articles, 5 * turn):
            others = [other for other in articles if other["event"] != article["event"]]
            yield text_page(article, patterns[names[number % len(names)]], others)
            if (number + turn) % 2 == 0:
                yield html_page(article, patterns[names[(number // 2 + 7) % len(names)]], others)


def text_page(article: dict[str, Any], passages: list[Passage], others: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The page as a scraper leaves it, with its marked spans."""
    rng = random.Random(f"{article['id']} {passages[0].pattern} text")
    lines = _arranged(article, passages, others, rng)
    layout = next((name for name, share in _LAYOUTS.items() if rng.random() < share), "")
    noise = [layout] if layout else []
    noise += [name for name, share in _NOISES.items() if rng.random() < share]
    all_wrapped = rng.random() < 0.5
    glue = rng.choice(("", "", " ")) if not layout and rng.random() < _GLUED else None
    if glue is not None:
        noise.append("glued")
    separator = {"one-line": " ", "single-newlines": "\n", "crlf": "\r\n\r\n"}.get(layout, "\n\n")
    if layout == "one-line" and "lost-spaces" in noise:
        separator = ""
    text = ""
    spans: list[dict[str, Any]] = []
    previous = ""
    for line in lines:
        shown = _noisy(line.text, noise, rng)
        if layout == "wrapped" and (all_wrapped or not line.kind):
            shown = textwrap.fill(shown, 76)
        if text:
            text += separator if glue is None or previous not in _MENUS or len(line.text) < 2 else glue
        previous = line.kind
        if line.kind:
            _mark(spans, text, len(text), len(text) + len(shown), line.kind)
        text += shown
    return _record(article, "text", text, spans, passages[0].pattern, noise)


def html_page(article: dict[str, Any], passages: list[Passage], others: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The page's source, with its marked spans: from the first to the last character of each passage's text."""
    rng = random.Random(f"{article['id']} {passages[0].pattern} html")
    lines = _arranged(article, passages, others, rng)
    opaque = rng.random() < 0.4
    wrapper = rng.choice(("article", "div", "main", "td"))
    source = (
        f"<!DOCTYPE html>\n<html>\n<head><title>{html.escape(article['title'])} - {html.escape(article['source'])}"
        "</title>\n<script>var page = {ads: 1 < 2, t: '</div>'};</script>\n"
        "<style>p > a { color: #900 }</style></head>\n<body>\n"
    )
    source += f"<h1>{html.escape(article['title'])}</h1>\n"
    if wrapper == "td":
        source += "<table><tr><td>"
    else:
        source += f'<{wrapper} class="{"c" + str(rng.randrange(9999)) if opaque else "story-body"}">\n'
    spans: list[dict[str, Any]] = []
    for line in lines:
        shown = html.escape(line.text, quote=False)
        if rng.random() < 0.3:
            shown = shown.replace("“", "&ldquo;").replace("”", "&rdquo;").replace("’", "&rsquo;")
        name, _, names = line.element.partition(".")
        name = name.split("#")[0]
        names = f"css-{rng.randrange(16**6):06x}" if opaque and names else names
        before = f'<{name} class="{names}">' if line.kind and names else f"<{name}>"
        after = f"</{name}>"
        if name in ("ul", "ol"):
            before, after = before + "<li>", "</li>" + after
        if line.kind in ("related", "other-story", "share", "navigation", "tags") and len(line.text) < 120:
            before, after = before + '<a href="/n/1">', "</a>" + after
        if not line.kind and rng.random() < 0.2:
            word = rng.choice(shown.split())
            if word.isalpha():
                shown = shown.replace(word, f'<a href="/t?a=1&amp;b=2">{word}</a>', 1)
        source += before
        if line.kind:
            _mark(spans, source, len(source), len(source) + len(shown), line.kind)
        source += shown + after + "\n"
    source += "</td></tr></table>" if wrapper == "td" else f"</{wrapper}>"
    source += "\n<script src=/a.js></script>\n</body>\n</html>\n"
    return _record(article, "html", source, spans, passages[0].pattern, ["opaque-names"] if opaque else [])


def _arranged(
    article: dict[str, Any], passages: list[Passage], others: Sequence[dict[str, Any]], rng: random.Random
) -> list[Line]:
    """The article's paragraphs and the pattern's passages in the order of the page."""
    targets = set(article["stance"])
    near = [other for other in others if len(targets & set(other["stance"])) > 1]
    if len(near) < 6 or rng.random() < 0.25:
        near = list(others)
    elif rng.random() < _CLOSE:
        names = _names(article["text"])
        near = sorted(near, key=lambda other: (-len(names & _names(other["text"])), other["id"]))[:_CLOSEST]
    filler = _Filler(article, near, rng)
    shown = [passage for passage in passages if rng.random() < _SHOWN]
    paragraphs = [part for part in re.split(r"\n+", article["text"]) if part.strip()]
    lines = [Line(paragraph) for paragraph in paragraphs]
    if rng.random() < _HEADED:
        for at in sorted(rng.sample(range(1, len(lines)), min(len(lines) - 1, rng.randrange(1, 5))), reverse=True):
            lines.insert(at, Line(_subhead(paragraphs[at], rng), element=rng.choice(("h2", "h3", "p.sub", "p"))))
    inside = [passage for passage in shown if passage.place == "inside"]
    for passage in inside:
        at = rng.randrange(1, len(lines)) if len(lines) > 1 else 1
        lines[at:at] = filler.lines(passage)
    above = [line for passage in shown if passage.place in ("head", "top") for line in filler.lines(passage)]
    below = [line for passage in shown if passage.place == "foot" for line in filler.lines(passage)]
    return above + lines + below


@functools.cache
def _names(text: str) -> frozenset[str]:
    """The names that stand inside an article's sentences."""
    return frozenset(_NAME.findall(text))


@functools.cache
def _subheads() -> tuple[str, ...]:
    return tuple((_HERE / "subheads.txt").read_text(encoding="utf-8").splitlines())


def _subhead(paragraph: str, rng: random.Random) -> str:
    """A heading over a paragraph, with a name and a noun of its own."""
    names = re.findall(r"(?<=[a-z,] )[A-Z][\w’'-]+(?: [A-Z][\w’'-]+)?", paragraph) or ["Yerevan"]
    nouns = re.findall(r"\b[a-z]{6,}\b", paragraph) or ["question"]
    name, noun = rng.choice(names), rng.choice(nouns)
    text = rng.choice(_subheads()).format(name=name, noun=noun, NAME=name.upper(), NOUN=noun.upper())
    return str(text[0].upper() + text[1:])


def _digest(text: str, count: int) -> str:
    """The first sentences of an article as one paragraph, without a headline."""
    flowing = " ".join(re.split(r"\n+", text)[:4])
    return " ".join(re.split(r"(?<=[a-z]\.) (?=[A-Z“])", flowing)[: count + 1])


class _Filler:
    """Fills placeholders: {headline}, {story2} (a headline and two paragraphs), {body2} (the paragraphs alone),
    {digest2} (three or four sentences of a story), {tease}, {lede}, {date}, …"""

    def __init__(self, article: dict[str, Any], near: Sequence[dict[str, Any]], rng: random.Random) -> None:
        self.article, self.rng = article, rng
        self.others = rng.sample(list(near), min(len(near), 24))
        self.next = 0

    def lines(self, passage: Passage) -> list[Line]:
        found = []
        for line in passage.lines:
            for text in self._filled(line).split("\n"):
                found.append(Line(text, passage.kind, passage.element))
        return found

    def _other(self) -> dict[str, Any]:
        self.next += 1
        return self.others[self.next % len(self.others)]

    def _filled(self, line: str) -> str:
        return re.sub(r"\{(\w+?)(\d?)\}", self._value, line)

    def _value(self, placeholder: re.Match[str]) -> str:
        name, count = placeholder[1], int(placeholder[2] or 0)
        rng, date = self.rng, str(self.article["date"]).split("-")
        if name == "story":
            other = self._other()
            return "\n".join([other["title"], *re.split(r"\n+", other["text"])[:count]])
        if name == "body":
            return "\n".join(re.split(r"\n+", self._other()["text"])[:count])
        if name == "digest":
            return _digest(str(self._other()["text"]), count + rng.randrange(2))
        first = re.split(r"\n+", self.article["text"])[0]
        match name:
            case "headline":
                return str(self._other()["title"])
            case "tease":
                return re.split(r"(?<=[a-z]\.) ", re.split(r"\n+", self._other()["text"])[0])[0]
            case "lede":
                return first
            case "title":
                return str(self.article["title"])
            case "author":
                return f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"
            case "year":
                return date[0]
            case "date":
                return f"{int(date[2])} {_MONTHS[int(date[1]) - 1]} {date[0]}"
            case "time":
                return f"{rng.randrange(24):02}:{rng.randrange(60):02}"
            case _:
                raise ValueError(f"no such placeholder: {{{name}}}")


def _noisy(text: str, noise: Sequence[str], rng: random.Random) -> str:
    for name in noise:
        match name:
            case "lost-spaces":
                text = re.sub(
                    r"(?<=[a-z]{2}\.) (?=[A-Z][a-z])", lambda match: "" if rng.random() < 0.4 else match[0], text
                )
            case "soft-hyphens":
                text = re.sub(r"\b([a-z]{4})([a-z]{4,})\b", "\\1\u00ad\\2", text)
            case "nbsp":
                text = re.sub(r"(?<=\d) (?=[a-z])|(?<=\.) (?=[A-Z])", "\u00a0", text)
            case "mojibake":
                text = re.sub("[“”’‘–—é]", lambda match: match[0].encode().decode("cp1252", errors="ignore"), text)
            case "zero-width":
                text = re.sub(r"(?<=,) ", "\u200b ", text)
            case "entities":
                text = text.replace("&", "&amp;").replace('"', "&quot;").replace("’", "&#8217;")
            case "double-spaces":
                text = text.replace(". ", ".  ")
            case _:
                pass
    return text


def _mark(spans: list[dict[str, Any]], text: str, start: int, end: int, kind: str) -> None:
    """Adds a span, or lengthens the last one if only white space lies between and the kind is the same."""
    if spans and spans[-1]["kind"] == kind and not text[spans[-1]["end"] : start].strip():
        spans[-1]["end"] = end
    else:
        spans.append({"start": start, "end": end, "kind": kind})


def _record(
    article: dict[str, Any], form: str, text: str, spans: list[dict[str, Any]], pattern: str, noise: list[str]
) -> dict[str, Any]:
    return {
        "id": f"{article['id']}-page-{form}",
        "article": article["id"],
        **{name: article[name] for name in ("event", "title", "source", "date", "manner")},
        "format": form,
        "text": text,
        "boilerplate": spans,
        "patterns": [pattern],
        "noise": noise,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the pages and prints how many."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=_HERE)
    parser.add_argument("--output", type=Path, default=_HERE / "pages.jsonl")
    options = parser.parse_args(arguments)
    articles = read_articles(options.corpus)
    made = list(pages(articles, load_passages(options.corpus / "boilerplate.jsonl")))
    with options.output.open("w", encoding="utf-8") as output:
        for page in made:
            output.write(json.dumps(page, ensure_ascii=False) + "\n")
    by_format = {form: sum(page["format"] == form for page in made) for form in ("text", "html")}
    print(f"{len(made)} pages of {len(articles)} articles ({by_format['text']} text, {by_format['html']} HTML)")


if __name__ == "__main__":
    main()
