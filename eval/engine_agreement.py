"""How far the OpenVINO engine and the torch engine agree: the same weights, the same prompts, greedy answers of both.

After the first token that differs two answers go their own ways, so that three figures are given: answers that are
equal as a whole, tokens that stand at the same place in both, and, of the tokens of the first engine's answers, how far
apart the logarithms of their probabilities are when both engines read the same answer.

    $ python -m eval.engine_agreement --limit 4
    $ python -m eval.engine_agreement --limit 4 --precision exact     # f32 in both: what the batching alone changes
"""

from __future__ import annotations

import json
import statistics
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, get_args

from communique.lm import EngineSettings, Generator, LanguageTokenizer, build_prompt
from communique.lm.settings import Precision
from communique.models import revision
from communique.reading import read
from communique.summary.writer import MAX_NEW_TOKENS
from eval.command import add_data_options, chosen_data, console, parser, run
from eval.provenance import provenance
from eval.suites.base import article_of

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

__all__ = ["agreement", "main"]


def agreement(
    answers: Sequence[tuple[Sequence[int], Sequence[int]]],
    logprobs: Sequence[tuple[Sequence[float], Sequence[float]]],
) -> dict[str, float]:
    """The figures for pairs of answers, and for pairs of log-probabilities of the first answers' tokens.

    `equal_tokens` counts places: where one answer is over and the other is not, they differ.
    """
    places = [one == other for pair in answers for one, other in zip_longest(*pair)]
    apart = [abs(one - other) for pair in logprobs for one, other in zip(*pair, strict=True)]
    same = [tuple(one) == tuple(other) for one, other in answers]
    return {
        "answers": len(answers),
        "equal_answers": sum(same) / len(same),
        "tokens": len(places),
        "equal_tokens": sum(places) / len(places),
        "tokens_scored": len(apart),
        "logprob_apart_median": statistics.median(apart),
        "logprob_apart_mean": statistics.fmean(apart),
        "logprob_apart_p95": sorted(apart)[int(0.95 * (len(apart) - 1))],
        "logprob_apart_max": max(apart),
    }


def compare(prompts: Sequence[Sequence[int]], precision: Precision) -> dict[str, float]:
    """Have both engines write and read; one after the other, so that only one is in memory.

    Raises:
        EnvironmentFault: a model, or the extra `gpu`, is missing.
    """
    with Generator(EngineSettings(engine="openvino", precision=precision)) as generator:
        first = [one.token_ids for one in generator.generate(prompts, MAX_NEW_TOKENS)]
        pairs = list(zip(prompts, first, strict=True))
        first_scores = generator.score(pairs)
    with Generator(EngineSettings(engine="torch", precision=precision)) as generator:
        second = [one.token_ids for one in generator.generate(prompts, MAX_NEW_TOKENS)]
        second_scores = generator.score(pairs)
    return agreement(list(zip(first, second, strict=True)), list(zip(first_scores, second_scores, strict=True)))


def main(given: Namespace | None = None) -> int:
    """Measure, print, and one JSON line last."""
    arguments = parser(__doc__, "  python -m eval.engine_agreement --limit 4")
    arguments.add_argument("--precision", choices=get_args(Precision), default="auto", help="of both engines")
    arguments.add_argument("--json", action="store_true", help="print the JSON line alone on standard output")
    add_data_options(arguments)
    arguments.set_defaults(limit=16)
    args = given or arguments.parse_args()
    console.stderr = args.json
    data = chosen_data(args)
    tokenizer = LanguageTokenizer.open()
    documents = [read(article_of(reference)) for reference in data.articles]
    prompts = [build_prompt(tokenizer, one.title, [s.text for s in one.sentences[:3]]) for one in documents]
    found: dict[str, Any] = {
        "model": f"communique-writer@{revision('summarizer')}",
        "precision": args.precision,
        "data": data.sha256,
        **compare(prompts, args.precision),
    }
    for name, value in found.items():
        console.print(f"{name:22} {value if isinstance(value, (int, str)) else f'{value:.4f}'}", highlight=False)
    print(json.dumps(found | {"provenance": provenance()}))
    return 0


if __name__ == "__main__":
    run(main)
