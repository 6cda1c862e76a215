"""The events that say what an inference log tells of a model version's answers: one for each day.

The event of the day that goes on is superseded while more of it comes; those of days before stay,
unless labels are corrected or older rows turn up. Where a home knows fewer requests than the event
that stands, such as one whose logs are gone, that event stays.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Final

import msgspec

from lineage_bridge.assess.groups.fairness import FairnessPolicy, assess_fairness
from lineage_bridge.events import Dataset, Event, Job, run_event, withdrawal
from lineage_bridge.facets import facet_in
from lineage_bridge.facets.fairness import FairnessFacet
from lineage_bridge.facets.quality import Calibration, Estimate, QualityFacet
from lineage_bridge.inference.measures import Bounded, Measures
from lineage_bridge.link.identities import Identities, Key
from lineage_bridge.naming import Slot, observe_job, run_uuid
from lineage_bridge.observe.logs.figures import Figures
from lineage_bridge.observe.logs.hours import DAY_US, Answered
from lineage_bridge.observe.telling import Standing, due, standing_of
from lineage_bridge.records.descriptions import described_dataset, described_job, spoken
from lineage_bridge.records.identity import job_type
from lineage_bridge.times import EARLIEST_US, format_time, from_micros

_DIGITS: Final = 9  # of a figure: its last ones depend on how the rows were added up


def events_due(
    connection: sqlite3.Connection,
    identities: Identities,
    answered: Answered,
    found: Sequence[Figures],
    since_us: int,
    policy: FairnessPolicy,
) -> Iterator[Event]:
    """Yield the events that are not said yet, and those that take back what is not so any more.

    Args:
        connection: on the journal's database.
        identities: of the same database, caught up.
        answered: what answered.
        found: the figures of all days from one on, oldest first.
        since_us: when that day may begin, microseconds since 1970.
        policy: the limits of fairness.
    """
    job = log_observer(identities.namespace, answered.slot)
    for figures in found:
        key = Key(job.name, _run_id(job, answered, figures.at_us), "COMPLETE")
        standing = standing_of(connection, identities, key)
        if standing is not None and figures.counts.rows < _rows_said(standing):
            continue
        event = due(identities, standing, partial(quality_event, job, answered, figures, policy))
        if event is not None:
            yield event
    if found:
        yield from _outdated(connection, identities, job, answered, found, since_us)


def _outdated(
    connection: sqlite3.Connection,
    identities: Identities,
    job: Job,
    answered: Answered,
    found: Sequence[Figures],
    since_us: int,
) -> Iterator[Event]:
    """Take back findings of days on which nothing came, as the labels turned out to be others."""
    said = {_run_id(job, answered, figures.at_us) for figures in found}
    first_us = max(since_us // DAY_US * DAY_US, EARLIEST_US)
    for run, (time_us, _, _) in identities.observed_in_runs(job.name).items():
        is_of_it = time_us >= first_us and run == _run_id(job, answered, time_us)
        if not is_of_it or run in said:
            continue
        standing = standing_of(connection, identities, Key(job.name, run, "COMPLETE"))
        if standing is not None and _rows_said(standing) <= found[-1].counts.rows:
            yield withdrawal(standing.view, from_micros(time_us))


def _rows_said(standing: Standing) -> int:
    """Return how many requests an event was made of."""
    facets = (facet_in(QualityFacet, one.facets) for one in standing.view.inputs)
    return max((facet.rows for facet in facets if facet is not None), default=0)


def log_observer(namespace: str, slot: Slot) -> Job:
    """Return the job that reads a deployment's inference log."""
    sentence = f"Reads what {spoken(slot)} was asked and answered; a run is one finding."
    own = {**job_type("OBSERVER"), **described_job(sentence)}
    return Job(namespace, observe_job(slot.inference_log), own)


