"""A few seconds of each kind of `make torture`: it works, it says its figures, and it ends well."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import HANG_SECONDS, HERE

KINDS = ["kills", "crowd", "full-disk", "sockets", "giants", "requests", "artifacts", "databases"]


def tortured(kind, folder, most_wait):
    options = ("--minutes", "0.03", "--seed", "7", "--most-wait", str(most_wait))
    return subprocess.run(
        [sys.executable, "-m", "torture", "--only", kind, "--folder", folder, *options],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_short_torture_ends_well(kind, tmp_path):
    done = tortured(kind, tmp_path, HANG_SECONDS)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "| kind | kills | events | lost | doubled |" in done.stdout
    assert f"\n| {kind} |" in done.stdout
    assert done.stdout.endswith("\nAll is well.\n")
    assert list(tmp_path.iterdir()) == []


def test_a_wait_that_is_too_long_is_not_well(tmp_path):
    done = tortured("artifacts", tmp_path, 0)
    assert done.returncode == 1
    assert "\nWRONG: artifacts: backfill: a wait of " in done.stdout
    assert "It is NOT well." in done.stdout
    assert [one.name.partition("-")[0] for one in tmp_path.iterdir()] == ["torture"]
