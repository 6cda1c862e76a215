"""Speed and memory of reading 200,000 serving windows, from a cold start, in one process.

Findings and journal are included. The limits leave room for a busy machine; `-s` prints the
figures, `docs/benchmarks.md` has those of a quiet one.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from serving import minute_at
from windows import a_record, file_of

from lineage_bridge.times import format_time

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

WINDOWS = 200_000
TESTS = Path(__file__).parents[1]

READ = """
    import resource, sys, time
    begun = time.perf_counter()
    sys.path.insert(0, {tests!r})
    from pathlib import Path
    from windows import ingest
    from lineage_bridge.journal import Journal
    with Journal(Path({home!r})) as journal:
        result = ingest(journal, Path({root!r}))
    seconds = time.perf_counter() - begun
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(result.new, result.events, seconds, megabytes)
"""


def write_fleet(root: Path, deployments: int, sick: float, *, apart: bool) -> None:
    """Write the windows minute by minute; a share of the deployments fails, is slow or rejects.

    `apart`: each line is written at an instant of its own, as a real fleet does.
    """
    rng = random.Random(7)
    times = {"window_start": "START", "window_end": "END", "heartbeat_emitted_at": "WRITTEN"}
    template = json.dumps(a_record(0, deployment="DEPLOYMENT", **times))
    for minute in range(WINDOWS // deployments):
        start, end = format_time(minute_at(minute)), format_time(minute_at(minute + 1))
        lines = []
        for number in range(deployments):
            second = number % 50 if apart else 5
            written = f"{end[:-3]}{second:02d}.{number if apart else 0:06d}Z"
            line = template.replace("DEPLOYMENT", f"dep-{number:05d}").replace("WRITTEN", written)
            line = line.replace("START", start).replace("END", end)
            if number < sick * deployments:
                failures = rng.randrange(2, 8)
                line = line.replace('"failure_count": 0', f'"failure_count": {failures}')
                line = line.replace('"latency_p95_ms": 40.0', f'"latency_p95_ms": {400 + minute}')
            lines.append(line)
        file_of(root, minute).write_text("\n".join(lines) + "\n")


def read(root: Path, home: Path) -> tuple[int, int, float, float]:
    """In a process of its own: windows and events that were new, seconds, megabytes resident."""
    code = "\n".join(line[4:] for line in READ.splitlines()).format(
        tests=str(TESTS), home=str(home), root=str(root)
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=600
    )
    new, events, seconds, megabytes = done.stdout.split()
    return int(new), int(events), float(seconds), float(megabytes)


@pytest.mark.parametrize(
    ("deployments", "sick", "apart", "per_second"),
    [(25, 0.16, False, 20_000), (25, 1.0, False, 8_000), (1000, 0.1, True, 10_000)],
    ids=["a fleet of 25", "all of them sick", "a fleet of 1000, every line by itself"],
)
def test_windows_are_read_judged_and_told_fast_and_in_little_memory(
    tmp_path, deployments, sick, apart, per_second
):
    write_fleet(tmp_path / "p5", deployments, sick, apart=apart)

    new, events, seconds, megabytes = read(tmp_path / "p5", tmp_path / "home")
    begun = time.perf_counter()
    again, *_ = read(tmp_path / "p5", tmp_path / "home")
    again_seconds = time.perf_counter() - begun

    print(
        f"\n{deployments} deployments, {sick:.0%} sick: {new / seconds:,.0f} windows/s, "
        f"{megabytes:.0f} MB, {events} events, again in {again_seconds:.2f} s"
    )
    assert (new, again) == (WINDOWS, 0)
    assert new / seconds > per_second
    assert megabytes < 150
    assert again_seconds < 2
