"""An event after a pass through Marquez's classes, which add, convert and drop members.

The feed writes events back from these classes (see `shown`), with a null for each known member that
is absent; facets are stored from them without nulls. Unknown members are kept, except those of a
parent's `run` and `job`. Source: `marquez.service.models.LineageEvent`, `marquez.common.Utils`
(NON_NULL).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypedDict, TypeVar

import msgspec

from lineage_bridge.collector.dialect import instants
from lineage_bridge.collector.dialect.java import text
from lineage_bridge.events import event_time

T = TypeVar("T")

_Facet = dict[str, Any]
_TEXTS_BY_NAME = list[dict[str, str]]


class _Input(TypedDict):
    """The members of a column's input; it may have more."""

    namespace: str
    name: str
    field: str


TEXTS: Mapping[str, tuple[str, ...]] = {  # known facets that have nothing but texts
    "documentation": ("description",),
    "sql": ("query",),
    "sourceCodeLocation": ("type", "url"),
    "jobType": ("processingType", "integration", "jobType"),
    "dataSource": ("name", "uri"),
    "lifecycleStateChange": ("lifecycleStateChange",),
}
LISTS: Mapping[str, tuple[str, tuple[str, ...]]] = {  # and those that have a list of such objects
    "schema": ("fields", ("name", "type", "description")),
    "symlinks": ("identifiers", ("namespace", "name", "type")),
}
JOB_FACETS = ("documentation", "sourceCodeLocation", "sql", "jobType")
RUN_FACETS = ("nominalTime", "parent")
DATASET_FACETS = (
    "documentation",
    "schema",
    "dataSource",
    "description",
    "lifecycleStateChange",
    "columnLineage",
    "symlinks",
)


def without_nulls(value: Any) -> Any:
    """Drop null members of objects at every depth; nulls in lists stay."""
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def known_facet(name: str, facet: Any) -> Any:
    """Return a facet that Marquez has a class for, with a null for each absent member."""
    if facet is None:
        return None
    if name in TEXTS:
        return _with_texts(facet, TEXTS[name])
    if name in LISTS:
        return _with_list(facet, *LISTS[name])
    special = _SPECIAL.get(name)
    return special(facet) if special is not None else facet


def _with_texts(owner: Mapping[str, Any], members: Sequence[str]) -> _Facet:
    plain = {k: without_nulls(v) for k, v in owner.items() if v is not None}
    for member in ("_producer", "_schemaURL"):
        if member in plain:
            plain[member] = text(plain[member])
    return {**plain, **{member: text(owner.get(member)) for member in members}}


def _nominal_time(facet: Mapping[str, Any]) -> _Facet:
    times = {name: facet.get(name) for name in ("nominalStartTime", "nominalEndTime")}
    shown = {
        name: None if time in {None, ""} else instants.format_nanos(event_time.parse_nanos(time))
        for name, time in times.items()
    }
    return {**_with_texts(facet, ()), **shown}


def _parent(facet: Mapping[str, Any]) -> _Facet:
    run, job = facet["run"], facet["job"]
    return {
        **_with_texts(facet, ()),
        "run": {"runId": text(run["runId"])},
        "job": {"namespace": text(job["namespace"]), "name": text(job["name"])},
    }


def _with_list(facet: Mapping[str, Any], member: str, texts: Sequence[str]) -> _Facet:
    items = facet.get(member)
    shown = None if items is None else [item and _with_texts(item, texts) for item in items]
    return {**_with_texts(_rest(facet, member), ()), member: shown}


def _column_lineage(facet: Mapping[str, Any]) -> _Facet:
    fields = facet.get("fields")
    shown = None if fields is None else {name: _column(item) for name, item in fields.items()}
    return {**_with_texts(_rest(facet, "fields"), ()), "fields": shown}


def _column(column: Mapping[str, Any] | None) -> _Facet | None:
    if column is None:
        return None
    inputs = column.get("inputFields")
    members = ("transformationDescription", "transformationType")
    if inputs is not None and not _are_complete_inputs(inputs):
        inputs = [item and _with_texts(item, ("namespace", "name", "field")) for item in inputs]
    return {**_with_texts(_rest(column, "inputFields"), members), "inputFields": inputs}


def _are_complete_inputs(inputs: list[Any]) -> bool:
    """Return whether nothing is to be added to inputs or converted, by a look at all in one go."""
    try:
        msgspec.convert(inputs, list[_Input])
    except msgspec.ValidationError:
        return False
    return _are_all_texts(inputs)


_SPECIAL: Mapping[str, Callable[[Any], Any]] = {
    "nominalTime": _nominal_time,
    "parent": _parent,
    "columnLineage": _column_lineage,
    "description": text,
}


def shown_facets(owner: Mapping[str, Any], known: Sequence[str]) -> _Facet | None:
    """Return the `facets` of a run, job or dataset as the feed shows them."""
    facets = owner.get("facets")
    if facets is None:
        return None
    facets = renamed(facets, known)
    shown = {name: known_facet(name, facets.get(name)) for name in known}
    others = {name: value for name, value in facets.items() if name not in shown}
    return {**shown, **without_nulls(others)}


