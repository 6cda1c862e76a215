"""Columns and what they are made of: in the event of a build, and back from it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.adapters.feature_columns import MADE_OF, TABLE
from lineage_bridge.assess.freshness import FreshnessPolicy
from lineage_bridge.events import decode, view_event
from lineage_bridge.link.linking import link
from lineage_bridge.records import Build, Claim, Column, MadeOf, Reference, Source
from lineage_bridge.records.build import build_event
from lineage_bridge.records.recall import recall
from lineage_bridge.settings import Settings

MORNING = datetime(2026, 4, 7, tzinfo=UTC)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(str.strip)
made_of = st.builds(
    MadeOf,
    st.lists(names, min_size=1, max_size=3, unique=True).map(tuple),
    st.sampled_from(["IDENTITY", "TRANSFORMATION", "AGGREGATION"]),
)
columns = st.lists(
    st.builds(Column, names, names, st.none() | st.integers(0, 9), st.none() | made_of),
    max_size=4,
    unique_by=lambda column: column.name,
).map(tuple)
plain = st.lists(st.builds(Column, names, names), max_size=4, unique_by=lambda c: c.name).map(tuple)


def a_build(*tables, **facts):
    return Build(
        source=Source("any", "/d.parquet", "d.parquet"),
        dataset=Claim(name="daily", version="20260407_000000"),
        reads=tuple(Reference(what="table", path=path, field="db") for path in tables),
        built=MORNING,
        **facts,
    )


def said(build):
    (linked,) = link([build], Settings()).builds
    return view_event(decode(build_event(linked, FreshnessPolicy()).body))


@given(columns, plain)
def test_an_event_keeps_what_its_record_says_of_columns(columns, table):
    build = a_build("bikes.duckdb", columns=columns, table=table)
    again = recall(said(build), MORNING).record

    assert again.columns == build.columns
    assert again.table == build.table


@pytest.mark.parametrize("tables", [(), ("a.duckdb", "b.duckdb")])
def test_columns_lead_nowhere_where_no_one_table_is_known(tables):
    (column, *_) = columns_of = [Column("id", "INT", made_of=MadeOf(("id",), "IDENTITY"))]
    (output,) = said(a_build(*tables, columns=tuple(columns_of))).outputs

    assert column.made_of is not None
    assert "columnLineage" not in output.facets


def test_all_columns_of_the_feature_pipeline_come_from_its_table():
    used = {name for made in MADE_OF.values() for name in made.columns}
    assert used == {column.name for column in TABLE}

    path = next((Path(__file__).parents[2] / "examples" / "p2" / "output").glob("*.parquet"))
    assert MADE_OF.keys() == set(pq.read_schema(path).names)
