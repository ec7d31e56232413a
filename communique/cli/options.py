"""Flags that are settings: each takes its words of help from the setting, and wins over environment and file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args

from communique.config import EngineName, Settings, help_of
from communique.record import RequestedMode

if TYPE_CHECKING:
    import argparse

__all__ = ["ARTICLE_SETTINGS", "add_settings", "settings_of"]

#: Settings that a command which scores articles takes as flags.
ARTICLE_SETTINGS: Final = (
    "targets", "max_words", "mode", "topic_threshold", "abstain_below", "written_support", "max_characters", "engine",
    "threads", "home",
)  # fmt: skip

#: What stands for the value in `--help`, where it is no whole number.
_METAVARS: Final = {
    "home": "FOLDER",
    "host": "ADDRESS",
    "topic_threshold": "PROBABILITY",
    "abstain_below": "PROBABILITY",
    "written_support": "PROBABILITY",
    "deadline_seconds": "SECONDS",
}
_CHOICES: Final[dict[str, tuple[str, ...]]] = {"mode": get_args(RequestedMode), "engine": get_args(EngineName)}


def add_settings(parser: argparse.ArgumentParser, names: tuple[str, ...]) -> None:
    """A flag for each setting; `targets` is `--target`, given as often as there are."""
    group = parser.add_argument_group("settings", "also in the environment as COMMUNIQUE_NAME, or in communique.toml")
    for name in names:
        text = help_of(name).replace("%", "%%")
        if name == "targets":
            group.add_argument(
                "--target", dest=name, action="append", metavar="NAME", help=text + "; repeat it for more"
            )
        elif name in _CHOICES:
            group.add_argument("--" + name, choices=_CHOICES[name], help=text)
        else:
            group.add_argument("--" + name.replace("_", "-"), dest=name, metavar=_METAVARS.get(name, "N"), help=text)
    parser.set_defaults(settings=names)


def settings_of(args: argparse.Namespace, **more: Any) -> Settings:
    """The settings under the flags of a parsed command line."""
    flags = {name: getattr(args, name) for name in getattr(args, "settings", ())}
    return Settings.load({**flags, **more})
