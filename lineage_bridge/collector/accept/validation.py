"""Marquez's checks of an event before it accepts it: a pure function of the body.

Three kinds of refusal, in this order: the body is no JSON, or a member does not have the type of
its class (500, with `code` 400 inside); required members are null (422, all of them at once); a
name would make Marquez's lists fail for ever, which only this collector refuses (400, by `poison`;
see docs/marquez.md).

Source: `marquez.service.models.LineageEvent`, `DatasetEvent`, `JobEvent` (Jackson, then bean
validation); `marquez.common.models.NamespaceName`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lineage_bridge.collector.dialect.errors import ApiError, invalid, unreadable
from lineage_bridge.collector.dialect.java import is_uri, text
from lineage_bridge.events import event_time

_OPENING = (b"{", b"[")

Path = str
# A member's name, its kind, and whether it is required.
_Member = tuple[str, str, bool]

_BASE: tuple[_Member, ...] = (("_producer", "uri", True), ("_schemaURL", "uri", True))
_RUN_FACETS: Mapping[str, tuple[_Member, ...]] = {
    "nominalTime": (("nominalStartTime", "time", True), ("nominalEndTime", "time", False)),
    "parent": (("run", "parent_run", True), ("job", "job_link", True)),
    "parentRun": (("run", "parent_run", True), ("job", "job_link", True)),
}
_JOB_FACETS: Mapping[str, tuple[_Member, ...]] = {
    "documentation": (("description", "text", True),),
    "sql": (("query", "text", True),),
    "sourceCodeLocation": (("type", "text", False), ("url", "text", False)),
    "jobType": (
        ("processingType", "text", True),
        ("integration", "text", True),
        ("jobType", "text", True),
    ),
}
_DATASET_FACETS: Mapping[str, tuple[_Member, ...]] = {
    "documentation": (("description", "text", True),),
    "schema": (("fields", "fields", False),),
    "dataSource": (("name", "text", False), ("uri", "text", False)),
    "lifecycleStateChange": (("lifecycleStateChange", "text", False),),
    "columnLineage": (("fields", "columns", False),),
    "symlinks": (("identifiers", "identifiers", False),),
}
_SHAPES: Mapping[str, tuple[_Member, ...]] = {
    "parent_run": (("runId", "text", True),),
    "job_link": (("namespace", "text", True), ("name", "text", True)),
    "field": (("name", "text", True), ("type", "text", False), ("description", "text", False)),
    "identifier": (("namespace", "text", True), ("name", "text", True), ("type", "text", False)),
    "column": (
        ("inputFields", "column_inputs", False),
        ("transformationDescription", "text", False),
        ("transformationType", "text", False),
    ),
    "column_input": (
        ("namespace", "text", False),
        ("name", "text", False),
        ("field", "text", False),
    ),
}
_LISTS = {"fields": "field", "identifiers": "identifier", "column_inputs": "column_input"}


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper limits of one event; a larger event is refused before it is stored.

    Attributes:
        depth: how many levels deep its JSON is nested.
        datasets: how many inputs, and how many outputs it has.
        fields: how many items a list of columns, of inputs of a column or of symlinks has.
        column_edges: how many inputs all columns of its outputs and inputs have together.
    """

    depth: int = 200
    datasets: int = 10_000
    fields: int = 100_000
    column_edges: int = 1_000_000


def check_event(document: Any, kind: str, body: bytes, limits: Limits) -> None:
    """Check an event of a kind (run, dataset or job).

    Raises:
        ApiError: Marquez would not accept it, or it exceeds a limit.
    """
    if document is None:
        raise invalid("The request body must not be null")
    if b"\\u0000" in body and any("\0" in found for found in _strings(document)):
        raise ApiError(500)
    if sum(body.count(sign) for sign in _OPENING) > limits.depth:
        _check_depth(document, limits.depth)
    _Checker(limits).event(document, kind)


def _strings(value: Any) -> Iterator[str]:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield from item
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)


def _check_depth(document: Any, limit: int) -> None:
    level, depth = [document], 0
    while level:
        depth += 1
        if depth > limit:
            raise unreadable(f"the body is nested more than {limit} levels deep")
        level = [
            child
            for item in level
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, dict | list)
        ]


