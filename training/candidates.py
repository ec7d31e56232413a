"""Have the served language model shorten sentences of training articles, and sort what it wrote.

    python -m training.candidates --data-root DATA --to runs/candidates
    python -m training.candidates --articles 40 --to runs/candidates      # a few of the project's own

OUT/kept.jsonl holds what only leaves words out and what the checker is sure of: more to learn from, once a sample of it
has been read. OUT/rejected.jsonl holds what does more than leave words out of a sentence that a reader has cut: what
the reader's is to be preferred to (`rejected` of the settings). Both have the form of `training/corpus/rewrites.jsonl`.
Articles of the held-out fold are left alone. Interrupted, the same command goes on with the articles that lack.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.progress import track

from communique.config import Settings
from communique.grounding import Checker
from communique.models import resolve
from communique.summary import Draft, Summariser, Writer, is_copy
from communique.summary.faithful import is_faithful
from communique.trunk.reader import Reader
from training import command, data, summaries
from training.data import document_of
from training.settings import SummarizerSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from communique.document import Document
    from communique.trunk.reader import Reading
    from training.data import Labelled
    from training.summaries import Pair

__all__ = ["main", "sort_drafts"]

console = Console(stderr=True)
_TOGETHER: Final = 16


def sort_drafts(
    summariser: Summariser, document: Document, drafts: Iterable[Draft], known: set[int]
) -> dict[str, list[Draft]]:
    """Drafts of single sentences: `kept` of those that nobody has cut, `rejected` of those, `known`, that somebody has;
    `copies` of their source and the `other` ones are neither."""
    found: dict[str, list[Draft]] = {"kept": [], "rejected": [], "copies": [], "other": []}
    for draft in drafts:
        if not draft.text or is_copy(document, draft):
            found["copies"].append(draft)
        elif draft.sentence in known:
            stands = is_faithful(draft.text, document.sentences[draft.sentence].text)
            found["other" if stands else "rejected"].append(draft)
        else:
            found["kept" if summariser.proven(document, [draft]) else "other"].append(draft)
    return found


def _line(article: Labelled, draft: Draft) -> str:
    """Of an article that is not this project's to print only what was done to its words."""
    told: dict[str, Any] = {"sentence": draft.text}
    if article.source_set != "corpus":
        told = {"edit": summaries.edit_of([article.sentences[draft.sentence]], draft.text)}
    place = {"id": article.id, "of": len(article.sentences), "sentences": [draft.sentence]}
    return json.dumps(place | told, ensure_ascii=False) + "\n"


class _Output:
    """A folder with what was written so far, by kind, and the ids of the articles that are done."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._done = folder / "done.txt"
        self.done = set(self._done.read_text(encoding="utf-8").splitlines()) if self._done.exists() else set()

    def add(self, article: Labelled, found: dict[str, list[Draft]]) -> None:
        """The drafts of one article; it is done then."""
        for kind in ("kept", "rejected"):
            with (self._folder / f"{kind}.jsonl").open("a", encoding="utf-8") as file:
                file.writelines(_line(article, draft) for draft in found[kind])
        with self._done.open("a", encoding="utf-8") as file:
            file.write(article.id + "\n")


def _asked(summariser: Summariser, reading: Reading, known: set[int], most: int) -> list[int]:
    """Numbers of the sentences to shorten: those that readers cut, and the best others, at most `most`."""
    best = summariser.sources(reading.document, reading.salience())
    return [*sorted(known), *[number for number in best if number not in known][:most]]


def _write(
    articles: Sequence[Labelled], pairs: Iterable[Pair], to: Path, sentences: int, support: float
) -> dict[str, int]:
    cut: dict[str, set[int]] = {}
    for pair in pairs:
        cut.setdefault(pair.article.id, set()).add(pair.evidence[0])
    output = _Output(to)
    left = [article for article in articles if article.id not in output.done]
    if output.done:
        console.print(f"going on: {len(articles) - len(left)} of {len(articles)} articles are done")
    reader, summariser = Reader(resolve("trunk")), Summariser(Checker.open(), support)
    writer = Writer.open(Settings())
    counts: Counter[str] = Counter()
    try:
        for at in track(range(0, len(left), _TOGETHER), "shortening", console=console):
            some = left[at : at + _TOGETHER]
            readings = reader.read([document_of(article) for article in some])
            known = [cut.get(article.id, set()) for article in some]
            numbers = [_asked(summariser, *two, sentences) for two in zip(readings, known, strict=True)]
            sources = [
                (article.title, [article.sentences[number]])
                for article, group in zip(some, numbers, strict=True)
                for number in group
            ]
            written = iter(writer.write(sources))
            for article, reading, group, has_cut in zip(some, readings, numbers, known, strict=True):
                drafts = [Draft(number, next(written) or "") for number in group]
                found = sort_drafts(summariser, reading.document, drafts, has_cut)
                output.add(article, found)
                counts.update({kind: len(group) for kind, group in found.items()})
    finally:
        writer.close()
    return dict(counts)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = command.options("candidates", __doc__)
    parser.set_defaults(config=Path("training/configs/summarizer-cuts.yaml"))
    parser.add_argument("--to", type=Path, default=Path("runs/candidates"), help="folder of the two files")
    parser.add_argument("--articles", type=int, help="so many at most, the first")
    parser.add_argument("--sentences", type=int, default=3, help="of an article, beside those that readers cut (3)")
    parser.add_argument("--support", type=float, default=0.9, help="the checker's least support of what is kept (0.9)")
    arguments = parser.parse_args(argv)

    def work() -> dict[str, int]:
        settings = command.settings(SummarizerSettings, arguments, external={"sets": ()}, smoke={"validation_pairs": 2})
        articles = summaries.gather(settings.corpus, arguments.data_root, settings.sets)
        shown = [a for a in articles if data.fold_of(a.event, settings.folds) != settings.hold_out]
        written = summaries.rewritten(shown, Path(settings.rewrites))[0] if settings.rewrites else []
        most = min(len(shown), 8 if arguments.smoke else arguments.articles or len(shown))
        return _write(shown[:most], summaries.cuts(written), arguments.to, arguments.sentences, arguments.support)

    return command.answer(work, arguments, console)


if __name__ == "__main__":
    sys.exit(main())
