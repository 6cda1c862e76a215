"""Starts and policies that turn up after the windows: it ends as if they had been there."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from cases import others_slow
from conftest import run_command
from windows import a_line, a_record, a_start, file_of, ingest, standing, starts_of, write

from lineage_bridge.facets.serving_policy import ServingPolicy
from lineage_bridge.journal import Journal
from lineage_bridge.observe.serving.state import all_slots, list_implied

pytestmark = pytest.mark.slow  # `make test` runs the samples

TIMES = ("08:30", "08:51", "09:10", "09:47", "10:12", "10:30", "13:00")


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "p5"
    folder.mkdir()
    return folder


def at_once(tmp_path, *roots, **others):
    """What stands after all was read in one go."""
    with Journal(tmp_path / "at-once") as journal:
        ingest(journal, *roots, **others)
        return standing(journal)


def count(journal):
    return len(journal.read(limit=10**6))


def memory_of(journal, deployment="dep"):
    with journal.reading() as connection:
        return {slot.deployment: memory for slot, memory in all_slots(connection)}[deployment]


def answers(home, tmp_path):
    """All that is asked of a home; paths and mending differ with the folder that was named."""
    told = [run_command("graph", "--home", home, "--json").out]
    for clock in TIMES:
        at = f"2026-04-07T{clock}:00Z"
        told.append(run_command("health", "--home", home, "--at", at, "--json").out)
    found = run_command("doctor", "--home", home, "--json").json
    told += sorted(gap["kind"] + gap["what"] for gap in [*found["gaps"], *found["notes"]])
    return told


def test_metrics_and_events_of_the_real_fleet_may_be_read_in_any_order(nyc, tmp_path):
    serving = nyc / "p5" / "fleet_nyc" / "artifacts" / "serving"
    orders = {
        "once": [serving],
        "events-first": [serving / "events", serving / "metrics"],
        "metrics-first": [serving / "metrics", serving / "events"],
    }
    told = {}
    for name, folders in orders.items():
        for folder in folders:
            command = ("backfill", "--home", tmp_path / name, "--namespace", "urban")
            result = run_command(*command, "--p5", folder, "--json")
            assert result.code == 0
        told[name] = answers(tmp_path / name, tmp_path)

    assert result.json["windows"] == {"read": 0, "duplicates": 0}
    assert not any("windows_without_event" in line for line in told["metrics-first"])
    assert told["metrics-first"] == told["once"] == told["events-first"]
    again = run_command(*command, "--p5", serving, "--json")
    assert again.json["events"] == 0


@pytest.mark.parametrize("final", [True, False])
@pytest.mark.parametrize("seed", others_slow(range(4)))
def test_starts_that_come_late_and_bit_by_bit_change_nothing_in_the_end(nyc, tmp_path, seed, final):
    fleet, dice = nyc / "p5", random.Random(seed)
    starts = starts_of(fleet)
    files = sorted(fleet.rglob("metrics_*.jsonl"))
    with Journal(tmp_path / "home") as journal:
        for share in (0.3, 0.6, 1.0):
            known = dice.sample(starts, int(len(starts) * share / 2))
            ingest(journal, files=files[: int(len(files) * share)], starts=known, final=final)
        ingest(journal, fleet, starts=starts)
        told = standing(journal)
        before = count(journal)
        assert ingest(journal, fleet, starts=starts).events == 0
        assert count(journal) == before
        with journal.reading() as connection:
            assert list_implied(connection) == []

    whole = at_once(tmp_path, fleet, starts=starts)
    for name, facts in told.items():
        # The end of a backfill in between is told besides, where nothing had to be judged anew.
        assert [f for f in whole[name] if f not in facts] == [], name
        assert (facts[-1], final or len(facts)) == (whole[name][-1], final or len(whole[name]))


@pytest.mark.sample
def test_what_is_said_again_is_not_appended_again(journal, root):
    write(root, *(a_line(minute) for minute in range(60)))
    ingest(journal, root, starts=[a_start(-1)])
    before = count(journal)

    result = ingest(journal, root, starts=[a_start(-1), a_start(40.5)])

    told = standing(journal)["dep"]
    assert [f["starts"] for f in told] == [1, 1, 1, 2, 2]
    assert (result.events, count(journal)) == (2, before + 2)


@pytest.mark.sample
def test_what_is_no_longer_said_is_superseded(journal, root, tmp_path):
    starts = [a_start(-1), a_start(30, "v2")]
    write(root, *(a_line(minute) for minute in range(20)))
    ingest(journal, root)
    write(root, *(a_line(minute) for minute in range(20, 30)))
    write(root, *(a_line(minute, model_version="v2") for minute in range(30, 50)))
    ingest(journal, root)

    ingest(journal, root, starts=starts)

    assert standing(journal) == at_once(tmp_path, root, starts=starts)


@pytest.mark.sample
def test_of_other_deployments_nothing_is_said_again(journal, root):
    write(root, *(a_line(minute) for minute in range(20)))
    write(root, *(a_line(minute, deployment="other") for minute in range(20)))
    ingest(journal, root)
    before = standing(journal)["other"]

    ingest(journal, root, starts=[a_start(-1)])

    assert standing(journal)["other"] == before
    assert memory_of(journal, "other").totals[0].windows == 20


@pytest.mark.sample
def test_lines_that_stand_in_several_files_count_once_when_they_are_judged_anew(
    journal, root, tmp_path
):
    write(root, *(a_line(minute) for minute in range(20)))
    shutil.copytree(root, tmp_path / "copy")
    ingest(journal, root, tmp_path / "copy")

    result = ingest(journal, root, starts=[a_start(-1)])

    assert (result.lines, result.new, result.duplicates) == (0, 0, 0)
    assert memory_of(journal).totals[0].requests == 400
    assert ingest(journal, tmp_path, starts=[a_start(-1)]).events == 0


@pytest.mark.sample
def test_windows_whose_files_are_gone_are_not_lost(journal, root):
    write(root, *(a_line(minute) for minute in range(20)))
    ingest(journal, root)
    file_of(root, 3).unlink()
    assert memory_of(journal).implied

    ingest(journal, root, starts=[a_start(-1)])

    last = standing(journal)["dep"][-1]
    assert (last["starts"], last["totals"]["requests"]) == (1, 400)
    assert last["activationStartedAt"] == "2026-04-07T07:59:00Z"
    assert last["instancesRunning"] == 1
    assert memory_of(journal).implied == []
    before = count(journal)
    assert ingest(journal, root, starts=[a_start(-1)]).events == 0
    assert count(journal) == before


@pytest.mark.sample
def test_another_policy_judges_anew_and_the_old_one_once_more(journal, root, tmp_path):
    strict = ServingPolicy(latency_p95_ms=10.0, expects_traffic=True)
    write(root, *(a_line(minute) for minute in range(40)))
    ingest(journal, root, starts=[a_start(-1)])
    lenient = standing(journal)
    assert lenient["dep"][-1]["status"] == "healthy"

    ingest(journal, root, starts=[a_start(-1)], policy=strict)
    assert standing(journal)["dep"][-1]["status"] == "degraded"
    whole = at_once(tmp_path, root, starts=[a_start(-1)], policy=strict)["dep"]
    assert [f for f in whole if f not in standing(journal)["dep"]] == []

    ingest(journal, root, starts=[a_start(-1)])
    assert standing(journal)["dep"][-1] == lenient["dep"][-1]
    assert {f["status"] for f in standing(journal)["dep"]} == {"healthy"}


# Which files are read again


def opened(journal, work):
    """The window files that are opened meanwhile."""
    found = []

    def hook(event, args):
        if event == "open" and found is not None and str(args[0]).endswith(".jsonl"):
            found.append(Path(str(args[0])).name)

    sys.addaudithook(hook)  # for good, and deaf once this has returned
    work()
    told, found = found, None
    return sorted(set(told))


def with_two_in_files_of_their_own(root):
    write(root, *(a_line(minute) for minute in range(0, 20, 2)))
    write(root, *(a_line(minute, deployment="other") for minute in range(1, 20, 2)))


OWN = [f"metrics_{minute:02}.jsonl" for minute in range(0, 20, 2)]
OTHERS = [f"metrics_{minute:02}.jsonl" for minute in range(1, 20, 2)]


@pytest.mark.sample
def test_only_files_with_windows_of_the_deployment_are_read_again(journal, root):
    with_two_in_files_of_their_own(root)
    ingest(journal, root)

    told = opened(journal, lambda: ingest(journal, root, starts=[a_start(-1)]))

    assert told == OWN
    assert memory_of(journal).totals[0].windows == 10


@pytest.mark.sample
def test_files_of_the_time_before_that_was_kept_are_looked_into_once(journal, root):
    with_two_in_files_of_their_own(root)
    ingest(journal, root)
    with journal.transaction() as tx:
        tx.connection.execute("DELETE FROM window_files")
        tx.connection.execute("DELETE FROM window_slots")

    first = opened(journal, lambda: ingest(journal, root, starts=[a_start(-1)]))
    starts = [a_start(-1), a_start(-1, deployment="other")]
    second = opened(journal, lambda: ingest(journal, root, starts=starts))

    assert (first, second) == (sorted([*OWN, *OTHERS]), OTHERS)
    assert [memory_of(journal, name).totals[0].windows for name in ("dep", "other")] == [10, 10]


@pytest.mark.sample
def test_a_file_that_grows_by_another_deployment_has_both(journal, root):
    write(root, *(a_line(minute) for minute in range(5)))
    ingest(journal, root)
    write(root, a_line(3, deployment="other"))
    ingest(journal, root)

    starts = [a_start(-1, deployment="other")]
    assert opened(journal, lambda: ingest(journal, root, starts=starts)) == ["metrics_03.jsonl"]

    starts.append(a_start(-1))
    ingest(journal, root, starts=starts)
    assert memory_of(journal).totals[0].windows == 5
    assert (memory_of(journal).state.starts, memory_of(journal, "other").state.starts) == (1, 1)


@pytest.mark.parametrize("name", ["dép", 'd"p', "d\\p", "d/p", "d\u2028p"])
def test_a_name_is_found_however_a_line_spells_it(journal, root, tmp_path, name):
    line = a_line(3, deployment=name)
    write(root, *(a_line(minute, deployment=name) for minute in range(3)))
    file_of(root, 3).write_bytes(line.replace(b"/", b"\\/") + b"\n")
    file_of(root, 4).write_text(json.dumps(a_record(4, deployment=name), ensure_ascii=False))
    ingest(journal, root)

    starts = [a_start(-1, deployment=name)]
    ingest(journal, root, starts=starts)

    assert standing(journal) == at_once(tmp_path, root, starts=starts)


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
        ingest(journal, files=[Path("/none/metrics_00.jsonl")], starts=starts_of(Path({root!r})))
"""


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 39, pytest.param(150, marks=pytest.mark.sample), 333, 700])
def test_judging_anew_that_is_killed_goes_on_also_where_no_folder_is_named(nyc, tmp_path, after):
    fleet, home = nyc / "p5", tmp_path / "home"
    with Journal(home) as journal:
        ingest(journal, fleet)
    script = KILLED.format(
        tests=str(Path(__file__).parents[1]), after=after, home=str(home), root=str(fleet)
    )

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], check=False, env=os.environ
    )

    assert done.returncode == -signal.SIGKILL
    with Journal(home) as journal:
        ingest(journal, files=[Path("/none/metrics_00.jsonl")], starts=starts_of(fleet))
        assert standing(journal) == at_once(tmp_path, fleet, starts=starts_of(fleet))
