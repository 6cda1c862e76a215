from __future__ import annotations

from pathlib import Path

import pytest

from lineage_bridge.errors import SettingsError
from lineage_bridge.settings import load_settings


def load(folder: Path, *, flags=None, environ=None, toml: str | None = None):
    if toml is not None:
        (folder / "lineage-bridge.toml").write_text(toml)
    return load_settings(flags or {}, environ or {}, working_folder=folder)


def test_flags_win_over_the_environment_over_the_file_over_defaults(tmp_path):
    toml = 'namespace = "file"\nmarquez_url = "http://file:1/"\n'
    environ = {"LINEAGE_BRIDGE_NAMESPACE": "environment"}

    assert load(tmp_path).namespace == "default"
    assert load(tmp_path, toml=toml).namespace == "file"
    assert load(tmp_path, environ=environ).namespace == "environment"
    settings = load(tmp_path, environ=environ, flags={"namespace": "flag", "home": None})
    assert settings.namespace == "flag"
    assert settings.marquez_url == "http://file:1"


def test_the_file_in_the_home_counts_where_there_is_none_here(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "lineage-bridge.toml").write_text('namespace = "of-the-home"')
    settings = load(tmp_path, flags={"home": home})
    assert settings.namespace == "of-the-home"
    assert settings.config_path == home / "lineage-bridge.toml"


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('namespase = "x"', "`namespase` in"),
        ('namespace = "a b"', "is not 1 to 1024 characters"),
        ('marquez_url = "host:5000"', "expected a URL"),
        ("namespace = 5", "`namespace` in"),
        ("[policies.freshness.default]\nwarn_seconds = -1", "warn_seconds"),
        ("[aliases]\nfoo = 1", "`aliases.foo`"),
        ("not toml", "Cannot read the settings file"),
        ('[collector]\ntls_key = "x"', "go together"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, toml, said):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, toml=toml)
    assert said in str(caught.value)


def test_a_file_that_was_named_must_be_there(tmp_path):
    with pytest.raises(SettingsError, match="does not exist"):
        load(tmp_path, flags={"config": tmp_path / "nowhere.toml"})


def test_keys_and_names_come_from_the_environment_into_their_section(tmp_path):
    settings = load(
        tmp_path,
        toml='[collector]\nrequests_max = 5\nhosts = ["in.the.file"]',
        environ={
            "LINEAGE_BRIDGE_READ_KEYS": "a,b",
            "LINEAGE_BRIDGE_WRITE_KEYS": "c",
            "LINEAGE_BRIDGE_HOSTS": "One.example, *.two.example,",
            "LINEAGE_BRIDGE_ORIGINS": "https://ui.example/",
            "LINEAGE_BRIDGE_PUBLIC": "metrics",
        },
    )
    assert settings.collector.read_keys == ["a", "b"]
    assert settings.collector.write_keys == ["c"]
    assert settings.collector.requests_max == 5
    assert settings.collector.hosts == ["one.example", "*.two.example"]
    assert settings.collector.origins == ["https://ui.example"]
    assert settings.collector.public == ["metrics"]


@pytest.mark.parametrize("name", ["read_keys", "write_keys"])
@pytest.mark.parametrize(
    "keys", ["", " ", ",", "hunter2,", ",hunter2", " hunter2", "hunter2, x", "hunter2\t", "hünter2"]
)
def test_keys_of_the_environment_fail_closed(tmp_path, name, keys):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, environ={f"LINEAGE_BRIDGE_{name.upper()}": keys})
    assert f"LINEAGE_BRIDGE_{name.upper()}" in str(caught.value)
    assert "nter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["read_keys", "write_keys"])
@pytest.mark.parametrize(
    "keys",
    [
        '""',
        '" "',
        "[]",
        '[""]',
        '[" hunter2"]',
        '["x", "hunter2 "]',
        "5",
        '[5, "hunter2"]',
        "true",
        '{a = "hunter2"}',
        '[["hunter2"]]',
        '["hunter 2"]',
    ],
)
def test_keys_of_the_file_fail_closed(tmp_path, name, keys):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, toml=f"[collector]\n{name} = {keys}")
    assert f"`collector.{name}`" in str(caught.value)
    assert "lineage-bridge.toml" in str(caught.value)
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ('hosts = ["http://x"]', "without scheme and port"),
        ('hosts = ["x:5000"]', "without scheme and port"),
        ('hosts = ["5000:80"]', "without scheme and port"),
        ('hosts = ["."]', "without scheme and port"),
        ('hosts = ["*.."]', "without scheme and port"),
        ('hosts = ["bücher.example"]', "xn--"),
        ('origins = ["https://x:99999"]', "expected an origin"),
        ('origins = ["https://[1:2]"]', "expected an origin"),
        ('origins = ["ui.example"]', "expected an origin"),
        ('origins = ["https://ui.example/page"]', "without a path"),
        ('origins = ["*"]', "expected an origin"),
        ('public = ["api"]', "'page', 'metrics' or 'admin'"),
    ],
)
def test_names_that_are_none_are_refused(tmp_path, setting, said):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, toml=f"[collector]\n{setting}")
    assert said in str(caught.value)


def test_the_settings_of_the_examples_are_valid():
    examples = Path(__file__).parents[2] / "examples"
    settings = load_settings({}, {}, working_folder=examples)
    assert settings.namespace == "urban-mobility"
