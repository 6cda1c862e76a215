"""One pass over the inference logs that the home knows: what is new is read, and told as events."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from lineage_bridge.adapters.files import mark_of_stat
from lineage_bridge.assess.policies import Policies
from lineage_bridge.inference.declared import declared_for
from lineage_bridge.journal import Journal, catch_up
from lineage_bridge.link.identities import Identities
from lineage_bridge.link.identities_model import IDENTITIES
from lineage_bridge.observe.logs.hours import list_answered
from lineage_bridge.observe.logs.log_files import KnownFile, list_files
from lineage_bridge.observe.logs.slots import KnownSlots
from lineage_bridge.observe.logs.tables import LOGS
from lineage_bridge.observe.logs.untold import forget_untold, list_untold
from lineage_bridge.observe.logs.writers import writers_due
from lineage_bridge.observe.unsaved import Told, append
from lineage_bridge.profiles import VERSION
from lineage_bridge.settings import InferenceLog, Settings

# A file may have to be read again because of what another one does not have any more; while files
# are written all the time, the next pass goes on.
_PASSES: Final = 3


@dataclass(frozen=True, slots=True)
class LogsSeen:
    """What a pass found.

    Attributes:
        files: that were read.
        rows: requests that are new.
        events: that were appended.
    """

    files: int = 0
    rows: int = 0
    events: int = 0


def observe_logs(
    journal: Journal,
    settings: Settings,
    *,
    now: datetime,
    report: Callable[[int], None] = lambda _: None,
) -> LogsSeen:
    """Read what is new in the inference logs of a home, and tell it.

    Args:
        journal: of the home.
        settings: its namespace, and the maps of logs.
        now: rows of a later time are from the future, and rejected.
        report: called with the number of rows that were read.

    Raises:
        JournalError: the journal cannot be written.
    """
    with journal.reading() as connection:
        if not list_files(connection) and not list_answered(connection):
            return LogsSeen()
    journal.prepare(LOGS)
    paths, rows = _read_changed(journal, settings, now, report)
    events = _tell_writers(journal, settings.namespace) + _tell_quality(journal, settings)
    return LogsSeen(len(paths), rows, events)


def _read_changed(
    journal: Journal, settings: Settings, now: datetime, report: Callable[[int], None]
) -> tuple[set[str], int]:
    """Read the files that are not as they were; return their paths, and how many requests came."""
    catch_up(journal, IDENTITIES)
    with journal.reading() as connection:
        starts = Identities(connection, settings.namespace).starts()
        known = KnownSlots.load(connection, starts)
    paths: set[str] = set()
    rows = 0
    for _ in range(_PASSES):
        with journal.reading() as connection:
            files = list_files(connection)
        changed = _changed(files, settings.inference_logs, known)
        if not changed:
            break
        read, count = _read(journal, files, changed, settings, known, now, report)
        paths, rows = paths | read, rows + count
    return paths, rows


def _changed(
    files: Sequence[KnownFile], logs: Mapping[str, InferenceLog], known: KnownSlots
) -> list[KnownFile]:
    """Return the files that are not as they were read, with the settings that they were read by."""
    changed = []
    for file in files:
        if file.state.kind == "none" and file.state.cause == "found":
            continue
        try:
            mark = mark_of_stat(os.lstat(file.path))
        except OSError:
            continue  # it is gone, or cannot be looked at: what was read of it stays
        state = file.state
        asked = _asked(file.path, logs)
        is_as_known = all(words.key == known.key(words.served) for words in state.words)
        if (state.mark, state.asked) != (mark, asked) or not is_as_known:
            changed.append(file._replace(state=msgspec.structs.replace(state, asked=asked)))
    return changed


def _asked(path: str, logs: Mapping[str, InferenceLog]) -> str:
    """Return a digest of what the settings say of a file, and of the form of what is kept."""
    text = json.dumps([VERSION, declared_for(path, logs).model_dump(exclude_none=True)])
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _read(
    journal: Journal,
    files: Sequence[KnownFile],
    changed: Sequence[KnownFile],
    settings: Settings,
    known: KnownSlots,
    now: datetime,
    report: Callable[[int], None],
) -> tuple[set[str], int]:
    """Read files, those with the oldest rows first; return their paths, and how many rows came."""
    from lineage_bridge.inference.summary import SKEW
    from lineage_bridge.observe.logs.reading import Reader
    from lineage_bridge.observe.logs.rotation import take_over

    reader = Reader(journal, settings.inference_logs, known, now + SKEW, report)
    due = take_over(journal, files, changed)
    for file in due:
        reader.read(file)
    return {file.path for file in due}, reader.rows


def _tell_writers(journal: Journal, namespace: str) -> int:
    """Append the events about logs of which no start is known; return how many were new."""
    with journal.reading() as connection:
        due = [*writers_due(connection, Identities(connection, namespace))]
    return append(journal, [Told(event) for event in due])


def _tell_quality(journal: Journal, settings: Settings) -> int:
    """Append the events about answers that are due; return how many were new."""
    with journal.reading() as connection:
        untold = list_untold(connection)
    if not untold:
        return 0
    from lineage_bridge.observe.logs.figures import figures_by_day
    from lineage_bridge.observe.logs.kept_requests import label_lines
    from lineage_bridge.observe.logs.quality import events_due

    catch_up(journal, IDENTITIES)
    with journal.reading() as connection:
        labels = label_lines(connection).settled()
    appended, policies = 0, Policies.of(settings)
    for answered, since_us in untold:
        with journal.reading() as connection:
            identities = Identities(connection, settings.namespace)
            found = [*figures_by_day(connection, answered, labels, since_us)]
            policy = policies.fairness(answered.slot.deployment)
            due = events_due(connection, identities, answered, found, since_us, policy)
            told = [Told(event) for event in due]
        appended += append(journal, told)
        with journal.transaction() as tx:
            forget_untold(tx.connection, answered, since_us)
    return appended
