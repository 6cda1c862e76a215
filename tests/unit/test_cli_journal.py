from __future__ import annotations

import gzip
import io
import json
import os
import re
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import respx
from marquez_stub import StubMarquez

from lineage_bridge.care.restore import Imported, import_events
from lineage_bridge.cli import context
from lineage_bridge.cli.main import main
from lineage_bridge.events import Dataset, Event, Job, run_event
from lineage_bridge.journal import Journal

NOON = datetime(2026, 4, 7, 12, tzinfo=UTC)
URL = "http://marquez.test"


def an_event(minute=0):
    return run_event(
        "COMPLETE",
        NOON + timedelta(minutes=minute),
        Job("ns", f"train.m{minute}"),
        "00000000-0000-4000-8000-000000000000",
        inputs=[Dataset("ns", "features.d", "v1")],
        outputs=[Dataset("ns", "models.m", "v1")],
    )


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MARQUEZ_URL", raising=False)
    with Journal(tmp_path / ".lineage-bridge") as journal:
        journal.append([an_event(0), an_event(1)], "artifact")
        journal.append([foreign()], "http")
    return tmp_path / ".lineage-bridge"


def foreign(**more):
    document = {
        "eventTime": "2026-04-07T13:00:00Z",
        "run": {"runId": "r"},
        "job": {"namespace": "other", "name": "j"},
        "producer": "p",
        **more,
    }
    body = json.dumps(document, indent=1).encode()
    return Event(body, "run", 1_775_566_800_000_000)


def run(capsys, *args):
    with pytest.raises(SystemExit) as exit_:
        main(["journal", *args])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return exit_.value.code, captured.out, captured.err


def as_json(capsys, *args):
    code, out, _ = run(capsys, *args, "--json")
    return code, json.loads(out)


@pytest.fixture
def marquez(monkeypatch):
    monkeypatch.setenv("MARQUEZ_URL", URL)
    with respx.mock(base_url=URL, assert_all_called=False) as mock:
        mock.get("/api/v1/events/lineage").respond(json={"events": []})
        yield mock.post("/api/v1/lineage")


def test_status_says_what_is_where(home, capsys, monkeypatch):
    monkeypatch.setenv("MARQUEZ_URL", "http://u:p@marquez.test/")
    code, shape = as_json(capsys, "status")

    assert code == 0
    assert shape.pop("bytes") > 0
    assert shape.pop("path").endswith("journal.db")
    assert shape == {
        "events": 3,
        "origins": {"artifact": 2, "http": 1},
        "first": "2026-04-07T12:00:00Z",
        "last": "2026-04-07T13:00:00Z",
        "models": [],
        "forward": [{"url": URL, "states": {"pending": 2, "sent": 0, "dead": 0}}],
        "follow": [],
    }
    code, out, _ = run(capsys, "status")
    assert (code, "2 pending, 0 sent, 0 dead" in out) == (0, True)


@pytest.mark.parametrize("command", ["status", "dead", "verify"])
def test_what_only_looks_makes_no_journal(tmp_path, capsys, command):
    code, _, err = run(capsys, command, "--home", str(tmp_path / "none"))

    assert (code, "There is no journal" in err) == (2, True)
    assert not (tmp_path / "none").exists()


def test_forward_without_a_marquez_says_how_to_name_one(home, capsys):
    code, _, err = run(capsys, "forward")

    assert (code, "MARQUEZ_URL" in err) == (2, True)


def test_forward_sends_and_says_so(home, capsys, marquez):
    marquez.respond(201)
    code, report = as_json(capsys, "forward")
    assert (code, report["sent"], report["status"]["pending"]) == (0, 2, 0)

    code, out, _ = run(capsys, "forward")
    assert (code, "0 events sent" in out) == (0, True)


def test_forward_that_reaches_nobody_is_3_and_that_is_refused_1(home, capsys, marquez):
    marquez.respond(503)
    code, _, err = run(capsys, "forward", "--timeout", "0")
    assert (code, "Everything is kept" in err) == (3, True)

    marquez.respond(422, text="no such facet")
    code, out, _ = run(capsys, "forward")
    assert (code, "2 dead letters" in out) == (1, True)


def test_dead_letters_fail_all_that_forwards_until_somebody_deals_with_them(
    home, capsys, marquez, tmp_path, monkeypatch
):
    marquez.respond(422, text="no such facet")
    run(capsys, "forward")
    assert run(capsys, "forward")[0] == 1, "nothing new was refused, but it still stands"
    (tmp_path / "none").mkdir()
    with pytest.raises(SystemExit) as exit_:
        main(["backfill", "--home", str(home), str(tmp_path / "none")])
    assert exit_.value.code == 1
    assert "2 dead letters" in capsys.readouterr().out

    assert as_json(capsys, "dismiss", an_event(0).id) == (0, {"dismissed": 1})
    assert run(capsys, "dismiss", "--all")[:2] == (0, "1 dead letter dismissed.\n")
    assert run(capsys, "dead")[0] == run(capsys, "forward")[0] == 0


