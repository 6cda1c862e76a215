from __future__ import annotations

import gzip
import io
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.adapters import lines
from lineage_bridge.adapters.lines import LineReader
from lineage_bridge.errors import ArtifactError
from lineage_bridge.journal import Journal
from lineage_bridge.observe import cursors
from lineage_bridge.observe.tables import INGEST


def read(content: bytes, offset: int = 0, number: int = 0):
    reader = LineReader(io.BytesIO(content), offset, number)
    return list(reader), reader


def test_lines_come_with_their_numbers_and_without_their_ends():
    found, reader = read(b'{"a":1}\n{"b":2}\n')

    assert found == [(1, b'{"a":1}'), (2, b'{"b":2}')]
    assert (reader.offset, reader.number, reader.problems) == (16, 2, [])


def test_windows_line_ends_a_byte_order_mark_and_blank_lines_are_no_fault():
    found, reader = read(b'\xef\xbb\xbf{"a":1}\r\n\r\n  \n{"b":2}\r\n')

    assert found == [(1, b'{"a":1}'), (4, b'{"b":2}')]
    assert reader.number == 4


def test_an_empty_file_has_no_lines():
    found, reader = read(b"")

    assert (found, reader.offset, reader.unfinished) == ([], 0, None)


def test_a_half_written_last_line_waits_and_is_read_when_it_is_complete():
    first, reader = read(b'{"a":1}\n{"b":')

    assert first == [(1, b'{"a":1}')]
    assert (reader.offset, reader.number, reader.unfinished) == (8, 1, 2)
    assert [(p.line, "not finished" in p.reason) for p in reader.problems] == [(2, True)]

    rest, again = read(b'{"a":1}\n{"b":2}\n', reader.offset, reader.number)
    assert rest == [(2, b'{"b":2}')]
    assert again.problems == []


def test_a_whole_object_without_a_line_end_is_read_and_its_end_is_no_line():
    found, reader = read(b'{"a":1}')
    assert found == [(1, b'{"a":1}')]

    more, again = read(b'{"a":1}\n{"b":2}\n', reader.offset, reader.number)
    assert [line for _, line in more] == [b'{"b":2}']
    assert again.offset == 16


@pytest.mark.parametrize("last", [b"[]", b"12", b'{"a":1}}', b"{" * 100_000 + b"}" * 100_000])
def test_what_is_no_object_is_not_taken_for_a_finished_line(last):
    found, reader = read(b'{"a":1}\n' + last)

    assert len(found) == 1
    assert reader.unfinished == 2


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (gzip.compress(b'{"a":1}\n', mtime=0), "gzip"),
        (b"PAR1....", "Parquet"),
        ('{"a":1}'.encode("utf-16"), "UTF-16"),
        (b'{"a":\x00}\n', "binary"),
        (b'[{"a":1},{"a":2}]', "one JSON array"),
        (b'[\n  {"a":1}\n]', "over many lines"),
        (json.dumps({"a": 1, "b": 2}, indent=2).encode(), "over many lines"),
    ],
)
def test_what_is_no_jsonl_is_said_once_for_the_file(content, named):
    with pytest.raises(ArtifactError, match=named) as caught:
        read(content)

    assert caught.value.line is None


def test_a_line_of_nested_arrays_is_a_line_like_any_other():
    found, _ = read(b"[" * 100_000 + b"]" * 100_000 + b'\n{"a":1}\n')

    assert [number for number, _ in found] == [1, 2]


def test_a_line_that_is_too_long_is_rejected_and_the_next_ones_are_read(monkeypatch):
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
    monkeypatch.setattr(lines, "BLOCK_BYTES", 100)
    content = b'{"a":1}\n' + b"x" * 5000 + b'\n{"b":2}\n'

    found, reader = read(content)

    assert found == [(1, b'{"a":1}'), (3, b'{"b":2}')]
    assert [p.line for p in reader.problems] == [2]
    assert reader.offset == len(content)


@pytest.mark.parametrize("before", [0, 1, 40])
@pytest.mark.parametrize("after", [1, 2, 40])
@pytest.mark.parametrize("length", [1001, 1050, 1100, 5000])
@pytest.mark.parametrize("end", [b"\n", b""])
def test_no_line_before_or_behind_one_that_is_too_long_is_lost(
    monkeypatch, before, after, length, end
):
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
    monkeypatch.setattr(lines, "BLOCK_BYTES", 100)
    good = [b'{"n":%d}' % n for n in range(before + after)]
    content = b"\n".join([*good[:before], b"x" * length, *good[before:]]) + end

    found, reader = read(content)

    assert [line for _, line in found] == good
    assert [n for n, _ in found] == [n for n in range(1, before + after + 2) if n != before + 1]
    assert [p.line for p in reader.problems] == [before + 1]
    assert (reader.offset, reader.unfinished) == (len(content), None)


def test_lines_behind_one_of_over_16_mebibytes_are_read():
    good = b'{"a":1}\n' * 3

    found, reader = read(good + b"x" * (17 * 1024**2) + b"\n" + good)

    assert [number for number, _ in found] == [1, 2, 3, 5, 6, 7]
    assert [(p.line, "16 MiB" in p.reason) for p in reader.problems] == [(4, True)]


def test_a_last_line_that_is_too_long_is_rejected(monkeypatch):
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
    monkeypatch.setattr(lines, "BLOCK_BYTES", 100)

    found, reader = read(b'{"a":1}\n' + b"x" * 5000)

    assert found == [(1, b'{"a":1}')]
    assert [p.line for p in reader.problems] == [2]


