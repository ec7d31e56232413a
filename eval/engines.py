"""How fast the language model's engine is, beside plain `transformers.generate` with the same weights and prompts.

Each round runs, one after the other: the engine on all prompts at once, torch in fp32 one by one, the engine on one
prompt, torch in bf16 one by one. A ratio is taken within a round, so that a machine that slows down slows both. Every
answer has the same number of new tokens. It says nothing of what the answers are worth.

    $ python -m eval.engines --articles 20 --new-tokens 70 --rounds 3
    $ python -m eval.engines --rounds 3 --torch-articles 20 --json      # torch on all of them: ten minutes more
"""

from __future__ import annotations

import json
import random
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from communique.lm import EngineSettings, Generator, LanguageTokenizer, build_prompt
from communique.lm.settings import Precision
from communique.models import revision
from eval.command import console, parser, run
from eval.provenance import provenance

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Sequence

__all__ = ["articles", "compare", "main"]

_WHO: Final = ("The ministry", "A spokesman", "The mayor", "An aid worker", "The court", "A witness", "The company")
_DID: Final = ("said that", "confirmed that", "denied that", "told reporters that", "wrote that", "recalled that")
_WHAT: Final = (
    "the bridge over the river would stay closed",
    "the second convoy had reached the town",
    "repairs would cost {n} million",
    "{n} families had returned to their homes",
    "talks would be resumed in the capital",
    "the pipeline had been tested at night",
    "prices of bread had risen by {n} per cent",
)
_WHEN: Final = ("on Monday", "late on Tuesday", "before the vote", "after the storm", "in the spring", "this week")


def articles(count: int, sentences: int, seed: int = 0) -> list[list[str]]:
    """Made articles, each a list of sentences; the same for the same arguments."""
    chosen = random.Random(seed)
    return [
        [
            f"{chosen.choice(_WHO)} {chosen.choice(_DID)} {chosen.choice(_WHAT)} {chosen.choice(_WHEN)}.".replace(
                "{n}", str(chosen.randrange(2, 90))
            )
            for _ in range(sentences)
        ]
        for _ in range(count)
    ]


@dataclass(frozen=True, slots=True)
class _Timed:
    """Seconds of one contender in each round, and what it did in each."""

    name: str
    articles: int
    new_tokens: int
    seconds: tuple[float, ...]

    @property
    def rates(self) -> list[float]:
        return [self.articles / seconds for seconds in self.seconds]


def compare(
    settings: EngineSettings, prompts: Sequence[Sequence[int]], new_tokens: int, rounds: int, torch_articles: int
) -> dict[str, Any]:
    """The measurement as JSON has it; `torch_articles` 0 leaves torch out.

    Raises:
        EnvironmentFault: the model is not in the cache.
    """
    with Generator(settings) as generator:

        def engine(count: int, new_tokens: int) -> tuple[int, int, Callable[[], Any]]:
            return count, new_tokens, lambda: generator.generate(prompts[:count], new_tokens, ignore_end=True)

        began = time.monotonic()
        generator.start()
        while not generator.ready:
            generator.start()  # says why, if it cannot
            time.sleep(0.01)
        load_seconds = time.monotonic() - began
        loaded = _memory(generator)
        generator.generate(prompts[:2], 4)
        contenders: dict[str, tuple[int, int, Callable[[], Any]]] = {
            "engine, all at once": engine(len(prompts), new_tokens),
            "engine, all at once, first token": engine(len(prompts), 1),
        }
        alone = {
            "engine, one": engine(1, new_tokens),
            "engine, one, first token": engine(1, 1),
        }
        if torch_articles:
            chosen = prompts[:torch_articles]
            contenders["torch fp32, one by one"] = (len(chosen), new_tokens, _torch("float32", chosen, new_tokens))
            contenders |= alone
            contenders["torch bf16, one by one"] = (len(chosen), new_tokens, _torch("bfloat16", chosen, new_tokens))
        contenders |= alone
        seconds: dict[str, list[float]] = {name: [] for name in contenders}
        for round_ in range(rounds):
            for name, (_, _, work) in contenders.items():
                console.print(f"round {round_ + 1} of {rounds}: {name}", style="dim", highlight=False)
                began = time.monotonic()
                work()
                seconds[name].append(time.monotonic() - began)
        used = _memory(generator)
    timed = [_Timed(name, count, new, tuple(seconds[name])) for name, (count, new, _) in contenders.items()]
    return {
        "model": f"summarizer@{revision('summarizer')}",
        "precision": settings.precision,
        "prompts": len(prompts),
        "prompt_tokens_mean": statistics.mean(map(len, prompts)),
        "new_tokens": new_tokens,
        "rounds": rounds,
        "load_seconds": load_seconds,
        "resident_bytes_loaded": loaded,
        "resident_bytes_after": used,
        "contenders": {one.name: _figures(one) for one in timed},
        "ratios": _ratios({one.name: one for one in timed}),
        "engine_tokens_per_second": _tokens(prompts, new_tokens, seconds),
        "provenance": provenance(),
    }


