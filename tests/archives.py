"""Archives to be read in tests, and what reading them gave."""

from __future__ import annotations

import io
import json
import random
import tarfile
from typing import TYPE_CHECKING

from communique.archive.sources import Source

if TYPE_CHECKING:
    from pathlib import Path

    from communique.archive.item import Item

LINES = [{"id": "a", "text": "One."}, {"text": "Two.", "source": "Wire"}, {"id": 7, "text": "Three.", "max_words": 20}]


def lines(*values: object) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def items(path: Path) -> list[Item]:
    source = Source.of(path)
    found = list(source.items())
    # Where the contents are damaged, counting, which does not look at them, may be off by the one error.
    assert abs(source.count() - len(found)) <= any(item.error is not None for item in found)
    assert source.count(1) == min(1, len(found))
    return found


def outcome(item: Item) -> str:
    return f"{item.article.id}:{item.error.type if item.error else item.article.text}"


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


PAGES = {
    "b/story.html": b"<p>Story</p>",
    "a.txt": "Café".encode(),
    "b/latin.html": b'<meta charset="iso-8859-1"><p>Caf\xe9</p>',
    "c.txt": b"Caf\xe9",
    ".hidden.txt": b"hidden",
    "image.png": b"\x89PNG",
}
OUTCOMES = [
    "a.txt:Café",
    'b/latin.html:<meta charset="iso-8859-1"><p>Café</p>',
    "b/story.html:<p>Story</p>",
    "c.txt:encoding",
]


def scrambled(seed: int, size: int) -> bytes:
    """Letters that compress badly, so that damage falls in the middle of them."""
    return random.Random(seed).randbytes(size // 2 + 1).hex().encode()[:size]


def tar(names: list[str], pad: int = 900) -> bytes:
    box = io.BytesIO()
    with tarfile.open(fileobj=box, mode="w") as archive:
        for number, name in enumerate(names):
            data = scrambled(number, pad)
            info = tarfile.TarInfo(name)
            info.size = pad
            archive.addfile(info, io.BytesIO(data))
    return box.getvalue()
