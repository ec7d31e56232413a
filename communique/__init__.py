"""Communiqué: summaries of news articles whose every sentence points at its evidence, topics, and stance.

    >>> import communique
    >>> with communique.Pipeline.open() as pipeline:            # doctest: +SKIP
    ...     record = pipeline.score(communique.Article(id="1", text=page))

Importing this package loads no model and no heavy library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from communique.record import Article, Record

if TYPE_CHECKING:
    from communique.pipeline import Pipeline

__all__ = ["Article", "Pipeline", "Record", "__version__"]
__version__ = "0.1.0"

_LAZY = {"Pipeline": "communique.pipeline"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'communique' has no attribute {name!r}")
