"""What the model of identities keeps of observers' events, without reading what they found."""

from __future__ import annotations

import pytest

from lineage_bridge.events import Dataset, Event, Job, decode, run_event
from lineage_bridge.journal import Journal
from lineage_bridge.journal.fold import catch_up
from lineage_bridge.link.identities import Identities
from lineage_bridge.link.identities_model import IDENTITIES
from lineage_bridge.times import from_micros

NS, JOB = "ns", "observe.predictions.svc.production.dep"


def an_observation(number: int, *, job: str = JOB, namespace: str = NS, **others) -> Event:
    run_id = f"00000000-0000-4000-8000-{number:012}"
    inputs = [Dataset(namespace, "predictions", facets={"lineageBridge_x": {"n": number}})]
    time = from_micros(number * 1_000_000)
    return run_event("COMPLETE", time, Job(namespace, job), run_id, inputs=inputs, **others)


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "home") as opened:
        yield opened


def observed(journal: Journal, without=(), job: str = JOB):
    catch_up(journal, IDENTITIES)
    with journal.reading() as connection:
        return Identities(connection, NS).observed(job, without)


def test_standing_events_are_listed_by_time_with_what_they_took_the_place_of(journal):
    second, first = an_observation(2), an_observation(1)
    later = an_observation(2, supersedes=second.id)
    other = an_observation(3, job="observe.features.x")
    elsewhere = an_observation(3, namespace="another")
    journal.append([second, first, later, other, elsewhere], "artifact")

    assert observed(journal) == [
        (1_000_000, first.id, None),
        (2_000_000, later.id, second.id),
    ]
    with journal.reading() as connection:
        assert Identities(connection, NS).observers() == {JOB, "observe.features.x"}
        assert Identities(connection, NS).standing() == []


def test_one_can_ask_as_if_some_events_were_not_there(journal):
    first = an_observation(1)
    later = an_observation(1, supersedes=first.id)
    journal.append([first, later], "artifact")

    assert observed(journal, {later.id}) == [(1_000_000, first.id, None)]
    assert observed(journal, {first.id, later.id}) == []


def test_one_that_is_withdrawn_is_not_listed(journal):
    first = an_observation(1)
    journal.append([first, an_observation(2, withdraws=[str(first.id)])], "artifact")

    assert observed(journal) == []


def as_other_json(body: bytes, way: str) -> bytes:
    own = b'"lineageBridge_event":{'
    changed = {
        "a null in our facet": body.replace(own, own + b'"artifact":null,'),
        "another spelling": body.replace(b'"COMPLETE"', b'"complete"'),
        "a member more": body.replace(own, own + b'"more":[1],'),
        "no type": body.replace(b'"eventType":"COMPLETE",', b""),
        "a broken facet": body.replace(own, own + b'"links":7,'),
        "an empty namespace": body.replace(
            b'"namespace":"ns","name":"observe', b'"namespace":"","name":"observe'
        ),
        "no facets of the job": body.replace(b',"facets":{}}', b"}"),
    }
    assert changed[way] != body
    return changed[way]


@pytest.mark.parametrize(
    ("way", "is_kept"),
    [
        ("a null in our facet", True),
        ("another spelling", True),
        ("a member more", True),
        ("no type", True),
        ("a broken facet", False),
        ("an empty namespace", False),
        ("no facets of the job", True),
    ],
)
def test_an_event_that_others_changed_on_the_way_is_read_as_all_events_are(journal, way, is_kept):
    made = an_observation(1)
    journal.append([Event(as_other_json(made.body, way), "run", made.time_us, made.id)], "follow")

    assert observed(journal) == ([(1_000_000, made.id, None)] if is_kept else [])
    with journal.reading() as connection:
        found = connection.execute("SELECT type, run FROM identity_events").fetchall()
    run_id = decode(made.body)["run"]["runId"]
    assert found == ([("" if way == "no type" else "COMPLETE", run_id)] if is_kept else [])
