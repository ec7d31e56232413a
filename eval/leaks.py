"""Does anything that models learn from stand among what they are judged by?

Three kinds of leak: a common event, a near-duplicate (texts that share a fifth of their five-word runs), and a
reference summary whose sentence stands in a training text. Pages count as their article. Exit code 1: a leak was found.

    python -m eval.leaks
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zlib import crc32

from communique.errors import UsageError
from eval import command
from eval.external import ARTICLES, articles
from eval.references import REFERENCES, read_jsonl
from eval.run import CORPUS
from eval.sentences import sentences
from eval.tables import Grid, json_line, show

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["Leak", "Text", "find_leaks", "main", "texts"]

EXAMPLES: Final = """\
  python -m eval.leaks                                          training/corpus against eval/references
  python -m eval.leaks --data-root DIR                          external sets count as training
  python -m eval.leaks --train a.jsonl --held-out b.jsonl c.jsonl
  python -m eval.leaks --train train.jsonl --held-out validation.jsonl --near 0.1"""

RUN: Final = 5
NEAR: Final = 0.2
#: One run in so many is looked up first (Broder 1997, "0 mod p" sampling); candidates are then compared whole.
SAMPLED: Final = 4
#: A sentence of fewer words may be anybody's.
LONG: Final = 10


@dataclass(frozen=True, slots=True)
class Text:
    """One article of a file: `file` and `id` say where, `event` is empty where the file names none."""

    file: str
    id: str
    event: str
    text: str
    summaries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Leak:
    """`kind` is event, near-duplicate or summary; `share` of common runs, 1 for the other kinds."""

    kind: str
    train: str
    held_out: str
    share: float
    shown: str


def main(argv: list[str] | None = None) -> int:
    """0 when nothing leaks, 1 when something does."""
    options = command.parser(__doc__, EXAMPLES)
    options.add_argument(
        "--train", type=Path, nargs="+", metavar="PATH", help="what models learn from (default: training/corpus)"
    )
    options.add_argument(
        "--held-out", type=Path, nargs="+", metavar="PATH", help="what they are judged by (default: eval/references)"
    )
    options.add_argument("--data-root", type=Path, metavar="DIR", help="external sets beside, as training")
    options.add_argument(
        "--near", type=float, default=NEAR, metavar="SHARE", help="common runs that make a near-duplicate (0.2)"
    )
    arguments = options.parse_args(argv)
    train = list(texts(arguments.train or [CORPUS]))
    if arguments.data_root:
        train += _external(arguments.data_root)
    held_out = list(texts(arguments.held_out or [REFERENCES]))
    leaks = find_leaks(train, held_out, arguments.near)
    rows = tuple((leak.kind, leak.train, leak.held_out, f"{leak.share:.2f}", leak.shown) for leak in leaks)
    note = f"{len(train)} training texts against {len(held_out)} held out"
    show(
        Grid("Leaks" if leaks else "No leaks", ("kind", "training", "held out", "share", ""), rows, note),
        command.console,
    )
    print(json_line({"leaks": [asdict(leak) for leak in leaks], "train": len(train), "held_out": len(held_out)}))
    return 1 if leaks else 0


def texts(paths: Iterable[Path]) -> Iterator[Text]:
    """The articles of files and of the files of folders; lines without a text are passed over.

    Raises:
        UsageError: no such file.
    """
    for path in paths:
        if not path.exists():
            raise UsageError(f"no file {path}")
        for file in sorted(path.glob("*.jsonl")) if path.is_dir() else [path]:
            for _, item in read_jsonl(file):
                # A page is its article in other clothes; the article itself is in its own file.
                if isinstance(item, dict) and isinstance(item.get("text"), str) and not item.get("article"):
                    summaries = item.get("summaries") or ([item["summary"]] if item.get("summary") else [])
                    event = str(item.get("event") or "")
                    yield Text(file.name, str(item.get("id", "")), event, item["text"], tuple(summaries))


def _external(root: Path) -> Iterator[Text]:
    """The external articles that models learn from. Their months are no events."""
    for name in ARTICLES:
        for reference in articles(root, name).references:
            yield Text(name, reference.id, "", reference.text, tuple(reference.summaries))


def find_leaks(train: Sequence[Text], held_out: Sequence[Text], near: float = NEAR) -> list[Leak]:
    """Every leak, the worst first. Linear in the texts, but for those that share runs."""
    leaks = [*_events(train, held_out), *_near_duplicates(train, held_out, near), *_summaries(train, held_out)]
    return sorted(leaks, key=lambda leak: -leak.share)


def _events(train: Sequence[Text], held_out: Sequence[Text]) -> Iterator[Leak]:
    known = {text.event: text for text in train if text.event}
    for text in held_out:
        if text.event in known:
            yield Leak("event", _where(known[text.event]), _where(text), 1.0, text.event)


def _near_duplicates(train: Sequence[Text], held_out: Sequence[Text], near: float) -> Iterator[Leak]:
    runs = [_runs(text.text) for text in held_out]
    places: dict[int, list[int]] = defaultdict(list)
    for at, held in enumerate(runs):
        for run in held:
            if run % SAMPLED == 0:
                places[run].append(at)
    for text in train:
        mine = _runs(text.text)
        hits = Counter(at for run in mine if run % SAMPLED == 0 for at in places.get(run, ()))
        for at in hits:
            share = len(mine & runs[at]) / max(1, min(len(mine), len(runs[at])))
            if share >= near:
                yield Leak("near-duplicate", _where(text), _where(held_out[at]), share, held_out[at].text[:80])


def _summaries(train: Sequence[Text], held_out: Sequence[Text]) -> Iterator[Leak]:
    """A sentence of a held-out summary that stands, word by word, in a training text or summary."""
    wanted = {
        _plain(sentence): (text, sentence)
        for text in held_out
        for summary in text.summaries
        for sentence in sentences(summary)
        if len(sentence.split()) >= LONG
    }
    for text in train:
        for body in (text.text, *text.summaries):
            for sentence in sentences(body):
                if (found := wanted.get(_plain(sentence))) is not None:
                    yield Leak("summary", _where(text), _where(found[0]), 1.0, found[1][:80])


def _runs(text: str) -> set[int]:
    """Hashes of all runs of five words."""
    spoken = _plain(text).split()
    return {crc32(" ".join(spoken[i : i + RUN]).encode()) for i in range(max(1, len(spoken) - RUN + 1))}


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _where(text: Text) -> str:
    return f"{text.file}:{text.id}"


if __name__ == "__main__":
    command.run(main)
