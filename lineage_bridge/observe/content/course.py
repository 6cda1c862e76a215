"""The course of a dataset's checks, played again from what is kept of its versions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from lineage_bridge.assess.checks.facts import Version
from lineage_bridge.assess.checks.judge import Course, Outcome
from lineage_bridge.assess.checks.policy import CheckPolicy
from lineage_bridge.assess.checks.settings import expected_of
from lineage_bridge.observe.checks.files import usual_policy
from lineage_bridge.observe.content.versions import Build, read_facts
from lineage_bridge.settings import Settings

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Outcome]).decode


@dataclass(frozen=True, slots=True)
class Kept:
    """A version that was read.

    Attributes:
        build: what it is.
        facts: without its profile.
        encoded: the facts as they are kept.
        chain: a digest of all that it was judged by; None: it was not judged yet.
        outcomes: how each check came out, by its code.
    """

    build: Build
    facts: Version
    encoded: bytes
    chain: bytes | None
    outcomes: dict[str, Outcome]


def kept_versions(connection: sqlite3.Connection, dataset: str) -> list[Kept]:
    """Load the versions of a dataset that were read, in the order of their builds."""
    fields = ", ".join(f"v.{name}" for name in Build._fields)
    rows = connection.execute(
        f"SELECT {fields}, facts, chain, outcomes FROM content_versions v"
        " LEFT JOIN content_findings f USING (dataset, version)"
        " WHERE v.dataset = ? AND facts IS NOT NULL ORDER BY built_us, v.version",
        (dataset,),
    )
    return [
        Kept(Build(*build), read_facts(facts), facts, chain, _decode(outcomes or "{}"))
        for *build, facts, chain, outcomes in rows
    ]


def encode_outcomes(outcomes: dict[str, Outcome]) -> bytes:
    """Write how each check came out as it is kept."""
    return _encode(outcomes)


def policy_of(versions: Sequence[Kept], settings: Settings) -> CheckPolicy:
    """Return what is expected of the dataset of these versions, of which there are some.

    Raises:
        SettingsError: the settings name a check that there is not.
    """
    usual = usual_policy(version.facts for version in versions)
    return expected_of(versions[0].build.name, settings, usual)


def course_of(versions: Iterable[Kept], policy: CheckPolicy) -> Course:
    """Play the course up to these versions, which were all judged."""
    course = Course(policy)
    for version in versions:
        course.pass_by(version.facts, version.outcomes)
    return course
