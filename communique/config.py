"""The settings, each with its default, its bounds and a line that says what it does, and where each value came from.

A flag wins over the environment (`COMMUNIQUE_…`), that over `communique.toml` in the working directory, that over
`$XDG_CONFIG_HOME/communique/communique.toml`, that over the default. It reads no model and no article.

    $ COMMUNIQUE_MAX_WORDS=80 communique config
"""

from __future__ import annotations

import difflib
import json
import math
import os
import re
import tomllib
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from communique.errors import UsageError
from communique.labels import DEFAULT_TARGETS
from communique.record import MAX_TARGET_CHARACTERS, MAX_TARGETS, MAX_WORDS_RANGE, RequestedMode

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CONFIG_FILE", "PREFIX", "EngineName", "Settings", "default_home", "help_of"]

#: What computes the language model. `openvino`: on the CPU, without torch. `torch`: on CUDA, or as the oracle that the
#: other is checked against. `auto`: torch where there is a CUDA device and the extra `gpu` is installed, else openvino.
EngineName = Literal["auto", "openvino", "torch"]

PREFIX: Final = "COMMUNIQUE_"
CONFIG_FILE: Final = "communique.toml"

#: Kubernetes tells each container of the Services beside it. For one called `communique` that is COMMUNIQUE_PORT (an
#: address), COMMUNIQUE_SERVICE_HOST, COMMUNIQUE_SERVICE_PORT_HTTP, COMMUNIQUE_PORT_3000_TCP_ADDR and the like.
_SERVICE_ADDRESS: Final = re.compile(r"(?:tcp|udp|sctp)://")
_SERVICE_NAME: Final = re.compile(
    r"(?:.*_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)"
)


def default_home(environ: Mapping[str, str] | None = None) -> Path:
    """Where the models and what is made of them are kept: `COMMUNIQUE_HOME`, else `communique` in the XDG cache folder.

    Args:
        environ: default `os.environ`.
    """
    environ = os.environ if environ is None else environ
    given = environ.get(PREFIX + "HOME", "").strip()
    if given and not _is_of_kubernetes(PREFIX + "HOME", given):
        return _folder(given, environ)
    return _folder(environ.get("XDG_CACHE_HOME") or "~/.cache", environ) / "communique"


