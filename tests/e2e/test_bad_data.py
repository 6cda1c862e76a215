"""Data of every odd kind, given to each command that reads data: a finding or an error message.

Never a traceback, never silence, and never an all-clear for what could not be read.
"""

from __future__ import annotations

import gzip
import json
import os
from datetime import datetime
from pathlib import Path

import odd_tables
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cases import others_slow
from inference_logs import nested, request, write_lines

COMMANDS = ("profile", "check", "inference", "drift")
REQUESTS = [nested(request(n)) for n in range(60)]
EVENING = "2026-05-02T00:00:00Z"


def good():
    sink = pa.BufferOutputStream()
    pq.write_table(odd_tables.numbers(), sink)
    return sink.getvalue().to_pybytes()


def changed(**members):
    return [{**row, **members} for row in REQUESTS]


def far_times():
    far = pa.array([2**62, -(2**62), 0, None] * 10)
    days = pa.array([2**31 - 1, -(2**31), 0, None] * 10, pa.int32())
    return pa.table(
        {
            "request_id": [f"r{n}" for n in range(40)],
            "ts": far.cast(pa.timestamp("ms", "Europe/Berlin")),
            "prediction": [1] * 40,
            "took": far.cast(pa.duration("ms")),
            "day": days.view(pa.date32()),
        }
    )


def int96(path):
    times = pa.array([datetime(2026, 1, 1), datetime(9999, 1, 1)] * 20)  # noqa: DTZ001 - it has none
    pq.write_table(pa.table({"t": times}), path, use_deprecated_int96_timestamps=True)


def a_loop(path):
    path.symlink_to(path)


BYTES = {
    "empty": b"",
    "blank lines": b"\n\n",
    "only a mark": b"\xef\xbb\xbf",
    "no parquet but for its ends": b"PAR1PAR1",
    "a footer without end": b"PAR1" + b"x" * 40 + b"\xff\xff\xff\x7fPAR1",
    "a footer of nothing": b"PAR1" + b"x" * 40 + b"\x10\x00\x00\x00PAR1",
    "half a file": good()[: len(good()) // 2],
    "a file without its head": good()[10:],
    "csv": b"a,b\n1,2\n",
    "a list": b"[1, 2]",
    "numbers on lines": b"3\n4\n",
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "no utf-8": '{"dataset_name": "café"}'.encode("latin-1"),
    "no gzip but for its head": b"\x1f\x8b\x08xxxx",
    "half a gzip file": gzip.compress(b'{"a": 1}\n' * 1_000)[:-20],
    "zip": b"PK\x03\x04aaaa",
}
LINES = {
    "answers of mixed types": [
        {**row, "prediction": [1, "x", None, True, 2.5, {"a": 1}, [1]][n % 7]}
        for n, row in enumerate(REQUESTS)
    ],
    "features of mixed types": [
        {**row, "features": {"a": [1, "b", None, [1], {"c": 2}, True][n % 6]}}
        for n, row in enumerate(REQUESTS)
    ],
    "one request again and again": [REQUESTS[0]] * 60,
    "from the future": changed(timestamp="2999-01-01T00:00:00Z"),
    "of the year 1": changed(timestamp="0001-01-01T00:00:00Z"),
    "odd times": [
        {**row, "timestamp": [1e18, -5, "now", None, True, {}, "2026-05-01"][n % 7]}
        for n, row in enumerate(REQUESTS)
    ],
    "labels that are NaN": [json.dumps(row)[:-1] + ', "label": NaN}' for row in REQUESTS],
    "numbers beyond all floats": changed(features={"a": 10**400}),
    "a torn last line": [*REQUESTS, '{"request_id": "x", "timest'],
    "features that are a list": changed(features=[1, 2]),
    "features that are no JSON": changed(features="{bad"),
    "no features": changed(features={}),
    "half of a character": [r'{"request_id": "\ud800", "features": {"\udfff": "\ud83d"}}'] * 40,
    "hostile names": changed(features={"\x1b[2J": 1, "</script>": 2, "": 3, "a\u202eb": "\0"}),
}
MADE = {
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a link to itself": a_loop,
    "nothing": lambda path: path.unlink(missing_ok=True),
    "times as int96": int96,
    "times beyond all calendars": lambda path: pq.write_table(far_times(), path),
}
for _name, _content in BYTES.items():
    MADE[_name] = lambda path, content=_content: path.write_bytes(content)
for _name, _rows in LINES.items():
    MADE[_name] = lambda path, rows=_rows: write_lines(path, rows)
WIDE = [{**row, "features": {f"f{n}": n for n in range(12_000)}} for row in REQUESTS[:2]]
MADE["12,000 features"] = lambda path: write_lines(path, WIDE)
for _name, _table in odd_tables.ODD.items():
    MADE[f"table: {_name}"] = lambda path, table=_table: pq.write_table(table, path)
UNREADABLE = {*BYTES, "a folder", "a pipe", "a link to itself", "nothing"}


@pytest.mark.parametrize("kind", others_slow(MADE, fast=len(MADE) - len(odd_tables.ODD) - 1))
def test_odd_data_ends_in_a_finding_or_an_error(kind, lb, tmp_path):
    (tmp_path / "good.parquet").write_bytes(good())
    MADE[kind](path := tmp_path / "odd.data")
    calls = [(command, path) for command in COMMANDS[:3]]
    calls += [
        ("drift", path, tmp_path / "good.parquet"),
        ("drift", tmp_path / "good.parquet", path),
    ]
    for call in calls:
        when = ("--at", EVENING) if call[0] == "inference" else ()
        result = lb(*call, *when)  # which fails if a bug is reported
        assert result.code in {0, 1, 2}, call
        assert result.out or result.err, call
        assert "\x1b" not in result.out + result.err, call
        assert "\u202e" not in result.out + result.err, call
        if kind in UNREADABLE:
            assert result.code == (1 if call[0] == "check" else 2), call
            assert str(path) in result.out + result.err, call


@pytest.mark.slow
def test_a_footer_that_is_too_long_is_not_parsed_by_anybody(lb, tmp_path):
    path = tmp_path / "long.parquet"
    table = odd_tables.numbers().replace_schema_metadata({"note": "x" * 20_000_000})
    pq.write_table(table, path)
    for command in COMMANDS[:3]:
        result = lb(command, path)
        assert "its footer has" in result.out + result.err, command
        assert result.code == (1 if command == "check" else 2), command
