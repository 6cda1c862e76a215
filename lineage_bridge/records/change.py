"""Changes of what jobs are made of: one COMPLETE of `change.<what>` for each.

A change is no run of the job that it is of: an event of that job without datasets would take its
edges away in a Marquez. The standard `sourceCodeLocation` says where the code is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

import msgspec

from lineage_bridge.events import Event, Job, run_event
from lineage_bridge.facets import standard_facet
from lineage_bridge.facets.change import ChangedFile, ChangedValue, ChangeFacet, Kind
from lineage_bridge.naming import encode_part, limit, run_uuid
from lineage_bridge.records.descriptions import described_job
from lineage_bridge.records.identity import DatasetVersion, evidence_of, job_type
from lineage_bridge.records.words import Source, subject_of
from lineage_bridge.times import format_time

MAX_LISTED: Final = 1_000  # files, and values, of one change
MAX_DIFFERENCE: Final = 10_000  # characters


def change_job(of: str | None, what: str) -> str:
    """Return `change.<name of the node>`, or `change.<what>` where no node is known."""
    return limit(f"change.{encode_part(what) if of is None else of.split(':', 2)[-1]}")


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """Where code lies: what the standard facet `sourceCodeLocation` says.

    Attributes:
        url: of the repository, without login and password.
        version: the commit.
    """

    url: str
    repository: str
    version: str
    branch: str | None = None
    path: str | None = None


class Change(msgspec.Struct, frozen=True, tag="change", kw_only=True):
    """One change of one sort.

    Attributes:
        time: since when it is there, as far as its artifact knows.
        what: names the thing that changed: a repository, a file, a dataset.
        sentence: what was done, in the words of who did it.
        of: the node that is made of it, where the artifact says that.
        declared: nodes that somebody's settings say are made of it; those at hand go before.
    """

    source: Source
    time: datetime
    kind: Kind
    what: str
    sentence: str | None = None
    before: str | None = None
    after: str | None = None
    files: tuple[ChangedFile, ...] = ()
    values: tuple[ChangedValue, ...] = ()
    left_out: int = 0
    difference: str | None = None
    code: Code | None = None
    of: str | None = None
    declared: str | None = None

    SHAPE: ClassVar[int] = 1

    @property
    def subject(self) -> str:
        """What it tells of: one step of one thing."""
        step = self.after or format_time(self.time)
        return subject_of("change", self.kind, self.what, step)


@dataclass(frozen=True, slots=True)
class LinkedChange:
    """A change with the node that is made of it; None where nobody knows any."""

    record: Change
    namespace: str
    of: str | None

    @property
    def job(self) -> str:
        """The job that tells of it."""
        return change_job(self.of, self.record.what)

    @property
    def run_id(self) -> str:
        """One run for each change."""
        return run_uuid(self.namespace, self.job, self.record.subject)

    @property
    def datasets(self) -> list[DatasetVersion]:
        """None: a change reads and writes nothing."""
        return []


def change_event(change: LinkedChange, supersedes: str | None = None) -> Event:
    """Make the event of a change."""
    record = change.record
    return run_event(
        "COMPLETE",
        record.time,
        Job(change.namespace, change.job, _job_facets(change)),
        change.run_id,
        run_facets={ChangeFacet.key: _facet(change).as_json()},
        evidence=evidence_of(record.source, []),
        supersedes=supersedes,
    )


def _job_facets(change: LinkedChange) -> dict[str, Any]:
    code = change.record.code
    of = change.of.split(":", 2)[-1] if change.of is not None else change.record.what
    own = {**job_type("CHANGE"), **described_job(f"Tells of changes of {of}.")}
    if code is None:
        return own
    location = {
        "type": "git",
        "url": code.url,
        "repoUrl": code.url,
        "version": code.version,
        "branch": code.branch,
        "path": code.path,
    }
    return {"sourceCodeLocation": standard_facet("sourceCodeLocation", location), **own}


def _facet(change: LinkedChange) -> ChangeFacet:
    record = change.record
    return ChangeFacet(
        kind=record.kind,
        of=change.of,
        sentence=record.sentence,
        before=record.before,
        after=record.after,
        files=record.files or None,
        values=record.values or None,
        left_out=record.left_out or None,
        difference=record.difference,
        repository=record.what,
    )
