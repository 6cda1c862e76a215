"""Ids, names and times that Marquez computes: vectors taken from a real server."""

from __future__ import annotations

import pytest
from contract.collector_world import event, world

from lineage_bridge.collector.answer import nodes
from lineage_bridge.collector.answer.search import Ilike
from lineage_bridge.collector.dialect import hashes, instants
from lineage_bridge.collector.dialect.errors import ApiError
from lineage_bridge.collector.rows.context import formatted
from lineage_bridge.events import event_time
from lineage_bridge.events.run_ids import name_uuid, run_uuid

RUN = "43d7db3b-8984-4cda-b237-8c6919b36670"


@pytest.mark.parametrize(
    ("fields", "run", "version"),
    [
        ([("a", "INT", None)], None, "0601e56c-8a8a-3af9-bb0c-2797ef8fe9f1"),
        ([], RUN, "ab254958-7be4-3c2a-a5fb-7836292220e9"),
        ([("b", "int", "d"), ("a", None, None)], RUN, "2a9b79f4-97d8-3cf0-b423-85fe0ca03f99"),
    ],
)
def test_versions_of_datasets(fields, run, version):
    assert hashes.dataset_version("db", "default", "t", "t", tuple(fields), "", run) == version


def test_versions_of_schemas():
    fields = (("id", "INT", "no matter"),)
    assert hashes.schema_version("db", "a", fields) == "c437c978-03ac-3b75-8893-ccedc47101bd"


@pytest.mark.parametrize(
    ("name", "inputs", "outputs", "location", "version"),
    [
        ("jj", [("db", "a")], [("db", "b")], None, "bbf8c40f-33bf-3376-a8f1-2fde6cb53be6"),
        ("jj", [("db", "a")], [("db", "b")], "http://x/y", "88485566-8a08-39db-9705-c41eaf402e56"),
        ("kk", [], [], None, "e70c2783-4ddc-30f2-945d-a25a19211fe1"),
        ("kk", [], [], "http://x/y", "673e50c5-67aa-34cb-9e79-b94c1e16acfe"),
    ],
)
def test_versions_of_jobs(name, inputs, outputs, location, version):
    assert hashes.job_version("jobs", name, inputs, outputs, location) == version


@pytest.mark.parametrize(
    ("text", "uuid"),
    [
        (RUN, RUN),
        (RUN.upper(), RUN),
        ("1-2-3-4-5", "00000001-0002-0003-0004-000000000005"),
        ("my-run-1", "9eaf075a-7d72-3143-8040-9cf47f401b86"),
        (RUN.replace("-", ""), name_uuid(RUN.replace("-", ""))),
        ("", name_uuid("")),
    ],
)
def test_ids_of_runs(text, uuid):
    assert run_uuid(text) == uuid


def test_ids_of_parents():
    scheduled = "scheduled__2022-04-25T00:20:00+00:00"
    parent = hashes.parent_run_uuid("jobs", "dag.task", scheduled)
    assert parent == "2959cb38-293b-3f47-a5a4-6d72fae84b45"
    assert hashes.parent_run_uuid("jobs", "dag", RUN) == RUN


def test_the_first_eight_characters_tell_versions_apart(tmp_path):
    names = [f"t{number}" for number in range(4)]
    writes = [
        event("COMPLETE", f"10:{minute:02}:00", run=minute, outputs=names) for minute in range(40)
    ]
    with world(tmp_path) as collector:
        collector.send(*writes)
        listed = [
            version["version"]
            for name in names
            for version in collector.get(f"/namespaces/db/datasets/{name}/versions")["versions"]
        ]
    assert len({version[:8] for version in listed}) == 160
    assert all(hashes.strict_uuid(version) == version for version in listed)


