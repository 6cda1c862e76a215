"""`checks suggest`: what it writes of versions is what they pass."""

from __future__ import annotations

import tomllib
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import dataset, write
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.assess.checks.facts import ColumnFacts, Roles, Version
from lineage_bridge.assess.checks.judge import judge_versions
from lineage_bridge.assess.checks.settings import expected_of
from lineage_bridge.assess.checks.suggest import suggest
from lineage_bridge.profiles.making import make_profile
from lineage_bridge.profiles.parquet import ParquetSource
from lineage_bridge.profiles.profile import RowKeys
from lineage_bridge.settings import Settings
from lineage_bridge.show.formats import toml_text
from lineage_bridge.show.text import is_seen

DATASET = "features.mobility.training_dataset"


@pytest.fixture
def p2(lb, tmp_path):
    folder = tmp_path / "p2"
    folder.mkdir()
    for day in (6, 7, 8):
        columns = dataset(start=datetime(2026, 4, day - 2), slots=288, seed=day)  # noqa: DTZ001
        rows = len(columns["obs_ts"])
        columns["ft_capacity"] = [20.0 + (row % 10) for row in range(rows)]
        if day == 7:  # with an error: nothing is learned from it
            columns["ft_capacity"] = [None] * rows
        write(folder, columns, stamp=f"202604{day:02}_235500")
    assert lb("backfill", "--p2", folder).code == 0
    return folder


def test_versions_that_were_learned_from_pass_and_others_fail(lb, p2, tmp_path):
    told = lb("checks", "suggest", DATASET)
    assert told.code == 0
    assert told.out.startswith("# From 2 versions, 2026-04-06T23:55:00Z to 2026-04-08T23:55:00Z.\n")
    section = tomllib.loads(told.out)["checks"][DATASET]
    assert section["ranges"]["ft_capacity"] == [19.1, 29.9]
    assert section["zone"] == "none"
    assert section["slot_seconds"] == 900.0
    assert len(section["columns"]) == 27

    (tmp_path / "lineage-bridge.toml").write_text(told.out)
    assert lb("backfill", "--p2", p2).code == 0
    for day, status in ((6, "passed"), (7, "error"), (8, "passed")):
        (one,) = lb("check", "--json", f"{DATASET}@2026-04-{day:02}T23:55:00Z").json["versions"]
        assert one["status"] == status


def test_what_is_not_known_is_an_error(lb, p2):
    assert "No node `nothing`" in lb("checks", "suggest", "nothing").err
    lb("backfill", "--no-observe", "--home", "other", "--p2", p2)
    unknown = lb("checks", "suggest", DATASET, "--home", "other")
    assert unknown.code == 2
    assert "Nothing is known of the rows" in unknown.err


NAMES = st.text("ab.\"'ü \\\n\x1b\u202e", max_size=5)
NUMBERS = st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=1)
TEXTS = st.lists(st.none() | st.text(max_size=5), min_size=1)


@given(st.lists(st.dictionaries(NAMES, NUMBERS | TEXTS, min_size=1), min_size=1, max_size=3))
def test_whatever_the_versions_are_the_section_is_valid_and_they_pass_it(tables):
    versions = [version(table, number) for number, table in enumerate(tables)]
    written = toml_text({"checks": {"features.x": suggest(versions)}})
    assert all(map(is_seen, written.replace("\n", "")))
    settings = Settings.model_validate(tomllib.loads(written))
    policy = expected_of("features.x", settings)
    expected = {"columns", "zone", "rows", "fill", "out_of_range", "unknown_labels"}
    for report in judge_versions(versions, policy):
        for result in report.results:
            if result.check.code in expected:
                assert result.verdict.status != "failed", result


def version(table, number):
    rows = max(len(values) for values in table.values())
    columns = {name: np.resize(np.array(v, object), rows).tolist() for name, v in table.items()}
    written = pa.table(columns)
    sink = pa.BufferOutputStream()
    pq.write_table(written, sink)
    source = ParquetSource(pa.BufferReader(sink.getvalue()))
    facts = tuple(ColumnFacts(field.name, str(field.type)) for field in written.schema)
    return Version(
        f"features.x@{number}",
        "features.x",
        str(number),
        rows=rows,
        columns=facts,
        roles=Roles(),
        profile=make_profile(source, RowKeys()),
    )
