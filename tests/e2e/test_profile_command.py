"""`profile` on files, as a user runs it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import odd_tables
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lineage_bridge import profiles
from lineage_bridge.show.data.blocks import blocks


def write(path, table):
    pq.write_table(table, path)
    return path


def kept(home):
    connection = sqlite3.connect(home / "journal.db")
    try:
        return connection.execute("SELECT content, keys, version, made_us FROM profiles").fetchall()
    finally:
        connection.close()


def test_a_file_is_a_table_with_its_distributions(rows, lb, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = lb("profile", rows / "week.parquet")
    assert shown.code == 0
    lines = shown.out.splitlines()
    assert "40,198 rows, 24 columns" in " ".join(shown.out.split())  # folded where it is long
    assert all(len(line) <= 80 for line in lines)
    (weekend,) = [line for line in lines if line.startswith("ft_is_weekend")]
    assert weekend.split() == ["ft_is_weekend", "number", "0", "%", "2", "0", "…", "1,", "median",
                               "0", "█······▄"]  # fmt: skip


@pytest.mark.slow
def test_odd_columns_end_in_a_line_and_never_in_a_traceback(lb, tmp_path):
    for name, table in odd_tables.SMALL.items():
        shown = lb("profile", write(tmp_path / f"{name}.parquet", table))
        assert (shown.code, shown.err) == (0, ""), name
        assert "\x1b" not in shown.out
        assert "\u202e" not in shown.out


@pytest.mark.slow
def test_ten_thousand_columns(lb, tmp_path):
    wide = write(tmp_path / "wide.parquet", odd_tables.ODD["many columns"])
    assert len(lb("profile", "--json", wide).json["profiles"][0]["columns"]) == 10_000


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("infinities", {"kind": "number", "infinities": 14, "nans": 7, "nulls": 6}),
        ("constant", {"constant": True, "distinct": 1}),
        ("large ids", {"constant": False, "distinct_is_exact": False}),
        ("one row", {"constant": True}),
        ("all null", {"kind": "none", "nulls": 40, "types": ["double"]}),
        ("null type", {"kind": "none", "nulls": 40, "types": []}),
        ("no rows", {"kind": "none", "nulls": 0, "constant": False}),
        ("dictionary text", {"kind": "label", "types": ["string"], "distinct": 2}),
        ("dictionary numbers", {"kind": "number", "types": ["double"]}),
        ("decimal", {"kind": "number", "distinct": 2}),
        ("zoned timestamp", {"kind": "time", "zones": ["Europe/Berlin"]}),
        ("text of numbers", {"kind": "label", "nans": 0}),
        ("struct", {"kind": "other", "not_compared": 20}),
        ("extreme floats", {"distinct": 4}),
    ],
)
def test_what_is_in_a_column(kind, expected, lb, tmp_path):
    table = write(tmp_path / "odd.parquet", odd_tables.ODD[kind])
    (column,) = lb("profile", "--json", table).json["profiles"][0]["columns"]
    assert column == {**column, **expected}


def test_int96_is_a_time_also_where_nanoseconds_would_overflow(lb, tmp_path):
    at = pa.array([253_402_214_400_000_000, 0], pa.timestamp("us"))
    path = tmp_path / "int96.parquet"
    pq.write_table(pa.table({"at": at}), path, use_deprecated_int96_timestamps=True)
    (column,) = lb("profile", "--json", path).json["profiles"][0]["columns"]
    assert column["times"]["max"] == "9999-12-31T00:00:00"


def test_text_that_is_no_utf8_is_a_label_all_the_same(lb, tmp_path):
    text = pa.Array.from_buffers(pa.string(), 2, pa.array([b"\xff\xfe", b"ok"]).buffers())
    path = write(tmp_path / "text.parquet", pa.table({"x": text}))
    (column,) = lb("profile", "--json", path).json["profiles"][0]["columns"]
    assert {item["label"] for item in column["labels"]} == {"\\xff\\xfe", "ok"}


def test_what_is_no_parquet_file_is_named_with_the_reason(rows, lb, tmp_path):
    good = rows / "tiny.parquet"
    whole = good.read_bytes()
    bad = {
        "missing": None,
        "empty": b"",
        "text": b"a,b\n1,2\n",
        "cut": whole[: len(whole) // 2],
        "zeroed": whole[:4] + bytes(len(whole) - 4_000) + whole[-3_996:],
    }
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, content in bad.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
    for name in (*bad, "folder", "pipe"):
        shown = lb("profile", tmp_path / name, good)
        assert shown.code == 2, name
        assert f"`{tmp_path / name}`" in shown.err
        assert shown.err.count("\n") == 1
        assert "tiny" in shown.out  # the others are shown all the same


def test_a_column_that_is_not_there_or_no_time_is_named(rows, lb):
    tiny = rows / "tiny.parquet"
    for option, name in (("--time", "ft_capacity"), ("--time", "nope"), ("--entity", "nope")):
        shown = lb("profile", tiny, option, name)
        assert shown.code == 2
        assert f"`{name}`" in shown.err


def test_a_text_that_is_stored_once_is_read_once(lb, tmp_path):
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000), ["a" * 1_000_000])
    path = tmp_path / "long.parquet"
    pq.write_table(
        pa.table({"text": long, "raw": long.cast(pa.dictionary(pa.int64(), pa.binary()))}), path
    )
    text, raw = lb("profile", "--json", path).json["profiles"][0]["columns"]
    assert text["labels"][0]["count"] == 100_000
    assert raw["not_compared"] == 100_000


@pytest.mark.slow
def test_any_column_can_say_of_what_a_row_is_or_is_named_as_one_that_cannot(lb, tmp_path):
    for name, table in odd_tables.SMALL.items():
        if table.num_columns != 1:
            continue
        times = pa.array([0] * table.num_rows, pa.timestamp("us"))
        path = write(tmp_path / f"{name}.parquet", table.append_column("at", times))
        shown = lb("profile", path, "--entity", "x", "--time", "at")
        assert shown.code in {0, 2}, name
        assert ("column `x`" in shown.err) == (shown.code == 2), name


def test_a_content_is_read_once_whatever_its_file_is_called(rows, lb, tmp_path):
    home = tmp_path / "home"
    first = lb("profile", "--json", rows / "tiny.parquet").json
    before = kept(home)
    copy = Path(shutil.copy(rows / "tiny.parquet", tmp_path / "copy.parquet"))
    again = lb("profile", "--json", copy).json
    assert kept(home) == before
    assert len(before) == 1
    assert again["profiles"][0]["columns"] == first["profiles"][0]["columns"]
    # Not even opened: it is known by its size, time and inode.
    stat = copy.stat()
    with copy.open("r+b") as file:
        file.write(b"XXXX")
    os.utime(copy, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert lb("profile", "--json", copy).json == again


def test_other_content_or_other_keys_are_read_anew(lb, tmp_path):
    path = write(tmp_path / "x.parquet", odd_tables.numbers())
    lb("profile", path)
    write(path, odd_tables.numbers(rows=77))
    assert lb("profile", "--json", path).json["profiles"][0]["rows"] == 77
    lb("profile", path, "--entity", "x")
    assert len(kept(tmp_path / "home")) == 3


def test_a_profile_of_an_earlier_version_is_made_anew(rows, lb, tmp_path, monkeypatch):
    lb("profile", rows / "tiny.parquet")
    monkeypatch.setattr(profiles, "VERSION", profiles.VERSION + 1)
    assert lb("profile", rows / "tiny.parquet").code == 0
    ((_, _, version, _),) = kept(tmp_path / "home")
    assert version == profiles.VERSION


def test_a_home_that_cannot_be_written_costs_no_answer(rows, lb, tmp_path):
    (tmp_path / "home").write_text("a file is in its place")
    shown = lb("profile", rows / "tiny.parquet")
    assert "282 rows" in shown.out
    assert "not kept" in shown.err
    assert shown.code == 0


def test_blocks():
    assert blocks([0.0, 0.125, 0.5, 1.0]) == "·▂▅█"
    assert blocks([]) == ""
    assert blocks([0.0, 0.0]) == "··"
