"""What `places.toml` knows: states and bodies with their names, ideas, and names that are one another's.

>>> places().called["Kosovo"]
('Kosovar', 'Kosovars', 'Kosovo Albanians', 'Pristina', 'Kurti', 'Thaci')
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["Places", "places"]


@dataclass(frozen=True, slots=True)
class Places:
    """The file, read once."""

    called: dict[str, tuple[str, ...]]
    """State or body: its other names, demonyms, its capital or seat, its leaders."""
    ideas: dict[str, str]
    """Idea: the expression that finds it."""
    same: tuple[tuple[str, ...], ...]
    """Groups of names of which each may stand for the other."""
    own: frozenset[str]
    """Names of states and bodies themselves that do not begin like the first one."""

    def of_itself(self, name: str, other: str) -> bool:
        """Whether `other` is a name or demonym of the state or body `name`: a capital or a leader is not."""
        return other[:4] == name[:4] or other in self.own


@cache
def places() -> Places:
    """All that the file holds."""
    data = tomllib.loads(files("communique").joinpath("places.toml").read_text(encoding="utf-8"))
    return Places(
        called={name: tuple(others) for name, others in data["place"].items()},
        ideas=data["idea"],
        same=tuple(map(tuple, data["same"]["names"])),
        own=frozenset(data["same"]["state"]),
    )
