"""Processes of the version that is tortured; what they print goes to files.

The files are searched for tracebacks in the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from torture.vitals import children_of

LINEAGE_BRIDGE = (sys.executable, "-m", "lineage_bridge.cli.main")
HANG_SECONDS = 300.0  # a wait for what must come is given up then
TROUBLE = ("Traceback (most recent call last)", "bug of lineage_bridge")
NAMED = 3  # files that tell the same
_FOREIGN = ("LINEAGE_BRIDGE_", "MARQUEZ_", "OPENLINEAGE_")
_TESTS = Path(__file__).parents[1]


class HangError(Exception):
    """Something that must come did not."""


@dataclass(frozen=True)
class Done:
    """A command that has ended; a negative code is the signal that ended it."""

    code: int
    out: str
    err: str
    seconds: float


@dataclass(eq=False)
class Started:
    """A process that was started here, and the files that it prints to."""

    process: Process
    out: Path
    err: Path
    began: float

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def has_ended(self) -> bool:
        return self.process.returncode is not None


def environment(**more: str) -> dict[str, str]:
    """The environment without what would reach into the product, and with absolute paths."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    entries = [str(Path(one).absolute()) for one in kept.get("PYTHONPATH", "").split(":") if one]
    path = ":".join(dict.fromkeys([*entries, str(_TESTS)]))
    return {**kept, "PYTHONPATH": path, **more}


class Processes:
    """Starts processes in a folder, and ends them all in the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._said = folder / "said"
        self._said.mkdir(parents=True)
        self._numbers = count(1)
        self._running: set[Started] = set()

    async def start(
        self, name: str, *command: str | Path, pipe: bool = False, **env: str
    ) -> Started:
        """Start a process.

        Args:
            name: what its files are called.
            command: with its arguments.
            pipe: its output is read by whoever starts it, and not in a file.
            env: set on top of the environment.
        """
        stem = f"{name}-{next(self._numbers):04d}"
        out, err = (self._said / f"{stem}.{kind}" for kind in ("out", "err"))
        with out.open("wb") as out_file, err.open("wb") as err_file:
            process = await asyncio.create_subprocess_exec(
                *map(str, command),
                cwd=self._folder,
                env=environment(**env),
                stdin=DEVNULL,
                stdout=PIPE if pipe else out_file,
                stderr=err_file,
            )
        started = Started(process, out, err, time.monotonic())
        self._running.add(started)
        return started

    async def wait(self, started: Started, seconds: float = HANG_SECONDS) -> Done:
        """Wait for the end of a process; kill it when it takes too long.

        Raises:
            HangError: it took too long.
        """
        try:
            async with asyncio.timeout(seconds):
                code = await started.process.wait()
        except TimeoutError as exc:
            await self.kill(started)
            raise HangError(f"{started.err.stem} did not end within {seconds:.0f} s") from exc
        self._running.discard(started)
        out, err = (path.read_text(errors="replace") for path in (started.out, started.err))
        return Done(code, out, err, time.monotonic() - started.began)

    async def kill(self, started: Started) -> None:
        """Kill a process; what it started must end by itself."""
        with contextlib.suppress(ProcessLookupError):
            started.process.kill()
        await started.process.wait()
        self._running.discard(started)

    async def end_all(self) -> None:
        """Kill whatever still runs, with its children."""
        for started in list(self._running):
            for pid in (*children_of(started.pid), started.pid):
                send_signal(pid, signal.SIGKILL)
            await started.process.wait()
        self._running.clear()

    def troubles(self) -> Iterator[str]:
        """Each traceback and each bug that was told in a line, with the files that tell it."""
        found: dict[str, list[str]] = {}
        for path in sorted(self._said.iterdir()):
            text = path.read_text(errors="replace")
            for sign in TROUBLE:
                if times := text.count(sign):
                    what = f"`{sign}`: {_last_line(text, sign)}"
                    found.setdefault(what, []).append(f"{times} x in {path.name}")
        for what, files in found.items():
            more = ", …" if len(files) > NAMED else ""
            yield f"{what} ({', '.join(files[:NAMED])}{more})"

    def lines(self, name: str) -> int:
        """How many lines the processes of a name printed as errors."""
        files = self._said.glob(f"{name}-*.err")
        return sum(path.read_bytes().count(b"\n") for path in files)


def send_signal(pid: int, number: int) -> None:
    """Send a signal to a process that may have ended meanwhile."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _last_line(text: str, sign: str) -> str:
    """The line that says what went wrong; of a traceback the first that is not indented."""
    before, _, after = text.partition(sign)
    lines: Sequence[str] = after.splitlines()
    if sign.startswith("Traceback"):
        return next((line for line in lines[1:] if line and not line.startswith(" ")), "")
    return before.rpartition("\n")[2] + sign + (lines[0] if lines else "")
