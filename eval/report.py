"""A result as one HTML file: tables, plots, and the worst items beside their articles. It fetches nothing.

python -m eval.run --report report.html
"""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING, Final

from communique.labels import STANCES
from eval import plots
from eval.suites import SUITES
from eval.tables import Grid, result_grids
from eval.worst import Worst, worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eval.references import Data, Reference
    from eval.results import Item, Result, SuiteResult

__all__ = ["html_table", "page", "report"]

WORST: Final = 10

_STYLE: Final = """
:root{color-scheme:light dark;--line:#8884}
body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{margin-top:2.5rem}table{border-collapse:collapse;font-size:13px;display:block;overflow-x:auto}
th,td{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:right;vertical-align:top}
th:first-child,td:first-child{text-align:left}small{opacity:.65;white-space:nowrap}figure{margin:0;display:inline-block}
.plots{display:flex;flex-wrap:wrap;gap:1rem}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:1.2rem;border-top:1px solid var(--line);padding:.8rem 0}
.pair>div{max-height:24rem;overflow:auto;overflow-wrap:anywhere}
pre{white-space:pre-wrap;font-size:13px;margin:.4rem 0 1rem}
.note{opacity:.7;font-size:13px;white-space:pre-line}mark{background:#f59e0b55;color:inherit}
@media(max-width:700px){.pair{grid-template-columns:1fr}}"""


def report(result: Result, data: Data) -> str:
    """The page of a result; `data` gives the articles beside the worst items."""
    references = {reference.id: reference for reference in data.references}
    models = "; ".join(f"{kind}: {name}" for kind, name in result.system["models"].items())
    device = result.provenance["device"]
    about = (
        f"{result.system['name']} ({models or 'no models named'}) on {result.data['name']}"
        f"{' (external data)' if result.data['external'] else ''}, n={result.data['n']}, "
        f"sha256 {result.data['sha256'][:16]}\n"
        f"commit {result.provenance['commit']}, {result.provenance['created']}, {device['kind']}: {device['cpu']}, "
        f"{device['cores']} cores{', ' + device['gpu'] if device['gpu'] else ''}\n"
        + ", ".join(f"{name} {version}" for name, version in result.provenance["versions"].items())
    )
    sections = [f'<p class="note">{escape(about)}</p>']
    grids = result_grids(result, SUITES)
    for name, held in result.suites.items():
        sections.append(f"<h2>{escape(name)}</h2>")
        sections += [html_table(grid) for grid in grids if grid.title.split(":")[0] == name]
        if drawn := _plots(name, held):
            sections.append(f'<div class="plots">{"".join(drawn)}</div>')
        if found := worst(name, held, references):
            sections.append(f"<h3>{escape(name)}: the worst beside their articles</h3>")
            sections += _beside(found, references)
    return page(f"Evaluation of {result.system['name']}", "\n".join(sections))


def page(title: str, body: str) -> str:
    """A whole HTML document."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )


def html_table(grid: Grid) -> str:
    """A grid as a table with its title and note."""
    head = "".join(f"<th>{escape(column)}</th>" for column in grid.columns)
    rows = "".join("<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>" for row in grid.rows)
    note = f'<p class="note">{escape(grid.note)}</p>' if grid.note else ""
    return f"<h3>{escape(grid.title)}</h3><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{note}"


def _cell(cell: str) -> str:
    first, _, rest = cell.partition("\n")
    return escape(first) + (f"<br><small>{escape(rest)}</small>" if rest else "")


def _plots(name: str, held: SuiteResult) -> list[str]:
    main = held.extra["main"]
    by_system = {system: [item for item in held.items if item["system"] == system] for system in main}
    if name == "summaries":
        return [
            plots.dots(
                "ROUGE-1 by length of the article",
                {s: [(i["scores"]["compression"] * i["scores"]["words"], i["scores"]["rouge1"], i["id"]) for i in items]
                 for s, items in by_system.items()},
                "words of the article", "ROUGE-1 F1",
            )
        ]  # fmt: skip
    if name == "topics":
        figures = {f.metric[3:]: (f.value, f.low, f.high) for f in held.figures
                   if f.system == main[0] and f.slice == "all" and f.metric.startswith("f1.")}  # fmt: skip
        return [plots.bars("F1 by topic", figures, top=1.0)]
    if name == "stance":
        answers = [*STANCES, "absent"]
        counts = Counter((item["gold"], item["forced"]) for item in by_system[main[0]])
        shown = plots.matrix(
            "Stance: found (rows) and answered", STANCES, answers, [[counts[g, a] for a in answers] for g in STANCES]
        )
        return [
            shown,
            plots.lines("Risk and coverage of stance", {main[0]: _risk(by_system[main[0]])}, "coverage", "error"),
        ]
    if name == "calibration":
        diagrams = {
            system: [(point["probability"], point["share"]) for point in points]
            for system, points in held.extra["reliability"].items()
        }
        return [plots.lines("Reliability", diagrams, "probability", "share that came true", diagonal=True, marks=True)]
    if name == "cleaning":
        figures = {f.metric[8:]: (f.value, f.low, f.high) for f in held.figures
                   if f.system == main[0] and f.slice == "all" and f.metric.startswith("removed.")}  # fmt: skip
        return [plots.bars("Share removed, by pattern", figures, top=1.0)]
    return []


def _risk(items: Sequence[Item]) -> list[tuple[float, float]]:
    """Share answered, and share of errors among those, surest first."""
    order = sorted(items, key=lambda item: -max((item["probabilities"] or {"absent": 1.0}).values()))
    wrong, points = 0, []
    for count, item in enumerate(order, 1):
        wrong += item["forced"] != item["gold"]
        points.append((count / len(order), wrong / count))
    return points


def _beside(found: Sequence[Worst], references: dict[str, Reference]) -> list[str]:
    """Each item beside its article."""
    parts = []
    for item in found[:WORST]:
        reference = references.get(item.id)
        article = escape(reference.text if reference else "(not among the data)").replace("\n", "<br>")
        title = escape(reference.title) if reference else ""
        left = f"<div><h4>{escape(item.id)} {escape(item.label)}</h4>{item.html}</div>"
        parts.append(f'<div class="pair">{left}<div><h4>{title}</h4>{article}</div></div>')
    return parts
