from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.errors import EventError
from lineage_bridge.events import Dataset, Job, run_event
from lineage_bridge.facets.event import EventFacet
from lineage_bridge.facets.serving_health import ServingHealthFacet
from lineage_bridge.journal.home_tables import Stored
from lineage_bridge.share.facts import facts_of, item_of
from lineage_bridge.share.marquez.limits import problem_of

RUN = "00000000-0000-4000-8000-000000000000"


def stored(body, event_id=None):
    return Stored(7, event_id, "run", 5, 0, "artifact", body)


def of_event(event):
    return facts_of(stored(event.body, event.id))


def an_event(event_type="COMPLETE", job="j", inputs=(), outputs=(), **more):
    now = datetime(2026, 4, 7, tzinfo=UTC)
    return run_event(event_type, now, Job("ns", job), RUN, inputs=inputs, outputs=outputs, **more)


def test_what_the_order_of_an_event_depends_on():
    event = an_event("START", inputs=[Dataset("ns", "a b")], outputs=[Dataset("s3://x", "c")])
    item = of_event(event).item

    assert (item.seq, item.time_us, item.job, item.run, item.rank) == (7, 5, "ns j", RUN, 0)
    assert (item.reads, item.writes) == ({"ns a b"}, {"s3://x c"})


@pytest.mark.parametrize(
    ("event_type", "rank"), [("START", 0), ("RUNNING", 1), ("OTHER", 1), ("FAIL", 2), ("ABORT", 2)]
)
def test_how_far_an_event_brings_its_run(event_type, rank):
    assert of_event(an_event(event_type)).item.rank == rank


def test_only_one_of_ours_can_be_bare():
    event = an_event()

    assert of_event(event).is_bare
    assert not facts_of(stored(event.body)).is_bare
    assert not of_event(an_event(inputs=[Dataset("ns", "a")])).is_bare


def test_what_an_event_supersedes():
    assert of_event(an_event(supersedes="x")).takes_back == ("x",)
    assert of_event(an_event()).takes_back == ()


def observed(**health):
    data = Dataset("ns", "predictions.s", facets={ServingHealthFacet.key: health})
    return of_event(an_event(job="observe.predictions.s", inputs=[data]))


def a_reason(code, value):
    return {"code": code, "level": "degraded", "since": "2026-04-07T09:00:00Z", "value": value}


def an_endpoint(status):
    end = "2026-04-07T10:00:00Z"
    counts = {"windows": 1, "requests": 1, "newestWindowEnd": end}
    return {"endpoint": "/a", "status": status, "reasons": [], **counts}


def test_findings_are_equal_when_model_status_and_codes_are():
    one = {
        "status": "degraded",
        "model": "m",
        "modelVersion": "1",
        "reasons": [a_reason("failure_ratio", 0.1)],
        "endpoints": [an_endpoint("degraded")],
        "evaluatedAt": "2026-04-07T10:00:00Z",
    }
    same = one | {
        "reasons": [a_reason("failure_ratio", 0.2)],
        "evaluatedAt": "2026-04-07T10:15:00Z",
    }
    assert observed(**one).finding is not None
    assert observed(**one).finding == observed(**same).finding

    for other in (
        {"status": "healthy"},
        {"modelVersion": "2"},
        {"reasons": [a_reason("timeout_ratio", 0.1)]},
        {"endpoints": [an_endpoint("healthy")]},
    ):
        assert observed(**one).finding != observed(**(one | other)).finding


def test_a_dataset_event_goes_as_if_it_wrote_its_dataset():
    body = json.dumps({"dataset": {"namespace": "ns", "name": "d"}}).encode()
    item = item_of(stored(body))

    assert (item.job, item.writes) == ("ns d", {"ns d"})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
members = st.sampled_from(
    [
        *["job", "run", "inputs", "outputs", "dataset", "facets", "schema", "fields"],
        *["namespace", "name", "symlinks", "identifiers", "columnLineage", "jobType"],
        *["eventType", "reasons", "endpoints", "inputFacets"],
        *[EventFacet.key, ServingHealthFacet.key],
    ]
)
odd = st.recursive(
    json_values | st.just("observe.predictions.x"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(members, inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(members, odd, max_size=6))
def test_no_json_object_is_too_odd_to_be_looked_at(document):
    body = json.dumps(document).encode()

    facts_of(stored(body, "id"))
    problem_of(body)


def test_what_is_no_json_has_no_facts():
    with pytest.raises(EventError):
        facts_of(stored(b"["))
