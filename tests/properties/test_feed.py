"""What the feed makes of an event's bytes is what Marquez's classes make of the event."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from lineage_bridge.collector.dialect import typed
from lineage_bridge.collector.dialect.shown import shown_event

TEXTS = st.sampled_from(
    ["a", "null", "IS NOT null", "\u00fc", "\U0001f600", "2026-01-05T10:00:00Z"]
)
SCALARS = st.one_of(
    TEXTS, st.none(), st.booleans(), st.integers(-9, 9), st.sampled_from([0.5, 1e22])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=5,
)
SAID = st.sampled_from([*"abcdefgh", "null", 5, True])  # a text is wanted; others are taken too
TIMES = st.sampled_from(
    ["2026-01-05T10:00:00Z", "2026-01-05T10:00:00.500Z", "2026-01-05T12:00+02:00", 1_767_225_600]
)


def an_object(required=None, optional=None):
    """Members that are known, with others that are not."""
    known = st.fixed_dictionaries(required or {}, optional=optional or {})
    return st.builds(lambda others, said: {**others, **said}, OTHERS, known)


def may_be(*names):
    return dict.fromkeys(names, SAID | st.none())


RARE = st.dictionaries(st.sampled_from(["_producer", "x", "null"]), VALUES, max_size=1)
OTHERS = st.one_of(*[st.just({})] * 5, RARE)
A_FIELD = an_object({"name": SAID}, may_be("type", "description"))
A_LINK = an_object({"namespace": SAID, "name": SAID}, may_be("type"))
AN_INPUT = an_object({"namespace": SAID, "name": SAID, "field": SAID})
A_COLUMN = an_object(
    {"inputFields": st.lists(AN_INPUT, max_size=2)},
    may_be("transformationDescription", "transformationType"),
)


def a_facet(required=None, optional=None):
    return an_object({"_producer": SAID, "_schemaURL": SAID, **(required or {})}, optional)


A_PARENT = a_facet(
    {"run": an_object({"runId": SAID}), "job": an_object({"namespace": SAID, "name": SAID})}
)
FACETS = {
    "nominalTime": a_facet({"nominalStartTime": TIMES}, {"nominalEndTime": TIMES | st.none()}),
    "parent": A_PARENT,
    "parentRun": A_PARENT,
    "documentation": a_facet({"description": SAID}),
    "sourceCodeLocation": a_facet(optional=may_be("type", "url")),
    "sql": a_facet({"query": SAID}),
    "jobType": a_facet({"processingType": SAID}, may_be("integration", "jobType")),
    "schema": a_facet(optional={"fields": st.lists(A_FIELD, max_size=2)}),
    "dataSource": a_facet(optional=may_be("name", "uri")),
    "description": SAID,
    "lifecycleStateChange": a_facet({"lifecycleStateChange": SAID}),
    "columnLineage": a_facet({"fields": st.dictionaries(TEXTS, A_COLUMN, max_size=2)}),
    "symlinks": a_facet({"identifiers": st.lists(A_LINK, max_size=2)}),
    "custom": VALUES,
}


def facets(*names):
    of_kind = {name: FACETS[name] | st.none() for name in (*names, "custom")}
    return st.none() | an_object(optional=of_kind)


RUN = an_object(
    {"runId": SAID}, {"facets": facets(*typed.RUN_FACETS) | facets("parentRun", "nominalTime")}
)
JOB = an_object({"namespace": SAID, "name": SAID}, {"facets": facets(*typed.JOB_FACETS)})
DATASET = an_object(
    {"namespace": SAID, "name": SAID},
    {
        "facets": facets(*typed.DATASET_FACETS),
        "inputFacets": st.none() | st.dictionaries(TEXTS, VALUES, max_size=2),
        "outputFacets": st.none() | st.dictionaries(TEXTS, VALUES, max_size=2),
    },
)
DATASETS = st.none() | st.lists(DATASET | st.none(), max_size=2)
EVENTS = an_object(
    {"eventTime": TIMES, "run": RUN, "job": JOB, "producer": SAID},
    {"eventType": SAID | st.none(), "inputs": DATASETS, "outputs": DATASETS, "schemaURL": SAID},
)
PARENT = {"run": {"runId": "p", "x": 1}, "job": {"namespace": "n", "name": "dag"}}
SPARE = {
    "eventTime": "2026-01-05T10:00:00Z",
    "run": {"runId": "r", "facets": {"parentRun": PARENT, "custom": {"a": None, "b": [None]}}},
    "job": {"namespace": "n", "name": "j"},
    "outputs": [{"namespace": "n", "name": "t", "facets": {"schema": {"fields": [{"name": "a"}]}}}],
    "producer": "p",
}


@example(SPARE)
@given(EVENTS)
def test_an_event_is_shown_as_marquez_writes_it_back(event):
    expected = typed.shown_event(json.loads(json.dumps(event)))
    assert json.loads(shown_event(json.dumps(event).encode())) == json.loads(json.dumps(expected))


def test_numbers_keep_their_digits_and_what_is_no_event_stays_as_it_is():
    digits = b"0.1234567890123456789012345"
    event = {**SPARE, "run": {"runId": "r", "facets": {"custom": {"n": 7}}}}
    body = json.dumps(event).encode().replace(b"7", digits)
    assert digits in shown_event(body)
    for odd in (b"{}", b"[1]", b'{"eventTime": "soon", "run": {}, "job": {}, "producer": 1}'):
        assert shown_event(odd) == odd