def test_blank_lines_are_counted_fast_and_give_way_once_a_block(monkeypatch):
    monkeypatch.setattr(lines, "BLOCK_BYTES", 1000)
    content = b"\n" * 3000 + b'{"a":1}\n' + b"\n" * 500 + b'{"b":2}'

    found, reader = read(content)

    assert [item for item in found if item[1]] == [(3001, b'{"a":1}'), (3502, b'{"b":2}')]
    assert [number for number, line in found if not line] == [1000, 2000, 3000]
    assert (reader.offset, reader.number) == (len(content), 3502)


def test_blocks_split_lines_anywhere_and_nothing_is_lost(monkeypatch):
    monkeypatch.setattr(lines, "BLOCK_BYTES", 7)
    content = b"".join(b'{"n":%d}\n' % n for n in range(500))

    found, reader = read(content)

    assert [json.loads(line)["n"] for _, line in found] == list(range(500))
    assert reader.offset == len(content)


# Cursors


@pytest.fixture
def connection(tmp_path):
    with Journal(tmp_path / "home") as journal:
        journal.prepare(INGEST)
        with journal.transaction() as tx:
            yield tx.connection


def read_all(reader):
    for _, line in reader:
        if line == b"bad!":
            reader.reject()


def cursor_of(path):
    seen = path.stat()
    with path.open("rb") as file:
        reader = LineReader(file)
        read_all(reader)
        mark = cursors.fingerprint(file, reader.offset)
    facts = (str(path), seen.st_size, seen.st_mtime_ns, seen.st_ino, reader.offset, reader.number)
    bad = reader.bad.part()
    return cursors.Cursor(*facts, is_clean=bad is None, fingerprint=mark, bad=bad)


def resumed(path, cursor):
    with path.open("rb") as file:
        return cursors.resume(cursor, file)


def test_a_cursor_is_kept(connection, tmp_path):
    path = tmp_path / "f.jsonl"
    path.write_bytes(b'{"a":1}\n')
    cursor = cursor_of(path)
    assert cursors.get(connection, str(path)) is None

    cursors.put(connection, cursor)
    assert cursors.get(connection, str(path)) == cursor
    assert cursor.is_current(path.stat())


def test_a_file_that_grew_is_read_on_from_where_it_ended(tmp_path):
    path = tmp_path / "f.jsonl"
    path.write_bytes(b'{"a":1}\n' * 2000)
    cursor = cursor_of(path)
    with path.open("ab") as file:
        file.write(b'{"b":2}\n')

    assert not cursor.is_current(path.stat())
    assert resumed(path, cursor)[:2] == (16_000, 2000)


def test_a_file_that_shrank_or_holds_other_bytes_is_read_again(tmp_path):
    path = tmp_path / "f.jsonl"
    path.write_bytes(b'{"a":1}\n' * 2000)
    cursor = cursor_of(path)

    path.write_bytes(b'{"a":1}\n')
    assert resumed(path, cursor)[:2] == (0, 0)

    path.write_bytes(b'{"a":1}\n' * 1999 + b'{"a":2}\n{"a":3}\n')
    assert resumed(path, cursor)[:2] == (0, 0)


def test_a_file_of_which_the_bad_part_is_not_known_is_read_again_when_it_changes(tmp_path):
    path = tmp_path / "f.jsonl"
    path.write_bytes(b'{"a":1}\n')
    cursor = replace(cursor_of(path), is_clean=False)
    with path.open("ab") as file:
        file.write(b'{"b":2}\n')

    assert resumed(path, cursor)[:2] == (0, 0)


some_lines = st.lists(st.sampled_from([b"good", b"bad!", b"", b"long" * 9]), max_size=12)


@given(some_lines, some_lines.filter(any), st.data())
def test_a_file_that_grew_is_read_again_exactly_if_a_rejected_line_may_have_been_mended(
    before, after, data
):
    """A change of a line that is in no bad part, or of the first and last bytes, is not seen."""
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory() as folder,
    ):
        patch.setattr(lines, "BLOCK_BYTES", 16)
        patch.setattr(lines, "MAX_LINE_BYTES", 20)
        patch.setattr(cursors, "fingerprint", lambda *_: b"")
        path = Path(folder) / "f.jsonl"
        path.write_bytes(b"".join(line + b"\n" for line in before))
        cursor = cursor_of(path)
        bad = [i for i, line in enumerate(before) if line in {b"bad!", b"long" * 9}]
        changed = data.draw(st.none() | st.sampled_from(range(len(before)))) if before else None
        now = list(before)
        if changed is not None:
            now[changed] = b"x" * len(before[changed])
        path.write_bytes(b"".join(line + b"\n" for line in [*now, *after]))
        found = resumed(path, cursor)

        is_seen = bool(bad) and changed is not None and bad[0] <= changed <= bad[-1]
        is_same = now == before
        expected = 0 if is_seen and not is_same else cursor.offset
        assert found.offset == expected
        grown = cursor_of(path)
        if expected:  # read on, it is the same as read in one go
            with path.open("rb") as file:
                reader = cursors.resume(cursor, file).reader(file)
                read_all(reader)
                assert (reader.offset, reader.number) == (grown.offset, grown.lines)
                if changed is None:
                    assert reader.bad.part() == grown.bad


def test_a_hole_of_any_size_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "MAX_SKIPPED_BYTES", 2 * lines.MAX_LINE_BYTES)
    with (tmp_path / "x").open("w+b") as file:
        file.write(b'{"a": 1}\n{"b": "' + b"x" * lines.HEAD_BYTES)
        file.truncate(2**40)
        reader, found = LineReader(file), []
        with pytest.raises(ArtifactError, match="the rest of the file is not read") as refused:
            found += reader
    assert found == [(1, b'{"a": 1}')]
    assert (refused.value.line, reader.number, reader.offset) == (2, 1, 9)
