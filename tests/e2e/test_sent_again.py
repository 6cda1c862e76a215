"""The same event of anybody, sent again byte for byte, is one event: in the journal and all lists.

A producer that gets no answer sends its event again. Events of ours are known by their ids; these
tests are about everybody else's.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime

import httpx
import pytest
from builders import a_foreign_event, a_journal, an_event, at
from cases import others_slow
from conftest import run_command
from contract.collector_world import dataset, event, world
from durability.test_two_files import die
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.care.prune import prune
from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.errors import JournalError
from lineage_bridge.events import Event
from lineage_bridge.graph.reduce import GRAPH
from lineage_bridge.journal import Journal, takeover
from lineage_bridge.share.queue import ForwardQueue

DONE = event("COMPLETE", "10:00:00", inputs=["a"], outputs=["b"])
SHUFFLED = dict(reversed(DONE.items()))  # means the same, and has other bytes
LAYOUTS = [
    lambda text: text,
    lambda text: text.replace(" ", "\n"),
    lambda text: text.replace(" ", "\r"),
    lambda text: f"\n{text}\n",
    lambda text: f"  {text}\r\n",
]


def bodies(home):
    with Journal(home, readonly=True) as journal:
        return [stored.body for stored in journal.read()]


def as_sent(document):
    return json.dumps(document).encode()


@given(
    sent=st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from(LAYOUTS), st.sampled_from(["http", "import"]))
    )
)
def test_a_journal_has_each_event_once_in_whatever_layout_it_came(sent, tmp_path_factory):
    with Journal(tmp_path_factory.mktemp("home")) as journal:
        for number, layout, origin in sent:
            body = layout(f'{{"n": {number}, "text": "a\\n\\r"}}').encode()
            journal.append([Event(body, "run", number)], origin)
        stored = [json.loads(found.body)["n"] for found in journal.read()]

    assert stored == list(dict.fromkeys(number for number, _, _ in sent))


@pytest.mark.parametrize("time_us", [0, -1, 1_000_000, 1_775_556_000_000_000])
def test_a_time_that_was_read_one_microsecond_off_makes_no_other_event(time_us, tmp_path):
    for off in (-1, 1):  # nanoseconds were cut by some readers, and rounded by others
        with Journal(tmp_path / str(off)) as journal:
            journal.append([Event(b"{}", "run", time_us)], "http")
            assert journal.append([Event(b"{}", "run", time_us + off)], "import") == [None]


@pytest.mark.parametrize("again", [1, 3])
def test_the_collector_answers_as_the_first_time_and_lists_one(again, tmp_path):
    with world(tmp_path) as collector:
        for _ in range(1 + again):
            collector.send(DONE)
        first = collector.get("/events/lineage"), collector.get("/namespaces/jobs/jobs/etl/runs")

    with world(tmp_path) as restarted:  # the answer got lost when it was killed, say
        restarted.send(DONE)
        assert restarted.get("/events/lineage") == first[0]
        assert restarted.get("/namespaces/jobs/jobs/etl/runs") == first[1]

    assert (first[0]["totalCount"], len(first[0]["events"]), len(first[1]["runs"])) == (1, 1, 1)


def test_it_brings_nothing_back_that_was_deleted_since(tmp_path):
    with world(tmp_path) as collector:
        collector.send(DONE)
        deleted = "/api/v1/namespaces/db/datasets/b"
        assert collector.ask("DELETE", deleted, {}, b"").status == 200
        collector.send(DONE)
        assert collector.ask("GET", deleted, {}, b"").status == 404

        collector.send(DONE | {"eventTime": "2026-01-05T11:00:00Z"})
        assert collector.ask("GET", deleted, {}, b"").status == 200


def test_other_bytes_are_another_event(tmp_path):
    with world(tmp_path) as collector:
        collector.send(DONE, SHUFFLED)
        collector.post(json.dumps(DONE, indent=1).encode())

        assert collector.get("/events/lineage")["totalCount"] == 3


def test_of_many_who_send_it_at_once_one_is_listed(tmp_path):
    with Journal(tmp_path) as journal, CollectorServer(journal, port=0) as server:
        start = threading.Barrier(8)
        statuses = []

        def send():
            with httpx.Client(base_url=server.url) as client:
                start.wait()
                statuses.append(client.post("/api/v1/lineage", json=DONE).status_code)

        threads = [threading.Thread(target=send) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        feed = httpx.get(f"{server.url}/api/v1/events/lineage").json()

    assert statuses == [201] * 8
    assert feed["totalCount"] == 1


def test_what_is_refused_is_no_event_and_each_try_is_listed(tmp_path):
    poison = event("COMPLETE", "10:00:00") | {"outputs": [dataset(" ")]}
    with world(tmp_path) as collector:
        assert [collector.post(poison).status for _ in range(3)] == [400] * 3

    assert len(run_command("journal", "dead", "--home", tmp_path, "--json").json) == 3


def test_a_command_of_the_api_counts_each_time(tmp_path):
    with world(tmp_path) as collector:
        collector.send(DONE)
        tags = "/api/v1/namespaces/db/datasets/b/tags/PII"
        for method in ("POST", "DELETE", "POST"):
            assert collector.ask(method, tags, {}, b"").status in {200, 201}

        assert collector.get("/namespaces/db/datasets/b")["tags"] == ["PII"]


def test_it_is_forwarded_once(tmp_path):
    queue_of = lambda journal: ForwardQueue(journal, "http://127.0.0.1:1")  # noqa: E731
    with Journal(tmp_path) as journal:
        for _ in range(3):
            journal.append([a_foreign_event()], "transport")
            queue_of(journal).take_in()
        assert queue_of(journal).counts() == {"pending": 1}


def test_what_was_pruned_stays_away_whoever_sent_it(tmp_path):
    of_others = [a_foreign_event("theirs", n, run={"runId": f"r{n}"}) for n in range(5)]
    of_ours = [an_event("ours", n, run=str(n)) for n in range(5)]
    with a_journal(tmp_path, [*of_others, *of_ours]) as journal:
        pruned = prune(journal, before=at(60), now=datetime.now(UTC), models=[GRAPH]).pruned
        left = [stored.seq for stored in journal.read()]

        assert journal.append([*of_others, *of_ours], "import") == [None] * 10
        assert [stored.seq for stored in journal.read()] == left
    assert pruned > 2


def test_an_exported_event_is_known_in_its_home_and_where_it_was_imported(tmp_path):
    home, other, target = tmp_path / "home", tmp_path / "other", tmp_path / "events.ndjson"
    sent = [as_sent(DONE), json.dumps(SHUFFLED, indent=2).replace("\n", "\r\n").encode()]
    with world(home) as collector:
        assert [collector.post(body).status for body in sent] == [201, 201]
    assert run_command("journal", "export", target, "--home", home).code == 0

    for place, new in ((home, 0), (other, 2), (other, 0)):
        counts = run_command("journal", "import", target, "--home", place, "--json").json
        assert counts == {"appended": new, "known": 2 - new}
    with world(other) as collector:
        assert [collector.post(body).status for body in sent] == [201, 201]
        assert collector.get("/events/lineage")["totalCount"] == 2


def test_verify_finds_a_changed_byte_in_anybodys_event(tmp_path):
    with a_journal(tmp_path, [a_foreign_event("etl", n) for n in range(5)]):
        pass
    assert run_command("journal", "verify", "--home", tmp_path).code == 0
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection, connection:
        connection.execute(
            "UPDATE events SET body = CAST(replace(body, 'example.com', 'example.org') AS BLOB)"
            " WHERE seq = 3"
        )

    shape = run_command("journal", "verify", "--home", tmp_path, "--json").json
    assert shape["problems"] == ["event 3: its body is not the one that was appended"]


# Homes of versions that did not know events by their content


def make_former(home):
    """Turn a home into one of before: nothing is known by its content, and some came twice."""
    with closing(sqlite3.connect(home / "journal.db")) as connection, connection:
        for table in ("digests", "undigested"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("DELETE FROM migrations WHERE name = 'digests'")
        connection.execute(
            "INSERT INTO events (kind, time_us, received_us, origin, body)"
            " SELECT kind, time_us, received_us, origin, body FROM events WHERE seq <= 2"
        )


@pytest.fixture
def former(tmp_path):
    """A home of before, with six events of others and two of them twice."""
    home = tmp_path / "former"
    a_journal(home, [*map(a_foreign_event, "abcdef"), an_event("ours")]).close()
    make_former(home)
    return home


def test_a_former_home_keeps_what_it_has_and_takes_nothing_of_it_again(former):
    before = bodies(former)
    known = [a_foreign_event(job) for job in "abcdef"]

    told = run_command("journal", "rebuild", "--home", former)

    assert "taken over" in told.err
    with Journal(former) as journal:
        assert journal.append([*known, a_foreign_event("g")], "http") == [None] * 6 + [10]
    assert bodies(former)[:9] == before
    assert run_command("journal", "verify", "--home", former).out.startswith("10 events checked, 0")


def test_who_only_reads_a_former_home_changes_nothing_and_finds_it_sound(former):
    before = (former / "journal.db").read_bytes()

    assert run_command("journal", "verify", "--home", former).code == 0
    assert (former / "journal.db").read_bytes() == before


def test_a_pipeline_does_not_take_a_former_home_over(former):
    with Journal(former, take_over=False) as pipeline:
        assert pipeline.append([a_foreign_event("g")] * 2, "transport") == [10, None]
        with pipeline.reading() as connection:
            assert connection.execute("SELECT count(*) FROM digests").fetchone() == (1,)
    assert run_command("journal", "verify", "--home", former).code == 0

    with Journal(former) as journal:
        assert journal.append(map(a_foreign_event, "abcdefg"), "http") == [None] * 7


def test_taking_over_goes_on_where_it_was_interrupted(former, monkeypatch):
    monkeypatch.setattr(takeover, "_BITE_BYTES", 1)
    done = []

    def interrupted(_what, after, _last):
        done.append(after)
        if after == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Journal(former, progress=interrupted)
    with Journal(former, progress=lambda _what, after, _last: done.append(after)) as journal:
        assert journal.append(map(a_foreign_event, "abcdef"), "http") == [None] * 6

    assert done == [0, 1, 2, 3, 3, 4, 5, 6, 8]  # the seventh is ours, the last two came twice


def test_a_pipeline_waits_no_longer_for_a_former_home_than_for_any(former):
    with closing(sqlite3.connect(former / "journal.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError, match="locked"):
            Journal(former, take_over=False, busy_seconds=0.01)

    with Journal(former, take_over=False) as pipeline:
        assert pipeline.append([a_foreign_event("g")], "transport") == [10]


@pytest.mark.slow
@pytest.mark.parametrize("point", others_slow([15, 40, 6, 9, 12, 18, 21, 24], fast=2))
def test_taking_a_former_home_over_may_die_at_any_statement(point, former):
    die(point, "journal", "rebuild", "--home", former)

    assert run_command("journal", "rebuild", "--home", former).code == 0
    assert run_command("journal", "verify", "--home", former).code == 0
    with Journal(former) as journal:
        assert journal.append(map(a_foreign_event, "abcdef"), "http") == [None] * 6
        with journal.reading() as connection:
            assert not connection.execute("SELECT * FROM undigested").fetchall()
