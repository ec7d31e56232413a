"""Trains the cleaner on pages that are made, each time anew, from the corpus and the boilerplate passages.

With `--folds`, patterns are held out in turn and the shipped pages of these patterns are cleaned: that is how well the
cleaner does on sites that it never saw. How pages are made and models fitted is told in `cleaner_pages` and
`cleaner_models`.

    python -m training.cleaner --to models/cleaner
    python -m training.cleaner --folds 4
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from communique.reading.boilerplate import judge
from training.cleaner_models import rarity_of, train
from training.cleaner_pages import mixed_pages, prepare
from training.corpus.pages import load_passages, read_articles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from communique.reading.cleaner import Cleaner
    from training.cleaner_pages import Page

__all__ = ["main", "removed_and_lost"]

_CORPUS: Final = Path(__file__).parent / "corpus"


def removed_and_lost(pages: Sequence[dict[str, Any]], prepared: Sequence[Page], cleaner: Cleaner) -> Counter[str]:
    """Characters of blocks: `boilerplate`, `removed` of it, `article`, `lost` of it."""
    counts: Counter[str] = Counter()
    for raw, page in zip(pages, prepared, strict=True):
        verdicts = judge(page.blocks, raw["title"], cleaner)
        for block, verdict, bad, counted in zip(page.blocks, verdicts, page.boilerplate, page.counted, strict=True):
            if counted:
                counts["boilerplate" if bad else "article"] += len(block.text)
                if verdict.removed:
                    counts["removed" if bad else "lost"] += len(block.text)
    return counts


def main(arguments: Sequence[str] | None = None) -> None:
    """Train on all patterns and write the cleaner, or hold patterns out in turn and print what goes and is lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=_CORPUS)
    parser.add_argument("--to", type=Path, default=None, help="the folder in which cleaner.json is written")
    parser.add_argument("--folds", type=int, default=0, help="hold out the patterns in so many turns, and measure")
    parser.add_argument("--rounds", type=int, default=4, help="training pages of each article")
    options = parser.parse_args(arguments)
    articles = read_articles(options.corpus)
    patterns = load_passages(options.corpus / "boilerplate.jsonl")
    rarity = rarity_of(articles)
    names = sorted(patterns)
    total: Counter[str] = Counter()
    for fold in range(options.folds):
        held = set(names[fold :: options.folds])
        seen = {name: passages for name, passages in patterns.items() if name not in held}
        cleaner = train(prepare(mixed_pages(articles, seen, options.rounds, fold), articles), rarity)
        shipped = (options.corpus / "pages.jsonl").read_text("utf-8").splitlines()
        pages = [page for page in map(json.loads, shipped) if page["patterns"][0] in held]
        total += removed_and_lost(pages, prepare(pages, articles), cleaner)
        print(f"fold {fold + 1}: {', '.join(sorted(held))}: {_summary(total)}", flush=True)
    if options.to:
        cleaner = train(prepare(mixed_pages(articles, patterns, options.rounds, len(names)), articles), rarity)
        options.to.mkdir(parents=True, exist_ok=True)
        text = json.dumps(cleaner.as_dict(), ensure_ascii=False, separators=(",", ":"))
        (options.to / "cleaner.json").write_text(text + "\n", encoding="utf-8")
        print(f"wrote {options.to / 'cleaner.json'}")


def _summary(counts: Counter[str]) -> str:
    removed = counts["removed"] / max(1, counts["boilerplate"])
    lost = counts["lost"] / max(1, counts["article"])
    return f"{removed:.2%} of boilerplate removed, {lost:.2%} of article lost"


if __name__ == "__main__":
    main()
