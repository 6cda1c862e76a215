from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from builders import a_dataset_event, a_foreign_event, a_run_id, at
from hypothesis import given
from hypothesis import strategies as st
from platform_events import a_build

from lineage_bridge.answers import Snapshot, Snapshots
from lineage_bridge.assess.policies import Policies
from lineage_bridge.graph.reduce import reduce
from lineage_bridge.journal import Journal
from lineage_bridge.show.shapes import dataset_json

NOW = at(400)


def a_write(minute, state="COMPLETE"):
    return an_end(minute, state, run=f"{minute}/{state}")


def an_end(minute, state, *, run):
    run_id = {"runId": a_run_id(run)}
    return a_foreign_event("etl", minute, state=state, outputs=["orders"], run=run_id)


EVENTS = [
    *(a_write(n * 50 + n % 3) for n in range(6)),
    a_write(99, "FAIL"),
    # Runs that ended later, or otherwise, than was known before.
    *(an_end(minute, "COMPLETE", run="late") for minute in (20, 25)),
    an_end(30, "COMPLETE", run="failed"),
    an_end(35, "FAIL", run="failed"),
    *(
        event
        for n in range(5)
        for event in a_build(n * 60, version=f"v{n}", limits=(1800.0, 1800.0))
    ),
    *(a_dataset_event(f"mirror@{n}", n * 45) for n in range(4)),
    a_foreign_event(
        "flink",
        3,
        state="RUNNING",
        inputs=["orders", "main.trips"],
        outputs=["live"],
        is_streaming=True,
    ),
]


def shown(snapshot):
    return [dataset_json(one) for one in snapshot.freshness_of_all()]


@pytest.mark.sample
@given(st.permutations(EVENTS), st.integers(0, len(EVENTS)))
def test_no_order_of_arrival_matters_nor_that_somebody_asked_before(events, cut):
    told = []
    with tempfile.TemporaryDirectory() as folder:
        with Journal(Path(folder) / "at once") as journal:
            journal.append(EVENTS, "http")
            reduce(journal)
            with journal.reading() as connection:
                told.append(shown(Snapshot.load(connection, Policies(), NOW)))
        with Journal(Path(folder) / "in parts") as journal:
            snapshots = Snapshots(journal, Policies())
            for part in (events[:cut], events[cut:]):
                journal.append(part, "http")
                told.append(shown(snapshots.at(NOW)))

    assert told[2] == told[0]
    sources = [one["policy"]["source"] for one in told[0]]
    assert sources == ["rhythm"] * len(sources)
    assert {one["name"] for one in told[0]} == {
        "features.mobility.trips",
        "live",
        "mirror",
        "orders",
    }
