"""`status`: one line, then a block for each origin and not for each symptom."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from builders import a_foreign_event, a_journal, at
from e2e.test_blame_and_impact import (
    FEATURES,
    FIRST,
    NEW,
    SECOND,
    a_reason,
    released_bad,
    two_versions,
)
from platform_events import HOSTILE, a_look, a_start

from lineage_bridge.naming import Slot
from lineage_bridge.times import format_time

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "status.json"
NULLS = {"nulls": "40 % in `fare`"}


@pytest.fixture
def status(lb, tmp_path):
    """Fill a home, then ask at the end of the hour, in words and in JSON."""

    def asked(*events, minute=75, more=()):
        a_journal(tmp_path / "home", events).close()
        when = ("--at", format_time(at(minute)))
        words, shape = lb("status", *when, *more), lb("status", *when, "--json", *more)
        assert words.code == shape.code == int(shape.json["status"] == "bad"), words.err
        jsonschema.validate(shape.json, json.loads(SCHEMA.read_text()))
        assert all(len(line) <= 80 for line in words.out.splitlines())
        return words.out, shape.json

    return asked


def test_two_deployments_of_one_bad_version_are_one_origin(status):
    out, found = status(*two_versions(bad=NULLS), *released_bad(), *released_bad(slot=SECOND))
    (origin,) = found["origins"]
    assert origin["node"] == f"{FEATURES}@{NEW}"
    assert {one["deployment"] for one in origin["deployments"]} == {"dep-1", "dep-2"}
    assert origin["requests_per_minute"] == found["hit_per_minute"] > 0
    first, *_ = out.splitlines()
    assert first.startswith("1 broken; ")
    assert f"features.mobility.trips@{NEW}" in out
    assert "40 % in `fare`" in out
    assert "blame production/dep-1" in out


def test_what_no_lineage_explains_is_the_deployment_itself(status):
    events = [
        a_start(30, slot=FIRST, version="v1"),
        a_look(75, slot=FIRST, version="v1", reasons=[a_reason("latency_p99_ms", 60)]),
    ]
    out, found = status(*two_versions(), *events)
    assert [one["node"] for one in found["origins"]] == [
        "dataset:ns:predictions.dep-1.production.taxi"
    ]
    assert "production/dep-1 itself" in out
    assert "impact" not in out


def test_a_platform_that_is_well_is_one_line(status):
    out, found = status(*two_versions(), *released_bad(reason=None))
    assert out.startswith("Nothing is wrong. ")
    assert (len(out.splitlines()), found["origins"], found["status"]) == (1, [], "ok")


def test_what_hits_nobody_is_said_to(status):
    out, found = status(*two_versions(bad=NULLS))
    (origin,) = found["origins"]
    assert (origin["node"], origin["below"]) == (FEATURES, [])
    assert "nobody that is asked now" in out


def test_a_retired_deployment_alarms_nobody(status):
    events = [*two_versions(bad=NULLS), *released_bad()]
    out, found = status(*events, minute=3 * 1440)
    assert (found["retired_count"], found["hit_per_minute"]) == (1, 0)
    assert not any(one["deployments"] for one in found["origins"])
    assert "1 retired deployment" in out
    out, found = status(minute=3 * 1440, more=("--all",))
    assert [one["deployment"] for one in found["retired"]] == ["dep-1"]
    assert "production/dep-1 (" in out


def test_the_failed_job_of_anybody_is_an_origin(status):
    failed = a_foreign_event(eventType="FAIL", inputs=["raw"], outputs=["orders"])
    out, found = status(failed)
    (origin,) = found["origins"]
    assert (origin["node"].split(":")[0], origin["status"]) == ("job", "bad")
    assert "nobody that is asked now" in out


def test_names_of_any_kind_stay_within_their_lines(status):
    slot = Slot(HOSTILE, HOSTILE, f"{HOSTILE}{'x' * 5000}")
    events = [
        a_start(30, slot=slot, version="v1"),
        a_look(75, slot=slot, version="v1", reasons=[a_reason("failure_ratio", 60)]),
    ]
    out, found = status(*two_versions(), *events)
    assert len(found["origins"]) == 1
    assert out.isascii() or out.replace("\n", "").isprintable()


def test_before_everything_nothing_is_wrong(status):
    out, _ = status(*two_versions(bad=NULLS), *released_bad(), minute=-1000)
    assert out.startswith("Nothing is wrong. 0 requests a minute")
