"""Facets of datasets: which version they belong to, and which answers show them.

Marquez stores each facet as a row with a type, and selects rows by type and run for each answer.
Here facets are merged as they arrive, into one column for each group of rows that some answer
selects. Source: `DatasetFacetsDao` (the types), and the queries of `DatasetDao`,
`DatasetVersionDao`, `RunDao`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineage_bridge.collector.dialect import merging, typed
from lineage_bridge.collector.dialect.merging import Merged, Values
from lineage_bridge.collector.fold.reduce_runs import Run
from lineage_bridge.collector.rows import shared
from lineage_bridge.collector.rows.context import Context, refuse
from lineage_bridge.collector.rows.dataset_row import VersionRow
from lineage_bridge.marquez_limits import MAX_FACET_NAME

_INPUT_NAMES = frozenset({"dataqualitymetrics", "dataqualityassertions"})
_MEMBERS = ("facets", "inputFacets", "outputFacets")
_OUTPUT_NAMES = frozenset({"outputstatistics"})


def take(
    context: Context,
    version: VersionRow,
    dataset: Mapping[str, Any],
    *,
    is_input: bool,
    run: Run | None,
) -> None:
    """Store the facets of a mention of a version, without those that have over-long names."""
    facets = typed.stored_facets(dataset, typed.DATASET_FACETS, context.may_have_nulls)
    io_facets = dataset.get("inputFacets" if is_input else "outputFacets") or {}
    if context.may_have_nulls:
        io_facets = typed.without_nulls(io_facets)
    if not facets and not io_facets:
        return
    held = shared.hold(context.connection, _short(facets))
    held_io = shared.hold(context.connection, _short(io_facets))
    shown, inputs, outputs = _sorted(held, held_io, is_input)
    _store(context.at_us, version, shown, outputs, has_run=run is not None)
    if run is not None:
        _store_of_run(context, run.id, version.id, "INPUT", inputs)
        _store_of_run(context, run.id, version.id, "OUTPUT", outputs)


def _sorted(facets: Values, io_facets: Values, is_input: bool) -> tuple[Values, Values, Values]:
    """Group facets by where they are shown: with the dataset, with a run's inputs, its outputs."""
    shown: Values = {}
    inputs: Values = {}
    outputs: Values = {}
    for name, value in facets.items():
        kind = name.lower()
        group = outputs if kind in _OUTPUT_NAMES else shown
        group[name] = value
        if kind in _INPUT_NAMES:
            inputs[name] = value
    if not is_input:
        return shown, inputs, {**outputs, **io_facets}
    return {**shown, **io_facets}, {**inputs, **io_facets}, outputs


def check(dataset: Mapping[str, Any]) -> None:
    """Refuse names of facets that are too long.

    Raises:
        RefusedEventError: a name is too long.
    """
    names = [name for kind in _MEMBERS for name in dataset.get(kind) or ()]
    if any(len(name) > MAX_FACET_NAME for name in names):
        raise refuse(f"a facet's name must not be longer than {MAX_FACET_NAME} characters")


def _short(facets: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facets.items() if len(name) <= MAX_FACET_NAME}


def _store(
    at_us: int, version: VersionRow, shown: Values, outputs: Values, *, has_run: bool
) -> None:
    of_runs, runless = merging.load(version.run_facets), merging.load(version.runless_facets)
    own, other = (of_runs, runless) if has_run else (runless, of_runs)
    if version.listed_facets is not None or _is_older(shown, own, other, at_us):
        listed = version.listed_facets
        held = merging.newest(runless, of_runs) if listed is None else merging.load_values(listed)
        version.listed_facets = merging.dump({**held, **shown})
    merging.put(own, shown, at_us)
    if has_run:
        version.run_facets = merging.dump(of_runs)
    else:
        version.runless_facets = merging.dump(runless)
    if has_run and outputs:
        of_outputs = merging.load(version.output_facets)
        merging.put(of_outputs, outputs, at_us)
        version.output_facets = merging.dump(of_outputs)


def _is_older(facets: Values, own: Merged, other: Merged, at_us: int) -> bool:
    return any(
        name in merged and merged[name].at_us > at_us for merged in (own, other) for name in facets
    )


def _store_of_run(context: Context, run: int, version: int, io: str, facets: Values) -> None:
    if not facets:
        return
    key = (run, version, io)
    row = context.connection.execute(
        "SELECT facets FROM mq_run_io_facets WHERE run = ? AND version = ? AND io = ?", key
    ).fetchone()
    merged = merging.load_values(row[0]) if row else {}
    context.connection.execute(
        "INSERT OR REPLACE INTO mq_run_io_facets (run, version, io, facets) VALUES (?, ?, ?, ?)",
        (*key, merging.dump({**merged, **facets})),
    )
