"""Facets of datasets: which version they stick to, and which answers show them.

Marquez stores each facet as a row with a type, and picks rows by type and run when asked. Here they
are merged as they come, in one column per group of rows that some answer picks. Source:
`DatasetFacetsDao` (the types), and the queries of `DatasetDao`, `DatasetVersionDao`, `RunDao`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineage_bridge.collector import merging, typed
from lineage_bridge.collector.context import Context, refuse
from lineage_bridge.collector.reduce_runs import MAX_FACET_NAME, Run

_INPUT_NAMES = frozenset({"dataqualitymetrics", "dataqualityassertions"})
_OUTPUT_NAMES = frozenset({"outputstatistics"})

Facets = dict[str, Any]


def take(
    context: Context, version: int, dataset: Mapping[str, Any], *, is_input: bool, run: Run | None
) -> None:
    """Store the facets that a mention of a version brings.

    Raises:
        RefusedEventError: a facet's name is too long.
    """
    facets = typed.stored_facets(dataset, typed.DATASET_FACETS)
    io_facets = typed.without_nulls(dataset.get("inputFacets" if is_input else "outputFacets"))
    io_facets = io_facets or {}
    if not facets and not io_facets:
        return
    outputs = {name: facets[name] for name in facets if name.lower() in _OUTPUT_NAMES}
    shown = {name: facets[name] for name in facets if name not in outputs}
    inputs = {name: facets[name] for name in facets if name.lower() in _INPUT_NAMES}
    if is_input:
        shown |= io_facets
        inputs |= io_facets
    else:
        outputs |= io_facets
    _store(context, version, _short(shown), _short(outputs), has_run=run is not None)
    if run is not None:
        _store_of_run(context, run.id, version, "INPUT", _short(inputs))
        _store_of_run(context, run.id, version, "OUTPUT", _short(outputs))
    if any(len(name) > MAX_FACET_NAME for name in (*facets, *io_facets)):
        raise refuse(f"a facet's name must not be longer than {MAX_FACET_NAME} characters")


def _short(facets: Facets) -> Facets:
    return {name: value for name, value in facets.items() if len(name) <= MAX_FACET_NAME}


def _store(
    context: Context, version: int, shown: Facets, outputs: Facets, *, has_run: bool
) -> None:
    row = context.connection.execute(
        "SELECT run_facets, runless_facets, output_facets, listed_facets"
        " FROM mq_dataset_versions WHERE id = ?",
        (version,),
    ).fetchone()
    of_runs, runless, of_outputs, listed = (merging.load(stored) for stored in row)
    before = merging.newest(runless, of_runs)
    own, other = (of_runs, runless) if has_run else (runless, of_runs)
    is_late = merging.put(own, shown, context.at_us) | _is_older(shown, other, context.at_us)
    if row[3] is not None or is_late:
        listed = {**(listed if row[3] is not None else before), **shown}
    if has_run:
        merging.put(of_outputs, outputs, context.at_us)
    context.connection.execute(
        "UPDATE mq_dataset_versions SET run_facets = ?, runless_facets = ?, output_facets = ?,"
        " listed_facets = ? WHERE id = ?",
        (*(merging.dump(facets) for facets in (of_runs, runless, of_outputs, listed)), version),
    )


def _is_older(facets: Facets, merged: merging.Timed, at_us: int) -> bool:
    return any(name in merged and merged[name][0] > at_us for name in facets)


def _store_of_run(context: Context, run: int, version: int, io: str, facets: Facets) -> None:
    if not facets:
        return
    key = (run, version, io)
    row = context.connection.execute(
        "SELECT facets FROM mq_run_io_facets WHERE run = ? AND version = ? AND io = ?", key
    ).fetchone()
    merged = merging.load(row[0]) if row else {}
    context.connection.execute(
        "INSERT OR REPLACE INTO mq_run_io_facets (run, version, io, facets) VALUES (?, ?, ?, ?)",
        (*key, merging.dump({**merged, **facets})),
    )
