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


def test_keys_come_from_the_environment_into_their_section(tmp_path):
    settings = load(
        tmp_path,
        toml="[collector]\nrequests_max = 5",
        environ={"LINEAGE_BRIDGE_READ_KEYS": "a, b", "LINEAGE_BRIDGE_WRITE_KEYS": "c"},
    )
    assert settings.collector.read_keys == ["a", "b"]
    assert settings.collector.write_keys == ["c"]
    assert settings.collector.requests_max == 5


def test_the_settings_of_the_examples_are_valid():
    examples = Path(__file__).parents[2] / "examples"
    settings = load_settings({}, {}, working_folder=examples)
    assert settings.namespace == "urban-mobility"
