"""Who is answered 503 knows whether anything was kept, and who is answered 201 that it was."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from conftest import HANG_SECONDS
from contract.collector_world import event

from lineage_bridge.collector import api
from lineage_bridge.collector.server import CollectorConfig, CollectorServer
from lineage_bridge.http import HttpConfig, HttpLimits, Part, Response
from lineage_bridge.journal import Journal
from lineage_bridge.journal.follower import Watermark

POSTS = 12
HASTY = HttpConfig(limits=HttpLimits(request_seconds=0.05))


@contextmanager
def served(home, *, busy_seconds=HANG_SECONDS, http=HASTY, **options):
    with (
        Journal(home, busy_seconds=busy_seconds) as journal,
        CollectorServer(journal, port=0, http=http, **options) as server,
        httpx.Client(base_url=f"{server.url}/api/v1") as client,
    ):
        yield client, journal


@contextmanager
def locked(journal):
    """Somebody else writes to the journal, and takes his time."""
    other = sqlite3.connect(journal.path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield lambda: other.execute("ROLLBACK")
    finally:
        other.close()


def posted(client, number):
    answer = client.post("/lineage", json=event("START", "10:00:00", run=number))
    return number, answer.status_code, answer.text


def events_in(journal):
    return [stored for stored in journal.read() if stored.kind == "run"]


def test_a_time_limit_never_ends_what_may_be_kept(tmp_path):
    accepted = 0
    home = tmp_path / "home"
    with served(home, http=None) as (client, _):  # of a new namespace, each event is tried out
        assert posted(client, 1000)[1] == 201
    slow = Part("page", lambda _: Response(over.wait(HANG_SECONDS)))
    with served(home, parts={"/slow": slow}) as (client, journal):
        while not accepted:  # on a busy machine the limit may end all of them before they begin
            over = threading.Event()
            before = len(events_in(journal))
            with ThreadPoolExecutor(POSTS) as pool, locked(journal) as let_go:
                asked = [pool.submit(posted, client, before + number) for number in range(POSTS)]
                # What is answered late is given up meanwhile, after as long as a request may take.
                for _ in range(3):
                    assert httpx.get(client.base_url.join("/slow")).status_code == 503
                let_go()
                over.set()
                answers = [one.result() for one in asked]
            accepted = sum(status == 201 for _, status, _ in answers)
            refused = [text for _, status, text in answers if status == 503]
            assert len(events_in(journal)) - before == accepted
            assert accepted + len(refused) == POSTS
            assert all("Nothing of this request was kept" in text for text in refused)


def test_a_journal_that_cannot_be_written_keeps_nothing_and_says_so(tmp_path):
    with (
        served(tmp_path, busy_seconds=0.05) as (client, journal),
        ThreadPoolExecutor(POSTS) as pool,
        locked(journal) as let_go,
    ):
        answers = list(pool.map(posted, [client] * POSTS, range(POSTS)))
        let_go()
        assert {status for _, status, _ in answers} == {503}
        assert all("Nothing of this request was kept" in text for _, _, text in answers)
        assert events_in(journal) == []
        assert posted(client, 99)[1] == 201


class Stuck:
    """Never folds."""

    def __init__(self):
        self.watermark = Watermark()

    def wake(self):
        pass

    def close(self):
        pass


def test_a_change_that_is_kept_but_not_visible_yet_says_so(tmp_path, monkeypatch):
    with served(tmp_path):
        pass  # the default namespace and tags are there
    monkeypatch.setattr(api, "WRITE_SECONDS", 0.2)
    with served(tmp_path, http=None, make_follower=Stuck) as (client, journal):
        before = journal.last_seq()
        answer = client.put("/namespaces/new", json={"ownerName": "me"})
        assert (answer.status_code, answer.json()["message"]) == (
            503,
            "The change is kept, and will be visible later.",
        )
        assert journal.last_seq() == before + 1


def test_a_change_that_never_got_its_turn_is_not_kept(tmp_path, monkeypatch):
    begun, over = threading.Event(), threading.Event()
    reading = api.Api.reading

    @contextmanager
    def slowly(self):
        if self.has_written() and not begun.is_set():
            begun.set()
            over.wait(HANG_SECONDS)
        with reading(self) as connection:
            yield connection

    with served(tmp_path, config=CollectorConfig(changers=1)) as (client, _):
        monkeypatch.setattr(api.Api, "reading", slowly)
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(client.put, "/tags/first", json={})
            assert begun.wait(HANG_SECONDS)
            answer = client.put("/tags/second", json={})
            assert client.get("/tags").status_code == 200  # reading goes on meanwhile
            over.set()
            assert first.result().status_code == 200
        assert answer.status_code == 503
        assert "Nothing of this request was kept" in answer.json()["message"]
        names = {tag["name"] for tag in client.get("/tags").json()["tags"]}
        assert names == {"PII", "SENSITIVE", "first"}


@pytest.mark.parametrize("change", ["/tags/x", "/sources/s", "/namespaces/n"])
def test_a_change_that_has_begun_is_finished_whatever_the_time_limit(tmp_path, change, monkeypatch):
    body = {"ownerName": "me", "type": "DB2", "connectionUrl": "db2://x"}
    reading = api.Api.reading
    held = threading.Event()

    @contextmanager
    def slowly(self):
        if self.has_written():
            held.wait(0.2)  # longer than a request may take
        with reading(self) as connection:
            yield connection

    with served(tmp_path) as (client, _):
        monkeypatch.setattr(api.Api, "reading", slowly)
        assert client.put(change, json=body).status_code == 200
