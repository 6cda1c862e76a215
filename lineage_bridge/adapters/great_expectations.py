"""Great Expectations: validation results of 0.18 and 1.x, alone or within a checkpoint's result.

Only verdicts, counts and limits that are numbers are told. Values of rows, sets of values and
tracebacks are data of somebody's, and never leave the file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from lineage_bridge.adapters.api import API, Kind, Place, Problem
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.adapters.common_names import is_of_another
from lineage_bridge.adapters.documents import as_number, parse_object, shown
from lineage_bridge.assess.assertions import Assertion
from lineage_bridge.errors import ArtifactError
from lineage_bridge.records import Record, Reference, Report, Source
from lineage_bridge.times import parse_time

TOOL: Final = "great_expectations"
_RESULT: Final = Kind("validation")
HEAD_BYTES: Final = 64 * 1024  # in which a file says that it is of Great Expectations
_COMPACT: Final = "%Y%m%dT%H%M%S.%f%z"
_LIMITS: Final = ("min_value", "max_value", "value", "mostly")
MEND: Final = "validate a file or a table, or give the batch its path"


class GreatExpectations:
    """The adapter of validation results."""

    api = API
    name = "great-expectations"
    title = "Great Expectations (validation results)"
    version = 1

    def recognise(self, place: Place) -> Kind | None:
        """Recognise JSON: results are called as somebody likes, and say early what they are."""
        is_json = place.name.endswith(".json") and not place.is_folder
        return _RESULT if is_json and not is_of_another(place.name) else None

    def read(self, artifact: Artifact) -> Iterator[Record | Problem]:
        """Read each validation of one file."""
        with artifact.opened() as file:
            head = file.read(HEAD_BYTES)
        if b'"expectation_' not in head and b'"evaluated_expectations"' not in head:
            return
        content = artifact.content()
        document = parse_object(content)
        for field, result in _validations(document):
            try:
                yield _report(result, artifact.source)
            except ArtifactError as exc:
                place = ".".join(filter(None, (field, exc.field)))
                yield Problem(artifact.name, ArtifactError(exc.reason, field=place or None))


def _validations(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the validations of a file: itself, or those of a checkpoint's result."""
    if isinstance(document.get("results"), list):
        yield "", document
        return
    for name, run in _section(document, "run_results").items():
        inner = run.get("validation_result", run) if isinstance(run, dict) else None
        if isinstance(inner, dict) and isinstance(inner.get("results"), list):
            yield f"run_results.{name}"[:200], inner


def _report(document: Mapping[str, Any], source: Source) -> Report:
    meta = document.get("meta")
    if not isinstance(meta, dict):
        raise ArtifactError("is missing, expected when and of what it was", field="meta")
    checks: list[Assertion] = []
    errors, rows = 0, None
    for number, result in enumerate(document["results"]):
        if not isinstance(result, dict) or not isinstance(result.get("success"), bool):
            raise ArtifactError("expected an object with `success`", field=f"results.{number}")
        if _raised(result.get("exception_info")):
            errors += 1
            continue
        check = _assertion(result, number)
        checks.append(check)
        if check.assertion == "expect_table_row_count_to_be_between":
            rows = _count(_section(result, "result").get("observed_value"))
    if not checks and not errors:
        raise ArtifactError("is empty: nothing was checked, which is no pass", field="results")
    suite = document.get("suite_name") or meta.get("expectation_suite_name")
    version = meta.get("great_expectations_version")
    return Report(
        source=source,
        tool=TOOL,
        tool_version=version if isinstance(version, str) else None,
        time=_time(meta),
        of=_dataset(meta),
        suite=suite if isinstance(suite, str) else None,
        checks=tuple(checks),
        errors=errors,
        rows=rows,
    )


def _assertion(result: Mapping[str, Any], number: int) -> Assertion:
    config = _section(result, "expectation_config")
    kind = config.get("type") or config.get("expectation_type")
    if not isinstance(kind, str):
        raise ArtifactError("is missing", field=f"results.{number}.expectation_config.type")
    kwargs, found = _section(config, "kwargs"), _section(result, "result")
    severity = config.get("severity") or _section(config, "meta").get("severity")
    column = kwargs.get("column")
    success = result["success"] is True
    limits = [f"{name} {kwargs[name]}" for name in _LIMITS if _is_plain(kwargs.get(name))]
    return Assertion(
        kind,
        success,
        column=column if isinstance(column, str) else None,
        severity=None if success else "warn" if severity in {"warning", "info"} else "error",
        expected=", ".join(limits) or None,
        actual=_actual(found),
    )


def _actual(found: Mapping[str, Any]) -> str | None:
    if _is_plain(found.get("observed_value")):
        return str(found["observed_value"])
    if _is_plain(found.get("unexpected_count")):
        percent = as_number(found.get("unexpected_percent"))
        share = f" ({percent:g} %)" if percent is not None and math.isfinite(percent) else ""
        return f"{found['unexpected_count']} unexpected{share}"
    return None


def _dataset(meta: Mapping[str, Any]) -> Reference:
    spec, batch = _section(meta, "batch_spec"), _section(meta, "active_batch_definition")
    path = spec.get("path")
    if isinstance(path, str) and path.strip():
        return Reference(path=path, field="meta.batch_spec.path", mend=MEND)
    table = spec.get("table_name")
    if isinstance(table, str) and table.strip():
        schema, store = spec.get("schema_name"), batch.get("datasource_name")
        name = f"{schema}.{table}" if isinstance(schema, str) and schema else table
        if isinstance(store, str) and store.strip():
            field = "meta.batch_spec.table_name"
            return Reference(namespace=store, name=name, field=field, mend=MEND)
    raise ArtifactError(f"names no file and no table: {MEND}", field="meta.batch_spec")


def _time(meta: Mapping[str, Any]) -> datetime:
    said = meta.get("validation_time") or _section(meta, "run_id").get("run_time")
    if not isinstance(said, str):
        raise ArtifactError(f"expected a time, found {shown(said)}", field="meta.validation_time")
    try:
        return datetime.strptime(said, _COMPACT).astimezone(UTC)
    except ValueError:
        pass
    try:
        return parse_time(said).instant  # one without a zone is UTC
    except ValueError as exc:
        raise ArtifactError(str(exc), field="meta.validation_time") from exc


def _raised(info: Any) -> bool:
    """Return whether a check could not be run; since 1.0 each metric of it may say so."""
    if not isinstance(info, dict):
        return False
    if "raised_exception" in info:
        return info["raised_exception"] is True
    return any(isinstance(one, dict) and one.get("raised_exception") for one in info.values())


def _section(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _is_plain(value: Any) -> bool:
    number = as_number(value)
    return number is not None and math.isfinite(number)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


ADAPTER: Final = GreatExpectations()
