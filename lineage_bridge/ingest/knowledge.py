"""The linked records: linked when something changed that linking depends on, and not else.

That is: a record of this home, an event of ours from elsewhere, the settings, this program. What
came of the last linking is kept with the state that it was made of, so a pass that finds the same
state again has nothing to link and nothing to say.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from lineage_bridge import __version__
from lineage_bridge.adapters.feature_copies import Unread, mark_of_copies, read_copies
from lineage_bridge.adapters.hashes import with_hashes
from lineage_bridge.assess.policies import Policies
from lineage_bridge.ingest import memory
from lineage_bridge.ingest.memory import Broken
from lineage_bridge.ingest.outgoing import Outgoing
from lineage_bridge.journal import Journal, catch_up
from lineage_bridge.link.calls import calls_of
from lineage_bridge.link.gaps import Gap, copies_differ
from lineage_bridge.link.identities import Identities
from lineage_bridge.link.identities_model import IDENTITIES
from lineage_bridge.link.linking import link
from lineage_bridge.link.outcome import Outcome, Refused
from lineage_bridge.naming import Logged
from lineage_bridge.observe.logs.hours import list_answered
from lineage_bridge.observe.quarantine import Rejected, rejected
from lineage_bridge.observe.serving.activations import Activation
from lineage_bridge.observe.serving.state import generation_of
from lineage_bridge.observe.tables import records_generation
from lineage_bridge.records import Change, Record
from lineage_bridge.records.ends import AllSeen
from lineage_bridge.records.start import LinkedStart
from lineage_bridge.records.words import JOURNAL
from lineage_bridge.settings import Settings

_FACT = "linked"


class Linked(msgspec.Struct):
    """The last linking: the state that it was made of, and what people are told of it.

    Attributes:
        seq: the last event of the journal at that time.
        generation: of the records.
        settings: a digest of the settings that linking and judging depend on.
        observed: the generation of observers' memory at the end of a whole backfill.
        seen: a digest of what observers found of the instances of deployments.
        seen_seq: the last event of the journal when that was so.
        logged: a digest of what has inference logs; empty where nothing has.
    """

    seq: int
    generation: int
    settings: str
    observed: int | None = None
    seen: str = ""
    seen_seq: int = 0
    logged: str = ""
    gaps: list[Gap] = []
    refused: list[Rejected] = []


@dataclass(slots=True)
class Learned:
    """What is known from all records, as of one state of them."""

    linked: Linked
    activations: Sequence[Activation]
    outgoing: Outgoing
    broken: Sequence[Broken] = field(default_factory=tuple)
    settled: int | None = None

    def is_current(self, connection: sqlite3.Connection) -> bool:
        """Return whether no process has changed the records since they were linked."""
        return records_generation(connection) == self.linked.generation


def learn(journal: Journal, settings: Settings) -> Learned:
    """Link all records that are known here or from the journal, unless nothing has changed.

    Raises:
        JournalError: the records cannot be read.
    """
    catch_up(journal, IDENTITIES)
    digest = _digest(settings)
    with journal.reading() as connection:
        identities = Identities(connection, settings.namespace)
        before = _before(connection)
        if before is not None and _is_current(connection, identities, before, digest):
            outgoing = Outgoing(journal, settings.namespace, withdraws=False)
            said = _activations_said(identities)
            return Learned(before, said, outgoing, settled=before.observed)
        seq, seen = identities.last_seq(), identities.seen()
        stored = memory.load_records(connection)
        logged = logged_of(connection, identities)
        outcome = link_all(identities, stored, settings, logged)
        changed = _changed(identities, before, stored, digest)
    calls = calls_of(outcome, Policies.of(settings).freshness)
    return Learned(
        Linked(
            seq,
            stored.generation,
            digest,
            seen=_digest_of_seen(seen),
            seen_seq=seq,
            logged=_digest_of_logged(logged),
            gaps=outcome.gaps,
            refused=refused_of(outcome),
        ),
        _activations(outcome.starts),
        Outgoing(
            journal,
            settings.namespace,
            calls,
            withdraws=not stored.broken,
            changed=changed,
            starts=outcome.starts,
        ),
        stored.broken,
    )


def keep(journal: Journal, learned: Learned, settings: Settings, *, final: bool) -> None:
    """Keep the last linking, once everything is said that it called for.

    It is not kept if events of ours came from elsewhere meanwhile: the next pass links anew.

    Args:
        journal: of the home.
        learned: what was linked.
        settings: as it was linked by.
        final: whether sums that changed without a new finding were told as well.

    Raises:
        JournalError: it cannot be written.
    """
    catch_up(journal, IDENTITIES)
    with journal.reading() as connection:
        identities = Identities(connection, settings.namespace)
        seq = identities.last_seq()
        foreign = identities.said_since(learned.linked.seq) - learned.outgoing.ids
        before = _before(connection)
        observed = generation_of(connection) if final else None
        if foreign or not learned.is_current(connection):
            return
    now = msgspec.structs.replace(learned.linked, seq=seq, observed=observed)
    if (
        before is not None
        and msgspec.structs.replace(before, seq=seq) == now
        and not learned.outgoing.ids
    ):
        return
    with journal.transaction() as tx:
        memory.keep_fact(tx.connection, _FACT, msgspec.json.encode(now).decode())


def _changed(
    identities: Identities, before: Linked | None, stored: memory.Stored, digest: str
) -> set[str] | None:
    """Return the subjects whose records changed since the last linking, None if any may have.

    An event from elsewhere may say less of a run than the records here, and stand for it.
    """
    if before is None or before.settings != digest:
        return None
    if identities.said_since(before.seq):
        return None
    # Of what an artifact does not say any more, another one may tell something else.
    return {subject for subject, _ in stored.retracted} | {
        subject
        for subject, generation in stored.changed_in.items()
        if generation > before.generation
    }


def logged_of(connection: sqlite3.Connection, identities: Identities) -> set[Logged]:
    """Return what served and has an inference log, by the rows here and by the journal."""
    return {*list_answered(connection), *identities.logged()}


def link_all(
    identities: Identities, stored: memory.Stored, settings: Settings, logged: Container[Logged]
) -> Outcome:
    """Link the records that were read here, and those that only the journal tells of."""
    told = identities.recalled(stored.records, stored.retracted)
    copies = list(read_copies(settings.changes.copies))
    differ = [one for one in copies if isinstance(one, Change)]
    told = [one for one in told if not _is_of_copy(one, settings)]
    outcome = link(with_hashes([*stored.records, *told, *differ]), settings, logged)
    outcome.gaps += [copies_differ(one) for one in differ]
    unread = [one for one in copies if isinstance(one, Unread)]
    outcome.refused += [Refused(one.source, one.error) for one in unread]
    return outcome


def _is_of_copy(record: Record, settings: Settings) -> bool:
    """Tell whether the copies at hand say how they are now, whatever was told of them."""
    return isinstance(record, Change) and record.what in settings.changes.copies


def look_again(journal: Journal, learned: Learned, settings: Settings) -> bool:
    """Take note of what observers have found since; return whether it ends other runs.

    Raises:
        JournalError: the journal cannot be read.
    """
    catch_up(journal, IDENTITIES)
    with journal.reading() as connection:
        identities = Identities(connection, settings.namespace)
        if not _sees_the_same(identities, learned.linked):
            return True
        seq = identities.last_seq()
    learned.linked = msgspec.structs.replace(learned.linked, seen_seq=seq)
    return False


def _sees_the_same(identities: Identities, linked: Linked) -> bool:
    # To look at all findings takes a third of a second for each 100,000.
    if not identities.has_seen_since(linked.seen_seq):
        return True
    return linked.seen == _digest_of_seen(identities.seen())


def _digest_of_seen(seen: AllSeen) -> str:
    return hashlib.sha256(msgspec.json.encode(seen)).hexdigest()


def _digest_of_logged(logged: Iterable[Logged]) -> str:
    found = sorted(logged)
    return hashlib.sha256(msgspec.json.encode(found)).hexdigest() if found else ""


def _before(connection: sqlite3.Connection) -> Linked | None:
    text = memory.load_fact(connection, _FACT)
    try:
        return None if text is None else msgspec.json.decode(text, type=Linked)
    except msgspec.MsgspecError:  # of another version
        return None


def _is_current(
    connection: sqlite3.Connection, identities: Identities, before: Linked, digest: str
) -> bool:
    return (
        before.generation == records_generation(connection)
        and before.settings == digest
        and not identities.said_since(before.seq)
        and _sees_the_same(identities, before)
        and before.logged == _digest_of_logged(logged_of(connection, identities))
    )


def _digest(settings: Settings) -> str:
    depends = settings.model_dump(
        mode="json",
        include={"namespace", "stores", "source_table", "live", "aliases", "policies", "changes"},
    )
    copies = mark_of_copies(settings.changes.copies)
    text = json.dumps([__version__, IDENTITIES.version, depends, *copies])
    return hashlib.sha256(text.encode()).hexdigest()


def refused_of(outcome: Outcome) -> list[Rejected]:
    """Return the rejections of records that another one outdoes, where files are to blame."""
    return [
        rejected(item.source.path, item.source.family, item.error)
        for item in outcome.refused
        if item.source.family != JOURNAL
    ]


def _activations_said(identities: Identities) -> list[Activation]:
    return [
        Activation(start.slot, *start.serves, start.instance, start.time, start.run_id)
        for start in identities.starts()
    ]


def _activations(starts: Sequence[LinkedStart]) -> list[Activation]:
    return [
        Activation(
            start.slot,
            *start.record.serves,
            start.record.instance,
            start.record.time,
            start.run_id,
        )
        for start in starts
    ]
