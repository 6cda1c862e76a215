"""An hour of a fleet under `watch`, compressed by a clock of its own, with kills.

    python tests/durability/watched_hour.py FLEET [--kills 50] [--minutes 60] [--seed 1]

FLEET has `p2`, `p4` and `p5` of a city; it may be a `.tar.gz`. What was written before the hour
lies there from the start; in the hour each line of P5 is appended at the instant at which P5 wrote
it, and a watcher looks after every step of the clock. The same hour runs undisturbed, with two
watchers, and with a watcher that is killed (SIGKILL) at random moments and started again; the lists
of events must be the same.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import resource
import select
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lineage_bridge.answers import Snapshots
from lineage_bridge.assess.policies import Policies
from lineage_bridge.events import decode
from lineage_bridge.ingest.sources import named, remember
from lineage_bridge.ingest.watch import Watcher
from lineage_bridge.journal import Journal
from lineage_bridge.serve.passing_time import KEYS, PassingTime
from lineage_bridge.settings import load_settings
from lineage_bridge.times import format_time, parse_time

BEGIN = datetime(2026, 4, 7, 9, 30, tzinfo=UTC)
STEP = timedelta(seconds=10)
NAMESPACE = "city"
START_SECONDS = 1.0  # what a watcher takes for its first look, more or less
WRITTEN = ("heartbeat_emitted_at", "event_time")  # when P5 wrote a line of its files


class Fleet:
    """What P5 wrote, by the instant of its writing; and the rest, which lies there already."""

    def __init__(self, artifacts: Path, folder: Path) -> None:
        self._folder = folder
        for family in ("p2", "p4"):
            shutil.copytree(artifacts / family, folder / family)
        self._lines: list[tuple[datetime, str, bytes]] = []
        for path in sorted((artifacts / "p5").rglob("*")):
            name = str(path.relative_to(artifacts))
            if path.suffix == ".jsonl":
                self._lines += [(written(line), name, line) for line in lines_of(path)]
            elif path.is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, folder / name)
        self._lines.sort(key=lambda one: one[0])
        self._next = 0

    def write_until(self, instant: datetime) -> list[str]:
        """Append the lines that were written by an instant; return the files that grew."""
        grown = set()
        while self._next < len(self._lines) and self._lines[self._next][0] <= instant:
            _, name, line = self._lines[self._next]
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                file.write(line + b"\n")
            grown.add(str(path.resolve()))
            self._next += 1
        return sorted(grown)


def lines_of(path: Path) -> list[bytes]:
    return [line for line in path.read_bytes().splitlines() if line.strip()]


def written(line: bytes) -> datetime:
    document = json.loads(line)
    return parse_time(next(document[name] for name in WRITTEN if name in document)).instant


def run_watcher(home: Path) -> None:
    """Be a watcher: for each line of input, an instant and what changed, look; then say so."""
    settings = load_settings({"home": home, "namespace": NAMESPACE}, {}, working_folder=home)
    present = BEGIN
    ever_later = itertools.count(0.0, 3600.0)
    with Journal(home) as journal:
        snapshots = Snapshots(journal, Policies.of(settings), KEYS)
        passing = PassingTime(
            journal, snapshots, NAMESPACE, lambda: present, lambda: next(ever_later)
        )
        watcher = Watcher(
            journal,
            settings,
            threading.Event(),
            trouble=lambda what: print(what, file=sys.stderr),
            between=passing.look,
            observes=False,
            now=lambda: present,
            clock=lambda: next(ever_later),
        )
        is_first = True
        for line in sys.stdin:
            instant, changed = json.loads(line)
            present = parse_time(instant).instant
            watcher.run([None if is_first else frozenset(changed)])
            is_first = False
            used = resource.getrusage(resource.RUSAGE_SELF)
            print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss]), flush=True)


class Process:
    """A watcher in a process of its own."""

    def __init__(self, home: Path) -> None:
        command = [sys.executable, __file__, "--watcher", str(home)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.used: list[float] = [0.0, 0]

    def ask(self, instant: datetime, changed: list[str]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([format_time(instant), changed]) + "\n")
        self._process.stdin.flush()

    def wait(self) -> None:
        """Wait until it has looked.

        Raises:
            RuntimeError: it ended.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the watcher ended with {self._process.wait()}")
        self.used = json.loads(line)

    def kill_within(self, seconds: float) -> bool:
        """Kill it after so long, or when it has looked; return whether it was still looking."""
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        self._process.kill()
        self.end()
        return not ready

    def another(self, home: Path, instant: datetime) -> Process:
        """End it, and start another one, which begins with a look at everything."""
        self.end()
        process = Process(home)
        process.ask(instant, [])
        return process

    def end(self) -> None:
        with self._process:  # closes its pipes and waits
            pass


