"""Cut an article into the windows of tokens that the trunk reads.

A window is `[CLS] title [SEP] sentence sentence … [SEP]`: whole sentences while they fit, so that a sentence is read
once, with its neighbours and the title in sight. Token ids are plain numbers here: nothing knows of models.
Text is never parsed for special tokens: "[SEP]" in an article is five ordinary characters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

__all__ = ["WINDOW_TOKENS", "Window", "cut", "load_tokenizer", "padded"]

#: Tokens in a window at most. Longer windows cost more attention and gained nothing on validation.
WINDOW_TOKENS: Final = 256
TITLE_TOKENS: Final = 32
CLS: Final = 101
SEP: Final = 102


@dataclass(frozen=True, slots=True)
class Window:
    """Token ids with, for each, the sentence it belongs to and its characters there.

    `sentences[i]` is an index into the article's sentences; -1 for a special token, -2 for a token of the title.
    `starts[i]:ends[i]` are characters of that sentence, or of the title (0:0 for a special token).
    """

    ids: tuple[int, ...]
    sentences: tuple[int, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.ids)


def load_tokenizer(path: Path) -> Tokenizer:
    """The trunk's WordPiece tokenizer, which takes every text as plain text."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


def cut(tokenizer: Tokenizer, title: str, sentences: Sequence[str], window_tokens: int = WINDOW_TOKENS) -> list[Window]:
    """Windows that together hold every token of every sentence once, in order; at least one window.

    A sentence longer than a window is continued in the next one.
    """
    encodings = tokenizer.encode_batch([title, *sentences], add_special_tokens=False)
    title_ids = tuple(encodings[0].ids[:TITLE_TOKENS])
    head_ids = (CLS, *title_ids, SEP)
    head_sentences = (-1, *([-2] * len(title_ids)), -1)
    head_starts = (0, *(begin for begin, _ in encodings[0].offsets[:TITLE_TOKENS]), 0)
    head_ends = (0, *(end for _, end in encodings[0].offsets[:TITLE_TOKENS]), 0)
    room = window_tokens - len(head_ids) - 1

    windows: list[Window] = []
    ids: list[int] = []
    owner: list[int] = []
    starts: list[int] = []
    ends: list[int] = []

    def close() -> None:
        windows.append(
            Window(
                (*head_ids, *ids, SEP),
                (*head_sentences, *owner, -1),
                (*head_starts, *starts, 0),
                (*head_ends, *ends, 0),
            )
        )
        for column in (ids, owner, starts, ends):
            column.clear()

    for number, encoding in enumerate(encodings[1:]):
        count = len(encoding.ids)
        if ids and len(ids) + count > room:
            close()
        for at in range(0, count, room):
            if len(ids) + min(room, count - at) > room:
                close()
            ids.extend(encoding.ids[at : at + room])
            pieces = encoding.offsets[at : at + room]
            owner.extend([number] * len(pieces))
            starts.extend(begin for begin, _ in pieces)
            ends.extend(end for _, end in pieces)
    if ids or not windows:
        close()
    return windows


def padded(windows: Sequence[Window]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Ids, mask and types [W, L] of windows, zero where one is shorter than the longest; types are zero throughout."""
    shape = (len(windows), max(map(len, windows)))
    ids, mask, types = (np.zeros(shape, dtype=np.int64) for _ in range(3))
    for row, window in enumerate(windows):
        size = len(window)
        ids[row, :size], mask[row, :size] = window.ids, 1
    return ids, mask, types
