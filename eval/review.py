"""Reading summaries sentence by sentence beside their articles: make the sheets, fold the marks back in as figures.

No measure sees who did what to whom; a reader does. `make` writes an HTML sheet to read from and a JSONL file to mark
in, one line a sentence and one a summary, in an order that does not tell the system. `fold` reads the marks of one or
several readers and prints shares with Wilson intervals, intervals by article beside, and how far readers agree.

    python -m eval.review make eval/results/run.json --n 40 --output review/
"""

from __future__ import annotations

import json
import math
import random
from collections import Counter, defaultdict
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from communique.errors import UsageError
from eval import command
from eval.intervals import interval, mean, wilson
from eval.measures.agreement import alpha
from eval.references import read_jsonl
from eval.report import page
from eval.results import Item, read
from eval.sentences import sentences
from eval.tables import Grid, bounds, json_line, markdown, number, show

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping, Sequence

    from eval.references import Reference

__all__ = ["ERRORS", "folded", "main", "sheet"]

ERRORS: Final = (
    "role", "attribution", "invented", "incoherent", "date-place", "negation-modality", "number", "name", "boilerplate"
)  # fmt: skip
MARKS: Final = ("supported", "unsupported")

EXAMPLES: Final = """\
  python -m eval.review make eval/results/run.json --n 40 --output review/
  python -m eval.review make run.json --system "communique auto" --system lead --output review/
  python -m eval.review fold review/sheet.key.json review/ann.jsonl review/ben.jsonl --markdown review.md

In the sheet a sentence's line has `mark` (supported or unsupported) and `errors` (of: role, attribution, invented,
incoherent, date-place, negation-modality, number, name, boilerplate), a summary `relevance` and `fluency` (1-5)."""


def main(argv: list[str] | None = None) -> int:
    """0 when the sheets or the figures were written."""
    options = command.parser(__doc__, EXAMPLES)
    commands = options.add_subparsers(required=True, metavar="make|fold")
    make = commands.add_parser("make", help="write sheets of a result's summaries")
    make.add_argument("result", type=Path, metavar="RESULT", help="a result of eval.run with the suite summaries")
    make.add_argument(
        "--system", action="append", metavar="NAME", help="whose summaries; repeatable (default: those under test)"
    )
    make.add_argument("--n", type=int, default=40, metavar="N", help="summaries in all (40)")
    make.add_argument("--seed", type=int, default=0, help="which ones, and in which order")
    make.add_argument("--output", type=Path, default=Path("review"), metavar="DIR")
    command.add_data_options(make)
    make.set_defaults(act=_make)
    fold = commands.add_parser("fold", help="figures from marked sheets")
    fold.add_argument("key", type=Path, metavar="KEY", help="the sheet.key.json that `make` wrote")
    fold.add_argument("marked", type=Path, nargs="+", metavar="MARKED", help="one marked sheet a reader")
    fold.add_argument("--markdown", type=Path, metavar="FILE", help="the figures as Markdown")
    fold.set_defaults(act=_fold)
    arguments = options.parse_args(argv)
    code: int = arguments.act(arguments)
    return code


def sheet(items: Sequence[Item], n: int, seed: int) -> tuple[list[dict[str, Any]], dict[str, dict[str, str]]]:
    """Lines to mark, and the key: which article and system each numbered summary is of."""
    drawn = sorted(items, key=lambda item: (item["id"], item["system"]))
    random.Random(seed).shuffle(drawn)
    lines: list[dict[str, Any]] = []
    key: dict[str, dict[str, str]] = {}
    for number_, item in enumerate(drawn[:n], 1):
        name = f"{number_:03d}"
        key[name] = {"id": item["id"], "event": item["event"], "system": item["system"]}
        for place, sentence in enumerate(_sentences(item), 1):
            lines.append({"summary": name, "sentence": place, "text": sentence, "mark": "", "errors": [], "note": ""})
        lines.append({"summary": name, "relevance": None, "fluency": None, "note": ""})
    return lines, key


def folded(key: dict[str, dict[str, str]], sheets: Sequence[Sequence[tuple[str, dict[str, Any]]]]) -> dict[str, Any]:
    """Figures by system: unsupported sentences, summaries with one, errors by kind, relevance, fluency; and alpha.

    A sentence that several readers marked is unsupported when any of them says so: what one reader can show to be
    wrong is wrong.

    Raises:
        UsageError: a mark that is not allowed, or a line without one.
    """
    marks: dict[tuple[str, int], list[str]] = defaultdict(list)
    errors: dict[tuple[str, int], set[str]] = defaultdict(set)
    rated: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for lines in sheets:
        for where, line in lines:
            if "sentence" in line:
                place = (line["summary"], line["sentence"])
                marks[place].append(_checked(line["mark"], MARKS, f"{where}: mark"))
                errors[place].update(_checked(kind, ERRORS, f"{where}: errors") for kind in line["errors"])
            else:
                for scale in ("relevance", "fluency"):
                    rated[line["summary"]][scale].append(float(_checked(line[scale], range(1, 6), f"{where}: {scale}")))
    figures: dict[str, Any] = {}
    for system in sorted({held["system"] for held in key.values()}):
        places = [place for place in marks if key[place[0]]["system"] == system]
        bad = {place: "unsupported" in marks[place] for place in places}
        names = sorted({name for name, _ in places})
        with_one = [any(bad[place] for place in places if place[0] == name) for name in names]
        kinds = Counter(kind for place in places if bad[place] for kind in errors[place])
        figures[system] = {
            "unsupported_sentences": _share(list(bad.values()), [key[name]["event"] for name, _ in places]),
            "summaries_with_one": _share(with_one, [key[name]["event"] for name in names]),
            "errors": {
                kind: _share([kind in errors[p] and bad[p] for p in places], [key[p[0]]["event"] for p in places])
                for kind in kinds
            },
            **{
                scale: _rating([(key[name]["event"], v) for name in names if (v := rated[name][scale])])
                for scale in ("relevance", "fluency")
            },
        }
    twice = [found for found in marks.values() if len(found) > 1]
    return {"systems": figures, "read_twice": len(twice), "alpha": alpha(twice) if twice else None}