def steps(minutes: int) -> Iterator[datetime]:
    return (BEGIN + STEP * n for n in range(int(timedelta(minutes=minutes) / STEP) + 1))


def watch_hour(
    artifacts: Path, minutes: int, *, watchers: int = 1, kills: int = 0, seed: int = 1
) -> dict[str, Any]:
    """Run the hour in a new home; return its events, and what was measured."""
    rng = random.Random(seed)
    instants = list(steps(minutes))
    fatal = set(rng.sample(range(1, len(instants)), kills)) if kills else set()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        fleet = Fleet(artifacts, Path(folder) / "city")
        with Journal(home) as journal:
            remember(journal, named([Path(folder) / "city"]), BEGIN)
        processes = [Process(home) for _ in range(watchers)]
        in_the_middle, spent, begun = 0, 0.0, time.monotonic()
        took = 0.1
        for number, instant in enumerate(instants):
            changed = fleet.write_until(instant)
            for process in processes:
                process.ask(instant, changed)
            if number in fatal:  # some die in a look, some while they begin
                limit = rng.choice([took, START_SECONDS])
                if limit == START_SECONDS:
                    processes[0].wait()
                    processes[0] = processes[0].another(home, instant)
                in_the_middle += processes[0].kill_within(rng.uniform(0, limit))
                spent += processes[0].used[0]
                processes[0] = processes[0].another(home, instant)
            before = time.monotonic()
            for process in processes:
                process.wait()
            took = max(0.01, time.monotonic() - before)
        for process in processes:
            spent += process.used[0]
            process.end()
        return {
            "events": events_of(home),
            "killed": len(fatal),
            "in_the_middle": in_the_middle,
            "cpu_seconds": spent,
            "peak_mib": max(process.used[1] for process in processes) / 1024,
            "seconds": time.monotonic() - begun,
        }


def events_of(home: Path) -> list[tuple[str, str, str, str]]:
    """List the events in the order of their time: time, id, job, and what it found."""
    with Journal(home, readonly=True) as journal:
        found = [(stored, decode(stored.body)) for stored in journal.read(limit=1_000_000)]
    return sorted(
        (event["eventTime"], str(stored.id), event["job"]["name"], found_in(event))
        for stored, event in found
    )


def found_in(event: dict[str, Any]) -> str:
    for dataset in event.get("inputs", ()):
        facet = dataset.get("facets", {}).get("lineageBridge_servingHealth")
        if facet is not None:
            codes = ", ".join(dict.fromkeys(reason["code"] for reason in facet["reasons"]))
            return f"{facet['status']}{': ' if codes else ''}{codes}"
    return str(event["eventType"])


def in_hour(events: list[tuple[str, str, str, str]]) -> list[tuple[str, str, str, str]]:
    begin = format_time(BEGIN)
    return [one for one in events if one[0] > begin]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("fleet", type=Path)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.fleet.is_dir():
        return compare(args.fleet, args)
    with tempfile.TemporaryDirectory() as folder, tarfile.open(args.fleet) as archive:
        archive.extractall(folder, filter="fully_trusted")
        return compare(Path(folder), args)


def compare(artifacts: Path, args: argparse.Namespace) -> int:
    """Print the events of the hour, and how the runs compare; return 1 if one differs."""
    plain = watch_hour(artifacts, args.minutes)
    for at, event_id, job, what in in_hour(plain["events"]):
        print(f"{at:27}  {event_id[:8]}  {job.removeprefix('observe.predictions.'):58}  {what}")
    runs = {
        "undisturbed": plain,
        "two watchers": watch_hour(artifacts, args.minutes, watchers=2),
        f"{args.kills} kills": watch_hour(
            artifacts, args.minutes, kills=args.kills, seed=args.seed
        ),
    }
    is_well = True
    for name, run in runs.items():
        is_same = run["events"] == plain["events"]
        is_well &= is_same
        print(
            f"{name:14} {len(run['events'])} events, {len(in_hour(run['events']))} of the hour: "
            f"{'the same list' if is_same else 'ANOTHER LIST'}; {run['cpu_seconds']:.1f} s of "
            f"processor, {run['peak_mib']:.0f} MiB, killed while looking {run['in_the_middle']} "
            f"of {run['killed']}"
        )
    return 0 if is_well else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--watcher"]:
        run_watcher(Path(sys.argv[2]))
    else:
        sys.exit(main())
