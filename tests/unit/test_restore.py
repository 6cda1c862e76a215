"""Import goes line by line: what is no event is set aside with its reason, the rest is taken."""

from __future__ import annotations

import gzip
import io
import json
import sys
import tempfile
import zlib
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from builders import a_foreign_event, a_run_id, an_event
from conftest import run_command
from contract.collector_world import RUN_EVENT
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.care.event_lines import MAX_LINE_BYTES
from lineage_bridge.care.restore import BITE, import_events
from lineage_bridge.events import compute_id, event_of
from lineage_bridge.facets.event import EventFacet
from lineage_bridge.journal import Journal

OURS = an_event("train", outputs=["models@1"]).body
THEIRS = a_foreign_event(outputs=["table"]).body
EVENT = json.loads(THEIRS)


def with_(**members):
    return json.dumps(EVENT | members).encode()


BAD = {
    "half an event": (OURS[:200], "not JSON"),
    "a list": (b"[" + OURS + b"]", "must be a JSON object"),
    "a text": (b'"event"', "must be a JSON object"),
    "nothing in it": (b"{}", "`run.runId`"),
    "two events": (OURS + b" " + THEIRS, "not JSON"),
    "not UTF-8": (THEIRS.replace(b"etl", b"\xff\xfe"), "not JSON"),
    "half a surrogate": (THEIRS.replace(b"etl", rb"\ud83d"), "not JSON"),
    "zeros of a lost block": (b"\0" * 4096, "not JSON"),
    "a bare NaN": (THEIRS.replace(b'"etl"', b"NaN"), "not JSON"),
    "beyond any number": (THEIRS.replace(b'"etl"', b"1e400"), "not JSON"),
    "nested too deeply": (with_(x=0).replace(b"0}", b"[" * 5000 + b"]" * 5000 + b"}"), "not JSON"),
    "no run": (with_(run=None), "`run.runId`"),
    "a run that is a text": (with_(run="r"), "`run.runId`"),
    "a job without a name": (with_(job={"namespace": "ns"}), "`job.name`"),
    "a job with a list for a name": (with_(job={"namespace": "ns", "name": []}), "`job.name`"),
    "a nameless dataset": (
        with_(schemaURL=RUN_EVENT.replace("RunEvent", "DatasetEvent"), dataset={"namespace": 1}),
        "`dataset.name`",
    ),
    "no time": (with_(eventTime=None), "`eventTime`"),
    "no time that is": (with_(eventTime="2026-13-01T00:00:00Z"), "`eventTime`: no such day"),
    "a time that is true": (with_(eventTime=True), "`eventTime`"),
    "a time beyond all": (with_(eventTime=1e300), "`eventTime`: the time is too far away"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_line_is_set_aside_and_costs_no_other(lb, tmp_path, bad):
    line, reason = BAD[bad]
    file = tmp_path / "saved.ndjson"
    file.write_bytes(b"\n".join([OURS, line, b"", THEIRS]))

    done = lb("journal", "import", file)

    assert (done.code, done.err) == (1, "")
    assert "2 events appended, 0 known already." in done.out
    assert "1 line is no event" in done.out
    assert "line 2: " in done.out
    kept = tmp_path / "home" / "rejected" / "saved.ndjson"
    assert kept.read_bytes() == line + b"\n"
    (said,) = map(json.loads, (kept.parent / "saved.ndjson.reasons").read_text().splitlines())
    assert said["line"] == 2
    assert reason in said["reason"]
    assert lb("journal", "verify").code == 0


GOOD = {
    "numbers and booleans for names": with_(run={"runId": 20}, job={"namespace": 5, "name": True}),
    "a time without seconds": with_(eventTime="2026-04-07T08:00"),
    "a time in milliseconds": with_(eventTime=1769932800000),
    "two members of a name": THEIRS[:-1] + b', "producer": "other"}',
    "a number of 400 digits": THEIRS[:-1] + b', "x": ' + b"7" * 400 + b"}",
    "a mark of the byte order": b"\xef\xbb\xbf" + THEIRS,
    "blanks and a line end of Windows": b" \t" + THEIRS + b"\t\r",
    "a dataset event without a dataset": json.dumps(
        {
            "eventTime": 0,
            "producer": "p",
            "schemaURL": RUN_EVENT.replace("RunEvent", "DatasetEvent"),
        }
    ).encode(),
}


@pytest.mark.parametrize("good", GOOD)
def test_an_odd_line_is_taken_once(lb, tmp_path, good):
    file = tmp_path / "saved.ndjson"
    file.write_bytes(GOOD[good] + b"\n")

    first, again = (lb("journal", "import", file, "--json") for _ in range(2))

    assert (first.code, first.json) == (0, {"appended": 1, "known": 0})
    assert (again.code, again.json) == (0, {"appended": 0, "known": 1})
    assert lb("journal", "verify").code == lb("graph").code == 0


def test_what_was_set_aside_can_be_mended_and_imported(lb, tmp_path):
    file = tmp_path / "saved.ndjson.gz"
    file.write_bytes(gzip.compress(b"\n".join([OURS, with_(eventTime="today")])))
    first, again = (lb("journal", "import", file, "--json") for _ in range(2))
    assert (first.code, again.code) == (1, 1)
    assert (first.json["appended"], again.json["appended"]) == (1, 0)
    kept = Path(first.json["set_aside"])
    assert Path(again.json["set_aside"]).name == "saved-2.ndjson", "the first ones are still there"

    kept.write_bytes(kept.read_bytes().replace(b"today", b"2026-04-07T08:00Z"))

    assert lb("journal", "import", kept, "--json").json == {"appended": 1, "known": 0}


def test_many_bad_lines_are_counted_and_the_first_shown(lb, tmp_path):
    file = tmp_path / "saved.ndjson"
    file.write_bytes(b"\n".join(b"{%d" % number for number in range(5000)))

    done = lb("journal", "import", file, "--rejected", tmp_path / "aside" / "bad")

    assert done.code == 1
    assert "5,000 lines are no events" in done.out
    assert "line 10: " in done.out
    assert "and 4,990 more" in done.out
    assert (tmp_path / "aside" / "bad").read_bytes() == file.read_bytes() + b"\n"


def test_lines_of_an_earlier_import_are_never_written_over(lb, tmp_path):
    file, kept = tmp_path / "saved.ndjson", tmp_path / "bad"
    file.write_bytes(b"{")
    kept.write_text("kept")

    done = lb("journal", "import", file, "--rejected", kept)

    assert done.code == 2
    assert "Name another one with `--rejected`" in done.err
    assert kept.read_text() == "kept"


@pytest.mark.slow
def test_a_line_that_is_too_long_is_set_aside_too(lb, tmp_path):
    file = tmp_path / "saved.ndjson.gz"
    long = b"x" * (MAX_LINE_BYTES + 1)
    with gzip.open(file, "wb", compresslevel=1) as packed:
        packed.write(OURS + b"\n" + long + b"\n" + THEIRS + b"\n")

    done = lb("journal", "import", file, "--json")

    assert (done.code, done.json["appended"], done.json["rejected"]) == (1, 2, 1)
    assert "line 2: it is longer than 67,108,864 bytes" in done.json["problems"][0]
    assert Path(done.json["set_aside"]).stat().st_size == len(long) + 1


@pytest.mark.parametrize("content", [b"", b"\n\n \r\n", gzip.compress(b"", mtime=0)])
def test_a_file_without_events_has_none(lb, tmp_path, content):
    (tmp_path / "empty").write_bytes(content)

    done = lb("journal", "import", tmp_path / "empty", "--json")

    assert (done.code, done.json) == (0, {"appended": 0, "known": 0})


def test_times_that_earlier_versions_cut_are_sound_and_known(lb, tmp_path):
    """Earlier versions cut what a pipeline or an import brought, and rounded what came by HTTP."""
    bodies = [with_(eventTime=f"2026-04-07T08:00:00.47270{d}856Z", x=d) for d in range(5)]
    events = [event_of(json.loads(body), body) for body in bodies]
    cut = [replace(event, time_us=event.time_us - 1) for event in events]
    others = [
        event_of(json.loads(body), body) for body in (b.replace(b"{", b"{ ", 1) for b in bodies)
    ]
    wrong = [replace(event, time_us=event.time_us - 2) for event in others]
    file = tmp_path / "saved.ndjson"
    with Journal(tmp_path / "home") as journal:
        journal.append(cut[:3], "transport")
        journal.append(events[3:], "http")
    assert lb("journal", "verify").out == "5 events checked, 0 problems.\n"

    assert lb("journal", "export", "--salvage", file).err == "5 events written.\n"

    assert lb("journal", "import", file, "--json").json == {"appended": 0, "known": 5}
    with Journal(tmp_path / "home") as journal:
        journal.append(wrong, "transport")
    assert "10 events checked, 5 problems.\n" in lb("journal", "verify").out


def test_who_took_over_an_id_of_ours_is_kept_and_not_believed(lb, tmp_path):
    """An import may bring what a stranger sent to a collector with an id of its own choice."""
    document = json.loads(OURS)
    document["outputs"] = []
    odd = json.loads(OURS) | {"eventTime": 1775548800}
    odd["run"]["facets"][EventFacet.key]["id"] = compute_id(odd, None)
    file = tmp_path / "saved.ndjson"
    file.write_bytes(b"\n".join(map(orjson.dumps, (document, odd))))

    first, again = (lb("journal", "import", file, "--json").json for _ in range(2))

    assert [first, again] == [{"appended": 2, "known": 0}, {"appended": 0, "known": 2}]
    assert lb("journal", "verify").code == 0
    assert lb("graph").code == 0
    assert lb("journal", "status", "--json").json["origins"] == {"http": 2}


def test_two_files_packed_and_put_together_are_read_as_one(lb, tmp_path):
    file = tmp_path / "both"  # known by what it is, not by its name
    file.write_bytes(gzip.compress(OURS + b"\n") + gzip.compress(THEIRS) + bytes(10**6))

    assert lb("journal", "import", file, "--json").json == {"appended": 2, "known": 0}


@pytest.fixture(scope="module")
def packed():
    lines = [a_foreign_event(a_run_id(f"{number}")).body for number in range(60)]
    return lines, gzip.compress(b"\n".join(lines) + b"\n")


@given(st.data())
def test_a_cut_file_gives_what_is_before_the_cut(packed, data):
    lines, whole = packed
    length = data.draw(st.integers(18, len(whole) - 1))
    complete = zlib.decompressobj(31).decompress(whole[:length]).count(b"\n")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "saved.ndjson.gz"
        file.write_bytes(whole[:length])
        done = run_command("journal", "import", file, "--home", f"{folder}/home", "--json")
        assert done.code in {1, 2}, done
        if done.code == 2:
            assert "it is cut off" in done.err
            assert not complete
            return
        assert "it is cut off" in done.json["broken"]
        with Journal(Path(folder) / "home") as journal:
            taken = [stored.body for stored in journal.read()]
    assert taken == lines[: len(taken)]
    assert len(taken) in {complete, complete + 1}, "the last one may want its line's end alone"


@given(st.data())
def test_a_damaged_file_says_so(packed, data):
    lines, whole = packed
    spoilt = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        spoilt[data.draw(st.integers(20, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "saved.ndjson.gz"
        file.write_bytes(spoilt)
        done = run_command("journal", "import", file, "--home", f"{folder}/home", "--json")
    if bytes(spoilt) == whole:
        assert done.code == 0
    elif done.code == 1:
        assert done.json["broken"]
        assert done.json["appended"] <= len(lines)
    else:
        assert "it is damaged" in done.err or "it is cut off" in done.err


class Interrupted(io.BytesIO):
    """A file whose reader is stopped by Ctrl-C before its end."""

    def read1(self, size=-1):
        found = super().read1(min(size, 4096))
        if not found:
            raise KeyboardInterrupt
        return found


def test_what_an_interrupted_import_left_the_next_one_takes(tmp_path, monkeypatch):
    lines = [a_foreign_event(f"job{number}").body for number in range(2 * BITE + 50)]
    content = b"\n".join(lines) + b"\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Interrupted(content)))
    with Journal(tmp_path / "home") as journal:
        with pytest.raises(KeyboardInterrupt):
            import_events(journal, "-")
        assert journal.last_seq() == 2 * BITE
        (tmp_path / "saved").write_bytes(content)
        rest = import_events(journal, str(tmp_path / "saved"))
        assert (rest.appended, rest.known) == (50, 2 * BITE)
        assert [stored.body for stored in journal.read()] == lines
