"""One home in the hands of several processes, on a slow disk, or deleted."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from contending.figures import PACE, Figures, Options, counted, emit_figures, kept, must, spread
from contending.load import Connection, get_of, job_of, loaded_event, post_of, run_id
from contending.processes import Done, Emitted, Target, collector, emitter, environment, run

EXAMPLES = Path(__file__).parents[3] / "examples"
BUNDLES = 200
READ_SECONDS = 0.03
PROCESSES = 4
TIMES = 3
IDLE_EMITS = 500
DELETED_POSTS = 40
BACK_SECONDS = 15.0

# Read by the Python of a backfill when it starts: whatever opens a file below the folder waits.
SLOW_FILES = """
import atexit, os, sys, time

_folder, _seconds, _said = os.environ["SLOW_FOLDER"], float(os.environ["SLOW_SECONDS"]), 0

def _hook(event, arguments):
    global _said
    if event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(_folder):
        _said += 1
        time.sleep(_seconds)

def _count():
    with open(os.environ["SLOW_COUNT"], "w") as file:
        file.write(str(_said))

sys.addaudithook(_hook)
atexit.register(_count)
"""


def slow_files(target: Target, folder: Path, options: Options) -> Figures:
    """`emit()`, in ms, while a backfill reads 200 training bundles from a slow disk.

    Each opening of one of their 600 files takes 30 ms; `emit()` is called 20 times a second in
    another process, and its p99 counts the calls that were due while one waited.
    """
    home, artifacts, slow = folder / "home", folder / "artifacts", folder / "slow"
    slow.mkdir()
    (slow / "sitecustomize.py").write_text(SLOW_FILES, encoding="utf-8")
    _write_bundles(artifacts)
    env = environment(
        PYTHONPATH=str(slow),
        SLOW_FOLDER=str(artifacts),
        SLOW_SECONDS=str(READ_SECONDS),
        SLOW_COUNT=str(folder / "count"),
    )
    with emitter(target, home, per_second=PACE) as emitting:
        time.sleep(1)
        ended = run(target, "backfill", "--p4", artifacts, "--home", home, cwd=folder, env=env)
        time.sleep(0.5)
        emits = emitting.stop()
    return {
        **emit_figures(emits),
        **kept(target, folder, home, emits.emitted),
        "backfill, s": ended.seconds,
        "backfill, exit code": str(ended.code),
        "files opened slowly": float((folder / "count").read_text(encoding="utf-8")),
    }


def _write_bundles(artifacts: Path) -> None:
    for number in range(BUNDLES):
        name = f"{number:032x}"
        bundle = artifacts / name
        bundle.mkdir(parents=True)
        metadata = {
            "run_id": name,
            "candidate_name": f"model_{number % 10}",
            "model_type": "lightgbm",
            "created_at": f"2026-03-{number % 28 + 1:02d}T01:07:25+00:00",
            "model_version": f"v{number}",
        }
        (bundle / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
        (bundle / "metrics.json").write_text('{"val_rmse": 0.25}', encoding="utf-8")
        (bundle / "model_uri.txt").write_text(f"runs:/{name}/model\n", encoding="utf-8")


def many_processes(target: Target, folder: Path, options: Options) -> Figures:
    """Four backfills of `examples/` at once beside `up`, on a new home, three times: counts.

    Each should end as one alone does, and together they should append what one alone does.
    """
    artifacts = folder / "examples"
    shutil.copytree(EXAMPLES, artifacts)
    alone = run(target, *_backfill(artifacts, folder / "alone"), cwd=folder)
    wanted = _events(target, folder, folder / "alone")
    ended: list[Done] = []
    events, stopped = Counter[int](), Counter[int]()
    for number in range(TIMES):
        home = folder / f"home-{number}"
        with collector(target, home, command="up") as server:
            ended += _at_once(target, artifacts, home)
        stopped[server.process.returncode] += 1
        events[_events(target, folder, home)] += 1
    return {
        "exit code of one alone": str(alone.code),
        "exit codes of four at once": counted(Counter(str(one.code) for one in ended)),
        "exit codes of `up`": counted(stopped),
        "said: database is locked": _saying(ended, "database is locked"),
        "said: Another process is reading": _saying(ended, "Another process is reading"),
        "said anything on standard error": _saying(ended, ""),
        "events of one alone": float(wanted),
        "events of four at once": counted(events),
        "four at once, longest, s": max(one.seconds for one in ended),
    }


def _backfill(artifacts: Path, home: Path) -> tuple[str | Path, ...]:
    config = artifacts / "lineage-bridge.toml"
    return ("backfill", artifacts, "--home", home, "--config", config, "--json")


def _at_once(target: Target, artifacts: Path, home: Path) -> list[Done]:
    def once(_: int) -> Done:
        return run(target, *_backfill(artifacts, home), cwd=home.parent)

    with ThreadPoolExecutor(PROCESSES) as pool:
        return list(pool.map(once, range(PROCESSES)))


def _saying(ended: Sequence[Done], text: str) -> str:
    return f"{sum(bool(one.err.strip()) and text in one.err for one in ended)} of {len(ended)}"


def _events(target: Target, folder: Path, home: Path) -> int:
    """How many events there are; a collector also keeps commands, which are none."""
    exported = must(run(target, "journal", "export", "-", "--home", home, cwd=folder))
    return exported.out.count(b"\n")


def deleted_home(target: Target, folder: Path, options: Options) -> Figures:
    """POSTs answered 201 after `rm -r` of the home under a running collector (40 are sent).

    Each is a promise that nobody can keep. Then a copy of the home, made before, is moved to its
    place: seconds until a POST is answered 201 again, and whether that event is in its journal.
    """
    home, copy = folder / "home", folder / "copy"
    with collector(target, home) as server:
        asyncio.run(_post_slowly(server.url, range(10)))
    shutil.copytree(home, copy)
    with collector(target, home) as server:
        before = asyncio.run(_post_slowly(server.url, range(10, 15)))
        shutil.rmtree(home)
        deleted = asyncio.run(_post_slowly(server.url, range(100, 100 + DELETED_POSTS)))
        runs = server.process.poll() is None
        made_again = home.exists()
        shutil.rmtree(home, ignore_errors=True)
        copy.rename(home)
        back, run_back = asyncio.run(_post_until_back(server.url))
        old, _ = asyncio.run(_ask_once(server.url, get_of(f"/namespaces/jobs/jobs/{job_of(0)}")))
    exported = run(target, "journal", "export", "-", "--home", home, cwd=folder).out
    is_there = run_back is not None and run_id(run_back).encode() in exported
    return {
        "answered 201 before": _answered(before),
        "answered 201 after rm -r": float(deleted.count(201)),
        "all answers after rm -r": _answered(deleted),
        "the collector still runs": "yes" if runs else "no",
        "made a new home by itself": "yes" if made_again else "no",
        "home moved back: until a POST is answered 201, s": back,
        "that event is in the journal": "yes" if is_there else "no",
        "a job from before is answered": str(old),
    }


def _answered(statuses: Sequence[int]) -> str:
    return counted(Counter(str(status or "no answer") for status in statuses))


def _post_run(number: int) -> bytes:
    return post_of(loaded_event(number, "COMPLETE", time.time()))


async def _ask_once(url: str, asked: bytes) -> tuple[int, bytes]:
    connection = Connection(url)
    answer = await connection.ask(asked, patience=10)
    connection.close()
    return answer


async def _post_slowly(url: str, numbers: range) -> list[int]:
    statuses = []
    for number in numbers:
        status, _ = await _ask_once(url, _post_run(number))
        statuses.append(status)
        await asyncio.sleep(0.05)
    return statuses


async def _post_until_back(url: str) -> tuple[float | None, int | None]:
    """Seconds until a POST is answered 201, and the number of its run."""
    began = time.perf_counter()
    for number in count(1_000):
        status, _ = await _ask_once(url, _post_run(number))
        passed = time.perf_counter() - began
        if status == 201:
            return passed, number
        if passed > BACK_SECONDS:
            break
        await asyncio.sleep(0.25)
    return None, None


def emit_idle(target: Target, folder: Path, options: Options) -> Figures:
    """`emit()` on a home that nobody else uses, and beside an idle collector: ms, 500 each.

    One after the other without a pause, by one process, after 20 that are not timed.
    """
    home = folder / "home"
    without = _emit_some(target, home, series=1)
    with collector(target, home):
        beside = _emit_some(target, home, series=2)
    emitted = without.emitted + beside.emitted
    return {
        **spread("alone", without.ms),
        **spread("beside a collector", beside.ms),
        **kept(target, folder, home, emitted),
    }


def _emit_some(target: Target, home: Path, series: int) -> Emitted:
    with emitter(target, home, series=series, count=IDLE_EMITS) as emitting:
        return emitting.stop()
