from __future__ import annotations

import tempfile
from pathlib import Path

import orjson
import pytest
from builders import a_dataset, a_foreign_event, an_event, as_event, at
from hypothesis import given
from hypothesis import strategies as st
from properties.graph_oracle import graph_of

from lineage_bridge.facets import standard_facet
from lineage_bridge.graph.load import load
from lineage_bridge.graph.reduce import reduce
from lineage_bridge.journal import Journal
from lineage_bridge.show.shapes import graph_json
from lineage_bridge.times import format_time


def a_symlink(names):
    return {"symlinks": {"identifiers": [{"namespace": "ns", "name": name} for name in names]}}


names = st.sampled_from(["features", "features@1", "features@2", "models", "models@1", "table"])
jobs = st.sampled_from(["build", "train", "serve", "observe.models"])
states = st.sampled_from(["START", "RUNNING", "OTHER", "COMPLETE", "FAIL", "ABORT"])
minutes = st.integers(0, 4)
# Few events join names, else all would be one.
others = st.sampled_from(["features", "lake", "s3"])
symlinks = st.one_of(
    st.just({}), st.just({}), st.just({}), st.lists(others, min_size=1, max_size=2).map(a_symlink)
)


@st.composite
def datasets(draw, role):
    found = []
    for text in draw(st.lists(names, max_size=3, unique=True)):
        rows = draw(st.none() | st.integers(0, 2))
        own = {} if rows is None else {"freshness": standard_facet("storage", {"rows": rows})}
        own |= draw(symlinks)
        found.append(a_dataset(text, own))
    return found


@st.composite
def our_events(draw):
    link = {"role": draw(st.sampled_from(["input", "output"])), "dataset": "dataset:ns:features"}
    link |= {"method": draw(st.sampled_from(["stem", "hash"])), "confidence": 0.5}
    job = draw(jobs)
    return an_event(
        job,
        draw(minutes),
        run=draw(st.sampled_from("12")),
        state=draw(states),
        inputs=draw(datasets("input")),
        outputs=[] if job.startswith("observe.") else draw(datasets("output")),
        streaming=draw(st.booleans()),
        links=[link] if draw(st.booleans()) else (),
    )


@st.composite
def histories(draw):
    """Events of which some supersede others, chains too, and some come from another producer."""
    found = draw(st.lists(our_events(), max_size=8, unique_by=lambda event: event.id))
    for _ in range(draw(st.integers(0, 3)) if found else 0):
        old = draw(st.sampled_from(found))
        new = an_event(draw(jobs), draw(minutes), inputs=["features@2"], supersedes=old)
        found += [] if new.id in {e.id for e in found} else [new]
    for _ in range(draw(st.integers(0, 2))):
        inputs = draw(st.lists(st.sampled_from(["table", "models"]), max_size=2, unique=True))
        found.append(
            a_foreign_event(
                "train",
                state=draw(states),
                inputs=inputs,
                eventTime=format_time(at(draw(minutes))),
            )
        )
    for _ in range(draw(st.integers(0, 2))):
        document = {
            "eventTime": format_time(at(draw(minutes))),
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/JobEvent",
            "job": {"namespace": "ns", "name": draw(jobs)},
            "inputs": [{"namespace": "ns", "name": name} for name in draw(designed)],
            "outputs": [
                {"namespace": "ns", "name": name, "facets": draw(symlinks)}
                for name in draw(designed)
            ],
        }
        found.append(as_event(document))
    return found


designed = st.lists(st.sampled_from(["table", "features", "lake"]), max_size=2, unique=True)


def bytes_of(journal, instant=None):
    with journal.reading() as connection:
        return orjson.dumps(graph_json(load(connection, at=instant)), option=orjson.OPT_SORT_KEYS)


def folded(increments, instant=None):
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder)) as journal:
        for events in increments or [[]]:
            journal.append(events, "http")
            reduce(journal)
        return bytes_of(journal, instant)


@given(histories(), st.data())
def test_any_order_duplicates_and_increments_give_the_same_bytes(events, data):
    shuffled = data.draw(st.permutations(events))
    repeated = [*shuffled, *data.draw(st.lists(st.sampled_from(events or [None]), max_size=3))]
    again = [event for event in repeated if event is not None]
    cut = data.draw(st.integers(0, len(again)))

    assert folded([again[:cut], again[cut:]]) == folded([events])


@given(histories(), st.none() | minutes)
def test_the_tables_say_what_a_naive_fold_of_the_sorted_events_says(events, minute):
    instant = None if minute is None else at(minute)
    expected = graph_of(
        [event.body for event in events], None if instant is None else format_time(instant)
    )

    assert orjson.loads(folded([events], instant)) == expected


@pytest.mark.parametrize("order", ["abc", "acb", "bac", "bca", "cab", "cba"])
def test_a_chain_of_superseding_events_leaves_the_last_in_any_order(order):
    first = an_event("train", inputs=["features@1"], outputs=["models@1"])
    second = an_event("train", inputs=["features@2"], outputs=["models@1"], supersedes=first)
    third = an_event("train", inputs=["features@3"], outputs=["models@1"], supersedes=second)
    events = dict(zip("abc", (first, second, third), strict=True))

    assert folded([[events[letter]] for letter in order]) == folded([[third]])