def test_ids_of_rows_of_one_time_are_neighbours():
    ids = [hashes.row_uuid(seq, "x") for seq in (65_536, 65_537, 70_000, 131_071)]
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("dataset:oracle://h:1521:ORCL.t", ("oracle://h:1521", "ORCL.t")),
        ("job:ns:a:b:c", ("ns", "a:b:c")),
        ("dataset:kafka://h:9092:topic:part", ("kafka://h:9092", "topic:part")),
        ("dataset:arn:aws:glue:us-east-1:123:table/x", ("arn", "aws:glue:us-east-1:123:table/x")),
        ("dataset:ns:2024_t", ("ns", "2024_t")),
        ("dataset:ns:a:1b", ("ns", "a:1b")),
        ("dataset:db:a#b", ("db", "a#b")),
        ("datasetField:s3://b:t:f", ("s3://b", "t", "f")),
    ],
)
def test_node_ids_are_taken_apart_as_marquez_does(text, names):
    assert nodes.parse(text).names == names


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("nonsense", 404),
        ("DATASET:a:b", 404),
        ("dataset:x", 500),
        ("job:", 500),
        ("dataset:s3://b:2024/t", 500),
        ("dataset:a b:c", 500),
        ("run:xx", 500),
    ],
)
def test_node_ids_that_are_none(text, status):
    with pytest.raises(ApiError) as caught:
        nodes.parse(text)
    assert caught.value.status == status


def test_a_node_id_may_name_a_version():
    node = nodes.parse(f"dataset:s3://b:t#{RUN}")
    assert (node.names, node.version) == (("s3://b", "t"), RUN)


@pytest.mark.parametrize(
    ("text", "shown", "in_tables"),
    [
        ("2026-01-05T10:00Z", "2026-01-05T10:00:00Z", "2026-01-05T10:00:00Z"),
        ("2026-01-05T10:00:00.5Z", "2026-01-05T10:00:00.5Z", "2026-01-05T10:00:00.500Z"),
        (
            "2026-01-05T10:00:00.123456789Z",
            "2026-01-05T10:00:00.123456789Z",
            "2026-01-05T10:00:00.123457Z",
        ),
        ("2026-01-05T10:00:00+05:30", "2026-01-05T04:30:00Z", "2026-01-05T04:30:00Z"),
        ("2026-01-05T10:00:00", "2026-01-05T10:00:00Z", "2026-01-05T10:00:00Z"),
        ("2026-02-30T10:00:00Z", "2026-02-28T10:00:00Z", "2026-02-28T10:00:00Z"),
        ("2026-01-05T24:00:00Z", "2026-01-06T00:00:00Z", "2026-01-06T00:00:00Z"),
        (1767607200, "2026-01-05T10:00:00Z", "2026-01-05T10:00:00Z"),
        (0.25, "1970-01-01T00:00:00.25Z", "1970-01-01T00:00:00.250Z"),
        (-0.25, "1969-12-31T23:59:59.75Z", "1969-12-31T23:59:59.750Z"),
        ("+12026-01-05T10:00:00Z", "+12026-01-05T10:00:00Z", "+12026-01-05T10:00:00Z"),
    ],
)
def test_times_are_read_and_printed_as_marquez_does(text, shown, in_tables):
    assert instants.format_nanos(event_time.parse_nanos(text)) == shown
    assert instants.format_micros(event_time.parse_micros(text)) == in_tables


@pytest.mark.parametrize(
    "text",
    ["2026-01-05", "2026-01-05 10:00:00Z", "2026-01-05T10:00:00+0200", "2026-13-05T10:00:00Z",
     "2026-01-05T10:00:60Z", "2026-01-05T10:00:00.1234567890Z", True, [], 1e300, float("inf")],
)  # fmt: skip
def test_times_that_are_none(text):
    with pytest.raises(ValueError, match=r"."):
        event_time.parse_nanos(text)


@pytest.mark.parametrize(
    ("namespace", "stored"),
    [
        ("sqlserver://h:1;database=x", "sqlserver://h:1_database_x"),
        ("lake+eu@north-1", "lake+eu@north-1"),
        ("a b", "a_b"),
    ],
)
def test_namespaces_are_formatted(namespace, stored):
    assert formatted(namespace) == stored


@pytest.mark.parametrize(
    ("text", "pattern", "matches"),
    [
        ("features.Stop_Hour", "%stop_hour%", True),
        ("stopXhour", "%stop_hour%", True),
        ("İstanbul", "%istanbul%", True),
        ("100%", r"%0\%%", True),
        ("1000", r"%0\%%", False),
    ],
)
def test_search_matches_as_ilike(text, pattern, matches):
    assert Ilike()(text, pattern) is matches
