"""The way back: the build that an event tells of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import zip_longest
from typing import Any, get_args

from lineage_bridge.events import (
    DatasetView,
    EventView,
    as_list,
    as_object,
    as_text,
)
from lineage_bridge.facets import facet_in
from lineage_bridge.facets.event import Words
from lineage_bridge.facets.feature_set import FeatureSetFacet
from lineage_bridge.facets.freshness import FreshnessFacet
from lineage_bridge.naming import (
    canonical_version,
    duckdb_store,
    features_dataset,
    is_features,
    split_stem,
)
from lineage_bridge.records.build import METADATA, MTIME, Build
from lineage_bridge.records.columns import Column, How, MadeOf
from lineage_bridge.records.identity import (
    links_of,
    source_of,
)
from lineage_bridge.records.words import Claim, Reference, reference_of, stem_of


def recall_build(view: EventView, built: datetime) -> Build | None:
    """Return the record that an event of a build tells of; None if the event is of another kind."""
    if len(view.outputs) != 1 or not is_features(view.outputs[0].name.name):
        return None
    output = view.outputs[0]
    said = facet_in(FeatureSetFacet, output.facets) or FeatureSetFacet()
    freshness = facet_in(FreshnessFacet, output.facets)
    quality = as_object(output.facets.get("dataQualityMetrics"))
    is_mtime = freshness is not None and freshness.build_time_is_mtime
    return Build(
        source=source_of(view),
        dataset=_recall_claim(view, output, said),
        reads=_recall_tables(view),
        built=built,
        built_basis=MTIME if is_mtime else METADATA,
        file_bytes=_whole(quality, "bytes"),
        rows=_whole(quality, "rowCount"),
        columns=_recall_columns(output, as_object(quality.get("columnMetrics"))),
        table=_recall_columns(view.inputs[0], {}) if view.inputs else (),
        feature_count=said.feature_count,
        positive_rate=said.positive_rate,
        entities=said.entity_count,
        observed_from=said.observed_from,
        observed_to=said.observed_to,
        zoned=said.event_time_zoned,
        target=said.target,
        entity=said.entity,
        event_time=said.event_time,
        flags=said.flags or (),
        limits=_recall_limits(freshness),
    )


def _recall_limits(freshness: FreshnessFacet | None) -> tuple[float, float] | None:
    if freshness is None or freshness.warn_seconds is None or freshness.error_seconds is None:
        return None
    return freshness.warn_seconds, freshness.error_seconds


def _recall_claim(view: EventView, output: DatasetView, said: FeatureSetFacet) -> Claim:
    link = next(iter(links_of(view, "output")), None)
    if link is not None and link.said is not None and link.said.name is not None:
        words = link.said
        return Claim(
            name=link.said.name,
            version=words.version,
            path=words.path,
            sha256=words.sha256,
            field=link.field,
            declared=_declared(view, output, words),
        )
    # The first release kept no words: the file's name is the stem, except where it is a JSON's.
    shown = said.location.path if said.location is not None else None
    is_parquet = shown is not None and shown.lower().endswith(".parquet")
    name = stem_of(shown or "") if is_parquet else None
    name = name or output.name.name.rsplit(".", 1)[-1]
    return Claim(name=name, version=output.version, path=shown, sha256=said.footer_sha256)


def _declared(view: EventView, output: DatasetView, words: Words) -> str | None:
    """Return the identity that somebody's settings gave the dataset, None if words alone did."""
    name, version = output.name.name, output.version
    if version != canonical_version(words.version or ""):
        return f"{name}@{version}"
    store = next((duckdb_store(table.name.namespace) for table in view.inputs), None)
    base, _ = split_stem(words.name or "")
    plain = features_dataset(None, base)
    if store is not None:
        return None if name in {plain, features_dataset(store, base)} else name
    # It names no table, so its store came from other builds: it may be any.
    return None if _last_part(name) == _last_part(plain) else name


def _last_part(name: str) -> str:
    return name.rpartition(".")[2]


def _recall_tables(view: EventView) -> tuple[Reference, ...]:
    """Return the tables as they were found: no other artifact could find them better."""
    unresolved = [link for link in links_of(view, "input") if not link.dataset]
    links = [link for link in links_of(view, "input") if link.dataset]
    return tuple(
        [
            Reference(
                what="table",
                namespace=table.name.namespace,
                name=table.name.name,
                path=link.said.path if link is not None and link.said is not None else None,
                field=link.field if link is not None else None,
            )
            for table, link in zip_longest(view.inputs, links)
        ]
        + [reference_of(link.said, "table", field=link.field) for link in unresolved]
    )


def _recall_columns(output: DatasetView, metrics: Mapping[str, Any]) -> tuple[Column, ...]:
    fields = as_list(as_object(output.facets.get("schema")).get("fields"))
    lineage = as_object(as_object(output.facets.get("columnLineage")).get("fields"))
    columns = []
    for field in map(as_object, fields):
        name = as_text(field.get("name"))
        if name is not None:
            nulls = _whole(as_object(metrics.get(name)), "nullCount")
            made_of = _recall_made_of(as_object(lineage.get(name)))
            columns.append(Column(name, as_text(field.get("type")) or "", nulls, made_of))
    return tuple(columns)


def _recall_made_of(lineage: Mapping[str, Any]) -> MadeOf | None:
    inputs = [as_object(item) for item in as_list(lineage.get("inputFields"))]
    names = tuple(filter(None, (as_text(item.get("field")) for item in inputs)))
    told = [as_object(one) for item in inputs for one in as_list(item.get("transformations"))]
    how = next(
        (known for one in told for known in get_args(How) if one.get("subtype") == known), None
    )
    return MadeOf(names, how) if names and how is not None else None


def _whole(values: Mapping[str, Any], key: str) -> int | None:
    value = values.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