def _make(arguments: argparse.Namespace) -> int:
    result = read(arguments.result)
    if "summaries" not in result.suites:
        raise UsageError(f"{arguments.result} has no suite `summaries`")
    held = result.suites["summaries"]
    wanted = arguments.system or held.extra["main"]
    items = [item for item in held.items if item["system"] in wanted and item["text"]]
    if not items:
        raise UsageError(
            f"no summaries of {', '.join(wanted)}; there are: {', '.join({i['system'] for i in held.items})}"
        )
    lines, key = sheet(items, arguments.n, arguments.seed)
    references = {reference.id: reference for reference in command.chosen_data(arguments).references}
    if strange := [held["id"] for held in key.values() if held["id"] not in references]:
        raise UsageError(
            f"{len(strange)} of {len(key)} summaries are of articles that are not in the data, such as {strange[0]}: "
            "name what the result was measured on with --data, or with --external and --data-root"
        )
    arguments.output.mkdir(parents=True, exist_ok=True)
    marks = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (arguments.output / "sheet.jsonl").write_text(marks, encoding="utf-8")
    (arguments.output / "sheet.key.json").write_text(json.dumps(key, indent=1), encoding="utf-8")
    (arguments.output / "sheet.html").write_text(_html(lines, key, references), encoding="utf-8")
    print(
        json_line(
            {
                "summaries": len(key),
                "sentences": sum("sentence" in line for line in lines),
                "folder": str(arguments.output),
            }
        )
    )
    return 0


def _fold(arguments: argparse.Namespace) -> int:
    try:
        key = json.loads(arguments.key.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise UsageError(f"{arguments.key} is not a key that `eval.review make` wrote: {error}") from error
    found = folded(key, [list(read_jsonl(path)) for path in arguments.marked])
    grid = _grid(found)
    show(grid, command.console)
    if arguments.markdown:
        arguments.markdown.write_text(markdown(grid), encoding="utf-8")
    print(json_line(found))
    return 0


def _html(lines: Sequence[dict[str, Any]], key: dict[str, dict[str, str]], references: Mapping[str, Reference]) -> str:
    parts = []
    for name, held in key.items():
        reference = references[held["id"]]
        said = "".join(
            f"<p><b>{line['sentence']}</b> {escape(line['text'])}</p>"
            for line in lines
            if line["summary"] == name and "sentence" in line
        )
        article = escape(reference.body).replace("\n", "<br>")
        title = escape(reference.title)
        parts.append(f'<div class="pair"><div><h4>{name}</h4>{said}</div><div><h4>{title}</h4>{article}</div></div>')
    return page("Read each sentence against its article", "\n".join(parts))


def _sentences(item: Item) -> list[str]:
    return [written["text"] for written in item.get("sentences") or ()] or sentences(item["text"])


def _checked(value: Any, allowed: Iterable[Any], where: str) -> Any:
    if value not in allowed:
        raise UsageError(f"{where} is {value!r}; allowed: {', '.join(map(str, allowed))}")
    return value


def _share(hits: Sequence[bool], clusters: Sequence[str]) -> dict[str, float]:
    """A share with its Wilson interval, and the bounds by bootstrap over articles beside."""
    low, high = wilson(sum(hits), len(hits))
    held = interval(mean([float(hit) for hit in hits]), clusters)
    return {
        "value": held.value, "low": low, "high": high, "low_clustered": held.low, "high_clustered": held.high,
        "hits": sum(hits), "n": len(hits),
    }  # fmt: skip


def _rating(rated: Sequence[tuple[str, Sequence[float]]]) -> dict[str, float]:
    """Of what readers gave each summary, with its event."""
    held = interval(mean([sum(given) / len(given) for _, given in rated]), [event for event, _ in rated])
    return {"value": held.value, "low": held.low, "high": held.high, "n": len(rated)}


def _grid(found: dict[str, Any]) -> Grid:
    rows = []
    for system, figures in found["systems"].items():
        for name in ("unsupported_sentences", "summaries_with_one"):
            rows.append((system, name.replace("_", " "), *_cells(figures[name])))
        for kind, share in sorted(figures["errors"].items(), key=lambda pair: -pair[1]["hits"]):
            rows.append((system, f"error: {kind}", *_cells(share)))
        for scale in ("relevance", "fluency"):
            held = figures[scale]
            rows.append((system, scale, str(held["n"]), number(held["value"]), bounds(held["low"], held["high"]), ""))
    agreed = found["alpha"]
    note = f"{found['read_twice']} sentences read twice" + (
        "" if agreed is None or math.isnan(agreed) else f", Krippendorff's alpha {agreed:.3f}"
    )
    return Grid("Reading", ("system", "", "n", "value", "Wilson 95%", "by article 95%"), tuple(rows), note)


def _cells(share: dict[str, float]) -> tuple[str, str, str, str]:
    clustered = bounds(share["low_clustered"], share["high_clustered"])
    shown = f"{number(share['value'])} ({share['hits']:.0f})"
    return f"{share['n']:.0f}", shown, bounds(share["low"], share["high"]), clustered


if __name__ == "__main__":
    command.run(main)
