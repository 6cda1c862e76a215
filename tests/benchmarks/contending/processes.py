"""The processes of `contention.py`: commands, servers and emitters of the version that is measured.

Each is ended by whoever started it, and nothing else is.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STUB = Path(__file__).with_name("stub.py")
EMITTER = Path(__file__).with_name("emitter.py")
START_SECONDS = 60.0
STOP_SECONDS = 60.0
COMMAND_SECONDS = 300.0
_URL = re.compile(r"Collector:\s+(https?://[^/\s]+)")
_FOREIGN = ("LINEAGE_BRIDGE_", "MARQUEZ_", "OPENLINEAGE_")


class BenchmarkError(Exception):
    """A scenario cannot be measured; the others can."""


@dataclass(frozen=True)
class Target:
    """A version that is measured: its command and the Python that it is installed for."""

    bin: Path
    python: Path


@dataclass(frozen=True)
class Done:
    """A command that has ended; `code` is None if it had to be killed."""

    code: int | None
    seconds: float
    out: bytes
    err: str


def environment(**more: str) -> dict[str, str]:
    """The environment without what would reach into the measured version."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return {**kept, **more}


@contextmanager
def started(command: Sequence[str | Path], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has ended at the end of the block: politely if it can be."""
    process = subprocess.Popen([str(part) for part in command], **options)
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run(
    target: Target, *arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None
) -> Done:
    """Run a command of the target to its end."""
    pipe = subprocess.PIPE
    options = {"cwd": cwd, "env": env or environment(), "stdout": pipe, "stderr": pipe}
    began = time.perf_counter()
    with started((target.bin, *arguments), stdin=subprocess.DEVNULL, **options) as process:
        try:
            out, err = process.communicate(timeout=COMMAND_SECONDS)
            code: int | None = process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            code = None
    return Done(code, time.perf_counter() - began, out, err.decode(errors="replace"))


async def run_beside(target: Target, *arguments: str | Path, cwd: Path) -> Done:
    """As `run`, while this process goes on."""
    return await asyncio.to_thread(run, target, *arguments, cwd=cwd)


@dataclass(frozen=True)
class Server:
    """A running server; what `/proc` does not tell (outside of Linux) is None."""

    url: str
    process: subprocess.Popen[bytes]

    def cpu(self) -> float | None:
        """Seconds of CPU until now."""
        found = self._of_process("stat")
        if found is None:
            return None
        fields = found.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int | None:
        """The most that was resident until now, in MB."""
        found = re.search(r"VmHWM:\s+(\d+)", self._of_process("status") or "")
        return int(found[1]) // 1024 if found else None

    def _of_process(self, file: str) -> str | None:
        try:
            return Path(f"/proc/{self.process.pid}/{file}").read_text(encoding="utf-8")
        except OSError:
            return None


@contextmanager
def collector(target: Target, home: Path, *, command: str = "collector") -> Iterator[Server]:
    """A collector on the home, on a free port; or `up`, on two."""
    ports = ["--port", "0", *(["--exporter-port", "0"] if command == "up" else [])]
    with _server([target.bin, command, "--home", home, *ports], home.parent) as server:
        yield server


@contextmanager
def stub(folder: Path) -> Iterator[Server]:
    """A server that does nothing but answer 201."""
    with _server([sys.executable, STUB], folder) as server:
        yield server


@contextmanager
def _server(command: Sequence[str | Path], cwd: Path) -> Iterator[Server]:
    said = cwd / f"server-{time.time_ns()}.log"
    with (
        said.open("wb") as log,
        started(command, cwd=cwd, env=environment(), stdout=log, stderr=log) as process,
    ):
        yield Server(_url_of(process, said), process)


def _url_of(process: subprocess.Popen[bytes], said: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        text = said.read_text(encoding="utf-8", errors="replace")
        if found := _URL.search(text):
            return found[1]
        if process.poll() is not None:
            raise BenchmarkError(f"the server ended with {process.returncode}: {text.strip()}")
        time.sleep(0.02)
    raise BenchmarkError("the server did not say where it listens")


@dataclass
class Emitted:
    """What an emitter did: see `emitter.py`."""

    ms: list[float]
    emitted: int
    warnings: int


class Emitter:
    """A pipeline that emits until it is told to stop; ready when it was made.

    Args:
        process: of `emitter.py`.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        assert process.stdout is not None
        if process.stdout.readline().strip() != b"ready":
            raise BenchmarkError(f"the emitter ended with {process.wait()}")

    def stop(self) -> Emitted:
        """Let the `emit()` under way end; say what was done."""
        out, _ = self._process.communicate(timeout=COMMAND_SECONDS)  # this closes its input
        return Emitted(**json.loads(out))


@contextmanager
def emitter(
    target: Target,
    home: Path,
    *,
    series: int = 1,
    count: int | None = None,
    per_second: float | None = None,
) -> Iterator[Emitter]:
    """An emitter in a process of its own; what it logs goes to a file beside the home."""
    order = {"home": str(home), "series": series, "warmup": 20}
    order |= {"count": count, "per_second": per_second}
    pipe = subprocess.PIPE
    command = (target.python, EMITTER, json.dumps(order))
    options = {"cwd": home.parent, "env": environment(), "stdin": pipe, "stdout": pipe}
    with (
        (home.parent / f"emitter-{series}.log").open("wb") as log,
        started(command, stderr=log, **options) as process,
    ):
        yield Emitter(process)
