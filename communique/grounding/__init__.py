"""Truth: what a claim names that its source lacks, and whether its source supports it."""

from __future__ import annotations

from communique.grounding.checker import Checker, Verdict
from communique.grounding.facts import missing

__all__ = ["Checker", "Verdict", "missing"]
