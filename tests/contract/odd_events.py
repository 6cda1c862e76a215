"""Valid events of every kind, each spoilt in one member: its value, its name, or that it is there.

Spoilt values are written as JSON by hand, as most of them are nothing that a JSON library writes.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from contract.collector_world import RUN_EVENT, dataset, run_id
from platform_events import a_platform

FACET = {"_producer": "https://example.org/p", "_schemaURL": "https://example.org/f.json"}
_MARK = "\ue000"  # a character that no event has

# What a server may hold or refuse, and what it must never stumble over.
VALUES = {
    "empty": '""',
    "blank": '" "',
    "control characters": '"\\u0001\\n\\u202e\\u0085\\u2028"',
    "NUL": '"a\\u0000b"',
    "half a surrogate pair": '"\\ud800"',
    "other half": '"x\\udc00"',
    "emoji": '"\\ud83d\\ude00"',
    "like a path": '"a/b:c@d%2F?#"',
    "long": f'"{"x" * 70_000}"',
    "no UTF-8": '"\udcff"',
    "overlong UTF-8": '"\udcc0\udcaf"',
    "zero": "0",
    "negative": "-1",
    "beyond 64 bits": str(2**64),
    "beyond signed 64 bits": str(-(2**63) - 1),
    "30 digits": str(10**30),
    "beyond any float": "1" + "0" * 400,
    "5,000 digits": "9" * 5000,
    "float": "1.5",
    "largest float": "1e308",
    "beyond the largest float": "-1e999",
    "NaN": "NaN",
    "infinity": "-Infinity",
    "true": "true",
    "null": "null",
    "list": "[]",
    "object": "{}",
    "list of null": "[null]",
    "list of lists": "[[]]",
    "list of objects": "[{}]",
    "member null": '{"a":null}',
    "member without a name": '{"":{"inputFields":[{"namespace":"db","name":"in","field":""}]}}',
    "member twice": '{"a":1,"a":{}}',
    "deep": "[" * 150 + "]" * 150,
    "too deep": "[" * 5000 + "]" * 5000,
    "deep objects": '{"a":' * 3000 + "1" + "}" * 3000,
}
NAMES = {
    "empty name": '""',
    "blank name": '" "',
    "name that is no UTF-8": '"\udcff"',
    "name with half a surrogate pair": '"\\ud800"',
    "name with NUL": '"\\u0000"',
    "name of 300 characters": f'"{"k" * 300}"',
    "long name": f'"{"k" * 70_000}"',
    "name of control characters": '"\\u0001\\n"',
}


class Spoilt(NamedTuple):
    """A valid event, and what is done to one member of it."""

    event: Any
    path: tuple[str | int, ...]
    how: str

    @property
    def body(self) -> bytes:
        """The event as it is sent."""
        made = copy.deepcopy(self.event)
        owner = made
        for part in self.path[:-1]:
            owner = owner[part]
        member = self.path[-1]
        if self.how in VALUES:
            owner[member] = _MARK
        else:
            value = owner.pop(member)
            if self.how in NAMES:
                owner[_MARK] = value
        text = VALUES.get(self.how) or NAMES.get(self.how, "")
        spoilt = json.dumps(made).replace(json.dumps(_MARK), text)
        return spoilt.encode("utf-8", "surrogateescape")

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.path))}: {self.how}"


def _dataset(name: str, **facets: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "schema": {"fields": [{"name": "a", "type": "INT", "description": "d"}, {"name": "b"}]},
        "dataSource": {"name": "pg", "uri": "postgres://h/db"},
        "documentation": {"description": "about"},
        "lifecycleStateChange": {"lifecycleStateChange": "CREATE"},
        "columnLineage": {
            "fields": {
                "a": {
                    "inputFields": [{"namespace": "db", "name": "in", "field": "a"}],
                    "transformationDescription": "t",
                    "transformationType": "IDENTITY",
                }
            }
        },
        **facets,
    }
    return dataset(
        name,
        facets={**{key: {**FACET, **facet} for key, facet in known.items()}, "custom": {"x": [1]}},
        inputFacets={"dataQualityMetrics": {"rowCount": 3, "columnMetrics": {"a": {}}}},
        outputFacets={"outputStatistics": {"rowCount": 3}},
    )


def _job() -> dict[str, Any]:
    facets = {
        "documentation": {**FACET, "description": "d"},
        "sql": {**FACET, "query": "q"},
        "jobType": {**FACET, "processingType": "BATCH", "integration": "X", "jobType": "JOB"},
        "sourceCodeLocation": {**FACET, "type": "git", "url": "https://example.org/x"},
    }
    return {"namespace": "jobs", "name": "job", "facets": facets}


def _events() -> Iterator[dict[str, Any]]:
    base = {"eventTime": "2026-04-07T08:00:00Z", "producer": "https://example.org/p"}
    schema = RUN_EVENT.removesuffix("RunEvent")
    link = {"identifiers": [{"namespace": "hive", "name": "link", "type": "TABLE"}]}
    parent = {"run": {"runId": run_id(9)}, "job": {"namespace": "jobs", "name": "dag"}}
    times = {"nominalStartTime": "2026-04-07T08:00:00Z", "nominalEndTime": "2026-04-07T09:00:00Z"}
    facets = {"nominalTime": {**FACET, **times}, "parent": {**FACET, **parent}, "custom": {"v": 1}}
    yield {
        **base,
        "schemaURL": RUN_EVENT,
        "eventType": "COMPLETE",
        "run": {"runId": run_id(1), "facets": facets},
        "job": _job(),
        "inputs": [_dataset("in")],
        "outputs": [_dataset("out", symlinks=link)],
    }
    yield {**base, "schemaURL": f"{schema}DatasetEvent", "dataset": _dataset("alone")}
    yield {
        **base,
        "schemaURL": f"{schema}JobEvent",
        "job": _job(),
        "inputs": [_dataset("in")],
        "outputs": [_dataset("out")],
    }
    kinds = {}
    for own in a_platform():
        document = json.loads(own.body)
        kinds[document["job"]["name"].partition(".")[0], document["eventType"]] = document
    yield from kinds.values()


EVENTS = tuple(_events())


def spoilt() -> list[Spoilt]:
    """Every event with every member spoilt in every way."""
    return [
        Spoilt(event, path, how)
        for event in EVENTS
        for path in _paths(event)
        for how in (*VALUES, *(NAMES if isinstance(path[-1], str) else ()), "gone")
    ]


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    items = enumerate(value) if isinstance(value, list) else value.items()
    for name, member in items:
        yield (*path, name)
        if isinstance(member, dict | list):
            yield from _paths(member, (*path, name))
