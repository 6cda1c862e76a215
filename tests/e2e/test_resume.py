"""A home without the memory of its deployments goes on from what its journal says."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from cases import others_slow
from conftest import run_command
from windows import a_line, a_start, file_of, ingest, standing, starts_of, write

from lineage_bridge.facets.serving_policy import ServingPolicy
from lineage_bridge.journal import Journal
from lineage_bridge.observe import unsaved

pytestmark = pytest.mark.slow  # `make test` runs the samples

TIMES = ("09:00", "10:00", "11:30", "13:00")
LOST = ("unsaved_events", "serving_slots", "serving_starts", "window_lines", "scanned_files")


def restored(home: Path, other: Path) -> Journal:
    """Another home with the events of the first one, and nothing else."""
    archive = other.with_suffix(".jsonl")
    assert run_command("journal", "export", archive, "--home", home).code == 0
    assert run_command("journal", "import", archive, "--home", other).code == 0
    return Journal(other)


def count(journal: Journal) -> int:
    return len(journal.read(limit=10**6))


def answers(home: Path, times: tuple[str, ...] = TIMES) -> list[str]:
    told = [run_command("graph", "--home", home, "--json", "--at", "2028-01-01T00:00:00Z").out]
    for clock in times:
        at = f"2026-04-07T{clock}:00Z"
        told.append(run_command("health", "--home", home, "--at", at, "--json").out)
    return told


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "p5"
    folder.mkdir()
    return folder


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


# A whole city


def remove(root: Path, *names: str, step: int = 1) -> None:
    for name in names:
        for path in sorted(root.rglob(name))[::step]:
            path.unlink()


GONE_OF_ALL = {
    "nothing": lambda _: None,
    "half of the windows": lambda root: remove(root, "metrics_??.jsonl", step=2),
    "deployment events": lambda root: remove(root, "deployment_events.jsonl"),
    "all windows": lambda root: remove(root, "metrics_??.jsonl"),
    "windows and deployment events": lambda root: remove(root, "*.jsonl"),
    "half of the windows, deployment events": lambda root: (
        remove(root, "deployment_events.jsonl"),
        remove(root, "metrics_??.jsonl", step=2),
    ),
}


@pytest.mark.parametrize("gone", others_slow(GONE_OF_ALL, fast=2))
def test_a_restored_city_says_nothing_new(nyc, nyc_home, tmp_path, gone):
    root, other = shutil.copytree(nyc, tmp_path / "nyc"), tmp_path / "other"
    GONE_OF_ALL[gone](root)
    restored(nyc_home, other).close()

    for _ in range(2):
        done = run_command(
            "backfill", "--no-observe", "--home", other, "--namespace", "urban", "--json", root
        )
        assert (done.code, done.json["events"]) == (0, 0)

    assert answers(other) == answers(nyc_home)


@pytest.fixture
def fleet(nyc, tmp_path):
    return shutil.copytree(nyc / "p5", tmp_path / "fleet")


def every_other(files: list[Path]) -> list[Path]:
    return files[::2]


def the_first_half(files: list[Path]) -> list[Path]:
    return files[: len(files) // 2]


def the_last_half(files: list[Path]) -> list[Path]:
    return files[len(files) // 2 :]


def none(_files: list[Path]) -> list[Path]:
    return []


def all_of_them(files: list[Path]) -> list[Path]:
    return files


GONE = [none, every_other, the_first_half, the_last_half, all_of_them]


@pytest.mark.slow
@pytest.mark.parametrize("final", [True, False])
@pytest.mark.parametrize("gone", GONE)
def test_nothing_is_told_again_whatever_is_gone(fleet, home, tmp_path, gone, final):
    starts = starts_of(fleet)
    with Journal(home) as journal:
        ingest(journal, fleet, starts=starts, final=True)
    for path in gone(sorted(fleet.rglob("metrics_*.jsonl"))):
        path.unlink()

    with restored(home, tmp_path / "other") as journal:
        before = count(journal)
        for _ in range(2):
            assert ingest(journal, fleet, starts=starts, final=final).events == 0
        assert count(journal) == before
    assert answers(tmp_path / "other") == answers(home)


@pytest.mark.parametrize("gone", others_slow(GONE, fast=2))
def test_windows_that_come_back_count_once(fleet, home, tmp_path, gone):
    starts = starts_of(fleet)
    kept = shutil.copytree(fleet, tmp_path / "kept")
    with Journal(home) as journal:
        ingest(journal, fleet, starts=starts)
    for path in gone(sorted(fleet.rglob("metrics_*.jsonl"))):
        path.unlink()

    with restored(home, tmp_path / "other") as journal:
        assert ingest(journal, fleet, starts=starts).events == 0
        assert ingest(journal, kept, starts=starts).events == 0
    assert answers(tmp_path / "other") == answers(home)


@pytest.mark.sample
def test_tables_that_are_lost_are_no_loss(fleet, home):
    starts = starts_of(fleet)
    with Journal(home) as journal:
        ingest(journal, fleet, starts=starts)
    before = answers(home)
    with closing(sqlite3.connect(home / "journal.db")) as connection, connection:
        for table in LOST:
            connection.execute(f"DELETE FROM {table}")

    with Journal(home) as journal:
        assert ingest(journal, fleet, starts=starts).events == 0
    assert answers(home) == before


@pytest.mark.sample
def test_a_look_after_a_look_goes_on_from_the_journal(fleet, home, tmp_path):
    """As a watcher does: no event at an end, and each look has a few files more."""
    starts = starts_of(fleet)
    files = sorted(fleet.rglob("metrics_*.jsonl"))
    half = len(files) // 2
    with Journal(home) as journal:
        ingest(journal, files=files[:half], starts=starts, final=False)
    with restored(home, tmp_path / "other") as journal:
        for end in range(5, len(files), 40):
            ingest(journal, files=files[:end], starts=starts, final=False)
        ingest(journal, files=files, starts=starts, final=False)
        told = standing(journal)
    with Journal(home) as journal:
        ingest(journal, files=files, starts=starts, final=False)
        assert {name: items[-1]["totals"] for name, items in told.items()} == {
            name: items[-1]["totals"] for name, items in standing(journal).items()
        }


@pytest.mark.parametrize("gone", others_slow(GONE, fast=2))
def test_what_comes_after_the_restoring_is_added_to_what_was_known(fleet, home, tmp_path, gone):
    starts, files = starts_of(fleet), sorted(fleet.rglob("metrics_*.jsonl"))
    later = files[-len(files) // 5 :]
    known = files[: -len(later)]
    with Journal(home) as journal:
        ingest(journal, files=known, starts=starts)
    missing = set(gone(known))

    with restored(home, tmp_path / "other") as journal:
        left = [path for path in known if path not in missing]
        ingest(journal, files=[*left, tmp_path / "none"], starts=starts)
        ingest(journal, files=later, starts=starts)
        told = {name: items[-1] for name, items in standing(journal).items()}
    with Journal(home) as journal:
        ingest(journal, files=later, starts=starts)
        whole = {name: items[-1] for name, items in standing(journal).items()}
    exact = ("totals", "totalsByVersion", "model", "modelVersion", "activationStartedAt", "starts")
    if not missing or gone is the_first_half:
        exact += ("status", "reasons", "endpoints")
    for name, facts in whole.items():
        for member in exact:
            assert told[name].get(member) == facts.get(member), (name, member)


# One deployment, and windows that come after


def faulty(minute: float, **others) -> bytes:
    return a_line(minute, 30, failure_count=20, **others)


LATER = {
    "well": a_line(60),
    "faulty": faulty(60),
    "flushed": a_line(60, heartbeat_emitted_at="2026-04-07T09:00:30Z"),
    "of another version": a_line(60, model_version="v2"),
    "an hour later": a_line(120),
}


@pytest.mark.slow
@pytest.mark.parametrize("later", LATER)
@pytest.mark.parametrize(
    ("gone", "is_faulty", "has_start"), [(0, False, True), (35, False, False), (35, True, True)]
)
def test_a_later_window_is_judged_as_where_nothing_was_lost(
    root, home, tmp_path, later, gone, is_faulty, has_start
):
    starts = [a_start(-1), a_start(3)] if has_start else []
    lines = [a_line(minute) for minute in range(60)]
    if is_faulty:
        lines[30:] = [faulty(minute) for minute in range(30, 60)]
    write(root, *lines)
    with Journal(home) as journal:
        ingest(journal, root, starts=starts)
    for minute in range(gone):
        file_of(root, minute).unlink()

    with restored(home, tmp_path / "other") as journal:
        assert ingest(journal, root, starts=starts).events == 0
        write(root, LATER[later])
        ingest(journal, root, starts=starts)
        told = standing(journal)
    with Journal(home) as journal:
        ingest(journal, root, starts=starts)
        assert told == standing(journal)
    times = ("08:59", "09:03", "09:10", "10:01", "10:10")
    assert answers(tmp_path / "other", times) == answers(home, times)


@pytest.mark.sample
def test_files_that_are_gone_are_no_gap_in_serving(root, home, tmp_path):
    write(root, *(a_line(minute) for minute in range(60)))
    with Journal(home) as journal:
        ingest(journal, root)
    for minute in range(46, 56):
        file_of(root, minute).unlink()

    with restored(home, tmp_path / "other") as journal:
        ingest(journal, root)
        write(root, a_line(60))
        ingest(journal, root)
        last = standing(journal)["dep"][-1]
    assert (last["status"], last["totals"]["windows"]) == ("healthy", 61)


@pytest.mark.sample
@pytest.mark.parametrize("at_once", [False, True])
def test_a_window_after_all_others_are_gone_adds_to_the_sums(root, home, tmp_path, at_once):
    write(root, *(a_line(minute) for minute in range(60)))
    with Journal(home) as journal:
        ingest(journal, root, starts=[a_start(-1)])
    for path in root.rglob("*.jsonl"):
        path.unlink()
    write(root, *(a_line(minute) for minute in (60, 61)))

    with restored(home, tmp_path / "other") as journal:
        if not at_once:
            ingest(journal, files=[tmp_path / "none"], starts=[a_start(-1)])
        ingest(journal, root, starts=[a_start(-1)])
        last = standing(journal)["dep"][-1]
        assert ingest(journal, root, starts=[a_start(-1)]).events == 0

    assert last["totals"]["windows"] == 62
    assert last["activationStartedAt"] == "2026-04-07T07:59:00Z"
    assert (last["starts"], last["instancesRunning"]) == (1, 1)


@pytest.mark.sample
def test_windows_that_nobody_had_are_told_at_the_end(root, home, tmp_path):
    write(root, *(a_line(minute) for minute in range(60) if minute != 20))
    with Journal(home) as journal:
        ingest(journal, root)
    write(root, a_line(20))

    with restored(home, tmp_path / "other") as journal:
        assert ingest(journal, root).events == 1
        told = standing(journal)["dep"]
        assert ingest(journal, root).events == 0
    assert [item["totals"]["windows"] for item in told][-1] == 60


# Other facts than those that the journal was told by


@pytest.mark.sample
def test_a_start_of_which_the_journal_did_not_know_is_told(root, home, tmp_path):
    write(root, *(a_line(minute) for minute in range(60)))
    with Journal(home) as journal:
        ingest(journal, root)

    with restored(home, tmp_path / "other") as journal:
        ingest(journal, root, starts=[a_start(-1)])
        told = standing(journal)
        assert ingest(journal, root, starts=[a_start(-1)]).events == 0
    with Journal(tmp_path / "whole") as journal:
        ingest(journal, root, starts=[a_start(-1)])
        assert told == standing(journal)


@pytest.mark.parametrize("gone", [0, 10])
def test_another_policy_judges_anew_but_loses_nothing(root, home, tmp_path, gone):
    strict = ServingPolicy(latency_p95_ms=10.0)
    write(root, *(a_line(minute) for minute in range(60)))
    with Journal(home) as journal:
        ingest(journal, root, starts=[a_start(-1)])
    for minute in range(gone):
        file_of(root, minute).unlink()

    with restored(home, tmp_path / "other") as journal:
        ingest(journal, root, starts=[a_start(-1)], policy=strict)
        told = standing(journal)["dep"]
        assert ingest(journal, root, starts=[a_start(-1)], policy=strict).events == 0
        write(root, a_line(60))
        ingest(journal, root, starts=[a_start(-1)], policy=strict)
        last = standing(journal)["dep"][-1]
    assert told[-1]["totals"]["windows"] == 60
    assert last["totals"]["windows"] == 61
    assert last["status"] == "degraded"
    if not gone:
        assert {item["status"] for item in told} == {"degraded"}


@pytest.mark.parametrize("gone", [0, 10])
def test_a_memory_that_cannot_be_decoded_is_made_anew_and_loses_nothing(root, home, gone):
    starts = [a_start(-1)]
    write(root, *(a_line(minute) for minute in range(60)))
    with Journal(home) as journal:
        ingest(journal, root, starts=starts)
    for minute in range(gone):
        file_of(root, minute).unlink()
    with closing(sqlite3.connect(home / "journal.db")) as connection, connection:
        connection.execute("UPDATE serving_slots SET memory = x'00'")

    with Journal(home) as journal:
        assert ingest(journal, root, starts=starts).events == 0
        write(root, a_line(60))
        ingest(journal, root, starts=starts)
        last = standing(journal)["dep"][-1]
    assert last["totals"]["windows"] == 61
    assert (last["starts"], last["status"]) == (1, "healthy")


# Killed between appending and saving


class Killed(BaseException):
    """As a signal would do."""


def killed(*_args, **_named):
    raise Killed


@pytest.mark.parametrize("crashes", [1, 2])
def test_a_finding_that_was_appended_and_not_saved_is_superseded(tmp_path, crashes):
    root = tmp_path / "p5"
    write(root, *(a_line(minute) for minute in range(40)))
    with Journal(tmp_path / "home") as journal:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(unsaved, "save_told", killed)
            for _ in range(crashes):
                with pytest.raises(Killed):
                    ingest(journal, root)
        appended = len(journal.read())
        assert appended > 2

        write(root, *(a_line(minute, 30, failure_count=30) for minute in range(10, 40)))
        ingest(journal, root, starts=[a_start(-1)])

        assert len(journal.read()) > appended
        with Journal(tmp_path / "whole") as whole:
            ingest(whole, root, starts=[a_start(-1)])
            assert standing(journal) == standing(whole)
        assert ingest(journal, root, starts=[a_start(-1)]).events == 0


@pytest.mark.sample
def test_notes_of_events_are_taken_away_when_all_is_saved(tmp_path):
    write(tmp_path / "p5", *(a_line(minute) for minute in range(40)))
    with Journal(tmp_path / "home") as journal:
        ingest(journal, tmp_path / "p5")
        with journal.reading() as connection:
            assert unsaved.load_ahead(connection) == {}
        assert json.loads(journal.read()[-1].body)["job"]["name"].startswith("observe.")


@pytest.mark.parametrize("crashes", [1, 2])
def test_one_that_goes_on_from_the_journal_may_be_killed(root, home, tmp_path, crashes):
    write(root, *(a_line(minute) for minute in range(40)))
    with Journal(home) as journal:
        ingest(journal, root, starts=[a_start(-1)])
    write(root, *(a_line(minute) for minute in range(40, 80)))

    with restored(home, tmp_path / "other") as journal:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(unsaved, "save_told", killed)
            for _ in range(crashes):
                with pytest.raises(Killed):
                    ingest(journal, root, starts=[a_start(-1)])
        ingest(journal, root, starts=[a_start(-1)])
        told = standing(journal)
        assert ingest(journal, root, starts=[a_start(-1)]).events == 0
    with Journal(home) as journal:
        ingest(journal, root, starts=[a_start(-1)])
        assert told == standing(journal)
