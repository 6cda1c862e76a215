"""locks/: what `make setup`, CI and the image install is what pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS = PROJECT["dependency-groups"]
PINNED = re.compile(
    r"^(\S+)==(\S+)(?: ;.*?)? \\\n(?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", re.MULTILINE
)
LOCKED = {
    "run": PROJECT["project"]["dependencies"],
    "build": GROUPS["build"],
    "develop": [*PROJECT["project"]["dependencies"], *GROUPS["dev"], *GROUPS["integrations"]],
}


def text_of(name: str) -> str:
    return (ROOT / "locks" / f"{name}.txt").read_text(encoding="utf-8")


def versions_in(name: str) -> dict[str, str]:
    return {canonicalize_name(found[1]): found[2] for found in PINNED.finditer(text_of(name))}


@pytest.mark.parametrize("name", LOCKED)
def test_a_lock_has_a_fitting_version_of_all_that_is_asked_for(name):
    versions = versions_in(name)
    wanted = [Requirement(text) for text in LOCKED[name] if isinstance(text, str)]

    missing = [
        str(one)
        for one in wanted
        if not one.specifier.contains(versions.get(canonicalize_name(one.name), "0"))
    ]

    assert not missing, "run `make lock`"


@pytest.mark.parametrize("name", LOCKED)
def test_a_lock_has_a_hash_for_each_file_and_names_no_index(name):
    text = text_of(name)
    pins = [line for line in text.splitlines() if re.match(r"\w", line)]

    # One package may have several versions, each for some versions of Python.
    assert len(pins) == len(PINNED.findall(text)) > 0
    assert "://" not in text


def test_what_runs_in_the_image_is_what_was_tested():
    develop = versions_in("develop")

    for name in ("run", "build"):
        assert versions_in(name).items() <= develop.items()


def test_the_wheel_is_built_with_what_is_locked():
    asked = {Requirement(text).name for text in PROJECT["build-system"]["requires"]}

    assert asked <= versions_in("build").keys()
