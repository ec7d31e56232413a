"""One question a suite. `SUITES` is in the order in which they are run and shown."""

from typing import Final

from eval.suites import calibration, cleaning, grounding, stance, summaries, topics
from eval.suites.base import Suite

__all__ = ["SUITES"]

SUITES: Final[dict[str, Suite]] = {
    module.SUITE.name: module.SUITE for module in (cleaning, summaries, grounding, topics, stance, calibration)
}