@dataclass(frozen=True)
class Settings:
    """What can be set. `origins` maps each name to where its value came from.

    Raises:
        UsageError: a value is outside its bounds; the message names the setting and what is allowed.
    """

    home: Path = field(
        default_factory=default_home, metadata={"help": "folder of the models and of what is made of them"}
    )
    targets: tuple[str, ...] = field(
        default=DEFAULT_TARGETS, metadata={"help": "whom to judge the stance toward when an article names none"}
    )
    max_words: int = field(
        default=60,
        metadata={
            "help": "words of a summary at most, 10 to 400, when an article does not say; over 60 make it longer"
        },
    )
    mode: RequestedMode = field(
        default="auto",
        metadata={"help": "how to summarise: auto (which is compressive), extractive, compressive or abstractive"},
    )
    topic_threshold: float | None = field(
        default=None,
        metadata={"help": "probability from which a topic is listed, 0 to 1; none takes the classifier's own"},
    )
    abstain_below: float | None = field(
        default=None,
        metadata={"help": "probability under which a stance is `unsure`, 0 to 1; none takes that of the classifier"},
    )
    written_support: float = field(
        default=0.96,
        metadata={
            "help": "support from which a sentence that the language model wrote may stand, 0 to 1: over 0.7, 83 of "
            "103 that strict readers judged were faultless and 9 misled"
        },
    )
    max_characters: int = field(
        default=1_000_000, metadata={"help": "longest text that is read, in characters; a longer one is an error"}
    )
    engine: EngineName = field(
        default="auto",
        metadata={
            "help": "what the language model runs in: openvino (CPU), torch (CUDA; needs communique[gpu]) "
            "or auto, torch where both are there"
        },
    )
    threads: int = field(default=0, metadata={"help": "processor cores to compute on; 0 takes all"})
    shard_size: int = field(default=64, metadata={"help": "articles that `score` works on together and writes at once"})
    host: str = field(default="127.0.0.1", metadata={"help": "address that the service listens on"})
    port: int = field(default=3000, metadata={"help": "port that the service listens on"})
    concurrency: int = field(default=4, metadata={"help": "requests that the service works on at once"})
    queue_size: int = field(
        default=32, metadata={"help": "requests that may wait beside those; one more is answered 429"}
    )
    deadline_seconds: float = field(
        default=30.0, metadata={"help": "seconds that a request may take from arrival to answer; then 504"}
    )
    max_body_bytes: int = field(
        default=8 * 1024 * 1024, metadata={"help": "longest request body, in bytes; a longer one is answered 413"}
    )
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        if (
            not self.targets
            or len(self.targets) > MAX_TARGETS
            or not all(0 < len(target.strip()) <= MAX_TARGET_CHARACTERS for target in self.targets)
        ):
            allowed = f"1 to {MAX_TARGETS} names, none of them blank or over {MAX_TARGET_CHARACTERS} characters"
            raise self._refusal("targets", allowed)
        if self.mode not in get_args(RequestedMode):
            raise self._refusal("mode", "one of " + ", ".join(get_args(RequestedMode)))
        if self.engine not in get_args(EngineName):
            raise self._refusal("engine", "one of " + ", ".join(get_args(EngineName)))
        self._check_range("max_words", *MAX_WORDS_RANGE)
        for name in ("topic_threshold", "abstain_below"):
            if getattr(self, name) is not None:
                self._check_range(name, 0.0, 1.0)
        self._check_range("written_support", 0.0, 1.0)
        self._check_range("max_characters", 1, 100_000_000)
        self._check_range("threads", 0, 1024)
        self._check_range("shard_size", 1, 100_000)
        self._check_range("port", 1, 65_535)
        self._check_range("concurrency", 1, 1024)
        self._check_range("queue_size", 0, 100_000)
        self._check_range("deadline_seconds", 0.1, 86_400.0)
        self._check_range("max_body_bytes", 1024, 1 << 30)

    @classmethod
    def load(
        cls,
        flags: Mapping[str, object] | None = None,
        environ: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> Settings:
        """The settings as a command finds them.

        Args:
            flags: values given on the command line; None means not given.
            environ: default `os.environ`.
            folder: where `communique.toml` is looked for; default the working directory.

        Raises:
            UsageError: an unknown name (the message lists the near ones), or a value of the wrong type or out of its
                bounds.
        """
        environ = os.environ if environ is None else environ
        known = _known()
        values: dict[str, Any] = {}
        origins = dict.fromkeys(known, "default")
        for path in reversed(_config_files(environ, folder or Path.cwd())):
            for name, value in _read_toml(path).items():
                _check_known(name, known, str(path))
                values[name] = _converted(known[name], value, f"{name} in {path}", environ)
                origins[name] = str(path)
        for variable, text in environ.items():
            if not variable.startswith(PREFIX) or _is_of_kubernetes(variable, text):
                continue
            name = _setting_of(variable)
            if name not in known:
                _check_variable(variable, known)
            elif text.strip():
                values[name] = _converted(known[name], text, variable, environ)
                origins[name] = f"environment {variable}"
        for name, value in (flags or {}).items():
            _check_known(name, known, "the command line")
            if value is not None:
                flag = "--" + name.replace("_", "-")
                values[name], origins[name] = _converted(known[name], value, flag, environ), f"flag {flag}"
        values.setdefault("home", default_home(environ))
        return cls(**values, origins=origins)

    def as_dict(self) -> dict[str, Any]:
        """Name to value as JSON has it, without the origins."""
        return {name: _plain(getattr(self, name)) for name in _known()}

    def as_environment(self, environ: Mapping[str, str] | None = None) -> dict[str, str]:
        """The variables that give another process these settings, all of them, so that no file there says otherwise.

        Args:
            environ: what else that process gets; whatever sets one of the settings in it is left out.
        """
        known = _known()
        others = {variable: text for variable, text in (environ or {}).items() if _setting_of(variable) not in known}
        return others | {PREFIX + name.upper(): _as_text(value) for name, value in self.as_dict().items()}

    def _check_range(self, name: str, low: float, high: float) -> None:
        if not low <= getattr(self, name) <= high:
            raise self._refusal(name, f"from {low:,} to {high:,}")

    def _refusal(self, name: str, allowed: str) -> UsageError:
        where = self.origins.get(name, "given")
        return UsageError(f"setting `{name}` ({where}) is {_plain(getattr(self, name))!r}; allowed: {allowed}")


def help_of(name: str, *, with_default: bool = True) -> str:
    """The line that says what a setting does."""
    setting = _known()[name]
    text = str(setting.metadata["help"])
    if not with_default:
        return text
    default = _default_of(setting)
    shown = ", ".join(default) if isinstance(default, tuple) else "none" if default is None else default
    return f"{text} (default: {shown})"


def _known() -> dict[str, Field[Any]]:
    return {setting.name: setting for setting in fields(Settings) if setting.name != "origins"}


def _default_of(setting: Field[Any]) -> Any:
    return setting.default_factory() if setting.default_factory is not MISSING else setting.default


def _config_files(environ: Mapping[str, str], folder: Path) -> list[Path]:
    """The files there are, the one that wins first."""
    base = _folder(environ.get("XDG_CONFIG_HOME") or "~/.config", environ)
    return [path for path in (folder / CONFIG_FILE, base / "communique" / CONFIG_FILE) if path.is_file()]


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


def _check_known(name: str, known: Mapping[str, object], where: str) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"available: {', '.join(known)}"
        raise UsageError(f"unknown setting `{name}` in {where}; {hint}")


def _check_variable(variable: str, known: Mapping[str, object]) -> None:
    """A misspelt variable is refused; one that is like no setting may be somebody else's and is let be."""
    if near := difflib.get_close_matches(_setting_of(variable), known, n=2, cutoff=0.75):
        names = " or ".join(PREFIX + found.upper() for found in near)
        raise UsageError(f"unknown environment variable {variable}; did you mean {names}?")


def _setting_of(variable: str) -> str:
    """The setting that a variable gives, were there one of that name; empty where it is not one of ours."""
    return variable.removeprefix(PREFIX).lower() if variable.startswith(PREFIX) else ""


def _is_of_kubernetes(variable: str, text: str) -> bool:
    """Whether a variable tells of a Service rather than of a setting."""
    return bool(_SERVICE_ADDRESS.match(text.strip()) or _SERVICE_NAME.fullmatch(variable.removeprefix(PREFIX)))


def _folder(text: str | Path, environ: Mapping[str, str]) -> Path:
    """An absolute path; `~` is the folder that `HOME` names, else that of the user."""
    path = Path(text)
    if path.parts[:1] == ("~",) and environ.get("HOME"):
        path = Path(environ["HOME"], *path.parts[1:])
    return path.expanduser().absolute()


def _converted(setting: Field[Any], value: object, where: str, environ: Mapping[str, str]) -> Any:
    """`value`, from TOML (typed) or from a flag or variable (text), as the setting's type."""
    default = _default_of(setting)
    if setting.name in ("topic_threshold", "abstain_below"):
        return None if value in ("", "none", "None") else _number(value, where)
    if isinstance(default, tuple):
        return _names(value, where)
    if isinstance(default, Path):
        if not isinstance(value, (str, Path)):
            raise UsageError(f"{where} must be a path, got {value!r}")
        return _folder(value, environ)
    if isinstance(default, int):
        number = _number(value, where)
        if number != int(number):
            raise UsageError(f"{where} must be a whole number, got {value!r}")
        return int(number)
    if isinstance(default, float):
        return _number(value, where)
    if not isinstance(value, str):
        raise UsageError(f"{where} must be text, got {value!r}")
    return value.strip()


def _number(value: object, where: str) -> float:
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise ValueError
        number = float(value.replace("_", "") if isinstance(value, str) else value)
        if not math.isfinite(number):
            raise ValueError
    except (ValueError, OverflowError):
        raise UsageError(f"{where} must be a number, got {value!r}") from None
    return number


def _names(value: object, where: str) -> tuple[str, ...]:
    """Names from a list, from a JSON array, or from text with commas between them."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.lstrip().startswith("[") else value.split(",")
        except ValueError as error:
            raise UsageError(f"{where} begins like a JSON array and is none: {error}") from None
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) for name in value):
        raise UsageError(f"{where} must be a list of names, got {value!r}")
    return tuple(dict.fromkeys(name.strip() for name in value if name.strip()))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Path) else value


def _as_text(value: object) -> str:
    """A value of `as_dict` as a variable has it."""
    return "none" if value is None else json.dumps(value) if isinstance(value, list) else str(value)
