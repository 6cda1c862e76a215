"""What a journal exports, another one imports: the same graph, the same answers, nothing twice."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from builders import an_event, at
from conftest import run_command
from contract.collector_world import RUN_EVENT, run_id, world
from hypothesis import given, settings
from hypothesis import strategies as st
from platform_events import a_platform

from lineage_bridge.events import Event
from lineage_bridge.times import format_time
from lineage_bridge.transport import encode

NOW = format_time(at(50))
FEED = "/events/lineage?after=-9999-01-01T00:00:00Z&before=%2B99999-01-01T00:00:00Z&limit=99"
SPEC = RUN_EVENT.removesuffix("RunEvent")
# What stands for one row or one moment of a server, not for what it was told.
OF_A_SERVER = {"updatedAt", "lastModifiedAt", "currentVersion", "parentJobUuid"}

texts = st.sampled_from(["a", "b", "é.1", 5, 20, 0.5, True, False, 10**18, "%7B", " "])
names = st.fixed_dictionaries(
    {"namespace": st.sampled_from(["db", "s3://b", 5, True]), "name": texts}
)
times = st.sampled_from(
    [
        "2026-04-07T08:00Z", "2026-04-07t08:00:00.123456500z", "2026-04-07T08:00:00.472701856+02",
        "2026-02-30T24:00:00", "0000-01-01T00:00:00Z", "-0044-03-15T00:00:00Z",
        "+58056-02-01T08:00:00Z", "9999-12-31T23:59:59.999999999Z", 1769932800000, 1775548800.25,
        -1, 0,
    ]
)  # fmt: skip
facet = {"_producer": "https://p", "_schemaURL": "https://s"}
dataset_facets = st.sampled_from(
    [
        {},
        {"schema": {**facet, "fields": [{"name": 5, "type": "INT"}, {"name": "x"}]}},
        {"symlinks": {**facet, "identifiers": [{"namespace": 7, "name": 8, "type": "TABLE"}]}},
        {"version": {**facet, "datasetVersion": "v1"}},
        {"custom": {"a": None, "b": [1.50, 10**30, "\u2028"]}},
        {"lineageBridge_freshness": {"status": "FRESH", "evaluatedAt": "0001-01-01T00:00:00Z"}},
    ]
)
run_facets = st.sampled_from(
    [
        {},
        {"nominalTime": {**facet, "nominalStartTime": "+12026-01-01T00:00Z"}},
        {"lineageBridge_event": {"id": "0123456789abcdef0123456789abcdef"}},
        {"parent": {**facet, "run": {"runId": 3}, "job": {"namespace": 4, "name": "up"}}},
    ]
)
run_ids = st.sampled_from([1, 20, "r", True]) | st.integers(0, 3).map(run_id)
spacing = st.sampled_from([None, 1, "\r"])


@st.composite
def datasets(draw):
    return [
        {**found, "facets": draw(dataset_facets)}
        for found in draw(st.lists(names, max_size=2, unique_by=repr))
    ]


@st.composite
def bodies(draw):
    """An event as anybody may send it; mostly one that the collector takes."""
    kind = draw(st.sampled_from(["RunEvent", "RunEvent", "RunEvent", "JobEvent", "DatasetEvent"]))
    event: dict[str, Any] = {
        "eventTime": draw(times),
        "producer": draw(texts),
        "schemaURL": SPEC + kind,
    }
    if kind == "DatasetEvent":
        event["dataset"] = draw(st.none() | names)
    else:
        event |= {"job": draw(names), "inputs": draw(datasets()), "outputs": draw(datasets())}
    if kind == "RunEvent":
        event["eventType"] = draw(st.sampled_from(["START", "complete", "FAIL", 5, "OTHER"]))
        event["run"] = {"runId": draw(run_ids), "facets": draw(run_facets)}
    indent = draw(spacing)
    return json.dumps(event, indent=indent, ensure_ascii=draw(st.booleans())).encode()


def emitted(minute: int, name: str) -> Event:
    from openlineage.client.event_v2 import Job, OutputDataset, Run, RunEvent, RunState

    return encode(
        RunEvent(
            eventType=RunState.COMPLETE,
            eventTime=f"2026-04-07T08:{minute:02d}:00.000000500Z",
            run=Run(runId=run_id(90 + minute)),
            job=Job(namespace="pipeline", name=name),
            outputs=[OutputDataset(namespace="a b", name=name)],
            producer="https://pipeline",
        )
    )


pipelines = st.builds(emitted, st.integers(0, 3), st.sampled_from(["p", "q q"]))
ours = st.sampled_from([*a_platform(), an_event("train", outputs=["models@1"])])


def filled(home: Path, parts: list[tuple[str, Any]]) -> None:
    with world(home) as collector:
        for origin, part in parts:
            if origin == "http":
                collector.post(part)
            else:
                collector.journal.append([part], origin)


def answers_of(home: Path) -> dict[str, Any]:
    with world(home) as collector:
        found = {path: collector.get(path) for path in ("/namespaces", "/jobs?limit=99", FEED)}
        listed = found["/namespaces"]["namespaces"]
        listed[:] = [each for each in listed if each["name"] != "default"]  # made with the home
        paths = [f"/namespaces/{quoted(each['name'])}/datasets" for each in listed]
        for job in found["/jobs?limit=99"]["jobs"]:
            path = f"/namespaces/{quoted(job['namespace'])}/jobs/{quoted(job['name'])}/runs"
            paths.append(path)
        for path in paths:  # some names are none in a path: that answers 404
            found[path] = collector.ask("GET", f"/api/v1{path}", {}, b"").body
    for command in (("graph",), ("health", "--at", NOW), ("freshness", "--all", "--at", NOW)):
        found[command[0]] = run_command(*command, "--json", "--home", home).json
    return {path: comparable(answer) for path, answer in found.items()}


def quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="")


def comparable(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: comparable(v) for k, v in value.items() if k not in OF_A_SERVER}
    if isinstance(value, list):
        return sorted(map(comparable, value), key=lambda item: json.dumps(item, sort_keys=True))
    return value


def problems_of(home: Path) -> list[str]:
    return run_command("journal", "verify", "--json", "--home", home).json["problems"]


parts = st.lists(
    st.tuples(st.just("http"), bodies())
    | st.tuples(st.just("http"), bodies())
    | st.tuples(st.just("transport"), pipelines)
    | st.tuples(st.just("artifact"), ours),
    max_size=8,
    unique_by=lambda part: getattr(part[1], "body", part[1]),
)


@settings(max_examples=settings().max_examples // 2)  # each opens three collectors
@given(parts, st.sampled_from(["saved.ndjson", "saved.ndjson.gz"]))
def test_an_imported_export_is_the_same_journal(sent, name):
    with tempfile.TemporaryDirectory() as folder:
        home, other, file = (Path(folder) / part for part in ("home", "other", name))
        filled(home, sent)
        exported = run_command("journal", "export", file, "--home", home)
        first = run_command("journal", "import", file, "--home", other, "--json")
        again = run_command("journal", "import", file, "--home", other, "--json")
        back = run_command("journal", "import", file, "--home", home, "--json")

        assert (exported.code, first.code) == (0, 0), (exported, first)
        appended = first.json["appended"]
        assert f"{appended} events written" in exported.err
        assert again.json == back.json == {"appended": 0, "known": appended}
        assert answers_of(home) == answers_of(other)
        assert problems_of(home) == problems_of(other) == []
