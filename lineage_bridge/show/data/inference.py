"""An inference log in tables: how each file was understood, and who answered how much."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from lineage_bridge.show.data.values import value_text
from lineage_bridge.show.tables import Column, Table
from lineage_bridge.show.units import counted, moment, percent

if TYPE_CHECKING:
    from lineage_bridge.inference.measures import Bounded
    from lineage_bridge.inference.summary import FileRead, Summary

_REJECTED_SHOWN: Final = 10  # of one file; --json lists more
_FEATURES_SHOWN: Final = 8
_FIELDS: Final = (
    Column("field"),
    Column("read from", fold="anywhere", narrowest=16),
    Column("in rows", 5, right=True),
    Column("because", 4),
)
_SERVED: Final = (
    Column("deployment", fold="anywhere", narrowest=12),
    Column("model", 6, fold="anywhere", narrowest=12),
    Column("version", fold="anywhere", narrowest=8),
    Column("rows", right=True),
    Column("no answer", 4, right=True),
    Column("first", 5),
    Column("last", 5),
    Column("hours", 3, right=True),
)
_MEASURES: Final = (
    Column("deployment", fold="anywhere", narrowest=12),
    Column("version", fold="anywhere", narrowest=8),
    Column("labelled", right=True),
    Column("accuracy"),
    Column("AUC", 6),
    Column("Brier", 4),
    Column("bias", 5),
    Column("mean error", 5),
)


def inference_tables(found: Summary) -> Iterator[Table]:
    """Make a table of the fields of each file, and one of who answered."""
    for read in (*found.label_files, *found.files):
        yield _fields(read)
    table = Table(*_SERVED, title="Who answered")
    for served, answers in found.by_time():
        table.add(
            served.deployment or "",
            served.model or served.run or "",
            served.version or "",
            f"{answers.rows:,}",
            f"{answers.without_prediction + answers.not_finite:,}",
            moment(answers.first),
            moment(answers.last),
            f"{len(answers.hours):,}",
        )
    yield table
    if found.labels.lines:
        yield _measures(found)


def rejected_lines(found: Summary) -> Iterator[str]:
    """Name the rows that do not count, each with its line and the reason."""
    for read in (*found.label_files, *found.files):
        for error in read.rejected.in_order()[:_REJECTED_SHOWN]:
            field = f" `{error.field}`" if error.field else ""
            yield f"{read.path}:{error.line}:{field} {error.reason}"
        if (more := read.rejected.total - _REJECTED_SHOWN) > 0:
            yield f"{read.path}: {counted(more, 'more row')} rejected; --json lists them"


def _measures(found: Summary) -> Table:
    labels = found.labels
    table = Table(
        *_MEASURES,
        title="How good the answers were (with bounds of 95 %)",
        caption=(
            f"{counted(labels.lines, 'label')}: {labels.duplicates:,} of a request that had one "
            f"already, {labels.changed:,} of those changed it; {labels.unknown:,} of no request "
            f"here; {labels.late:,} too late to count"
        ),
    )
    for served, answers in found.by_time():
        measures = answers.measuring.measures()
        if measures is None:
            continue
        table.add(
            served.deployment or "",
            served.version or "",
            f"{measures.labelled:,} of {answers.answered:,}",
            _bounded(measures.accuracy, percent),
            _bounded(measures.auc, value_text),
            value_text(measures.brier),
            _bounded(measures.bias, value_text),
            _bounded(measures.mean_absolute_error, value_text),
        )
    return table


def _bounded(figure: Bounded | None, text: Callable[[float], str]) -> str:
    if figure is None:
        return ""
    return f"{text(figure.value)} ({text(figure.low)} … {text(figure.high)})"


def _fields(read: FileRead) -> Table:
    fields = read.fields
    shown = ", ".join(read.features[:_FEATURES_SHOWN])
    more = len(read.features) - _FEATURES_SHOWN
    names = f"{shown} and {more:,} more" if more > 0 else shown or "none"
    is_log = read.rows or read.features
    table = Table(
        *_FIELDS,
        title=f"{read.path}: {', '.join(_counts(read))}",
        caption=f"Features: {names}" if is_log else "",
    )
    for name, path in fields.paths.items():
        because = "declared" if name in fields.declared else "a usual name"
        where = "the row itself" if path == "@" else path
        table.add(name, where, percent(fields.shares[name]), because)
    return table


def _counts(read: FileRead) -> Iterator[str]:
    if read.rows or not read.labels:
        yield counted(read.rows, "row")
    yield f"{read.rejected.total:,} rejected"
    if read.labels:
        yield counted(read.labels, "label", "labels")
    if read.unzoned:
        yield f"{read.unzoned:,} with a time without a zone, read as UTC"