def quality_event(
    job: Job,
    answered: Answered,
    figures: Figures,
    policy: FairnessPolicy,
    supersedes: str | None = None,
) -> Event:
    """Make the event of a day: a short observer run that only reads the log."""
    name = answered.slot.inference_log
    own = {
        **described_dataset(job.namespace, name),
        QualityFacet.key: quality_facet(answered, figures).as_json(),
    }
    if figures.groups:
        own[FairnessFacet.key] = fairness_facet(answered, figures, policy).as_json()
    log = Dataset(job.namespace, name, f"{answered.model}/{answered.version}", own)
    return run_event(
        "COMPLETE",
        from_micros(figures.at_us),
        job,
        _run_id(job, answered, figures.at_us),
        inputs=[log],
        supersedes=supersedes,
    )


def _run_id(job: Job, answered: Answered, at_us: int) -> str:
    day = format_time(from_micros(at_us // DAY_US * DAY_US))
    about = json.dumps(["quality", answered.model, answered.version, day])
    return run_uuid(job.namespace, job.name, about)


def quality_facet(answered: Answered, figures: Figures) -> QualityFacet:
    """Write figures as a facet."""
    counts, measures = figures.counts, figures.measures
    usable = counts.rows - counts.unanswered - counts.not_finite
    labelled = 0 if measures is None else measures.labelled
    facet = QualityFacet(
        evaluated_at=from_micros(figures.at_us),
        service=answered.slot.service,
        environment=answered.slot.environment,
        deployment=answered.slot.deployment,
        model=answered.model,
        model_version=answered.version,
        rows=counts.rows,
        duplicates=counts.duplicates,
        unanswered=counts.unanswered,
        not_finite=counts.not_finite,
        first_request=_instant(figures.first_us),
        last_request=_instant(figures.last_us),
        labelled=labelled,
        unlabelled_ratio=_rounded(1 - labelled / usable) if usable else None,
        newest_label=_instant(figures.label_us),
        labels_again=counts.again,
        labels_late=counts.late,
        label_days=figures.label_days,
    )
    return facet if measures is None else _with_measures(facet, measures)


def fairness_facet(answered: Answered, figures: Figures, policy: FairnessPolicy) -> FairnessFacet:
    """Write what is known of groups as a facet."""
    found = assess_fairness(figures.groups, policy)
    gap = None
    if found.gap is not None:
        gap = Estimate(value=_exact(found.gap), low=_rounded(found.low), high=_rounded(found.high))
    labelled = figures.measures.labelled if figures.measures is not None else 0
    return FairnessFacet(
        evaluated_at=from_micros(figures.at_us),
        service=answered.slot.service,
        environment=answered.slot.environment,
        deployment=answered.slot.deployment,
        model=answered.model,
        model_version=answered.version,
        last_request=_instant(figures.last_us),
        status=found.status,
        measure=policy.measure,
        gap=gap,
        best=found.best,
        worst=found.worst,
        gap_most=policy.gap_most,
        fewest_labels=policy.fewest_labels,
        groups=figures.groups,
        without_group=labelled - figures.with_group or None,
        groups_left_out=figures.groups_left_out or None,
    )


def _with_measures(facet: QualityFacet, found: Measures) -> QualityFacet:
    return msgspec.structs.replace(
        facet,
        target=found.kind,
        accuracy=_estimate(found.accuracy),
        auc=_estimate(found.auc),
        brier=_rounded(found.brier),
        bias=_estimate(found.bias),
        calibration=tuple(
            Calibration(
                rows=one.rows,
                mean_probability=min(_exact(one.mean_probability), 1.0),
                positive=_bounded(one.positive),
            )
            for one in found.bins
        )
        or None,
        mean_absolute_error=_estimate(found.mean_absolute_error),
        root_mean_square_error=_rounded(found.root_mean_square_error),
    )


def _estimate(found: Bounded | None) -> Estimate | None:
    return None if found is None else _bounded(found)


def _bounded(found: Bounded) -> Estimate:
    return Estimate(value=_exact(found.value), low=_rounded(found.low), high=_rounded(found.high))


def _rounded(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else _exact(value)


def _exact(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)
