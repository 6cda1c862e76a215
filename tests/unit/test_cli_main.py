from __future__ import annotations

import pytest

from lineage_bridge.cli.main import COMMANDS
from lineage_bridge.journal import Journal


@pytest.fixture
def homes(tmp_path):
    for name in ("one", "other"):
        Journal(tmp_path / name).close()
    return tmp_path / "one", tmp_path / "other"


@pytest.mark.parametrize("command", [["health"], ["journal", "status"], ["freshness"]])
def test_home_and_config_may_stand_before_the_command(lb, homes, command):
    one, _ = homes
    assert lb(*command).code == 2, "there is no journal in the home that counts else"

    assert lb("--home", one, *command).code == 0
    missing = lb("--config", one / "none.toml", *command)
    assert (missing.code, "does not exist" in missing.err) == (2, True)


def test_what_stands_after_the_command_wins(lb, homes):
    one, other = homes

    path = lb("--home", one, "journal", "status", "--home", other, "--json").json["path"]
    assert path == str(other / "journal.db")


def test_backfill_and_demo_take_the_home_from_before_the_command_too(lb, tmp_path):
    (tmp_path / "nothing").mkdir()
    assert lb("--home", tmp_path / "new", "backfill", tmp_path / "nothing").code == 0
    assert (tmp_path / "new" / "journal.db").is_file()

    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").touch()
    refused = lb("--home", tmp_path / "full", "demo", "--once")
    assert (refused.code, "will not empty it" in refused.err) == (2, True)


@pytest.mark.parametrize(
    ("typed", "meant"), [("jurnal", "journal"), ("helth", "health"), ("grpah", "graph")]
)
def test_a_misspelt_command_is_answered_with_the_nearest(lb, typed, meant):
    result = lb(typed, "--json")

    assert result.code == 2
    assert f"No such command `{typed}`. Did you mean `{meant}`" in result.err


def test_what_is_like_no_command_is_only_refused(lb):
    assert "No such command `xyzzy`.\n" in lb("xyzzy").err
    assert "No such option" in lb("--xyzzy", "health").err


def test_the_help_names_every_command_and_where_the_home_goes(lb):
    result = lb("--help")

    assert result.code == 0
    assert all(f"  {name} " in result.out for name in COMMANDS)
    assert "--home PATH" in result.out
