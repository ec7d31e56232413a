"""Summaries: chosen sentences, cut at their clauses, or written anew and proven."""

from __future__ import annotations

from communique.summary.drafts import Draft
from communique.summary.summariser import FEWEST_ARTICLE_WORDS, Summariser, is_copy
from communique.summary.writer import Writer

__all__ = ["FEWEST_ARTICLE_WORDS", "Draft", "Summariser", "Writer", "is_copy"]