def test_forward_verify_says_what_marquez_lacks_and_sends_it_again(home, capsys, monkeypatch):
    monkeypatch.setenv("MARQUEZ_URL", URL)
    stub = StubMarquez()
    with respx.mock(base_url=URL) as mock:
        mock.route().mock(side_effect=stub)
        code, shape = as_json(capsys, "forward", "--verify")
        assert (code, shape["sent"], shape["checked"], shape["incomplete"]) == (0, 2, 2, [])

        stub.jobs.clear()
        stub.runs.popitem()
        code, out, _ = run(capsys, "forward", "--verify")
        assert code == 0
        assert "ns train.m1: it lacks its run" in out
        assert "Marquez has 2 whole" in out

        stub.runs.clear()
        for _ in range(2):
            stub.fail_next(statements=0, answer=201)  # it says that it has it, and forgets it
        code, shape = as_json(capsys, "forward", "--verify")
        assert (code, shape["sent_again"]) == (1, 2)
        assert [event["missing"] for event in shape["incomplete"]] == [["its run"]] * 2


def test_dead_letters_are_listed_and_sent_again(home, capsys, marquez):
    assert as_json(capsys, "dead") == (0, [])
    marquez.respond(422, text="no such facet")
    run(capsys, "forward")

    code, letters = as_json(capsys, "dead")
    assert (code, len(letters)) == (1, 2)
    assert letters[0] == {
        "id": an_event(0).id,
        "seq": 1,
        "target": URL,
        "job": "ns train.m0",
        "time": "2026-04-07T12:00:00Z",
        "tries": 1,
        "status": 422,
        "answer": "no such facet",
    }
    assert as_json(capsys, "retry", an_event(0).id) == (0, {"retried": 1, "dead": []})
    assert as_json(capsys, "retry", "--all") == (0, {"retried": 1, "dead": []})
    code, out, _ = run(capsys, "retry", "--all")
    assert (code, "0 dead letters wait" in out) == (0, True)


@pytest.mark.parametrize("args", [[], ["x", "--all"], ["x"]])
def test_retry_wants_ids_that_there_are_or_all(home, capsys, args):
    code, _, err = run(capsys, "retry", *args)

    assert code == 2
    assert "dead letter" in err.lower()


def test_a_home_that_never_forwarded_has_nothing_to_retry(home, capsys):
    code, out, _ = run(capsys, "retry", "--all")
    assert (code, out) == (0, "0 dead letters wait to be sent again.\n")
    assert run(capsys, "dead")[:2] == (0, "There are no dead letters.\n")

    code, _, err = run(capsys, "retry", "x")
    assert code == 2
    assert "No dead letter has the id `x`" in err


def test_verify_finds_what_was_changed(home, capsys):
    assert as_json(capsys, "verify") == (0, {"events": 3, "problems": []})

    with sqlite3.connect(home / "journal.db") as connection:
        connection.execute(
            "UPDATE events SET body = replace(body, 'models.m', 'models.n') WHERE seq = 1"
        )
        connection.execute("UPDATE events SET body = '{' WHERE seq = 2")
    connection.close()
    code, shape = as_json(capsys, "verify")

    assert code == 1
    assert ["hashes to" in p or "not JSON" in p for p in shape["problems"]] == [True, True]


def scribble(home, share=0.5, length=100_000):
    """Overwrite a part of a journal that has grown to a megabyte."""
    with Journal(home) as journal:
        journal.append([an_event(minute) for minute in range(2, 800)], "artifact")
    path = home / "journal.db"
    with path.open("r+b") as file:
        file.seek(int(path.stat().st_size * share))
        file.write(b"\xa5" * length)


def test_verify_finds_what_was_damaged_and_names_the_way_out(home, capsys):
    scribble(home, length=200_000)

    code, out, err = run(capsys, "verify")
    assert (code, err) == (1, "")
    assert "SQLite: " in out
    assert re.search(r"events \d+ to \d+: cannot be read", out)
    assert "journal export --salvage FILE" in out
    code, found = as_json(capsys, "verify")
    assert code == 1
    assert 500 < found["events"] < 801
    assert 1 < len(found["problems"]) <= 100, "more nobody reads"


def test_verify_finds_what_is_no_database_at_all(home, capsys):
    scribble(home, 0)

    code, found = as_json(capsys, "verify")
    assert code == 1
    damage, lost = found["problems"]
    assert damage == "SQLite: file is not a database"
    last = int(re.fullmatch(r"events 1 to (\d+): cannot be read", lost)[1])
    assert found["events"] == 801 - last


@pytest.mark.parametrize(
    "command",
    [["graph"], ["freshness"], ["health"], ["journal", "status"], ["journal", "export", "-"]],
)
@pytest.mark.parametrize("share", [0, 0.5])
def test_damage_ends_a_command_with_the_way_out_and_no_traceback(home, capsys, command, share):
    scribble(home, share)

    with pytest.raises(SystemExit) as exit_:
        main(command)
    said = capsys.readouterr().err
    assert exit_.value.code == 2
    assert said.startswith("Error: Cannot ")
    assert "The file is damaged" in said


