from __future__ import annotations

import asyncio
import os
import re
import subprocess
from contextlib import contextmanager

import pytest
from cases import others_slow
from conformance.replaying import (
    EXCEPTIONS,
    SCENARIOS,
    Ask,
    ask_app,
    ask_url,
    reads,
    replay,
)

from lineage_bridge.care.rebuild import rebuild
from lineage_bridge.collector.fold.model import CollectorModel
from lineage_bridge.collector.server import CollectorSite
from lineage_bridge.journal import Journal

ERROR_ID = re.compile(r"ID [0-9a-f]{16}")


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_collector_answers_as_recorded(name, tmp_path):
    with collector(tmp_path) as (_, ask):
        steps = list(replay(name, ask))
    kept = {int(number) for number in EXCEPTIONS.get(name, {})}
    differing = {step.number for step in steps if step.mismatch}
    assert [step for step in steps if step.mismatch and not step.is_excused] == []
    assert kept <= differing, "an exception that is none any more"


@pytest.mark.parametrize("name", others_slow(SCENARIOS, fast=10))
def test_the_collector_answers_the_same_after_a_rebuild(name, tmp_path):
    with collector(tmp_path) as (journal, ask):
        for _ in replay(name, ask):
            pass
        before = read_again(name, ask)
        rebuild(journal, [CollectorModel()])
        assert read_again(name, ask) == before


@contextmanager
def collector(home):
    with Journal(home) as journal, asyncio.Runner() as runner:
        app = CollectorSite(journal)
        yield journal, ask_app(app, runner)
        app.close()


def read_again(name: str, ask: Ask) -> list[str]:
    """The answers to all that a scenario reads without a captured id, as they are now."""
    paths = [path for path in reads(name) if not path.endswith("/metrics")]
    answers = [repr(ask("GET", path, {}, b"")) for path in paths]
    return [ERROR_ID.sub("", answer) for answer in answers]


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.real_marquez
@pytest.mark.skipif("MARQUEZ_URL" not in os.environ, reason="MARQUEZ_URL is not set")
def test_the_server_at_marquez_url_answers_as_recorded(name):
    subprocess.run(os.environ["MARQUEZ_RESET"], shell=True, check=True)
    ask = ask_url(os.environ["MARQUEZ_URL"])
    differing = [step for step in replay(name, ask) if step.mismatch]
    are_excused = "MARQUEZ_EXCEPTIONS" in os.environ
    assert [step for step in differing if not (are_excused and step.is_excused)] == []


def test_every_exception_names_a_step_and_a_reason():
    assert set(EXCEPTIONS) <= set(SCENARIOS)
    assert all(reason.endswith(".") for steps in EXCEPTIONS.values() for reason in steps.values())
