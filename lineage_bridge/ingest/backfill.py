"""Backfill: scan the named folders, read changed files, link all records, append new events.

Each step is safe to stop at any point and to run again: files, records and rejections change in one
transaction, events are appended first and the memory of them is saved after that, and all of it is
a function of the artifacts. Several backfills may work on one home at the same time.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from operator import attrgetter

from lineage_bridge.adapters.roots import Root
from lineage_bridge.adapters.servers import is_there
from lineage_bridge.adapters.serving import ADAPTER as SERVING
from lineage_bridge.assess.policies import Policies
from lineage_bridge.ingest import memory
from lineage_bridge.ingest.found import Found, Scan
from lineage_bridge.ingest.knowledge import Learned, keep, learn, look_again
from lineage_bridge.ingest.record_files import read_again, read_files
from lineage_bridge.ingest.scan import scan
from lineage_bridge.journal import Journal
from lineage_bridge.link.gaps import Gap
from lineage_bridge.observe import quarantine
from lineage_bridge.observe.logs.find import Candidate, take_in
from lineage_bridge.observe.logs.log_files import FAMILY
from lineage_bridge.observe.quarantine import Rejected, Rejections, told
from lineage_bridge.observe.serving.windows import ingest_windows
from lineage_bridge.settings import Settings

Progress = Callable[[str, int, int | None], None]


@dataclass(slots=True)
class Backfill:
    """The result of a backfill.

    Attributes:
        read: records that were read now, by family and kind.
        unchanged: files that have not changed since they were last read.
        ignored: files of no family, by reason.
        events: events that were appended to the journal.
        windows: new serving windows, without duplicates.
        duplicates: lines that are byte-identical to an earlier one.
        rejected: everything in quarantine for the named folders, counted.
        refused: of the rejected ones those that are in no quarantine: this pass alone knows them.
        gaps: missing links, over all records that were ever read.
    """

    read: Counter[str] = field(default_factory=Counter)
    unchanged: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    events: int = 0
    windows: int = 0
    duplicates: int = 0
    rejected: Rejections = field(default_factory=Rejections)
    refused: Sequence[Rejected] = ()
    gaps: list[Gap] = field(default_factory=list)


def backfill(
    journal: Journal,
    settings: Settings,
    roots: Mapping[str, Sequence[Root]],
    *,
    progress: Progress | None = None,
    final: bool = True,
    changed: Collection[str] | None = None,
) -> Backfill:
    """Bring the journal up to date with the artifacts below the roots.

    Args:
        journal: of the home.
        settings: namespace, declared identities and policies.
        roots: folders, single files or servers by family; folders are searched at any depth.
        progress: called with a step's name, how much is done, and of how much.
        final: whether this is a whole backfill; False for one look of a watcher (see `findings`).
        changed: as for `scan`.

    Raises:
        SettingsError: a root does not exist, or the home belongs to another namespace.
        JournalError: the journal cannot be written.
    """
    report = progress or (lambda *_: None)
    memory.prepare(journal, settings.namespace)
    roots = _with_logs(roots)
    found = scan(roots, changed)
    done = Backfill(ignored=found.ignored)
    _take_in_logs(journal, settings, roots, found, done)
    files = [f for f in found.found if f.form not in {"windows", "rows", "part"}]
    count = partial(_count, done)
    read_files(
        journal,
        files,
        count,
        lambda number: report("files", number, len(files)),
        report_lines=lambda number: report("lines", number, None),
    )
    learned = _Learning(journal, settings)
    if learned.now.broken:
        read_again(journal, learned.now.broken, files, count)
        learned.anew()
    windows = [f.path for f in found.found if f.form == "windows"]
    judge = partial(
        ingest_windows,
        journal,
        namespace=settings.namespace,
        policies=Policies.of(settings).serving,
        learn=learned.current,
        progress=lambda lines: report("windows", lines, None),
        final=final,
    )
    result = judge(windows)
    done.windows, done.duplicates = result.new, result.duplicates
    done.unchanged += result.files_unchanged
    done.events = result.events
    if look_again(journal, learned.now, settings):  # windows tell of shutdowns, which end runs
        learned.anew()
        done.events += judge(()).events
    keep(journal, learned.now, settings, final=final)
    linked = learned.now.linked
    done.gaps = linked.gaps
    done.refused = [*found.rejected, *linked.refused]
    done.rejected = rejected_below(journal, roots, done.refused)
    return done


def _with_logs(roots: Mapping[str, Sequence[Root]]) -> Mapping[str, Sequence[Root]]:
    """Search the folders of services for logs too: what they were asked lies beside their windows.

    As everywhere in folders that were not named for logs, only what is surely one is taken.
    """
    serving = roots.get(SERVING.name, ())
    known = roots.get(FAMILY, ())
    more = [path for path in serving if path not in known]
    return {**roots, FAMILY: [*known, *more]} if more else roots


def _take_in_logs(
    journal: Journal,
    settings: Settings,
    roots: Mapping[str, Sequence[Root]],
    found: Scan,
    done: Backfill,
) -> None:
    """Let the home know the inference logs; count as ignored what is none, nor anybody else's."""
    rows = [file for file in found.found if file.form == "rows"]
    if not rows:
        return
    others = {file.path: file.form for file in found.found if file.form != "rows"}
    named_for_all = {path.resolve() for name in roots if name != FAMILY for path in roots[name]}
    named = {str(path.resolve()) for path in roots[FAMILY]} - {str(p) for p in named_for_all}
    candidates = [
        Candidate(file.path, file.root in named, others.get(file.path) in {"lines", "windows"})
        for file in rows
    ]
    logs = take_in(journal, candidates, settings.inference_logs)
    done.ignored["of no family"] += sum(
        one.path not in logs and one.path not in others for one in candidates
    )
    done.ignored += Counter()  # without those of which there are none


class _Learning:
    """The linked records; they are linked again each time that reading windows asks once more."""

    def __init__(self, journal: Journal, settings: Settings) -> None:
        self._journal = journal
        self._settings = settings
        self._is_used = False
        self.now = learn(journal, settings)

    def anew(self) -> None:
        """Link all records again."""
        self.now, self._is_used = learn(self._journal, self._settings), False

    def current(self) -> Learned:
        """Return the linked records; from the second call on link again, as they were outdated."""
        if self._is_used:
            self.anew()
        self._is_used = True
        return self.now


def _count(done: Backfill, item: Found, records: int | None) -> None:
    if records is None:
        done.unchanged += 1
    elif records < 0:
        done.ignored["readable, of another kind"] += 1
    elif records:
        done.read[f"{item.family} {item.kind}"] += records


def rejected_below(
    journal: Journal, roots: Mapping[str, Sequence[Root]], now: Sequence[Rejected]
) -> Rejections:
    """Return what is in quarantine below the roots, and what only this pass rejected.

    Args:
        journal: of the home.
        roots: the folders that were named.
        now: what only this pass rejected.
    """
    named = {str(path.resolve()) for paths in roots.values() for path in paths}
    gone: list[str] = []

    def standing(connection: sqlite3.Connection) -> Iterator[Rejected]:
        for path, items in groupby(quarantine.list_rejected(connection), attrgetter("path")):
            if not any(path == root or path.startswith(f"{root.rstrip('/')}/") for root in named):
                continue
            if is_there(path):
                yield from items
            else:
                gone.append(path)

    with journal.reading() as connection:
        found = told(now, standing(connection))
    if gone:
        with journal.transaction() as tx:
            for path in gone:
                quarantine.forget(tx.connection, path)
    return found
