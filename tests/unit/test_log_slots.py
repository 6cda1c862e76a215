"""Who answered a row of a log: its words, filled up with what is known, and never guessed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lineage_bridge.inference.values import Served
from lineage_bridge.link.identities import SaidStart
from lineage_bridge.naming import Slot
from lineage_bridge.observe.logs.hours import Answered
from lineage_bridge.observe.logs.slots import KnownSlots, Unknown
from lineage_bridge.times import to_micros

EU, US, STAGE = Slot("s", "prod", "eu"), Slot("s", "prod", "us"), Slot("s", "stage", "eu")


def day(number: int) -> datetime:
    return datetime(2026, 5, number, tzinfo=UTC)


def start(slot: Slot, model: str, version: str, on: int) -> SaidStart:
    return SaidStart("default", f"{slot}{version}{on}", slot, (model, version), None, day(on))


KNOWN = KnownSlots(
    [
        start(EU, "fraud", "1", 1),
        start(EU, "fraud", "2", 3),
        start(EU, "fraud", "1", 5),
        start(STAGE, "fraud", "3", 1),
        start(US, "churn", "2026-05-01T00:00:00Z", 1),
    ]
)
PROD = {"deployment": "eu", "environment": "prod"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({**PROD, "version": "2"}, Answered(EU, "fraud", "2")),
        ({**PROD, "version": "9"}, Answered(EU, "fraud", "9")),  # it has one model
        ({**PROD, "model": "other", "version": "2"}, Answered(EU, "other", "2")),
        ({"deployment": "eu", "version": "3"}, Answered(STAGE, "fraud", "3")),
        ({"deployment": "us", "version": "20260501_000000"},
         Answered(US, "churn", "2026-05-01T00:00:00Z")),  # the same instant, spelled otherwise
        ({"model": "churn", "version": "2026-05-01T00:00:00Z"},
         Answered(US, "churn", "2026-05-01T00:00:00Z")),
        ({"deployment": "x", "environment": "e", "service": "y", "model": "m", "version": "1"},
         Answered(Slot("y", "e", "x"), "m", "1")),
        ({**PROD}, Answered(EU, "fraud", "2")),  # that was active on that day
        ({**PROD, "version": "unknown"}, Answered(EU, "fraud", "2")),
    ],
)  # fmt: skip
def test_what_is_left_out_is_what_is_known(words, expected):
    assert KNOWN.answered_by(Served(**words), to_micros(day(4))) == expected


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"deployment": "eu"}, "environment"),  # two have that name, and neither version is said
        ({"deployment": "eu", "version": "9"}, "environment"),
        ({"deployment": "nowhere", "version": "1"}, "environment"),
        ({"deployment": "nowhere", "environment": "e", "version": "1"}, "service"),
        ({"version": "1"}, "deployment"),
        ({}, "deployment"),
        ({"model": "fraud", "version": "7"}, "deployment"),
        ({"deployment": "x", "environment": "e", "service": "y", "version": "1"}, "model"),
        ({"deployment": "x", "environment": "e", "service": "y", "model": "m"}, "version"),
    ],
)
def test_nobody_is_guessed(words, field):
    found = KNOWN.answered_by(Served(**words), to_micros(day(4)))
    assert isinstance(found, Unknown)
    assert found.field == field


def test_who_answered_without_a_version_depends_on_the_time():
    words = Served(**PROD)
    versions = [KNOWN.answered_by(words, to_micros(day(n))).version for n in (1, 2, 3, 4, 5, 9)]
    assert versions == ["1", "1", "2", "2", "1", "1"]
    assert isinstance(KNOWN.answered_by(words, to_micros(day(1)) - 1), Unknown)
    assert isinstance(KNOWN.answered_by(words, None), Unknown)


def test_a_key_changes_with_what_the_words_mean_and_not_else():
    said, unsaid = Served(**PROD, version="2"), Served(**PROD)
    more = KnownSlots([start(EU, "fraud", "1", 1), start(EU, "fraud", "2", 3)])
    other = KnownSlots([start(EU, "risk", "2", 3)])
    assert KNOWN.key(said) == more.key(said) != other.key(said)
    assert KNOWN.key(unsaid) != more.key(unsaid)  # a start is missing in between
