"""Backfill: scan the named folders, read what changed, link everything, append what is due.

Each step is safe to stop at any point and to run again: files, records and rejections change in one
transaction, events and what stands for them in another, and both are functions of the artifacts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lineage_bridge.adapters.linked import Linked
from lineage_bridge.adapters.records import Family
from lineage_bridge.ingest import memory, quarantine
from lineage_bridge.ingest.activations import Activation
from lineage_bridge.ingest.gaps import Gap
from lineage_bridge.ingest.link import link
from lineage_bridge.ingest.outgoing import Outgoing, due_events
from lineage_bridge.ingest.policies import freshness_policies, serving_policies
from lineage_bridge.ingest.quarantine import Rejected
from lineage_bridge.ingest.read import fingerprint, places, read
from lineage_bridge.ingest.scan import Found, Scan, scan
from lineage_bridge.ingest.starts import read_starts
from lineage_bridge.ingest.windows import ingest_windows
from lineage_bridge.journal import Journal
from lineage_bridge.settings import Settings

FILES_PER_TRANSACTION = 200

Progress = Callable[[str, int, int | None], None]


@dataclass(slots=True)
class Backfill:
    """What a backfill did.

    Attributes:
        read: records that were read now, by family and kind.
        unchanged: files that are as they were when they were read.
        ignored: files of no family, by reason.
        events: events that were appended to the journal.
        windows: serving windows that were read now and count.
        duplicates: lines that are byte-identical to one that counts already.
        rejected: all that stands in quarantine for the named folders.
        gaps: what could not be linked, over everything that was ever read.
    """

    read: Counter[str] = field(default_factory=Counter)
    unchanged: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    events: int = 0
    windows: int = 0
    duplicates: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The published shape."""
        return {
            "read": dict(sorted(self.read.items())),
            "unchanged": self.unchanged,
            "ignored": dict(sorted(self.ignored.items())),
            "events": self.events,
            "windows": {"read": self.windows, "duplicates": self.duplicates},
            "rejected": [item.as_json() for item in self.rejected],
            "gaps": [gap.as_json() for gap in self.gaps if not gap.is_note],
        }


def backfill(
    journal: Journal,
    settings: Settings,
    roots: Mapping[Family, Sequence[Path]],
    *,
    progress: Progress | None = None,
    final: bool = True,
) -> Backfill:
    """Bring the journal up to date with the artifacts below the roots.

    Args:
        journal: of the home.
        settings: namespace, declared identities and policies.
        roots: folders (or single files) by family, searched at any depth.
        progress: called with a step's name, what is done, and of how much.
        final: the end of a backfill, as against one look of a watcher (see `findings`).

    Raises:
        SettingsError: a root does not exist, or the home holds another namespace.
        JournalError: the journal cannot be written.
    """
    report = progress or (lambda *_: None)
    memory.prepare(journal, settings.namespace)
    found = _with_readable_names(scan(roots))
    done = Backfill(ignored=found.ignored)
    _read_files(journal, found, done, report)
    with journal.reading() as connection:
        outcome = link(memory.load_records(connection), settings)
        emitted = memory.load_emitted(connection)
    outgoing = Outgoing(due_events(outcome.linked, freshness_policies(settings)), emitted)
    result = ingest_windows(
        journal,
        [f.path for f in found.found if f.kind == "windows"],
        namespace=settings.namespace,
        activations=activations_of(outcome.linked),
        policies=serving_policies(settings),
        outgoing=outgoing,
        progress=lambda count: report("windows", count, None),
        final=final,
    )
    done.windows, done.duplicates = result.new, result.duplicates
    done.unchanged += result.files_unchanged
    done.events = outgoing.appended + result.events
    done.gaps = outcome.gaps
    done.rejected = _rejected(journal, roots, [*found.rejected, *outcome.rejected])
    return done


def _with_readable_names(found: Scan) -> Scan:
    """A file name that is not UTF-8 fits into no database and no answer: say so, and go on."""
    for item in [f for f in found.found if not _is_text(f.path)]:
        shown = str(item.path).encode("utf-8", "backslashreplace").decode()
        reason = "its name is not UTF-8; rename it"
        found.rejected.append(Rejected(shown, item.family, 0, None, reason))
        found.found.remove(item)
    return found


def _is_text(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _read_files(journal: Journal, found: Scan, done: Backfill, report: Progress) -> None:
    with journal.reading() as connection:
        known = memory.read_fingerprints(connection)
    files = [f for f in found.found if f.kind != "windows"]
    for begin in range(0, len(files), FILES_PER_TRANSACTION):
        with journal.transaction() as tx:
            for item in files[begin : begin + FILES_PER_TRANSACTION]:
                if item.kind == "events":
                    starts = read_starts(tx.connection, item)
                    _count(done, item, starts)
                else:
                    _count(done, item, _read_file(tx.connection, item, known))
        report("files", min(begin + FILES_PER_TRANSACTION, len(files)), len(files))


def _read_file(connection: Any, item: Found, known: Mapping[tuple[str, str], str]) -> int | None:
    path = str(item.path)
    try:
        mark = fingerprint(item)
    except OSError:
        mark = ""  # reading it will say why
    if mark and known.get((item.family, path)) == mark:
        return None
    reading = read(item)
    for place in places(item):
        quarantine.forget(connection, str(place))
    quarantine.put(connection, reading.rejected)
    memory.keep_file(connection, item.family, path, mark, reading.records)
    return len(reading.records) if reading.records or reading.rejected else -1


def _count(done: Backfill, item: Found, records: int | None) -> None:
    if records is None:
        done.unchanged += 1
    elif records < 0:
        done.ignored["readable, of another kind"] += 1
    elif records:
        done.read[f"{item.family} {item.kind}"] += records


def _rejected(
    journal: Journal, roots: Mapping[Family, Sequence[Path]], now: Sequence[Rejected]
) -> list[Rejected]:
    """What stands in quarantine below the roots, and what this pass rejected besides."""
    named = [path.resolve() for paths in roots.values() for path in paths]
    with journal.transaction() as tx:
        standing = quarantine.list_rejected(tx.connection)
        below = [r for r in standing if any(Path(r.path).is_relative_to(n) for n in named)]
        for item in below:
            if not Path(item.path).exists():
                quarantine.forget(tx.connection, item.path)
    left = [item for item in below if Path(item.path).exists()]
    unique = {(item.path, item.line): item for item in [*now, *left]}
    return [unique[key] for key in sorted(unique)]


def activations_of(linked: Linked) -> list[Activation]:
    """The starts of all deployments, as the windows are assigned to them."""
    return [
        Activation(
            start.slot,
            start.record.model,
            start.record.model_version,
            start.record.instance,
            start.record.time,
            start.run_id,
        )
        for start in linked.starts
    ]
