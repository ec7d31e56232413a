"""The results table of the README, made from the newest whole run over the references in `eval/results/`.

python -m eval.readme            # write it
python -m eval.readme --check    # exit 1 when the page and the run differ
"""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from communique.errors import UsageError
from eval import command
from eval.references import REFERENCES, load
from eval.results import RESULTS, Figure, Result, read
from eval.tables import bounds, number

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BEGIN", "END", "main", "newest", "table"]

README: Final = Path(__file__).parent.parent / "README.md"
BEGIN: Final = "<!-- results: begin -->"
END: Final = "<!-- results: end -->"

#: (question, suite, metric, our system, baselines beside it)
ROWS: Final = (
    ("summary, ROUGE-1", "summaries", "rouge1", "communique auto", ("lead", "textrank", "oracle sentences")),
    ("summary, ROUGE-2", "summaries", "rouge2", "communique auto", ("lead", "textrank", "oracle sentences")),
    ("figures of the summary that the article holds", "summaries", "figure_precision", "communique auto", ()),
    ("names of the summary that the article holds", "summaries", "name_precision", "communique auto", ()),
    ("topics, micro F1", "topics", "micro_f1", "communique", ("majority", "tf-idf regression")),
    ("topics, macro F1", "topics", "macro_f1", "communique", ("majority", "tf-idf regression")),
    ("stance, macro F1", "stance", "macro_f1", "communique", ("majority", "tf-idf regression")),
    ("stance follows a swapped target", "stance", "follows", "control: swap", ()),
    ("stance mirrors swapped sides", "stance", "follows", "control: mirror", ()),
    ("topics, debiased ECE", "calibration", "ece_debiased", "communique: topics", ()),
    ("stance, debiased ECE", "calibration", "ece_debiased", "communique: stance", ()),
    ("text pages: boilerplate removed", "cleaning", "text.removed", "communique", ()),
    ("text pages: article lost", "cleaning", "text.lost", "communique", ()),
    ("HTML pages: boilerplate removed", "cleaning", "html.removed", "communique", ("trafilatura", "justext")),
    ("HTML pages: article lost", "cleaning", "html.lost", "communique", ("trafilatura", "justext")),
)


def newest(folder: Path = RESULTS) -> Result:
    """The run that was made last, of those that answer every question of the table on all references.

    Raises:
        UsageError: there is none.
    """
    found = []
    for path in folder.glob("*.json"):
        with suppress(UsageError):  # what eval.benchmark measured lies there too
            found.append(read(path))
    whole = len(load([REFERENCES]).references)  # a run with --limit has the same name
    fitting = [
        result
        for result in found
        if (result.data["name"], result.data["n"]) == ("references", whole)
        and all(system in _figures(result, suite, metric) for _, suite, metric, system, _ in ROWS)
    ]
    if not fitting:
        raise UsageError(f"{folder} holds no run of all suites over the references: python -m eval.run")
    return max(fitting, key=lambda result: str(result.provenance["created"]))


def table(result: Result) -> str:
    """Markdown: a row a question, with n, the interval, and the baselines; a line of provenance below."""
    lines = ["| | Communiqué | baselines | n |", "|---|---|---|---|"]
    for question, suite, metric, system, baselines in ROWS:
        figures = _figures(result, suite, metric)
        ours = figures[system]
        beside = ", ".join(f"{name} {number(figures[name].value, metric)}" for name in baselines if name in figures)
        lines.append(f"| {question} | {_cell(ours)} | {beside} | {ours.n} |")
    about = result.provenance
    models = ", ".join(sorted(set(result.system["models"].values())))
    machine = f"{about['device']['cpu']}, {about['device']['cores']} cores"
    source = f"{result.data['name']}, sha256 {str(result.data['sha256'])[:12]}; 95% intervals by bootstrap over events"
    lines += ["", f"{source}; {about['created'][:10]}, commit {about['commit']}, {machine}; {models}."]
    return "\n".join(lines)


def _figures(result: Result, suite: str, metric: str) -> dict[str, Figure]:
    """By system."""
    held = result.suites.get(suite)
    return {f.system: f for f in held.figures if f.slice == "all" and f.metric == metric} if held else {}


def _cell(figure: Figure) -> str:
    return f"**{number(figure.value, figure.metric)}** {bounds(figure.low, figure.high, figure.metric)}"


def _placed(page: str, content: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{content}\n{END}{after}"


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m eval.readme", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the table has drifted")
    arguments = parser.parse_args(argv)
    page = README.read_text(encoding="utf-8")
    wanted = _placed(page, table(newest()))
    if arguments.check:
        if page != wanted:
            print("README.md and eval/results differ: run python -m eval.readme", file=sys.stderr)
            return 1
        return 0
    README.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    command.run(main)
