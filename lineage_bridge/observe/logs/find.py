"""Which files of the named folders are inference logs.

In a folder that was named for logs, all files of rows are taken. Elsewhere those are that the
settings have a map for, and those whose first rows say what was asked, what was answered and who
answered it: whatever else lies there is none of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from lineage_bridge.adapters.files import mark_of, open_file
from lineage_bridge.errors import ArtifactError
from lineage_bridge.inference.declared import UNDECLARED, declared_for
from lineage_bridge.journal import Journal
from lineage_bridge.observe.logs.log_files import Cause, LogState, list_files, take_files
from lineage_bridge.observe.logs.tables import LOGS
from lineage_bridge.settings import InferenceLog


class Candidate(NamedTuple):
    """A file of rows.

    Attributes:
        path: absolute, real.
        is_named: whether its folder was named for logs.
        is_claimed: whether another family reads it line by line.
    """

    path: str
    is_named: bool
    is_claimed: bool = False


def take_in(
    journal: Journal, candidates: Iterable[Candidate], logs: Mapping[str, InferenceLog]
) -> set[str]:
    """Let the home know which files are inference logs; return their paths.

    Raises:
        JournalError: it cannot be saved.
    """
    with journal.reading() as connection:
        known = {file.path: file.state for file in list_files(connection)}
    states: dict[str, LogState] = {}
    for one in candidates:
        before = known.get(one.path)
        state = _state(one, before, logs)
        if state is not None and state != before:
            states[one.path] = state
    if states:
        journal.prepare(LOGS)
        with journal.transaction() as tx:
            take_files(tx.connection, states)
    now = known | states
    return {path for path, state in now.items() if state.kind != "none"}


def _state(
    one: Candidate, before: LogState | None, logs: Mapping[str, InferenceLog]
) -> LogState | None:
    """Return what is to be known of a file; None if nothing is."""
    is_declared = declared_for(one.path, logs) is not UNDECLARED
    if is_declared or one.is_named:
        cause: Cause = "declared" if is_declared else "named"
        if before is None or before.kind == "none":
            return LogState(cause)
        return before if before.cause != "found" else replace(before, cause=cause)
    if before is not None and before.kind != "none":
        return before
    if one.is_claimed or one.path.endswith((".csv", ".csv.gz")):
        return before
    mark = mark_of(one.path)
    if before is not None and before.mark == mark:
        return before
    return LogState("found") if looks_like_one(one.path) else LogState("found", "none", mark=mark)


def looks_like_one(path: str) -> bool:
    """Return whether the first rows of a file say that it is an inference log."""
    from lineage_bridge.inference.log import LogFile

    try:
        with open_file(path) as opened:
            return LogFile(opened).is_surely_one
    except ArtifactError:
        return False