def stored_facets(
    owner: Mapping[str, Any], known: Sequence[str], may_have_nulls: bool = True
) -> _Facet:
    """Return the `facets` of a run, job or dataset as they are stored: without nulls.

    Args:
        owner: the run, job or dataset.
        known: the facets of its kind that Marquez has a class for.
        may_have_nulls: False skips the search for nulls.
    """
    facets = renamed(owner.get("facets") or {}, known)
    if not may_have_nulls:
        return {
            name: value if name not in known or _is_plain(name, value) else _stored(name, value)
            for name, value in facets.items()
        }
    return {
        name: _stored(name, value) if name in known else without_nulls(value)
        for name, value in facets.items()
        if value is not None
    }


def _stored(name: str, facet: Any) -> Any:
    if name == "columnLineage" and facet.get("fields") is not None:
        fields = {key: _stored_column(column) for key, column in facet["fields"].items()}
        return {**without_nulls(_with_texts(_rest(facet, "fields"), ())), "fields": fields}
    return without_nulls(known_facet(name, facet))


def _stored_column(column: Mapping[str, Any] | None) -> _Facet | None:
    """Store a column without a look at each of its inputs, of which it may have thousands."""
    if column is None:
        return None
    inputs = column.get("inputFields")
    if inputs is None or not _are_all_texts(inputs):
        plain: _Facet = without_nulls(_column(column))
        return plain
    return {**without_nulls(_column(_rest(column, "inputFields"))), "inputFields": inputs}


def _is_plain(name: str, facet: Any) -> bool:
    """Return whether a facet without nulls is stored unchanged."""
    if name == "schema":
        return _are_all_texts(facet.get("fields", []))
    if name == "nominalTime":
        times = (facet.get("nominalStartTime", ""), facet.get("nominalEndTime"))
        return all(time is None or _is_canonical(time) for time in times)
    if name in TEXTS:
        return all(type(facet.get(member, "")) is str for member in TEXTS[name])
    return False


def _are_all_texts(fields: list[dict[str, Any]]) -> bool:
    try:
        msgspec.convert(fields, _TEXTS_BY_NAME)
    except msgspec.ValidationError:
        return False
    return True


def _is_canonical(time: Any) -> bool:
    return type(time) is str and instants.is_canonical(time)


def renamed(facets: Mapping[str, T], known: Collection[str]) -> Mapping[str, T]:
    """Return facets with a parent's facet under the newer of its two names."""
    if "parent" not in known or "parentRun" not in facets:
        return facets
    others = {name: value for name, value in facets.items() if name != "parentRun"}
    return {**others, "parent": facets["parentRun"]}


def parent_facet(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return a run event's parent facet, under either of its names."""
    facets = renamed(event["run"].get("facets") or {}, RUN_FACETS)
    parent: Mapping[str, Any] | None = facets.get("parent")
    return parent


def shown_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run event as the feed writes it back."""
    run, job = event["run"], event["job"]
    others = {name: value for name, value in event.items() if name not in _EVENT_MEMBERS}
    return {
        "eventType": text(event.get("eventType")),
        "eventTime": instants.format_nanos(event_time.parse_nanos(event["eventTime"])),
        "run": {
            **without_nulls(_rest(run, "runId", "facets")),
            "runId": text(run["runId"]),
            "facets": shown_facets(run, RUN_FACETS),
        },
        "job": {
            **without_nulls(_rest(job, "namespace", "name", "facets")),
            "namespace": text(job["namespace"]),
            "name": text(job["name"]),
            "facets": shown_facets(job, JOB_FACETS),
        },
        "inputs": _shown_datasets(event.get("inputs")),
        "outputs": _shown_datasets(event.get("outputs")),
        "producer": text(event["producer"]),
        "schemaURL": text(event.get("schemaURL")),
        **without_nulls(others),
    }


_EVENT_MEMBERS = frozenset(
    ("eventType", "eventTime", "run", "job", "inputs", "outputs", "producer", "schemaURL")
)


def _rest(owner: Mapping[str, Any], *known: str) -> dict[str, Any]:
    return {name: value for name, value in owner.items() if name not in known}


def _shown_datasets(datasets: Sequence[Mapping[str, Any] | None] | None) -> list[Any] | None:
    return None if datasets is None else [item and _shown_dataset(item) for item in datasets]


def _shown_dataset(dataset: Mapping[str, Any]) -> dict[str, Any]:
    known = ("namespace", "name", "facets", "inputFacets", "outputFacets")
    return {
        **without_nulls(_rest(dataset, *known)),
        "namespace": text(dataset["namespace"]),
        "name": text(dataset["name"]),
        "facets": shown_facets(dataset, DATASET_FACETS),
        "inputFacets": without_nulls(dataset.get("inputFacets")),
        "outputFacets": without_nulls(dataset.get("outputFacets")),
    }
