"""Window files to the journal: read once, in any order, killed at any time."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
from datetime import timedelta
from pathlib import Path

import pytest
from cases import others_slow
from serving import minute_at
from windows import NS, a_line, a_start, file_of, findings, ingest, starts_of, write

from lineage_bridge.events import run_event
from lineage_bridge.journal import Journal
from lineage_bridge.observe import quarantine
from lineage_bridge.observe.serving import windows
from lineage_bridge.observe.serving.state import all_slots, list_blind_counters, list_implied
from lineage_bridge.observe.unsaved import Told
from lineage_bridge.times import from_micros, parse_time, to_micros


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "p5"
    folder.mkdir()
    return folder


def bodies(journal):
    return {stored.id: stored.body for stored in journal.read(limit=10**6)}


def rejected(journal):
    with journal.reading() as connection:
        return list(quarantine.list_rejected(connection))


def requests_of(journal):
    with journal.reading() as connection:
        return {
            slot.deployment: sum(totals.requests for totals in memory.totals)
            for slot, memory in all_slots(connection)
        }


def test_a_second_and_a_third_run_append_nothing_also_from_the_parent_and_a_copy(
    journal, root, tmp_path
):
    write(root, *(a_line(minute) for minute in range(20)))
    first = ingest(journal, root)
    assert (first.new, first.files_unchanged) == (20, 0)
    before = bodies(journal)

    second = ingest(journal, root)
    assert (second.lines, second.files_unchanged, second.events) == (0, 20, 0)

    third = ingest(journal, tmp_path)
    assert (third.lines, third.events) == (0, 0)

    shutil.copytree(root, tmp_path / "copy")
    copied = ingest(journal, tmp_path / "copy")
    assert (copied.lines, copied.duplicates, copied.new, copied.events) == (20, 20, 0, 0)
    assert bodies(journal) == before


def test_equal_lines_count_once_and_others_of_a_minute_are_replicas(journal, root):
    write(root, a_line(0, 100), a_line(0, 100), a_line(0, 60))

    result = ingest(journal, root)

    assert (result.new, result.duplicates) == (2, 1)
    assert requests_of(journal) == {"dep": 160}


def test_the_order_of_files_and_lines_makes_no_difference(tmp_path):
    lines = [
        a_line(minute, 20, deployment=name, failure_count=(minute > 10) * 8)
        for name in ("a", "b")
        for minute in range(30)
    ]
    told = []
    for seed in range(3):
        shuffled = random.Random(seed).sample(lines, len(lines))
        write(tmp_path / str(seed), *shuffled)
        files = list((tmp_path / str(seed)).rglob("*.jsonl"))
        random.Random(seed).shuffle(files)
        with Journal(tmp_path / f"home{seed}") as journal:
            ingest(journal, files=files)
            told.append(list(bodies(journal).items()))

    assert told[0] == told[1] == told[2]


def test_a_window_written_late_is_judged_when_it_was_written(journal, root):
    # Minute 5 was written at minute 30, after minutes 6 to 20 of another deployment.
    late = a_line(5, deployment="quiet", heartbeat_emitted_at="2026-04-07T08:30:00Z")
    write(root, late, *(a_line(minute) for minute in range(21)))

    ingest(journal, root)

    (quiet,) = [f for f in findings(journal) if f["deployment"] == "quiet"]
    assert quiet["evaluatedAt"] == "2026-04-07T08:30:00Z"
    assert quiet["notes"] == []


def test_a_line_that_comes_after_its_instant_counts_and_is_noted(journal, root):
    write(root, *(a_line(minute) for minute in range(20)))
    ingest(journal, root)
    write(root, a_line(18, 7))

    result = ingest(journal, root)

    assert (result.new, result.events) == (1, 1)
    last = findings(journal)[-1]
    assert last["totals"]["requests"] == 407
    assert {"code": "late_windows", "value": 1} in last["notes"]
    ids = [stored.id for stored in journal.read()]
    assert f'"supersedes":"{ids[-2]}"'.encode() in journal.read()[-1].body


def test_a_growing_file_is_read_on_and_a_half_written_line_waits(journal, root):
    path = file_of(root, 0)
    whole, half = a_line(0, 10) + b"\n", a_line(0, 30)
    path.write_bytes(whole + half[:100])

    first = ingest(journal, root)
    assert first.new == 1
    assert [(r.line, r.path) for r in rejected(journal)] == [(2, str(path))]
    assert ingest(journal, root).files_unchanged == 1

    path.write_bytes(whole + half + b"\n")
    second = ingest(journal, root)
    assert (second.lines, second.new) == (1, 1)
    assert rejected(journal) == []
    assert requests_of(journal) == {"dep": 40}


def test_a_mended_file_is_read_again_and_its_rejection_forgotten(journal, root):
    path = file_of(root, 0)
    path.write_bytes(a_line(0, 10) + b"\n" + a_line(0, 20, request_count="30") + b"\n")
    ingest(journal, root)
    assert [(r.line, r.field) for r in rejected(journal)] == [(2, "request_count")]

    path.write_bytes(a_line(0, 10) + b"\n" + a_line(0, 30) + b"\n")
    ingest(journal, root)
    assert rejected(journal) == []
    assert requests_of(journal) == {"dep": 40}


def test_a_file_that_is_no_jsonl_is_one_rejection_and_the_rest_is_read(journal, root):
    file_of(root, 0).write_bytes(b"[" + a_line(0) + b"," + a_line(1) + b"]")
    write(root, a_line(5))

    result = ingest(journal, root)

    assert result.new == 1
    assert [(r.line, r.field) for r in rejected(journal)] == [(0, None)]


def test_a_file_that_cannot_be_opened_is_rejected_and_tried_again(journal, root):
    path = file_of(root, 0)
    path.mkdir()
    ingest(journal, files=[path])
    assert "is a folder" in rejected(journal)[0].reason

    path.rmdir()
    write(root, a_line(0))
    assert ingest(journal, root).new == 1
    assert rejected(journal) == []


def test_what_became_a_link_after_the_walk_is_not_read(journal, root, tmp_path):
    write(root, a_line(0), a_line(1))
    outside = root.parent / "outside"
    (file_of(root, 0)).rename(outside)
    file_of(root, 0).symlink_to(outside)
    folder = root.parent / "elsewhere"
    root.rename(folder)
    root.symlink_to(folder)

    behind = ingest(journal, files=[file_of(root, 1)])
    link = ingest(journal, files=[file_of(folder, 0)])

    assert (behind.new, link.new) == (0, 0)
    reasons = {item.path: item.reason for item in rejected(journal)}
    assert "lies behind the link" in reasons[str(file_of(root, 1))]
    assert "is a link" in reasons[str(file_of(folder, 0))]


def test_files_without_a_minute_in_their_path_are_ordered_by_their_first_line(journal, root):
    (root / "b.jsonl").write_bytes(a_line(0) + b"\n")
    (root / "a.jsonl").write_bytes(a_line(30) + b"\n")

    ingest(journal, root)

    last = findings(journal)[-1]
    assert "late_windows" not in [note["code"] for note in last["notes"]]
    assert last["totals"]["windows"] == 2


def test_a_window_in_the_file_of_another_minute_is_read(journal, root):
    file_of(root, 90).write_bytes(a_line(0) + b"\n")

    assert ingest(journal, root).new == 1


# Activations


def test_a_new_activation_starts_empty_and_a_restart_does_not(journal, root):
    bad = {"failure_count": 20}
    write(root, *(a_line(minute, **bad) for minute in range(10)))
    write(root, *(a_line(minute) for minute in range(10, 12)))
    write(root, *(a_line(minute, model_version="v2") for minute in range(12, 14)))

    ingest(journal, root, starts=[a_start(-1), a_start(9.5), a_start(12, "v2")])

    told = [(f["modelVersion"], f["status"]) for f in findings(journal)]
    assert told == [("v1", "unhealthy"), ("v2", "healthy"), ("v2", "healthy")]


def test_windows_of_an_earlier_activation_only_count(journal, root):
    write(root, *(a_line(minute) for minute in range(5)))
    write(root, *(a_line(minute, 9, failure_count=9) for minute in range(5, 9)))
    write(root, *(a_line(minute, 30, model_version="v2") for minute in range(5, 9)))

    ingest(journal, root, starts=[a_start(-1), a_start(5, "v2")])

    last = findings(journal)[-1]
    assert (last["modelVersion"], last["status"]) == ("v2", "healthy")
    assert last["totals"]["requests"] == 5 * 20 + 4 * 9 + 4 * 30


def test_a_version_without_a_deployment_event_is_implied_and_named(journal, root):
    write(root, *(a_line(minute) for minute in range(5)))
    write(root, *(a_line(minute, model_version="v2") for minute in range(5, 9)))

    ingest(journal, root, starts=[a_start(-1)])

    assert findings(journal)[-1]["modelVersion"] == "v2"
    with journal.reading() as connection:
        ((slot, implied),) = list_implied(connection)
    assert (slot.deployment, implied.version, implied.windows) == ("dep", "v2", 4)


def test_two_versions_at_once_without_events_do_not_take_turns(journal, root):
    for minute in range(20):
        write(root, a_line(minute), a_line(minute, 30, model_version="v2"))

    ingest(journal, root)

    assert len({f["modelVersion"] for f in findings(journal)[2:]}) == 1


def test_counters_that_nothing_ever_fills_are_named(journal, root):
    write(root, a_line(0), a_line(1, failure_count=1))

    ingest(journal, root)

    with journal.reading() as connection:
        ((service, blind),) = list_blind_counters(connection).items()
    assert service == "svc"
    assert "timeout_count" in blind
    assert "missing_feature_count" in blind
    assert "failure_count" not in blind
    assert "request_count" not in blind


# Order and durability


class Others:
    """A record event for every tenth minute."""

    def __init__(self) -> None:
        self.waiting = [to_micros(minute_at(minute)) for minute in range(0, 100, 10)]

    def load(self):
        pass

    def take_until(self, time_us, limit=None):
        from lineage_bridge.events import Job

        told = []
        while self.waiting and (time_us is None or self.waiting[0] <= time_us) and limit != 0:
            limit = limit and limit - 1
            when = from_micros(self.waiting.pop(0))
            run_id = "00000000-0000-4000-8000-000000000000"
            event = run_event("COMPLETE", when, Job(NS, "build"), run_id)
            told.append(Told(event))
        return told


def test_the_journal_is_in_the_order_of_event_time(journal, root):
    write(root, *(a_line(minute) for minute in range(61)))

    ingest(journal, root, outgoing=Others())

    times = [stored.time_us for stored in journal.read()]
    assert times == sorted(times)
    assert len(times) == 10 + 5


def test_without_window_files_all_other_events_are_appended(journal):
    ingest(journal, files=[Path("/nonexistent/metrics_00.jsonl")], outgoing=Others())

    assert len(journal.read()) == 10


@pytest.mark.parametrize("seed", others_slow(range(5)))
def test_a_watcher_gives_what_a_backfill_gives(nyc, tmp_path, seed):
    fleet = nyc / "p5"
    lines = [
        line for path in fleet.rglob("metrics_*.jsonl") for line in path.read_bytes().splitlines()
    ]
    lines.sort(key=written)
    instants = [list(group) for _, group in itertools.groupby(lines, key=written)]
    write(tmp_path / "whole", *lines)
    with Journal(tmp_path / "home-whole") as journal:
        ingest(journal, tmp_path / "whole", starts=starts_of(fleet), final=False)
        whole = bodies(journal)

    cuts = sorted(random.Random(seed).sample(range(len(instants)), 12))
    with Journal(tmp_path / "home-parts") as journal:
        for begin, end in itertools.pairwise([0, *cuts, len(instants)]):
            write(tmp_path / "parts", *itertools.chain(*instants[begin:end]))
            ingest(journal, tmp_path / "parts", starts=starts_of(fleet), final=False)
        assert bodies(journal) == whole


def written(line):
    return parse_time(json.loads(line)["heartbeat_emitted_at"])[0]


def test_a_watcher_tells_changes_and_heartbeats_but_no_ends(journal, root):
    write(root, *(a_line(minute) for minute in range(20)))

    assert ingest(journal, root, final=False).events == 2
    assert ingest(journal, root, final=True).events == 1


@pytest.mark.parametrize("final", [True, False])
def test_another_that_reads_in_the_middle_does_the_rest(journal, root, monkeypatch, final):
    monkeypatch.setattr(windows, "BATCH_WINDOWS", 5)
    write(root, *(a_line(minute) for minute in range(20)))

    def interfere(lines):
        if lines == 10:
            with Journal(journal.home) as other:
                ingest(other, root, final=final)

    result = ingest(journal, root, progress=interfere, final=final)

    assert (result.lines, result.files_unchanged) == (10, 10)
    assert requests_of(journal) == {"dep": 400}
    assert ingest(journal, root, final=final).lines == 0


def test_what_comes_after_the_end_of_a_backfill_is_told_at_once(journal, root):
    write(root, *(a_line(minute) for minute in range(20)))
    ingest(journal, root)
    assert findings(journal)[-1]["policy"]["standsSeconds"] == 0

    write(root, *(a_line(minute) for minute in range(20, 23)))
    assert ingest(journal, root).events == 2
    assert [f["policy"]["standsSeconds"] for f in findings(journal)[-2:]] == [900, 0]
    assert findings(journal)[-2]["time"] == minute_at(21) + timedelta(seconds=5)


KILLED = """
    import os, signal, sys
    sys.path.insert(0, {tests!r})
    from pathlib import Path
    from lineage_bridge.observe.serving import reading, windows as module
    from lineage_bridge.journal import Journal
    from windows import ingest, starts_of

    module.BATCH_WINDOWS = 40
    lines = 0

    def kill_in_the_middle(self, *args, _read=reading.WindowReading._read_line, **named):
        global lines
        lines += 1
        if lines == {after}:
            os.kill(os.getpid(), signal.SIGKILL)
        return _read(self, *args, **named)

    reading.WindowReading._read_line = kill_in_the_middle
    with Journal(Path({home!r})) as journal:
        ingest(journal, Path({root!r}), starts=starts_of(Path({root!r})))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "after", [1, 39, pytest.param(150, marks=pytest.mark.sample), 333, 600, 713]
)
def test_killed_in_the_middle_and_run_again_gives_the_same_events(nyc, tmp_path, after):
    fleet = nyc / "p5"
    with Journal(tmp_path / "whole") as journal:
        ingest(journal, fleet, starts=starts_of(fleet))
        whole = bodies(journal)
    home = tmp_path / "killed"
    script = KILLED.format(
        tests=str(Path(__file__).parents[1]), after=after, home=str(home), root=str(fleet)
    )

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], check=False, env=os.environ
    )

    assert done.returncode == -signal.SIGKILL
    with Journal(home) as journal:
        assert len(bodies(journal)) < len(whole)
        ingest(journal, fleet, starts=starts_of(fleet))
        assert bodies(journal) == whole