def _torch(dtype: str, prompts: Sequence[Sequence[int]], new_tokens: int) -> Callable[[], None]:
    import torch

    from communique.lm.torch_model import load_served

    model = load_served("summarizer", getattr(torch, dtype)).eval()

    def work() -> None:
        for prompt in prompts:
            ids = torch.tensor([list(prompt)])
            with torch.inference_mode():
                out = model.generate(
                    ids,
                    attention_mask=torch.ones_like(ids),
                    do_sample=False,
                    max_new_tokens=new_tokens,
                    min_new_tokens=new_tokens,
                    pad_token_id=2,
                    eos_token_id=2,
                )
            if out.shape[1] != len(prompt) + new_tokens:
                raise RuntimeError(f"torch wrote {out.shape[1] - len(prompt)} tokens, not {new_tokens}")

    return work


def _figures(timed: _Timed) -> dict[str, Any]:
    return {
        "articles": timed.articles,
        "new_tokens": timed.new_tokens,
        "seconds": list(timed.seconds),
        "articles_per_second": _spread(timed.rates),
    }


def _ratios(timed: dict[str, _Timed]) -> dict[str, dict[str, float]]:
    """Articles a second of the engine over those of each torch contender, round by round."""
    engine = timed["engine, all at once"].rates
    return {
        name: _spread([ours / theirs for ours, theirs in zip(engine, other.rates, strict=True)])
        for name, other in timed.items()
        if name.startswith("torch")
    }


def _tokens(prompts: Sequence[Sequence[int]], new_tokens: int, seconds: dict[str, list[float]]) -> dict[str, float]:
    """Tokens read and written a second, by medians: the first token's time is the reading."""
    found = {}
    for name, count in (("engine, all at once", len(prompts)), ("engine, one", 1)):
        reading = statistics.median(seconds[f"{name}, first token"])
        writing = statistics.median(seconds[name]) - reading
        found[f"{name}: in"] = sum(map(len, prompts[:count])) / reading
        found[f"{name}: out"] = count * (new_tokens - 1) / writing
    return found


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def _memory(generator: Generator) -> int | None:
    """Resident bytes of the engine's process, where /proc tells."""
    try:
        lines = Path(f"/proc/{generator.pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")), None)


def _show(found: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table(title=f"{found['model']}, {found['prompt_tokens_mean']:.0f} tokens in, {found['new_tokens']} out")
    for heading in ("contender", "articles", "new tokens", "articles/s median", "min to max", "engine is × faster"):
        table.add_column(heading, justify="left" if heading == "contender" else "right")
    for name, one in found["contenders"].items():
        rate, ratio = one["articles_per_second"], found["ratios"].get(name)
        times = f"{ratio['median']:.1f} ({ratio['min']:.1f} to {ratio['max']:.1f})" if ratio else ""
        spread = f"{rate['min']:.2f} to {rate['max']:.2f}"
        table.add_row(name, str(one["articles"]), str(one["new_tokens"]), f"{rate['median']:.2f}", spread, times)
    console.print(table)
    tokens = ", ".join(f"{name} {value:,.0f}/s" for name, value in found["engine_tokens_per_second"].items())
    memory = found["resident_bytes_after"]
    console.print(
        f"tokens: {tokens}; loaded in {found['load_seconds']:.1f} s; resident {memory / 1e6:,.0f} MB" if memory else "",
        highlight=False,
    )


def main(given: Namespace | None = None) -> int:
    """Measure, print a table, and one JSON line last."""
    arguments = parser(__doc__, "  python -m eval.engines --articles 20 --new-tokens 70 --rounds 3")
    arguments.add_argument("--articles", type=int, default=20, help="prompts at once")
    arguments.add_argument("--prompt-tokens", type=int, default=600, help="tokens of a prompt, at most")
    arguments.add_argument("--new-tokens", type=int, default=70)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--torch-articles", type=int, default=5, help="of them, one by one in torch; 0 for none")
    arguments.add_argument("--precision", choices=get_args(Precision), default="auto")
    arguments.add_argument("--max-batch-tokens", type=int, default=EngineSettings().max_batch_tokens)
    arguments.add_argument("--threads", type=int, default=0, help="of the engine; 0 for all cores")
    arguments.add_argument("--json", action="store_true", help="print the JSON line alone on standard output")
    args = given or arguments.parse_args()
    console.stderr = args.json
    settings = EngineSettings(precision=args.precision, max_batch_tokens=args.max_batch_tokens, threads=args.threads)
    tokenizer = LanguageTokenizer.open()
    prompts = [
        build_prompt(tokenizer, "", sentences, max_tokens=args.prompt_tokens)
        for sentences in articles(args.articles, args.prompt_tokens // 12)
    ]
    found = compare(settings, prompts, args.new_tokens, args.rounds, args.torch_articles)
    _show(found)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    run(main)
