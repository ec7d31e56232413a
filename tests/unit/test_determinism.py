"""The same page gives the same record in every process, whatever order Python's sets have there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
READ = """
import json, pathlib
from communique.reading import read
from communique.record import Article
for line in pathlib.Path("eval/references/pages.jsonl").read_text().splitlines()[:24]:
    page = json.loads(line)
    document = read(Article(id="1", text=page["text"], title=page["title"]), undecided=True)
    print([(sentence.text, sentence.doubt) for sentence in document.sentences], document.removed)
"""


def test_a_page_is_read_alike_under_every_hash_seed() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", READ], cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert len(found) == 1
