from __future__ import annotations

import os
import stat

import pytest

from lineage_bridge.commands import at_home, call_of, command, pasteable, started_as


@pytest.fixture(autouse=True)
def _as_installed():
    yield
    started_as("lineage-bridge")


def script_in(folder, name="lineage-bridge"):
    folder.mkdir(parents=True)
    script = folder / name
    script.write_text("#!/bin/sh\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script


@pytest.mark.parametrize("name", ["lineage-bridge", "lb"])
def test_a_script_on_the_path_goes_by_its_name(tmp_path, monkeypatch, name):
    script = script_in(tmp_path / "bin", name)
    monkeypatch.setenv("PATH", str(script.parent), prepend=os.pathsep)

    assert call_of(str(script), ["python3", str(script)]) == name


@pytest.mark.parametrize(
    ("folder", "call"),
    [(".venv/bin", ".venv/bin/lineage-bridge"), ("a b/bin", "'a b/bin/lineage-bridge'")],
)
def test_a_script_that_is_on_no_path_goes_by_its_own(tmp_path, monkeypatch, folder, call):
    monkeypatch.chdir(tmp_path)
    script_in(tmp_path / folder)
    argv0 = f"{folder}/lineage-bridge"

    assert call_of(argv0, ["python3", argv0]) == call


def test_another_program_of_that_name_on_the_path_is_not_ours(tmp_path, monkeypatch):
    ours, other = script_in(tmp_path / "ours"), script_in(tmp_path / "other")
    monkeypatch.setenv("PATH", str(other.parent))

    assert call_of(str(ours), ["python3", str(ours)]) == str(ours)


def test_a_module_is_run_again_by_its_interpreter():
    typed = ["/opt/py thon", "-X", "dev", "-m", "lineage_bridge.cli.main", "demo", "-m"]

    call = call_of("/x/lineage_bridge/cli/main.py", typed)

    assert call == "'/opt/py thon' -X dev -m lineage_bridge.cli.main"


@pytest.mark.parametrize(
    ("home", "text", "pasted"),
    [
        (None, "Run `lineage-bridge doctor`.", "Run `bin/lb doctor`."),
        ("a b", "Run `lineage-bridge doctor`.", "Run `bin/lb doctor --home 'a b'`."),
        (
            "old",
            "`lineage-bridge journal import F --home NEW`",
            "`bin/lb journal import F --home NEW`",
        ),
        (None, "`lineage-bridge up`, `lineage-bridge x`", "`bin/lb up`, `bin/lb x`"),
        ("h", "no command: lineage-bridge up, `lineage-bridge`", None),
        ("h", "a word in backticks: `lineage-bridge.toml`, `home`", None),
    ],
)
def test_the_commands_of_a_text_are_those_that_can_be_pasted(home, text, pasted):
    started_as("bin/lb")
    at_home(home)

    assert pasteable(text) == (pasted or text)


def test_nothing_is_said_of_how_it_was_started_until_it_is_known():
    started_as("bin/lb")
    at_home("h")
    started_as("lineage-bridge")

    assert command("doctor") == "lineage-bridge doctor"