class _Checker:
    """One walk over one event, which collects the violations and stops at a wrong type."""

    def __init__(self, limits: Limits) -> None:
        self.errors: list[str] = []
        self.limits = limits
        self.column_edges = 0

    def event(self, document: Any, kind: str) -> None:
        event = _object(document, "the event")
        if event.get("eventTime") == "":
            self._required("eventTime", None)
        else:
            self._member(event, "eventTime", "time", required=True, path="")
        self._member(event, "producer", "text", required=True, path="")
        self._member(event, "schemaURL", "uri", required=kind != "run", path="")
        if kind == "dataset":
            self._dataset(event.get("dataset"), "dataset")
        else:
            self._run_or_job(event, kind)
        if self.errors:
            raise invalid(*self.errors)

    def _run_or_job(self, event: Mapping[str, Any], kind: str) -> None:
        if kind == "run":
            self._member(event, "eventType", "text", required=False, path="")
            run = self._part(event, "run")
            if run is not None:
                self._member(run, "runId", "text", required=True, path="run.")
                self._facets(run, _RUN_FACETS, "run")
        job = self._part(event, "job")
        if job is not None:
            self._member(job, "namespace", "text", required=True, path="job.")
            self._member(job, "name", "text", required=True, path="job.")
            self._facets(job, _JOB_FACETS, "job")
        self._datasets(event, "inputs")
        self._datasets(event, "outputs")

    def _part(self, event: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
        self._required(name, event.get(name))
        return _object_or_none(event.get(name), name)

    def _datasets(self, event: Mapping[str, Any], side: str) -> None:
        datasets = event.get(side)
        if datasets is None:
            return
        if not isinstance(datasets, list):
            raise unreadable(f"`{side}` must be a list")
        if len(datasets) > self.limits.datasets:
            raise invalid(f"{side} must not have more than {self.limits.datasets} items")
        for i, dataset in enumerate(datasets):
            self._dataset(dataset, f"{side}[{i}]")

    def _dataset(self, value: Any, path: Path) -> None:
        dataset = _object_or_none(value, path)
        if dataset is None:
            return
        self._member(dataset, "namespace", "text", required=True, path=f"{path}.")
        self._member(dataset, "name", "text", required=True, path=f"{path}.")
        _object_or_none(dataset.get("inputFacets"), f"{path}.inputFacets")
        _object_or_none(dataset.get("outputFacets"), f"{path}.outputFacets")
        self._facets(dataset, _DATASET_FACETS, path)
        facets = dataset.get("facets")
        if facets:
            _text(facets.get("description"), f"{path}.facets.description")

    def _facets(
        self, owner: Mapping[str, Any], known: Mapping[str, tuple[_Member, ...]], path: Path
    ) -> None:
        facets = _object_or_none(owner.get("facets"), f"{path}.facets")
        if not facets:
            return
        for name, members in known.items():
            facet = facets.get(name)
            if facet is None:
                continue
            where = f"{path}.facets.{'parent' if name == 'parentRun' else name}"
            facet = _object(facet, where)
            for member, kind, required in (*_BASE, *members):
                self._member(facet, member, kind, required=required, path=f"{where}.")

    def _member(
        self, owner: Mapping[str, Any], name: str, kind: str, *, required: bool, path: Path
    ) -> None:
        value = owner.get(name)
        if value is None:
            if required:
                self._required(f"{path}{name}", None)
            return
        if type(value) is str and (kind == "text" or (kind == "uri" and is_uri(value))):
            return
        where = f"{path}{name}"
        if kind in _SCALARS:
            _SCALARS[kind](value, where)
        elif kind == "columns":
            self._columns(value, where)
        elif kind in _LISTS:
            self._list(value, _LISTS[kind], where)
        else:
            self._shape(value, kind, where)

    def _columns(self, value: Any, where: Path) -> None:
        for column, content in _object(value, where).items():
            if content is not None:
                self._shape(content, "column", f"{where}[{column}]")

    def _list(self, value: Any, shape: str, where: Path) -> None:
        if not isinstance(value, list):
            raise unreadable(f"`{where}` must be a list")
        if len(value) > self.limits.fields:
            raise invalid(f"{where} must not have more than {self.limits.fields} items")
        if shape == "column_input":
            self._count_edges(len(value))
        for i, item in enumerate(value):
            if item is not None and not _fits(item, shape):
                self._shape(item, shape, f"{where}[{i}]")

    def _count_edges(self, edges: int) -> None:
        self.column_edges += edges
        if self.column_edges > self.limits.column_edges:
            limit = self.limits.column_edges
            raise invalid(f"the column lineage must not have more than {limit} input fields in all")

    def _shape(self, value: Any, shape: str, where: Path) -> None:
        owner = _object(value, where)
        for name, kind, required in _SHAPES[shape]:
            self._member(owner, name, kind, required=required, path=f"{where}.")

    def _required(self, path: Path, value: Any) -> None:
        if value is None:
            self.errors.append(f"{path} must not be null")


def _fits(item: Any, shape: str) -> bool:
    """Return True if a quick look shows that an item is valid; else it needs the full check."""
    return type(item) is dict and all(
        type(item.get(name)) is str or (not required and item.get(name) is None)
        for name, _, required in _SHAPES[shape]
    )


def _object(value: Any, where: Path) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise unreadable(f"`{where}` must be an object")
    return value


def _object_or_none(value: Any, where: Path) -> Mapping[str, Any] | None:
    return None if value is None else _object(value, where)


def _text(value: Any, where: Path) -> None:
    if isinstance(value, dict | list):
        raise unreadable(f"`{where}` must be a text")


def _uri(value: Any, where: Path) -> None:
    _text(value, where)
    if not is_uri(text(value) or ""):
        raise unreadable(f"`{where}` must be a URI")


def _time(value: Any, where: Path) -> None:
    try:
        event_time.parse_nanos(value)
    except ValueError as exc:
        raise unreadable(f"`{where}`: {exc}") from exc


_SCALARS: Mapping[str, Callable[[Any, Path], None]] = {"text": _text, "uri": _uri, "time": _time}