def test_what_can_still_be_read_makes_a_new_home(home, tmp_path, capsys):
    scribble(home, share=0.6)
    file = str(tmp_path / "saved.ndjson.gz")

    code, _, err = run(capsys, "export", file)
    assert code == 2
    code, _, err = run(capsys, "export", "--salvage", file)
    assert code == 1
    written, lost = map(
        int, re.match(r"(\d+) .*\n.* up to (\d+) events, [\d, to]+\.\n", err).groups()
    )
    assert written + lost == 801
    assert 500 < written < 801

    new = str(tmp_path / "new")
    assert as_json(capsys, "import", file, "--home", new) == (0, {"appended": written, "known": 0})
    assert run(capsys, "verify", "--home", new)[0] == 0


def test_of_a_sound_journal_salvage_is_everything(home, tmp_path, capsys):
    plain, salvaged = tmp_path / "plain", tmp_path / "salvaged"
    assert run(capsys, "export", str(plain))[0] == 0
    assert run(capsys, "export", "--salvage", str(salvaged))[0] == 0

    assert plain.read_bytes() == salvaged.read_bytes()


def test_a_home_on_a_network_is_warned_of(home, tmp_path, capsys, monkeypatch):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"30 21 0:26 / {tmp_path} rw - nfs box:/export rw\n")
    monkeypatch.setattr(context, "MOUNTS", mounts)

    code, _, err = run(capsys, "status")
    assert (code, err.count("is on a network (nfs)")) == (0, 1)


def test_rebuild_fills_the_models_again(home, capsys):
    code, models = as_json(capsys, "rebuild")

    assert code == 0
    assert {model["name"]: model["reached"] for model in models} == {
        "graph": 3,
        "identities": 3,
        "collector": 3,
        "arrivals": 3,
    }


@pytest.mark.parametrize("name", ["events.ndjson", "events.ndjson.gz"])
def test_what_was_exported_is_imported_once(home, tmp_path, capsys, name):
    file = tmp_path / name
    assert run(capsys, "export", str(file))[0] == 0
    raw = gzip.decompress(file.read_bytes()) if name.endswith("gz") else file.read_bytes()
    assert [json.loads(line)["job"]["name"] for line in raw.splitlines()] == [
        "train.m0",
        "train.m1",
        "j",
    ]

    other = ["--home", str(tmp_path / "other")]
    assert as_json(capsys, "import", str(file), *other) == (0, {"appended": 3, "known": 0})
    assert as_json(capsys, "import", str(file), *other) == (0, {"appended": 0, "known": 3})
    assert as_json(capsys, "import", str(file)) == (0, {"appended": 0, "known": 3})


def test_export_and_import_speak_through_pipes(home, tmp_path, capfdbinary, monkeypatch):
    with pytest.raises(SystemExit):
        main(["journal", "export", "-"])
    lines = capfdbinary.readouterr().out
    assert lines.count(b"\n") == 3

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    with pytest.raises(SystemExit):
        main(["journal", "import", "-", "--home", str(tmp_path / "other"), "--json"])
    assert json.loads(capfdbinary.readouterr().out) == {"appended": 3, "known": 0}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("bad.ndjson", b"\xff\xfe{}", "is UTF-16; expected UTF-8"),
        ("bad.ndjson", "{}".encode("utf-16-le"), "is binary; expected UTF-8"),
        ("bad.ndjson.gz", b"no gzip", "Not a gzipped file"),
        ("bad.ndjson.gz", b"", "it is empty"),
        ("bad.ndjson.gz", gzip.compress(b"{}", mtime=0)[:8], "it is cut off"),
        ("missing.ndjson", None, "No such file"),
        (".", None, "Is a directory"),
    ],
)
def test_a_file_without_any_lines_is_refused(home, tmp_path, capsys, name, content, said):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    code, _, err = run(capsys, "import", name)

    assert code == 2
    assert said in err
    assert not (home / "rejected").exists()
    with Journal(home, readonly=True) as journal:
        assert journal.last_seq() == 3


def test_export_to_where_nothing_can_be_written_leaves_nothing(home, tmp_path, capsys):
    code, _, err = run(capsys, "export", str(tmp_path / "none" / "x.ndjson"))

    assert (code, "Cannot write" in err) == (2, True)


def test_help_of_every_command_says_what_it_does(capsys):
    for command in [
        "status",
        "forward",
        "dead",
        "retry",
        "dismiss",
        "verify",
        "rebuild",
        "export",
        "import",
    ]:
        code, out, _ = run(capsys, command, "--help")
        assert code == 0
        assert "--home" in out


def test_while_an_import_waits_for_its_file_others_append(home, tmp_path, capsys):
    run(capsys, "export", str(tmp_path / "saved"))
    lines = (tmp_path / "saved").read_bytes().splitlines(keepends=True)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with Journal(tmp_path / "new") as journal, ThreadPoolExecutor(1) as pool:
        importing = pool.submit(import_events, journal, str(pipe))
        with pipe.open("wb") as writer:
            writer.write(lines[0])
            writer.flush()
            assert journal.append([an_event(5)], "http") == [1]  # the import has not ended
            assert not importing.done()
            writer.writelines(lines[1:])
        assert importing.result() == Imported(appended=3, known=0)
