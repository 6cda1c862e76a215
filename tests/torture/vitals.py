"""What a running process needs: memory and file handles, as Linux tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024
HANDLES_SPARE = 24  # connections that are just being closed, and databases that a thread has open
# The graph is kept in memory: 4 KB a run (docs/benchmarks.md). What was freed is not all given
# back, least of all after giants.
RSS_SPARE = 256 * MIB
RSS_PER_EVENT = 6 * 1024
_ROLES = {"cli.derive": "follower", "checking": "checker"}


@dataclass(frozen=True)
class Vitals:
    """Of one process: resident memory in bytes, and open file handles."""

    rss: int
    handles: int


def children_of(pid: int) -> list[int]:
    """The children of all threads of a process."""
    try:
        lists = [one.read_text() for one in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    return [int(child) for one in lists for child in one.split()]


def is_alive(pid: int) -> bool:
    """Whether a process is there, and more than a number that its parent has not asked for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def role_of(pid: int) -> str | None:
    """What a child of `up` does; None if it has not begun, or is gone."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return None
    return next((role for sign, role in _ROLES.items() if sign in command), None)


def vitals_of(pid: int) -> dict[str, Vitals]:
    """Those of `up` and of its children, by role."""
    processes = {"up": pid} | {role_of(child) or "child": child for child in children_of(pid)}
    found = {role: _vitals(process) for role, process in processes.items()}
    return {role: vitals for role, vitals in found.items() if vitals is not None}


def _vitals(pid: int) -> Vitals | None:
    try:
        handles = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return None
    rss = _size(pid, "VmRSS:")
    return Vitals(rss, handles) if rss else None


def most_resident(pid: int) -> int:
    """The most bytes of a process that were in memory until now."""
    return _size(pid, "VmHWM:")


def _size(pid: int, name: str) -> int:
    """A size that the kernel tells of a process, in bytes; 0 if that is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def growth(first: Mapping[str, Vitals], last: Mapping[str, Vitals], events: int) -> list[str]:
    """A sentence for each process that grew by more than its events account for."""
    said = []
    for role in first.keys() & last.keys():
        before, after = first[role], last[role]
        if after.handles > before.handles + HANDLES_SPARE:
            said.append(f"{role} went from {before.handles} to {after.handles} file handles")
        if after.rss > before.rss + RSS_SPARE + events * RSS_PER_EVENT:
            said.append(f"{role} went from {before.rss // MIB} to {after.rss // MIB} MiB")
    return said
