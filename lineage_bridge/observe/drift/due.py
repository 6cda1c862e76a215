"""The logs that have hours to judge: what each is held against, and how far it was judged."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import NamedTuple

from lineage_bridge import __version__
from lineage_bridge.assess.drift.policy import DriftPolicy
from lineage_bridge.assess.policies import Policies
from lineage_bridge.facets.deployment import DeploymentFacet
from lineage_bridge.graph.load import load
from lineage_bridge.journal.migrations import has_table
from lineage_bridge.observe.content.versions import content_of
from lineage_bridge.observe.drift.reference import References, Trained
from lineage_bridge.observe.logs.hours import Answered, list_marks
from lineage_bridge.profiles import VERSION
from lineage_bridge.settings import Settings


class Due(NamedTuple):
    """A log with hours to judge.

    Attributes:
        answered: whose log it is.
        trained: what it is held against.
        policy: the limits.
        made_of: a digest of what every judgement of it depends on.
        hours: when each hour begins, with its mark.
        done: how many of them are judged already, by the same rules.
        state: as of the last of those; None if there is none.
    """

    answered: Answered
    trained: Trained
    policy: DriftPolicy
    made_of: bytes
    hours: list[tuple[int, str]]
    done: int
    state: bytes | None


def list_due(
    connection: sqlite3.Connection, settings: Settings, answered: Iterable[Answered]
) -> Iterator[Due]:
    """Yield the logs that have hours to judge.

    Args:
        connection: on the journal's database, after the graph has caught up.
        settings: give the namespace and the limits.
        answered: whose logs there are.
    """
    references = References(load(connection, keys=(DeploymentFacet.key,)), settings.namespace)
    policies = Policies.of(settings)
    for one in answered:
        trained = references.of(one)
        if trained is None:
            continue
        content = content_of(connection, trained.node, trained.version)
        if content is None:
            continue
        policy = policies.drift(one.slot.deployment)
        made_of = _made_of(trained, content, policy)
        hours = list_marks(connection, one)
        done, state = _done(connection, one, made_of, hours)
        if done < len(hours):
            yield Due(one, trained, policy, made_of, hours, done, state)


def _made_of(trained: Trained, content: bytes, policy: DriftPolicy) -> bytes:
    # Sets and mappings have no order that another process would have too.
    limits = asdict(policy) | {
        "calendar": sorted(policy.calendar),
        "apart": sorted(policy.apart),
        "importance": sorted(policy.importance.items()),
    }
    said = repr((__version__, VERSION, trained, content, limits))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).digest()


def _done(
    connection: sqlite3.Connection,
    answered: Answered,
    made_of: bytes,
    hours: list[tuple[int, str]],
) -> tuple[int, bytes | None]:
    """Return how many hours are judged and the state after them; none if one of them changed."""
    if not has_table(connection, "drift_courses"):
        return 0, None
    row = connection.execute(
        "SELECT reached_us, hours, state FROM drift_courses WHERE service = ? AND environment = ?"
        " AND deployment = ? AND model = ? AND version = ? AND made_of = ?",
        (*words_of(answered), made_of),
    ).fetchone()
    if row is None:
        return 0, None
    reached_us, digest, state = row
    done = [hour for hour in hours if hour[0] <= reached_us]
    return (len(done), state) if digest == digest_of(done) else (0, None)


def digest_of(hours: Iterable[tuple[int, str]]) -> bytes:
    """Return a digest of hours and their marks."""
    said = "\n".join(f"{begin_us} {mark}" for begin_us, mark in hours)
    return hashlib.sha256(said.encode()).digest()


def words_of(answered: Answered) -> tuple[str, ...]:
    """Return what a log's row is found by."""
    slot = answered.slot
    return slot.service, slot.environment, slot.deployment, answered.model, answered.version
