"""A day of requests, judged, and the event of what was found."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from lineage_bridge.adapters.feature_datasets import FEATURE_PREFIX, TARGET
from lineage_bridge.assess.assertions import Assertion, assertions_facet, assertions_in
from lineage_bridge.assess.checks.alone import judge_alone
from lineage_bridge.assess.checks.facet import check_assertions, validation_facet
from lineage_bridge.assess.checks.facts import Roles, Version
from lineage_bridge.assess.checks.judge import Report
from lineage_bridge.assess.checks.policy import CheckPolicy
from lineage_bridge.assess.checks.requests import CHECKS, Requests
from lineage_bridge.assess.checks.settings import expected_of, roles_of
from lineage_bridge.events import Dataset, Event, EventView, run_event
from lineage_bridge.facets import facet_in
from lineage_bridge.facets.validation import ValidationFacet
from lineage_bridge.link.identities import Key
from lineage_bridge.naming import observe_job, run_uuid
from lineage_bridge.observe.content import versions
from lineage_bridge.observe.logs.hours import Hour, profile_of
from lineage_bridge.observe.logs.quality import log_observer
from lineage_bridge.observe.requests.days import Day
from lineage_bridge.profiles.profile import Part, Profile
from lineage_bridge.records.descriptions import described_dataset
from lineage_bridge.settings import Settings
from lineage_bridge.times import from_micros

_USUAL: Final = CheckPolicy(feature_prefix=FEATURE_PREFIX)  # of what P2's models learn from
_ANSWERS: Final = ("prediction", "probability", "confidence")
_AFTER: Final = timedelta(milliseconds=1)  # the finding on drift of the same instant


def judge_day(connection: sqlite3.Connection, settings: Settings, day: Day) -> Report:
    """Judge the requests of a day.

    Raises:
        SettingsError: the settings name a check that there is not.
        ValueError: what is kept of an hour is not a profile.
    """
    answered, trained = day.answered, day.trained
    policy = expected_of(answered.slot.inference_log, settings, _USUAL)
    target = None
    if trained is not None:
        target = roles_of(trained.name, settings, Roles(target=TARGET)).target
    hours = (Hour(*answered, begin_us, 0) for begin_us in day.hours)
    asked = Profile.sum(profile_of(connection, hour) for hour in hours).whole
    reference = None
    if trained is not None:
        reference = versions.profile_of(connection, trained.node, trained.version)
    learned = None if reference is None else reference.whole
    answers = [name for name in _ANSWERS if learned is None or name not in learned.columns]
    facts = Requests(
        policy,
        asked,
        tuple(name for name in asked.columns if name not in answers),
        day.repeated,
        "prediction" if _has("prediction", asked, answers) else None,
        "confidence" if _has("confidence", asked, answers) else None,
        learned,
        target,
    )
    name, version = answered.slot.inference_log, f"{answered.model}/{answered.version}"
    built = from_micros(day.end_us)
    return Report(Version(name, name, version, built, rows=asked.rows), judge_alone(CHECKS, facts))


def _has(name: str, asked: Part, answers: list[str]) -> bool:
    return name in answers and name in asked.columns


def key_of(namespace: str, day: Day) -> Key:
    """Return what the event is about: one run for each model version and day."""
    job = observe_job(day.answered.slot.inference_log)
    said = json.dumps(["requests", day.answered.model, day.answered.version, day.day])
    return Key(job, run_uuid(namespace, job, said), "COMPLETE")


def finding_event(
    namespace: str,
    day: Day,
    report: Report,
    drift: EventView | None,
    supersedes: str | None = None,
) -> Event:
    """Make the event, at the end of the newest hour that has rows.

    Args:
        namespace: of our jobs, and of the log.
        day: what was judged.
        report: what was found.
        drift: the newest finding on the drift of the same log by then: what it asserts is said
            again, because a reader keeps the newest assertions of a dataset alone.
        supersedes: the event whose place it takes.
    """
    slot, time = day.answered.slot, from_micros(day.end_us) + _AFTER
    facet = validation_facet(report, time, versions_before=0)
    own = {**described_dataset(namespace, slot.inference_log), ValidationFacet.key: facet.as_json()}
    asserted = assertions_facet(_asserted(drift), check_assertions(report))
    log = Dataset(namespace, slot.inference_log, report.version.version, own, asserted)
    job, key = log_observer(namespace, slot), key_of(namespace, day)
    return run_event("COMPLETE", time, job, key.run, inputs=[log], supersedes=supersedes)


def _asserted(drift: EventView | None) -> Iterator[Assertion]:
    for dataset in drift.inputs if drift is not None else ():
        yield from assertions_in(dataset.io_facets)


def rows_known(view: EventView) -> int:
    """Return how many requests the finding of an event knew; 0 if it does not say it."""
    facets = (facet_in(ValidationFacet, dataset.facets) for dataset in view.inputs)
    return max((facet.rows or 0 for facet in facets if facet is not None), default=0)
