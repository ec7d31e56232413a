"""Scoring an archive: what is read, how it is cut into shards that survive a kill, and the run over them."""

from communique.archive.item import Item
from communique.archive.run import Outcome, Plan, Progress, Scorer, score_archive
from communique.archive.sources import FORMS, Source

__all__ = ["FORMS", "Item", "Outcome", "Plan", "Progress", "Scorer", "Source", "score_archive"]
