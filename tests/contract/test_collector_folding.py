"""What a read sees of events that are acknowledged and not folded yet."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from contract.collector_world import event

from lineage_bridge.collector import app
from lineage_bridge.collector.fold.model import CollectorModel
from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.journal import Journal
from lineage_bridge.journal.fold import Fold
from lineage_bridge.journal.follower import Mark, Watermark


class HandFollower:
    """Folds when it is told to, so that a test can stand between the two."""

    def __init__(self, journal):
        self.watermark = Watermark()
        self.woken = threading.Event()
        self.wakes = 0
        self._journal = journal
        self._fold = Fold(journal, CollectorModel())
        self.is_stuck = False

    def fold(self):
        self._fold.run(lambda: False)
        self.watermark.move(Mark(self._journal.identity, self._fold.reached))

    def wake(self):
        self.woken.set()
        self.wakes += 1
        if not self.is_stuck:
            self.fold()

    def close(self):
        pass


@pytest.fixture
def follower(tmp_path):
    with Journal(tmp_path / "home") as journal:
        yield HandFollower(journal)


@pytest.fixture
def url(follower):
    journal = follower._journal
    with CollectorServer(journal, port=0, make_follower=lambda: follower) as server:
        follower.is_stuck = True
        yield server.url


def post(client, run):
    sent = event("COMPLETE", "10:00:00", run=run, job=f"j{run}", outputs=["d"])
    assert client.post("/api/v1/lineage", json=sent).status_code == 201


def job(client, run):
    return client.get(f"/api/v1/namespaces/jobs/jobs/j{run}").status_code


def test_an_event_is_acknowledged_before_it_is_folded(url, follower):
    with httpx.Client(base_url=url) as client:
        post(client, 1)
    assert len(follower._journal.read()) == 4  # with the namespace and the tags of the start
    assert not follower.watermark.mark.has(Mark(follower._journal.identity, 4))


def test_a_client_reads_what_it_was_answered_for_and_waits_for_it(url, follower):
    with httpx.Client(base_url=url, timeout=300) as client, ThreadPoolExecutor(1) as pool:
        post(client, 1)
        follower.woken.clear()
        asked = pool.submit(job, client, 1)
        follower.woken.wait()  # the request is there, and waits
        assert not asked.done()
        follower.fold()
        assert asked.result() == 200


def test_events_are_folded_together_and_at_once_for_who_waits(url, follower, monkeypatch):
    monkeypatch.setattr(app, "WAKE_SECONDS", 3600)
    before = follower.wakes
    with httpx.Client(base_url=url, timeout=300) as client:
        for run in range(5):
            post(client, run)
        assert follower.wakes == before
        follower.is_stuck = False
        assert job(client, 4) == 200
        assert follower.wakes == before + 1


def test_who_sends_an_event_again_reads_what_the_first_one_said(url, follower, monkeypatch):
    monkeypatch.setattr(app, "PATIENCE_SECONDS", 0)
    with httpx.Client(base_url=url, timeout=300) as first:
        post(first, 1)  # and the answer got lost
    with httpx.Client(base_url=url, timeout=300) as again, ThreadPoolExecutor(1) as pool:
        post(again, 1)
        before = follower.wakes
        asked = pool.submit(job, again, 1)
        while follower.wakes < before + 2 and not asked.done():
            pass  # it waits for all events, in vain, and then for its own
        follower.fold()
        assert asked.result() == 200


def test_others_are_answered_from_what_is_folded_once_they_have_waited_a_little(url, follower):
    with httpx.Client(base_url=url, timeout=300) as sender:
        post(sender, 1)
        follower.fold()
        post(sender, 2)
        with httpx.Client(base_url=url, timeout=300) as other:
            assert [job(other, 1), job(other, 2)] == [200, 404]
        follower.fold()
        assert [job(sender, 1), job(sender, 2)] == [200, 200]


def test_metrics_tell_how_far_behind_it_is(url, follower):
    with httpx.Client(base_url=url, timeout=300) as client:
        post(client, 1)
        told = dict(
            line.rsplit(" ", 1)
            for line in client.get("/metrics").text.splitlines()
            if not line.startswith("#")
        )
        follower.fold()
        after = client.get("/metrics").text

    assert float(told["lineage_bridge_collector_journal_seq"]) == 4
    assert float(told["lineage_bridge_collector_folded_seq"]) == 3
    assert float(told["lineage_bridge_collector_fold_lag_seconds"]) > 0
    assert "lineage_bridge_collector_folded_seq 4" in after
    assert "lineage_bridge_collector_fold_lag_seconds 0.0" in after


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({"outputs": [None]}, 500),
        ({"inputs": [{"namespace": "b d", "name": "d"}]}, 400),
        ({"eventType": None}, 500),
        ({"outputs": [{"namespace": "n", "name": "d"}]}, 201),
    ],
)
def test_what_is_refused_half_way_is_known_before_it_is_folded(members, status, url, follower):
    sent = {**event("COMPLETE", "10:00:00"), **members}
    sent["run"]["facets"] = {"f": {"_producer": "p:p", "_schemaURL": "s:s"}}
    with httpx.Client(base_url=url, timeout=300) as client:
        assert client.post("/api/v1/lineage", json=sent).status_code == status
    assert len(follower._journal.read()) == 4
    follower.fold()
    with follower._journal.reading() as connection:
        refused = connection.execute("SELECT status FROM mq_refused").fetchall()
    assert refused == ([] if status == 201 else [(status,)])


@pytest.mark.slow
def test_a_body_that_is_checked_in_another_process_is_taken_and_refused_like_any_other(url):
    columns = [{"name": f"c{n}", "type": "t" * 50} for n in range(40_000)]
    facet = {"_producer": "p:p", "_schemaURL": "s:s", "fields": columns}
    output = {"namespace": "n", "name": "wide", "facets": {"schema": facet}}
    sent = {**event("COMPLETE", "10:00:00"), "outputs": [output]}
    with httpx.Client(base_url=url, timeout=300) as client:
        assert client.post("/api/v1/lineage", json=sent).status_code == 201
        refused = client.post("/api/v1/lineage", json={**sent, "eventTime": "never"})
        invalid = client.post("/api/v1/lineage", json={**sent, "producer": None})
        cut = client.post("/api/v1/lineage", content=b'{"x": "' + b"y" * 3_000_000, headers=JSON)
    assert (refused.status_code, refused.json()["code"]) == (500, 400)
    assert invalid.status_code == 422
    assert "producer must not be null" in invalid.text
    assert (cut.status_code, cut.json()["code"]) == (500, 400)


JSON = {"content-type": "application/json"}
