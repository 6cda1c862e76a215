"""Drift of deployments in words and tables: all of them in a line each, or one in full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from lineage_bridge.answers.drift import DeploymentDrift
from lineage_bridge.facets.drift import DriftFacet, DriftFeature, DriftWindow, UntrainedFeature
from lineage_bridge.show.data.blocks import same_scale
from lineage_bridge.show.data.drift import NOTES, WITHIN, place_text, shift_text
from lineage_bridge.show.formats import present
from lineage_bridge.show.statuses import status_of, summary
from lineage_bridge.show.tables import Column, Table
from lineage_bridge.show.units import age, counted, moment, number, percent
from lineage_bridge.times import format_time

_ALL: Final = (
    Column("deployment", fold="anywhere", narrowest=28),
    Column("drift"),
    Column("why", fold="blanks", narrowest=32),
    Column("never trained", 3, fold="blanks", narrowest=16),
    Column("model", 2, fold="anywhere", narrowest=16),
    Column("judged", 4),
)
_FEATURES: Final = (
    Column("feature", fold="anywhere", narrowest=14),
    Column("drift"),
    Column("hours", 9),
    Column("PSI", 8, right=True),
    Column("shift", 4, right=True),
    Column("since", 10),
    Column("was", 7),
    Column("is", 7),
    Column("what moved most", 6, fold="blanks", narrowest=17),
)
_UNTRAINED: Final = (
    Column("feature", fold="anywhere", narrowest=14),
    Column("found"),
    Column("never trained", fold="blanks", narrowest=20),
    Column("requests", right=True),
    Column("since the first", 6, right=True),
    Column("first", 8),
)
_WHY: Final = {
    "no_log": "no inference log is known",
    "not_of_this_version": "no log is known of the model version that serves",
    "not_compared": "what its model was trained on is not known or not here",
    "insufficient_data": "too few rows",
    "nothing_to_compare": "the log has no feature of what its model was trained on",
}
_SORTS: Final = {
    "unseen_label": "labels",
    "beyond_range": "beyond the range",
    "not_one_of_group": "none or several of the group set",
    "constant": "one value only",
}
_LABELS_SHOWN: Final = 3
_NAMED: Final = 3


def all_table(found: Iterable[DeploymentDrift], at: datetime) -> Table:
    """Make a table with one line for each deployment, worst first."""
    table = Table(*_ALL, title=f"Drift at {moment(at)}")
    for one in sorted(found, key=lambda one: status_of(one.status).rank):
        place = f"{one.slot.environment}/{one.slot.deployment}"
        table.add(
            place if one.namespace is None else f"{one.namespace}: {place}",
            status_of(one.status),
            _why(one),
            "" if one.facet is None else _untrained_text(one.facet),
            "" if one.model is None else f"{one.model.name}/{one.model.version}",
            "" if one.age_seconds is None else f"{age(one.age_seconds)} ago",
        )
    return table


def all_summary(found: Iterable[DeploymentDrift]) -> str:
    """Count by status: `3 deployments: 1 critical, 2 none`."""
    return summary("deployment", (one.status for one in found))


def title_of(one: DeploymentDrift) -> str:
    """Name a deployment with its model and what that was trained on."""
    place = f"{one.slot.environment}/{one.slot.deployment}"
    if one.facet is None:
        return place
    held = one.facet.reference
    version = "" if held.version is None else f"@{held.version}"
    model = f"{one.facet.model}/{one.facet.model_version}"
    return f"{place}: {model} against {held.dataset}{version} ({counted(held.rows, 'row')})"


def lines_of(one: DeploymentDrift) -> Iterator[str]:
    """Say the verdict on a deployment."""
    window = one.window
    if one.facet is None or window is None:
        yield f"Unknown: {_WHY[one.why or 'not_compared']}."
        return
    if one.why is not None:
        yield f"Unknown: {_WHY[one.why]}."
    ago = f"{age(one.age_seconds)} ago" if one.age_seconds is not None else ""
    hours = f"{window.hours_with_rows} of the last {window.hours} hours"
    rows = counted(window.rows, "row")
    yield f"Judged at {moment(one.facet.evaluated_at)}, {ago}: {rows} in {hours}."
    if window.status == "judged":
        yield _moved(window)
    if window.calendar:
        yield f"Moved with the calendar, and not counted: {_names(window.calendar)}."
    for answer in window.answers or ():
        if answer.severity != "none":
            yield f"What is answered moved as well: {answer.feature}, PSI {number(answer.psi)}."
    found = one.facet.untrained
    if found.at_least:
        yield (
            f"{_share(found.at_least, found.at_most)} of {counted(found.requests, 'request')} "
            f"({percent(found.ratio)}, {number(found.per_minute)} a minute) carry what the model "
            "was never trained on."
        )


def _share(at_least: int, at_most: int) -> str:
    return f"{at_least:,}" if at_least == at_most else f"{at_least:,} to {at_most:,}"


def _moved(window: DriftWindow) -> str:
    judged = counted(window.judged, "feature")
    if not window.drifted:
        return f"None of {judged} drifted."
    text = f"{number(window.drifted)} of {judged} drifted ({percent(window.share)})"
    beyond = number(window.drifted_beyond_variation)
    return f"{text}, {beyond} of them by more than the reference itself varies."


def features_table(
    found: DriftFacet, feature: str | None = None, *, every_feature: bool = False
) -> Table | None:
    """Make a table of the features that moved, in each window; None where nothing did.

    Args:
        found: the finding.
        feature: show this one alone, whether it moved or not.
        every_feature: also those that did not move, as far as the finding lists them.
    """
    rows = [
        (window, one)
        for window in reversed(found.windows)
        for one in window.features
        if every_feature or one.severity != "none" or feature is not None
        if feature in {None, one.feature}
    ]
    if not rows:
        return None
    table = Table(*_FEATURES)
    for (_, one), hours in _together(rows):
        was, now = same_scale([one.reference_blocks or (), one.current_blocks or ()])
        table.add(
            one.feature,
            status_of(one.severity),
            hours,
            number(one.psi),
            shift_text(one.effect, one.kind),
            moment(one.since),
            was,
            now,
            _most(one),
        )
    return table


def _together(
    rows: list[tuple[DriftWindow, DriftFeature]],
) -> Iterator[tuple[tuple[DriftWindow, DriftFeature], str]]:
    """Take a feature of several windows as one line, if its severity is the same in them."""
    by_verdict: dict[tuple[str, str], list[tuple[DriftWindow, DriftFeature]]] = {}
    for window, one in rows:
        by_verdict.setdefault((one.feature, one.severity), []).append((window, one))
    for same in by_verdict.values():
        yield same[0], ", ".join(str(window.hours) for window, _ in reversed(same))


def _most(one: DriftFeature) -> str:
    moved = [
        f"{place_text(cell.what, cell.label, cell.above, cell.up_to)}: "
        f"{percent(cell.reference_share)} → {percent(cell.current_share)}"
        for cell in (one.cells or ())[:1]
    ]
    notes = [NOTES.get(note, note) for note in one.notes or ()]
    return "; ".join([*moved, *notes, *([WITHIN] if one.within_reference_variation else [])])


def untrained_table(found: DriftFacet) -> Table | None:
    """Make a table of what the model was never trained on; None where there is nothing."""
    if not found.untrained.features:
        return None
    table = Table(*_UNTRAINED)
    for one in found.untrained.features:
        table.add(
            one.feature,
            status_of("warning" if one.is_fault else "passed"),
            _sort_text(one),
            number(one.requests),
            number(one.requests_since),
            moment(one.since),
        )
    return table


def _sort_text(one: UntrainedFeature) -> str:
    labels = [
        f"{label.label} ({number(label.requests)})" for label in (one.labels or ())[:_LABELS_SHOWN]
    ]
    ends = [
        f"{what} to {number(end)}"
        for what, end in (("down", one.smallest), ("up", one.largest))
        if end is not None
    ]
    said = ", ".join([*labels, *ends])
    return f"{_SORTS[one.sort]}{f': {said}' if said else ''}"


def _why(one: DeploymentDrift) -> str:
    if one.why is not None or one.window is None:
        return _WHY[one.why or "not_compared"]
    moved = [feature for feature in one.window.features if feature.severity != "none"]
    if not moved:
        return ""
    within = sum(feature.within_reference_variation is True for feature in moved)
    features = counted(one.window.judged, "feature")
    names = _names(feature.feature for feature in moved)
    said = f"{number(len(moved))} of {features}: {names}"
    return f"{said}; {number(within)} as the training data varies itself" if within else said


def _names(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - _NAMED
    return ", ".join(listed[:_NAMED]) + (f" and {number(more)} more" if more > 0 else "")


def _untrained_text(found: DriftFacet) -> str:
    if not found.untrained.at_least:
        return ""
    return f"{percent(found.untrained.ratio)} of requests"


def deployments_json(found: Iterable[DeploymentDrift], at: datetime) -> dict[str, Any]:
    """Make the document of `drift --json` and `drift DEPLOYMENT --json`."""
    return {"at": format_time(at), "deployments": [_deployment(one) for one in found]}


def _deployment(one: DeploymentDrift) -> dict[str, Any]:
    slot = one.slot
    return present(
        service=slot.service,
        environment=slot.environment,
        deployment=slot.deployment,
        namespace=one.namespace,
        status=one.status,
        why=one.why,
        age_seconds=one.age_seconds,
        model=None
        if one.model is None
        else present(name=one.model.name, version=one.model.version),
        finding=None if one.facet is None else _finding(one.facet),
    )


def _finding(found: DriftFacet) -> dict[str, Any]:
    """Return the finding as its facet has it on the wire: its schema is published there."""
    return {key: value for key, value in found.as_json().items() if not key.startswith("_")}
