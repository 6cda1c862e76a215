"""Forwarding to a real HTTP server that speaks Marquez's API: our own collector."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.events import Dataset, Job, run_event
from lineage_bridge.journal import Journal
from lineage_bridge.share.forward import Forwarder
from lineage_bridge.share.marquez.api import Marquez
from lineage_bridge.share.marquez.outcome import Outcome

NOON = datetime(2026, 4, 7, 12, tzinfo=UTC)


@pytest.fixture
def collector(tmp_path):
    with Journal(tmp_path / "theirs") as journal, CollectorServer(journal, port=0) as server:
        yield server


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "ours") as opened:
        yield opened


def an_event(minute, job, reads, writes, **more):
    return run_event(
        "COMPLETE",
        NOON + timedelta(minutes=minute),
        Job("ns", job),
        f"00000000-0000-4000-8000-{minute:012d}",
        inputs=[Dataset("ns", name, "v1") for name in reads],
        outputs=[Dataset("ns", name, "v1") for name in writes],
        **more,
    )


def names(collector, kind):
    listed = httpx.get(f"{collector.url}/api/v1/namespaces/ns/{kind}").json()
    return [item["name"] for item in listed[kind]]


def test_a_chain_arrives_and_the_feed_has_each_event_once(collector, journal):
    events = [
        an_event(0, "build", ["raw"], ["features.d"]),
        an_event(1, "train", ["features.d"], ["models.m"]),
        an_event(2, "serve", ["models.m"], ["predictions.s"]),
    ]
    journal.append(reversed(events), "artifact")
    report = Forwarder(journal, collector.url).run()

    assert (report.sent, report.status.pending, report.status.dead) == (3, 0, 0)
    assert sorted(names(collector, "jobs")) == ["build", "serve", "train"]
    feed = httpx.get(f"{collector.url}/api/v1/events/lineage").json()
    assert feed["totalCount"] == 3
    with Marquez(collector.url) as marquez:
        found = [marquez.find(stored) for stored in journal.read()]
    assert [answer.outcome for answer in found if answer] == [Outcome.TAKEN] * 3


def test_a_wrong_link_that_was_forwarded_is_hidden_again(collector, journal):
    wrong = an_event(0, "train", ["features.guess"], ["models.m"])
    journal.append([wrong], "artifact")
    Forwarder(journal, collector.url).run()
    assert "features.guess" in names(collector, "datasets")

    right = an_event(0, "train", ["features.d"], ["models.m"], supersedes=wrong.id)
    journal.append([right], "artifact")
    Forwarder(journal, collector.url).run()
    assert sorted(names(collector, "datasets")) == ["features.d", "models.m"]
