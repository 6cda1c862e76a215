"""A server that other machines reach asks for keys, unless somebody says that it need not."""

from __future__ import annotations

import pytest
from conftest import run_command

from lineage_bridge.cli.serve import check_exposure
from lineage_bridge.errors import SettingsError
from lineage_bridge.settings import CollectorSettings, Settings

OPEN = ["0.0.0.0", "::", "10.0.0.7", "some.host", ""]


@pytest.mark.parametrize("command", ["up", "collector", "exporter", "demo"])
def test_beyond_this_machine_a_server_wants_keys_or_a_word(tmp_path, command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run_command(command, "--home", tmp_path / "home", "--host", "0.0.0.0")
    assert result.code == 2
    assert "Whoever reaches 0.0.0.0 may read and change everything" in result.err
    assert "LINEAGE_BRIDGE_WRITE_KEYS" in result.err
    assert "--insecure" in result.err


@pytest.mark.parametrize("host", OPEN)
def test_the_word_is_said_again_as_a_warning(host, capsys):
    with pytest.raises(SettingsError):
        check_exposure(host, Settings(), insecure=False)
    check_exposure(host, Settings(), insecure=True)
    assert capsys.readouterr().err.startswith("Warning: Whoever reaches")


@pytest.mark.parametrize("keys", [{"read_keys": ["k"]}, {"write_keys": ["k"]}])
def test_with_a_key_nothing_is_said(keys, capsys):
    for host in OPEN:
        check_exposure(host, Settings(collector=CollectorSettings(**keys)), insecure=False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.5.5.5"])
def test_this_machine_alone_needs_none(host, capsys):
    check_exposure(host, Settings(), insecure=False)
    assert capsys.readouterr().err == ""
