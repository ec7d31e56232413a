"""Measure quality: cleaning, summaries, grounding, topics, stance, calibration, beside baselines, with intervals.

Prints tables, writes the result with its item scores, and ends with one JSON line.

    python -m eval.run
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

from communique.record import RequestedMode
from eval import command
from eval.external import claims
from eval.provenance import provenance
from eval.references import Data, Reference, load
from eval.results import RESULTS, Result, SuiteResult, write
from eval.suites import SUITES
from eval.suites.base import Embed, Setting, Similarity, evaluate
from eval.systems import Answers, System, opened
from eval.tables import json_line, markdown, result_grids, show

if TYPE_CHECKING:
    import argparse

__all__ = ["CORPUS", "main", "measure", "training_corpus"]

CORPUS: Final = Path(__file__).parent.parent / "training" / "corpus"

EXAMPLES: Final = """\
  python -m eval.run                                            all suites on this project's references
  python -m eval.run --suite summaries --mode auto --mode extractive
  python -m eval.run --suite topics --suite stance --external karabakh --data-root DIR --fold 1/5
  python -m eval.run --model http://127.0.0.1:3000              a running service
  python -m eval.run --model writer                             the language model alone, nothing proven
  python -m eval.run --suite summaries --model ./my-checkpoint  a transformers model, by folder or hub name
  python -m eval.run --data mine.jsonl --model records.jsonl    your data, records scored before
  python -m eval.run --report report.html --markdown table.md"""


def main(argv: list[str] | None = None) -> int:
    """0 when all suites ran."""
    arguments = _options().parse_args(argv)
    data = command.chosen_data(arguments)
    training = load(arguments.train, "training").articles if arguments.train else training_corpus()
    with opened(arguments.model, device=arguments.device) as system:
        result = measure(
            data,
            system,
            suites=arguments.suite or _sensible(data, system),
            modes=tuple(arguments.mode or ("auto",)),
            pages=arguments.pages,
            training=training,
            data_root=arguments.data_root,
            rivals=not arguments.no_baselines,
            encoder=arguments.encoder,
            device=arguments.device,
        )
    for grid in result_grids(result, SUITES, slices=arguments.slices):
        show(grid, command.console)
    path = arguments.output or RESULTS / f"{datetime.now(UTC):%Y-%m-%d-%H%M%S}-{data.name.split(',')[0]}.json"
    write(result, path)
    if arguments.markdown:
        arguments.markdown.write_text("\n".join(map(markdown, result_grids(result, SUITES))), encoding="utf-8")
    if arguments.report:
        from eval.report import report

        arguments.report.write_text(report(result, data), encoding="utf-8")
    print(json_line(result.as_dict(items=False) | {"file": str(path)}))
    return 0


def measure(
    data: Data,
    system: System,
    *,
    suites: list[str],
    modes: tuple[RequestedMode, ...] = ("auto",),
    pages: bool = False,
    training: tuple[Reference, ...] = (),
    data_root: Path | None = None,
    rivals: bool = True,
    encoder: Path | None = None,
    device: str = "cpu",
) -> Result:
    """Run the suites over the data; articles that several suites need are asked once."""
    held_out = {reference.event for reference in data.references}
    with command.progress(system.name) as step:
        answers = Answers(system, step)
        similarity, embed = _encoder(encoder, suites)
        setting = Setting(
            data=data,
            answers=answers,
            modes=modes,
            pages=pages,
            training=tuple(r for r in training if r.event not in held_out),
            rivals=rivals,
            similarity=similarity,
            checker=system.check,
            embed=embed,
            claims=claims(data_root) if data_root and "grounding" in suites else (),
        )
        found: dict[str, SuiteResult] = {name: evaluate(SUITES[name], setting) for name in suites}
    return Result(
        provenance=provenance(device),
        system={"name": system.name, "models": answers.models},
        data={"name": data.name, "n": len(data.references), "sha256": data.sha256, "external": data.external},
        suites=found,
    )


def _sensible(data: Data, system: System) -> list[str]:
    """All suites that the data and the system can answer."""
    if system.summaries_only:
        return ["summaries"]
    wanted = list(SUITES)
    if not data.pages:
        wanted.remove("cleaning")
    if not any(reference.summaries for reference in data.articles):
        wanted = [name for name in wanted if name not in ("summaries", "grounding")]
    return wanted


def training_corpus() -> tuple[Reference, ...]:
    """The project's own corpus, for the learned baselines; nothing where it is not there."""
    files = [path for name in ("conflict", "world", "voices") if (path := CORPUS / f"{name}.jsonl").is_file()]
    return load(files, "corpus").articles if files else ()


def _encoder(folder: Path | None, suites: list[str]) -> tuple[Similarity | None, Embed | None]:
    """BERTScore and sentence vectors, where a suite wants them and an encoder is at hand."""
    if not {"summaries", "grounding"} & set(suites):
        return None, None
    from eval.encoder import Encoder, pulled

    folder = folder or pulled()
    if folder is None:
        return None, None
    encoder = Encoder(folder)
    return encoder.scores, encoder.vectors


def _options() -> argparse.ArgumentParser:
    options = command.parser(__doc__, EXAMPLES)
    options.add_argument(
        "--suite", action="append", choices=list(SUITES), help="may be given several times (default: all)"
    )
    options.add_argument(
        "--model",
        default="registry",
        help="registry, writer, a service's URL, records (.jsonl), a folder or a hub name",
    )
    options.add_argument(
        "--mode", action="append", choices=get_args(RequestedMode), help="summary modes, each a row (default: auto)"
    )
    options.add_argument(
        "--pages", action="store_true", help="summaries and labels of scraped pages, not of the articles alone"
    )
    options.add_argument(
        "--train",
        type=Path,
        nargs="+",
        metavar="PATH",
        help="what learned baselines learn from (default: training/corpus)",
    )
    options.add_argument(
        "--encoder", type=Path, metavar="DIR", help="a BERT encoder for BERTScore (default: the registry's, if pulled)"
    )
    options.add_argument("--no-baselines", action="store_true", help="the system alone, without baselines and controls")
    options.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    command.add_data_options(options)
    output = options.add_argument_group("output")
    output.add_argument(
        "--slices", action="store_true", help="also print figures by length, manner, boilerplate and date"
    )
    output.add_argument("--output", type=Path, metavar="FILE", help="the result file (default: dated, in eval/results)")
    output.add_argument("--markdown", type=Path, metavar="FILE", help="the tables as Markdown")
    output.add_argument(
        "--report", type=Path, metavar="FILE", help="a self-contained HTML report with plots and the worst items"
    )
    return options


if __name__ == "__main__":
    command.run(main)
