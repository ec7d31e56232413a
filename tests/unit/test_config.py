"""Settings: who wins, what is refused, and that each value says where it came from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from communique.config import Settings, help_of
from communique.errors import UsageError
from communique.labels import DEFAULT_TARGETS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_flag_wins_over_environment_over_files_over_default(tmp_path: Path, environ: dict[str, str]) -> None:
    far = write(
        tmp_path / "xdg" / "communique" / "communique.toml", "max_words = 20\nport = 1111\nthreads = 1\nshard_size = 7"
    )
    near = write(tmp_path / "here" / "communique.toml", "max_words = 30\nport = 2222\nthreads = 2")
    environ |= {"COMMUNIQUE_MAX_WORDS": "40", "COMMUNIQUE_PORT": "3333"}
    settings = Settings.load({"max_words": "50", "port": None}, environ, near.parent)
    found = (settings.max_words, settings.port, settings.threads, settings.shard_size, settings.mode)
    assert found == (50, 3333, 2, 7, "auto")
    assert [settings.origins[name] for name in ("max_words", "port", "threads", "shard_size", "mode")] == [
        "flag --max-words",
        "environment COMMUNIQUE_PORT",
        str(near),
        str(far),
        "default",
    ]


def test_targets_come_as_a_list_a_json_array_or_with_commas(tmp_path: Path, environ: dict[str, str]) -> None:
    write(tmp_path / "communique.toml", 'targets = ["Armenia", "peace talks"]')
    assert Settings.load({}, environ, tmp_path).targets == ("Armenia", "peace talks")
    assert Settings.load({}, environ | {"COMMUNIQUE_TARGETS": " Turkey ,Iran"}, tmp_path).targets == ("Turkey", "Iran")
    array = '["Smith, John", "NATO"]'
    assert Settings.load({}, environ | {"COMMUNIQUE_TARGETS": array}, tmp_path).targets == ("Smith, John", "NATO")
    assert Settings.load({"targets": ["EU", "EU"]}, environ, tmp_path).targets == ("EU",)
    assert Settings.load({}, {}, tmp_path / "nowhere").targets == DEFAULT_TARGETS


@pytest.mark.parametrize(
    ("flags", "variables", "toml", "message"),
    [
        ({"max_word": 3}, {}, "", "did you mean max_words"),
        ({}, {"COMMUNIQUE_MAX_WORD": "30"}, "", "did you mean COMMUNIQUE_MAX_WORDS"),
        ({}, {}, "colour = 'red'", "available: home, targets"),
        ({}, {}, "maxwords = 30", "did you mean max_words"),
        ({}, {}, "max_words = ", "not valid TOML"),
        ({}, {"COMMUNIQUE_MAX_WORDS": "many"}, "", "COMMUNIQUE_MAX_WORDS must be a number, got 'many'"),
        ({"max_words": 30.5}, {}, "", "--max-words must be a whole number"),
        ({"max_words": 9}, {}, "", r"`max_words` \(flag --max-words\) is 9; allowed: from 10 to 400"),
        ({}, {"COMMUNIQUE_PORT": "70000"}, "", "allowed: from 1 to 65,535"),
        ({"mode": "fast"}, {}, "", "one of auto, extractive, compressive, abstractive"),
        ({"targets": []}, {}, "", "1 to 64 names"),
        ({}, {}, "targets = 3", "must be a list of names"),
        ({}, {}, "port = true", "must be a number"),
        ({}, {"COMMUNIQUE_DEADLINE_SECONDS": "nan"}, "", "must be a number"),
        ({"topic_threshold": 1.5}, {}, "", "from 0.0 to 1.0"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path,
    environ: dict[str, str],
    flags: dict[str, object],
    variables: dict[str, str],
    toml: str,
    message: str,
) -> None:
    write(tmp_path / "communique.toml", toml)
    with pytest.raises(UsageError, match=message):
        Settings.load(flags, environ | variables, tmp_path)


def test_a_variable_that_is_like_no_setting_is_somebody_elses(tmp_path: Path, environ: dict[str, str]) -> None:
    variables = {"COMMUNIQUE_SERVICE_HOST": "10.0.0.1", "COMMUNIQUE_PORT_80_TCP_ADDR": "10.0.0.1"}
    assert Settings.load({}, environ | variables, tmp_path) == Settings.load({}, environ, tmp_path)


def test_environment_carries_settings_to_another_process(tmp_path: Path, environ: dict[str, str]) -> None:
    flags = {"targets": ["Smith, John", "NATO"], "topic_threshold": "0.25", "home": str(tmp_path), "port": 80}
    settings = Settings.load(flags, environ, tmp_path)
    carried = settings.as_environment()
    assert set(carried) == {"COMMUNIQUE_TARGETS", "COMMUNIQUE_TOPIC_THRESHOLD", "COMMUNIQUE_HOME", "COMMUNIQUE_PORT"}
    assert Settings.load({}, carried, tmp_path) == settings


def test_settings_are_json_and_each_has_a_line_of_help() -> None:
    values = Settings().as_dict()
    json.dumps(values)
    assert all(help_of(name).count("default:") == 1 for name in values)
