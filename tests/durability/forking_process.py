"""A process that forks while its threads are at work: `forking_process.py HOME CASE CHILDREN`.

Every event that `emit` took is a line of `HOME/../emitted`; the exit code is the number of children
that failed.

Cases:
    emitting: two threads emit without a pause.
    forgiving: the same, with the transport as it is by default: a failure is only logged.
    open: a journal is open, and a thread appends to it without a pause.
    foreign: other code holds one of SQLite's own mutexes for as long as children are forked.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import datetime as dt
import multiprocessing
import os
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState

from lineage_bridge import forks
from lineage_bridge.errors import JournalError
from lineage_bridge.journal import Journal
from lineage_bridge.transport import encode

PATH = "lineage_bridge.transport.LineageBridgeTransport"
MORE_THAN_THE_CACHE = 12_000_000  # so SQLite writes to the log before the commit
VFS_MUTEX = 11  # SQLITE_MUTEX_STATIC_VFS1, which opening a file needs
HOME, CASE, CHILDREN = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

told = os.open(HOME.with_name("emitted"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
options = {"type": PATH, "home": str(HOME), "raise_on_error": CASE != "forgiving"}
client = OpenLineageClient(config={"transport": options})


def an_event(name: str, **facets: object) -> RunEvent:
    return RunEvent(
        eventType=RunState.COMPLETE,
        eventTime=dt.datetime.now(dt.UTC).isoformat(),
        run=Run(runId=str(uuid.uuid4()), facets=facets),
        job=Job("forks", name),
        producer="https://pipeline",
    )


def tell(name: str) -> None:
    os.write(told, f"{name}\n".encode())


def emit(name: str) -> None:
    if CASE in {"emitting", "forgiving"} and forks.is_cut_off():
        raise AssertionError("the fork did not wait")
    client.emit(an_event(name))
    tell(name)


@contextmanager
def going_on(work: Callable[[str], None], name: str) -> Iterator[None]:
    """Do something again and again in a thread, which is at it when this begins."""
    is_over, has_begun = threading.Event(), threading.Event()

    def run() -> None:
        number = 0
        while not is_over.is_set():
            work(f"{name}-{number}")
            has_begun.set()
            number += 1

    thread = threading.Thread(target=run)
    thread.start()
    has_begun.wait()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@contextmanager
def holding_a_mutex() -> Iterator[None]:
    sqlite = ctypes.CDLL(_sqlite3.__file__)
    sqlite.sqlite3_mutex_alloc.restype = ctypes.c_void_p
    mutex = ctypes.c_void_p(sqlite.sqlite3_mutex_alloc(VFS_MUTEX))
    is_over, has_begun = threading.Event(), threading.Event()

    def run() -> None:
        sqlite.sqlite3_mutex_enter(mutex)
        has_begun.set()
        is_over.wait()
        sqlite.sqlite3_mutex_leave(mutex)

    thread = threading.Thread(target=run)
    thread.start()
    has_begun.wait()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def child_of(work: Callable[[], None]) -> int:
    """Do something in a forked child; it ends as usual, so that Python frees all that it has."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    except Exception as exc:  # noqa: BLE001 - the line is all that is seen of it
        print(f"{exc!r}, because of {exc.__cause__!r}", file=sys.stderr, flush=True)
        os._exit(1)
    sys.exit(0)


def ends_well(child: int) -> bool:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def emit_twice(name: str) -> None:
    emit(f"{name}-a")
    emit(f"{name}-b")


def emit_and_fork(name: str) -> None:
    emit(f"{name}-a")
    with going_on(emit, f"{name}-beside"):
        if not ends_well(child_of(lambda: emit_twice(f"{name}-child"))):
            raise ChildProcessError(name)
    emit(f"{name}-b")


def in_a_thread(work: Callable[[], int]) -> int:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def by_multiprocessing(name: str) -> bool:
    process = multiprocessing.get_context("fork").Process(target=emit_twice, args=(name,))
    process.start()
    process.join()
    return process.exitcode == 0


def fork_in_each_way(number: int) -> bool:
    name = f"child-{number}"
    ways: list[Callable[[], bool]] = [
        lambda: ends_well(child_of(lambda: emit_twice(name))),
        lambda: ends_well(in_a_thread(lambda: child_of(lambda: emit_twice(name)))),
        lambda: ends_well(child_of(lambda: emit_and_fork(name))),
        lambda: by_multiprocessing(name),
    ]
    return ways[number % len(ways)]()


def refuses(work: Callable[[], object]) -> None:
    try:
        work()
    except JournalError as exc:
        if "forked while SQLite was in use" in str(exc):
            return
        raise
    raise AssertionError("a connection of the parent was used in the child")


def use_what_is_open(journal: Journal, name: str) -> None:
    """A child does what it may with its parent's journal: nothing. It goes on emitting."""
    emit(f"{name}-a")
    for work in (
        journal.last_seq,
        journal.checkpoint,
        journal.derived.transaction().__enter__,
        lambda: journal.append([encode(an_event("never"))], "transport"),
        lambda: Journal(HOME),
        lambda: Journal(HOME, readonly=True),
        lambda: Journal(HOME.with_name("another")),
    ):
        refuses(work)
    journal.close()
    emit(f"{name}-b")


def fork_within(journal: Journal, name: str, characters: int) -> bool:
    """Fork while this thread reads and writes; the child leaves both blocks before the parent."""
    large = encode(an_event(f"{name}-within", text="x" * characters))
    with journal.reading() as connection, journal.transaction() as tx:
        connection.execute("SELECT 1 FROM events").fetchone()
        tx.append(large, "transport")
        child = os.fork()
        if not child:
            refuses(lambda: tx.append(encode(an_event("never")), "transport"))
            emit(f"{name}-a")
            sys.exit(0)
        went_well = ends_well(child)
    tell(f"{name}-within")
    return went_well


def fork_beside(journal: Journal, number: int) -> bool:
    name = f"child-{number}"
    if number % 2:
        return fork_within(journal, name, MORE_THAN_THE_CACHE if number == 1 else 0)
    return ends_well(child_of(lambda: use_what_is_open(journal, name)))


def run(case: str) -> list[bool]:
    with ExitStack() as stack:
        if case == "open":
            journal = stack.enter_context(Journal(HOME))

            def append(name: str) -> None:
                journal.append([encode(an_event(name))], "transport")
                tell(name)

            stack.enter_context(going_on(append, "parent"))
            return [fork_beside(journal, number) for number in range(CHILDREN)]
        emit("parent")
        if case == "foreign":
            forks.FIRST_SECONDS = 0.2
            stack.enter_context(holding_a_mutex())
            return [
                ends_well(child_of(lambda number=number: emit_twice(f"child-{number}")))
                for number in range(CHILDREN)
            ]
        forks.FORK_SECONDS = 300.0  # a busy machine is slow
        for number in range(2):
            stack.enter_context(going_on(emit, f"parent-{number}"))
        return [fork_in_each_way(number) for number in range(CHILDREN)]


if __name__ == "__main__":
    ended_well = run(CASE)
    sys.exit(ended_well.count(False))
