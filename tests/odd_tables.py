"""Tables of data that are odd: each a kind of trouble, as an Arrow table."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa

ROWS = 40


def repeated(*values, kind=None):
    listed = [values[i % len(values)] for i in range(ROWS)]
    return pa.array(listed, kind)


def numbers(*, rows=ROWS, shift=0.0):
    return pa.table({"x": [i / 7 + shift for i in range(rows)]})


HOUR = datetime(2026, 4, 1, 12, tzinfo=UTC)
INF, NAN = float("inf"), float("nan")
UUIDS = repeated(b"0123456789abcdef", kind=pa.binary(16))

ODD = {
    "no rows": numbers(rows=0),
    "no columns": pa.table({}),
    "one row": numbers(rows=1),
    "constant": pa.table({"x": repeated(3.5)}),
    "constant text": pa.table({"x": repeated("a")}),
    "all null": pa.table({"x": repeated(None, kind=pa.float64())}),
    "null type": pa.table({"x": pa.nulls(ROWS)}),
    "all NaN": pa.table({"x": repeated(NAN)}),
    "infinities": pa.table({"x": repeated(1.0, INF, -INF, NAN, None, 2.0)}),
    "only infinities": pa.table({"x": repeated(INF, -INF)}),
    "extreme floats": pa.table({"x": repeated(1.7e308, -1.7e308, 5e-324, -0.0, 0.0)}),
    "float32": pa.table({"x": repeated(0.1, 2.5, None, kind=pa.float32())}),
    "float16": pa.table({"x": repeated(0.1, 2.5, kind=pa.float32()).cast(pa.float16())}),
    "int8": pa.table({"x": repeated(-128, 127, None, kind=pa.int8())}),
    "uint64": pa.table({"x": repeated(2**64 - 1, 0, kind=pa.uint64())}),
    "large ids": pa.table({"x": repeated(2**62 + 1, 2**62 + 2)}),
    "decimal": pa.table({"x": repeated(Decimal("1.10"), Decimal("-2.25"), None)}),
    "decimal256": pa.table({"x": repeated(Decimal("1.5"), kind=pa.decimal256(60, 2))}),
    "bool": pa.table({"x": repeated(*[True, False, None])}),
    "text": pa.table({"x": repeated("a", "b", "", None)}),
    "large text": pa.table({"x": repeated("a", "b", kind=pa.large_string())}),
    "long text": pa.table({"x": repeated("a" * 100_000, "a" * 100_000 + "b")}),
    "control text": pa.table({"x": repeated("\x1b[31m", "\u202e", "a\nb")}),
    "dictionary text": pa.table({"x": repeated("a", "b", None).dictionary_encode()}),
    "dictionary numbers": pa.table({"x": repeated(1.5, 2.5, None).dictionary_encode()}),
    "text of numbers": pa.table({"x": repeated("1", "2", "NaN")}),
    "date": pa.table({"x": repeated(date(2026, 4, 1), date(1, 1, 1), date(9999, 12, 31), None)}),
    "timestamp": pa.table({"x": repeated(HOUR.replace(tzinfo=None), None)}),
    "zoned timestamp": pa.table({"x": repeated(HOUR, kind=pa.timestamp("ms", "Europe/Berlin"))}),
    "milliseconds": pa.table({"x": repeated(2**62, -(2**62), kind=pa.timestamp("ms"))}),
    "nanoseconds": pa.table({"x": repeated(1, 2**62, kind=pa.timestamp("ns"))}),
    "time of day": pa.table({"x": repeated(time(12, 30), time(0), None)}),
    "duration": pa.table({"x": repeated(timedelta(minutes=5), None)}),
    "binary": pa.table({"x": repeated(b"\xff\x00", None)}),
    "fixed binary": pa.table({"x": repeated(b"ab", kind=pa.binary(2))}),
    "list": pa.table({"x": repeated([1, 2], [], None)}),
    "struct": pa.table({"x": repeated({"a": 1, "b": "c"}, None)}),
    "map": pa.table({"x": repeated([("k", 1)], kind=pa.map_(pa.string(), pa.int64()))}),
    "uuid": pa.table({"x": pa.ExtensionArray.from_storage(pa.uuid(), UUIDS)}),
    "two of one name": pa.table([repeated(1.0, 2.0), repeated("a", "b")], names=["x", "x"]),
    "strange names": pa.table({"": repeated(1.0), "\x1b[2J": repeated(2), "a\u202eb": repeated(3)}),
    "many columns": pa.table({f"c{i}": [float(i), None] for i in range(10_000)}),
}  # fmt: skip
SMALL = {name: table for name, table in ODD.items() if name != "many columns"}
