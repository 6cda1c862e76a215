"""What time alone changes is told once, as of its very instant, and changes no answer."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta

import pytest
from conftest import run_command

from lineage_bridge.answers import Snapshots
from lineage_bridge.assess.assertions import assertions_in
from lineage_bridge.assess.policies import Policies
from lineage_bridge.events import decode, view_event
from lineage_bridge.facets import facet_in
from lineage_bridge.facets.freshness import FreshnessFacet
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.journal import Journal
from lineage_bridge.serve.passing_time import KEYS, PassingTime
from lineage_bridge.settings import load_settings

EVENING = datetime(2026, 4, 7, 20, tzinfo=UTC)
INSTANTS = [datetime(2026, 4, 7, 8, tzinfo=UTC) + timedelta(minutes=17 * n) for n in range(60)]
TOML = """
[policies.freshness.default]
warn_seconds = 100000
error_seconds = 200000
"""


@pytest.fixture
def home(nyc, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "lineage-bridge.toml").write_text(TOML)
    assert run_command("backfill", "--home", home, "--namespace", "city", nyc).code in {0, 1}
    return home


def settings_of(home):
    return load_settings({"home": home, "namespace": "city"}, {}, working_folder=home)


def look(home, at, seconds=lambda: 1e9):
    """Look at what time has changed, as a watcher that has just been started; return how much."""
    with Journal(home) as journal:
        snapshots = Snapshots(journal, Policies.of(settings_of(home)), KEYS)
        return PassingTime(journal, snapshots, "city", lambda: at, seconds).look()


def told(home):
    with Journal(home) as journal:
        return [view_event(decode(stored.body)) for stored in journal.read(limit=100_000)]


def answers(home):
    with Journal(home) as journal:
        snapshots = Snapshots(journal, Policies.of(settings_of(home)))
        return [answer(snapshots.at(at)) for at in INSTANTS]


def answer(snapshot):
    health = [
        (one.slot, one.health.status, [reason.code for reason in one.health.reasons])
        for one in snapshot.health
    ]
    return snapshot.at, health, [(one.node.id, one.finding.status) for one in snapshot.freshness]


@pytest.mark.slow
def test_it_is_told_once_and_no_answer_changes(home):
    before = answers(home)
    events = len(told(home))
    count = look(home, EVENING)
    assert count > 10
    assert look(home, EVENING) == look(home, EVENING + timedelta(hours=2)) == 0
    assert len(told(home)) == events + count
    assert answers(home) == before


@pytest.mark.slow
def test_whenever_it_looks_the_events_are_the_same(home, tmp_path):
    other = shutil.copytree(home, tmp_path / "other")
    look(home, EVENING)
    with Journal(other) as journal:
        snapshots = Snapshots(journal, Policies.of(settings_of(home)))
        for minutes in range(-40 * 19, 1, 19):
            at = EVENING + timedelta(minutes=minutes)
            PassingTime(journal, snapshots, "city", lambda at=at: at).look()
    assert {one.id for one in told(home)} <= {one.id for one in told(other)}


def test_it_says_when_and_why(home):
    known = {one.id for one in told(home)}
    look(home, EVENING)
    new = [one for one in told(home) if one.id not in known]
    serving = [facet_in(ServingHealthFacet, d.facets) for one in new for d in one.inputs]
    by_name = {one.deployment: one for one in serving if one is not None}
    stopped = by_name["dep-nyc-prod-stale"]
    assert (stopped.status, stopped.reasons[0].code) == ("unknown", "stopped")
    assert (stopped.evaluated_at - stopped.last_flush).total_seconds() == 120
    assert by_name["dep-nyc-batch-bug"].reasons[0].code == "finished"
    fresh = [facet_in(FreshnessFacet, d.facets) for one in new for d in one.inputs]
    late = [(one.status, one.basis, one.data_age_seconds) for one in fresh if one is not None]
    assert late == [("LATE", "data", 100_000)]


def test_what_the_checks_found_stays_asserted_when_a_dataset_becomes_late(home):
    def asserted():
        with Journal(home) as journal:
            snapshot = Snapshots(journal, Policies.of(settings_of(home)), KEYS).at(EVENING)
        node = snapshot.graph.nodes["dataset:city:features.mobility.training_dataset"]
        return {one.assertion: one.success for one in assertions_in(node.facets)}

    before = asserted()
    assert before["freshness"]
    assert len(before) > 5
    look(home, EVENING)
    assert asserted() == {**before, "freshness": False}


def test_it_looks_again_when_that_costs_little(home):
    clock = [0.0]
    with Journal(home) as journal:
        snapshots = Snapshots(journal, Policies.of(settings_of(home)))
        times = []

        def now():
            times.append(clock[0])
            return EVENING

        passing = PassingTime(journal, snapshots, "city", now, lambda: clock[0])
        for second in range(60):
            clock[0] = float(second)
            passing.look()
    assert times == [float(second) for second in range(0, 60, 5)]
