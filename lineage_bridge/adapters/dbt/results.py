"""`run_results.json`: runs of models, and tests by the table that they are of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Final, Literal

from lineage_bridge.adapters.api import Problem
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.adapters.dbt.documents import MANIFEST, Node, Result, Results, in_utc
from lineage_bridge.adapters.dbt.project import TABLES, Project
from lineage_bridge.assess.assertions import Assertion
from lineage_bridge.errors import ArtifactError
from lineage_bridge.records import Record, Report, Source, Transformation
from lineage_bridge.times import format_time

_STATES: Final[dict[str, Literal["COMPLETE", "FAIL"]]] = {
    "success": "COMPLETE",
    "error": "FAIL",
    "partial success": "FAIL",
}
_NOT_RUN: Final = frozenset({"skipped", "no-op"})
_VERDICTS: Final = frozenset({"pass", "warn", "fail"})
TEST: Final = "test"
ML: Final = "ml"


def records_of_results(
    results: Results, project: Project, artifact: Artifact
) -> Iterator[Record | Problem]:
    """Yield a run for each model that ran, and a report for each table that was tested."""
    source, tests = artifact.source, defaultdict[str, list[tuple[int, Result, Node]]](list)
    for number, result in enumerate(results.results):
        try:
            node = project.node(result.unique_id)
            if node.resource_type in TABLES:
                yield from _run(result, node, results, project, source)
            elif node.resource_type == TEST:
                for table in project.tested(result.unique_id):
                    tests[table].append((number, result, node))
        except ArtifactError as exc:
            field = f"results.{number}.{exc.field}" if exc.field else f"results.{number}"
            yield Problem(artifact.name, ArtifactError(exc.reason, field=field))
    for table, found in tests.items():
        report = _report(table, found, results, project, source)
        if report is not None:
            yield report
    yield from _exposures(results, project, source)


def _run(
    result: Result, node: Node, results: Results, project: Project, source: Source
) -> Iterator[Transformation]:
    if result.status in _NOT_RUN or node.config.materialized == "ephemeral":
        return
    state = _STATES.get(result.status)
    if state is None:
        expected = ", ".join((*_STATES, *sorted(_NOT_RUN)))
        raise ArtifactError(
            f"expected one of {expected}, found {result.status[:60]!r}", field="status"
        )
    started, ended = _times(result, results)
    read = project.tables_behind(result.unique_id)
    yield Transformation(
        source=source,
        job=project.job(result.unique_id, results.args.which or ""),
        run=results.run,
        started=started,
        ended=ended,
        state=state,
        reads=tuple(project.reference(one, "depends_on.nodes") for one in read),
        writes=(project.table(result.unique_id),),
        description=f"The {node.resource_type} {node.name} of the dbt project {node.package_name}.",
    )


def _times(result: Result, results: Results) -> tuple[datetime | None, datetime]:
    starts = [in_utc(one.started_at) for one in result.timing]
    ends = [in_utc(one.completed_at) for one in result.timing]
    written = in_utc(results.metadata.generated_at)
    assert written is not None
    ended = max((one for one in ends if one is not None), default=written)
    started = min((one for one in starts if one is not None), default=None)
    return (started if started is not None and started <= ended else None), ended


def _report(
    table: str,
    found: list[tuple[int, Result, Node]],
    results: Results,
    project: Project,
    source: Source,
) -> Report | None:
    judged = [(result, node) for _, result, node in found if result.status in _VERDICTS]
    errors = sum(1 for _, result, _ in found if result.status in {"error", "runtime error"})
    if not judged and not errors:
        return None
    return Report(
        source=source,
        tool="dbt",
        tool_version=results.metadata.dbt_version,
        time=max(_times(result, results)[1] for _, result, _ in found),
        of=project.reference(table, MANIFEST),
        suite=project.metadata.project_name,
        checks=tuple(_assertion(result, node) for result, node in judged),
        errors=errors,
    )


def _assertion(result: Result, node: Node) -> Assertion:
    is_warning = result.status == "warn"
    return Assertion(
        node.test_metadata.name if node.test_metadata is not None else node.name,
        success=result.status == "pass",
        column=node.column_name,
        severity=None if result.status == "pass" else "warn" if is_warning else "error",
        expected="0 failures",
        actual=None if result.failures is None else f"{result.failures} failures",
    )


def _exposures(results: Results, project: Project, source: Source) -> Iterator[Transformation]:
    """Yield who is declared to use tables for machine learning, as of this run."""
    written = in_utc(project.metadata.generated_at)
    assert written is not None
    for unique_id, exposure in project.manifest.exposures.items():
        known = [one for one in exposure.depends_on.nodes if project.is_table(one)]
        if exposure.type == ML and known:
            reads = tuple(project.reference(one, unique_id) for one in known)
            yield Transformation(
                source=source,
                job=f"exposure.{project.metadata.project_name}.{exposure.name}",
                run=f"{results.run} {format_time(written)}",
                ended=written,
                reads=reads,
                description=f"Declared in dbt: {exposure.name} uses these tables.",
            )
