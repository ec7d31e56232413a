"""Settings: who wins, what is refused, and that each value says where it came from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from communique.config import Settings, default_home, help_of
from communique.errors import UsageError
from communique.labels import DEFAULT_TARGETS


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
        ({}, {"COMMUNIQUE_ENGINE": "cuda"}, "", "one of auto, openvino, torch"),
        ({"targets": []}, {}, "", "1 to 64 names"),
        ({}, {}, "targets = 3", "must be a list of names"),
        ({}, {}, "port = true", "must be a number"),
        ({}, {"COMMUNIQUE_DEADLINE_SECONDS": "nan"}, "", "must be a number"),
        ({"topic_threshold": 1.5}, {}, "", "from 0.0 to 1.0"),
        ({"written_support": 1.5}, {}, "", "from 0.0 to 1.0"),
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


#: What Kubernetes sets in every container beside a Service of the name, two of its ports named.
KUBERNETES = {
    "PORT": "tcp://10.0.0.1:80",
    "SERVICE_HOST": "10.0.0.1",
    "SERVICE_PORT": "80",
    "SERVICE_PORT_HTTP": "80",
    "PORT_3000_TCP": "tcp://10.0.0.1:3000",
    "PORT_3000_TCP_ADDR": "10.0.0.1",
    "PORT_3000_TCP_PORT": "3000",
    "PORT_3000_TCP_PROTO": "tcp",
    "PORT_53_UDP": "udp://10.0.0.1:53",
}


@pytest.mark.parametrize("service", ["COMMUNIQUE", "COMMUNIQUE_HOST", "COMMUNIQUE_THREADS"])
def test_what_kubernetes_tells_of_services_is_no_setting(tmp_path: Path, environ: dict[str, str], service: str) -> None:
    variables = {f"{service}_{name}": text for name, text in KUBERNETES.items()}
    plain = Settings.load({}, environ, tmp_path)
    found = Settings.load({}, environ | variables, tmp_path)
    assert (found, found.origins) == (plain, plain.origins)
    with pytest.raises(UsageError, match="COMMUNIQUE_PORT must be a number"):
        Settings.load({}, environ | {"COMMUNIQUE_PORT": "http://10.0.0.1:80"}, tmp_path)


def test_a_variable_that_is_like_no_setting_is_somebody_elses(tmp_path: Path, environ: dict[str, str]) -> None:
    assert Settings.load({}, environ | {"COMMUNIQUE_FLAVOUR": "x"}, tmp_path) == Settings.load({}, environ, tmp_path)


def test_the_folder_of_the_models_is_that_of_the_environment_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours is another, and is not looked at."""
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "COMMUNIQUE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "ours"))
    write(tmp_path / "ours" / "communique" / "communique.toml", "port = 1111")
    cases: list[tuple[dict[str, str], Path]] = [
        ({"HOME": "/users/x"}, Path("/users/x/.cache/communique")),
        ({"HOME": "/users/x", "XDG_CACHE_HOME": "/cache"}, Path("/cache/communique")),
        ({"HOME": "/users/x", "COMMUNIQUE_HOME": " "}, Path("/users/x/.cache/communique")),
        ({"HOME": "/users/x", "COMMUNIQUE_HOME": "~/models"}, Path("/users/x/models")),
        ({"HOME": "/users/x", "COMMUNIQUE_HOME": "tcp://10.0.0.1:80"}, Path("/users/x/.cache/communique")),
    ]
    for variables, folder in cases:
        assert default_home(variables) == folder
        settings = Settings.load({}, variables, tmp_path)
        assert (settings.home, settings.port) == (folder, 3000)
    assert default_home() == tmp_path / "ours"


def test_environment_carries_settings_to_another_process(tmp_path: Path, environ: dict[str, str]) -> None:
    flags = {"targets": ["Smith, John", "NATO"], "abstain_below": "0.25", "home": str(tmp_path), "port": 80}
    inherited = environ | {
        "PATH": "/bin",
        "COMMUNIQUE_TOPIC_THRESHOLD": "0.9",
        "COMMUNIQUE_Threads": "3",
        "COMMUNIQUE_SERVICE_HOST": "10.0.0.1",
    }
    write(tmp_path / "there" / "communique.toml", "max_words = 300\nabstain_below = 0.9")
    settings = Settings.load(flags | {"topic_threshold": "none", "threads": 0}, inherited, tmp_path)
    carried = settings.as_environment(inherited)
    assert (carried["PATH"], carried["COMMUNIQUE_SERVICE_HOST"]) == ("/bin", "10.0.0.1")
    assert carried["COMMUNIQUE_TOPIC_THRESHOLD"] == "none"
    found = Settings.load({}, carried, tmp_path / "there")
    assert found == settings
    assert (found.topic_threshold, found.threads) == (None, 0)


def test_settings_are_json_and_each_has_a_line_of_help() -> None:
    values = Settings().as_dict()
    json.dumps(values)
    assert all(help_of(name).count("default:") == 1 for name in values)
