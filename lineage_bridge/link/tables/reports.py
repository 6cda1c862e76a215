"""What reports of other tools are of: the ladder of datasets decides, as for everybody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from lineage_bridge.link.datasets import resolve
from lineage_bridge.link.known import KnownDatasets
from lineage_bridge.records import Report
from lineage_bridge.records.identity import Bound
from lineage_bridge.records.report import LinkedReport, own_assertions


def link_reports(records: Sequence[Report], known: KnownDatasets) -> list[LinkedReport]:
    """Link reports, by time; of one that is told several times the first counts."""
    first: dict[str, Report] = {}
    for record in records:  # what outranks comes first
        first.setdefault(record.subject, record)
    linked = (_linked(record, known) for record in first.values())
    found = [one for one in linked if one is not None]
    return list(_with_before(sorted(found, key=lambda o: (o.record.time, o.job, o.run_id))))


def _linked(record: Report, known: KnownDatasets) -> LinkedReport | None:
    of = Bound(record.of, resolve(record.of, known).dataset)
    if of.dataset is None:
        return None
    other = record.reference
    against = [] if other is None else [Bound(other, resolve(other, known).dataset)]
    return LinkedReport(record, known.namespace, (of, *against))


def _with_before(reports: Iterable[LinkedReport]) -> Iterator[LinkedReport]:
    """Yield reports, each with what other suites of its tool said last of the same version."""
    newest: dict[tuple[object, ...], dict[str | None, Report]] = defaultdict(dict)
    for one in reports:
        by_suite = newest[one.record.tool, *one.of.key]
        by_suite.pop(one.record.suite, None)
        before = tuple(said for other in by_suite.values() for said in own_assertions(other))
        by_suite[one.record.suite] = one.record
        yield replace(one, before=before)
