"""The built-in families: which words of an artifact become which claims and references."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lineage_bridge.adapters import parquet_footer
from lineage_bridge.adapters.documents import MAX_ITEMS, MAX_NESTED, MAX_TEXT_CHARACTERS
from lineage_bridge.ingest.read import read
from lineage_bridge.ingest.scan import scan
from lineage_bridge.records import Claim, Reference
from lineage_bridge.times import parse_time

KEYS = {"upstream_db_path": "../data/city.duckdb", "build_timestamp": "20260403_230612"}
LONG = "x" * (MAX_TEXT_CHARACTERS + 1)
BUNDLE = {"run_id": "r1", "candidate_name": "m", "created_at": "2026-04-07T10:00:00Z"}


def at(text):
    return parse_time(text).instant


@pytest.fixture
def reading(tmp_path):
    """What comes of one file: of its own family, read as a backfill does."""

    def read_one(family, name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        (found,) = [f for f in scan({family: [tmp_path]}).found if f.path == str(path)]
        return read(found)

    return read_one


def parquet(metadata, columns=("ft_a",)):
    schema = pa.schema([(name, pa.int64()) for name in columns])
    table = pa.table({name: [1] for name in columns}, schema=schema)
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(metadata), sink)
    return sink.getvalue().to_pybytes()


def only(result):
    assert result.rejected == []
    (record,) = result.records
    return record


def refusal(result):
    (rejected,) = result.rejected
    return rejected.field, rejected.reason


# Words


def test_a_feature_dataset_claims_its_file_and_refers_to_its_database(reading, tmp_path):
    record = only(reading("p2", "out/set_20260403_230612.parquet", parquet(KEYS)))
    path = str(tmp_path / "out" / "set_20260403_230612.parquet")
    assert record.dataset == Claim(
        name="set_20260403_230612",
        version="20260403_230612",
        path=path,
        sha256=record.dataset.sha256,
        field="build_timestamp",
    )
    assert len(record.dataset.sha256) == 64
    (table,) = record.reads
    assert (table.what, table.path) == ("table", "../data/city.duckdb")
    assert (table.field, bool(table.mend)) == ("upstream_db_path", True)
    assert record.source.shown == "out/set_20260403_230612.parquet"
    assert record.file_bytes == Path(path).stat().st_size


def test_a_build_that_names_no_database_has_a_reference_without_words(reading):
    record = only(reading("p2", "x.parquet", parquet({"build_timestamp": "20260403_230612"})))
    (table,) = record.reads
    assert (table.said, table.words) == ("", None)
    assert (table.field, table.mend) == (
        "upstream_db_path",
        "build the dataset again with P2 from a named database",
    )


def test_trainings_beside_the_features_stand_within_their_family(reading):
    said = {
        "run_timestamp": "20260404_010203",
        "input_parquet": "out/set.parquet",
        "forest": {"metrics": {"auc": 0.5, "deep": {"x": 1}}, "hyperparams": {"depth": 3}},
    }
    record = only(reading("p2", "metrics_20260404_010203.json", said))
    assert record.run_id == "forest/20260404_010203"
    assert (record.model.within, record.model.name) == ("p2", "forest")
    assert record.model.version == "20260404_010203"
    assert (record.reads[0].path, record.reads[0].field) == ("out/set.parquet", "input_parquet")
    assert (record.time_basis, record.metrics) == ("unzoned", {"auc": 0.5, "deep.x": 1.0})
    assert record.parameters == {"depth": "3"}


def test_a_bundle_claims_its_model_and_refers_to_its_dataset(reading):
    said = BUNDLE | {"model_version": 3, "input_dataset_name": "d", "input_dataset_version": "v"}
    record = only(reading("p4", "r1/metadata.json", said))
    assert record.model == Claim(what="model", name="m", version="3", field="candidate_name")
    (dataset,) = record.reads
    assert (dataset.name, dataset.version) == ("d", "v")
    assert (dataset.field, bool(dataset.mend)) == ("input_dataset_name", True)
    assert (record.time_basis, record.flags, record.source.second_hand) == ("utc", (), False)


def test_an_old_bundle_has_a_reference_without_words(reading):
    record = only(reading("p4", "r1/metadata.json", BUNDLE | {"input_dataset_name": "unknown"}))
    assert (record.reads[0].said, record.reads[0].words) == ("", None)
    assert record.reads[0].field == "input_dataset_name"


def test_a_published_folder_claims_its_name_and_refers_to_its_run(reading, tmp_path):
    said = {
        "model_version": "v1",
        "run_id": "0a1b",
        "trained_at": "2026-04-07T10:00:00Z",
        "input_dataset_name": "d",
        "input_dataset_version": "dv",
        "started_at": "2026-04-07T09:00:00Z",
    }
    record = only(reading("p5", "models/slow/0a1b/model_metadata.json", said))
    assert record.model == Claim(
        what="model",
        name="slow",
        version="v1",
        spellings=("0a1b",),
        path=str(tmp_path / "models" / "slow" / "0a1b"),
        field="model_version",
    )
    trained = record.trained
    assert (trained.name, trained.run_id, trained.trained_on) == (None, "0a1b", "dv")
    assert trained.started == at("2026-04-07T09:00:00Z")
    assert trained.completed == at("2026-04-07T10:00:00Z")
    assert (trained.field, record.flags) == ("run_id", ())


def test_a_folder_without_lineage_says_which_fields_keep_it_from_being_observed(reading):
    record = only(reading("p5", "m/v1/model_metadata.json", {"model_version": "v1"}))
    assert record.flags == (
        "not_observed:trained_at, input_dataset_name, input_dataset_version, started_at",
    )


def test_metadata_at_second_hand_says_so(reading):
    build = only(reading("p6", "d.json", {"dataset_name": "d", "dataset_version": "v"}))
    said = {"run_id": "r", "model_name": "m", "completed_at": "2026-04-07T10:00:00Z"}
    training = only(reading("p6", "t.json", said))
    assert build.source.second_hand
    assert training.source.second_hand
    assert build.built_basis == "mtime"
    assert build.reads == (
        Reference(
            what="table",
            field="upstream_db_path",
            mend="P6's JSON does not say it; read the parquet file with --p2",
        ),
    )


@pytest.mark.parametrize("name", [" .parquet", "unknown.parquet"])
def test_a_file_whose_name_names_nothing_is_refused(reading, name):
    reason = refusal(reading("p2", name, parquet(KEYS)))[1]
    assert reason.startswith("expected a name of its dataset, found ")


def test_a_folder_whose_name_names_nothing_is_refused(reading):
    result = reading("p5", "unknown/v1/model_metadata.json", {"model_version": "v1"})
    assert refusal(result)[1] == "expected a name of its model, found 'unknown'"


# Companions


def test_a_pipe_where_a_companion_should_be_is_rejected_at_once(reading, tmp_path):
    (tmp_path / "r1").mkdir()
    os.mkfifo(tmp_path / "r1" / "model_uri.txt")
    result = reading("p4", "r1/metadata.json", BUNDLE)
    assert result.records[0].artifact_uri is None
    (rejected,) = result.rejected
    assert (rejected.path, rejected.reason) == (
        str(tmp_path / "r1" / "model_uri.txt"),
        "is a pipe, expected a file",
    )


def test_a_link_out_of_the_folder_brings_no_text_into_a_record(reading, tmp_path):
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.write_text("a secret\n")
    (tmp_path / "r1").mkdir()
    (tmp_path / "r1" / "model_uri.txt").symlink_to(outside)
    result = reading("p4", "r1/metadata.json", BUNDLE)
    assert "secret" not in repr(result)
    assert "is a link, which is not followed" in result.rejected[0].reason


def test_a_bad_companion_loses_its_own_facts_only(reading, tmp_path):
    (tmp_path / "r1").mkdir()
    (tmp_path / "r1" / "metrics.json").write_text('{"rmse": "low"}')
    (tmp_path / "r1" / "model_uri.txt").write_text("runs:/x\n")
    result = reading("p4", "r1/metadata.json", BUNDLE)
    assert (result.records[0].metrics, result.records[0].artifact_uri) == ({}, "runs:/x")
    assert refusal(result) == ("rmse", "expected a number, found 'low'")


# Bounds


@pytest.mark.slow
def test_a_metadata_value_of_50_mb_is_refused_without_being_read(reading):
    long = parquet(KEYS | {"obs_ts_max": "9" * 50_000_000})
    reason = refusal(reading("p2", "x.parquet", long))[1]
    assert reason.startswith("its footer has 111 MiB, expected at most 16 MiB; write it with fewer")


@pytest.mark.parametrize("key", [*KEYS, "obs_ts_max", "positive_rate"])
def test_a_long_metadata_value_is_refused_by_its_key(reading, key):
    field, reason = refusal(reading("p2", "x.parquet", parquet(KEYS | {key: "9" * 5_000_000})))
    assert field == key
    assert "expected at most 10,000 characters" in reason


def test_metadata_of_others_may_be_long(reading):
    only(reading("p2", "x.parquet", parquet(KEYS | {"pandas": "x" * 1_000_000})))


def test_many_keys_are_refused(reading, monkeypatch):
    many = {f"k{i}": "" for i in range(parquet_footer.MAX_METADATA_KEYS)}
    field, reason = refusal(reading("p2", "x.parquet", parquet(KEYS | many)))
    assert (field, reason[:8]) == ("metadata", "has 1,00")


def test_many_columns_are_refused(reading):
    wide = parquet(KEYS, [f"ft_{i}" for i in range(MAX_ITEMS + 1)])
    reason = refusal(reading("p2", "x.parquet", wide))[1]
    assert reason == "has 10,001 columns, expected at most 10,000"


def test_a_long_column_name_is_refused(reading):
    field, reason = refusal(reading("p2", "x.parquet", parquet(KEYS, [LONG])))
    assert (field, "has 10001 characters" in reason) == ("schema", True)


@pytest.mark.parametrize(
    ("family", "name", "document", "field"),
    [
        ("p4", "r/metadata.json", BUNDLE | {"candidate_name": LONG}, "candidate_name"),
        ("p6", "d.json", {"dataset_name": LONG, "dataset_version": "v"}, "dataset_name"),
        ("p5", "m/v/model_metadata.json", {"model_version": LONG}, "model_version"),
        (
            "p2",
            "metrics_1.json",
            {"run_timestamp": "20260404_010203", "input_parquet": LONG},
            "input_parquet",
        ),
    ],
)
def test_a_long_text_is_refused_by_its_field(reading, family, name, document, field):
    found, reason = refusal(reading(family, name, document))
    assert found == field
    assert reason.startswith("has 10001 characters, expected at most 10000: 'xxx")
    assert len(reason) < 200


def test_many_metrics_are_refused_and_the_bundle_is_read(reading, tmp_path):
    (tmp_path / "r1").mkdir()
    numbers = {f"m{i}": 1 for i in range(MAX_ITEMS + 1)}
    (tmp_path / "r1" / "metrics.json").write_text(json.dumps(numbers))
    result = reading("p4", "r1/metadata.json", BUNDLE)
    assert len(result.records) == 1
    assert refusal(result) == (None, "has 10,001 metrics, expected at most 10,000")


def test_a_document_of_many_levels_is_refused(reading):
    deep = b'{"run_id": ' + b"[" * 101 + b"]" * 101 + b"}"
    assert "is nested too deeply" in refusal(reading("p4", "r/metadata.json", deep))[1]


def test_a_large_document_is_refused(reading):
    result = reading("p4", "r/metadata.json", b" " * (16 * 2**20 + 1))
    assert "is larger than 16 MiB" in refusal(result)[1]


def test_a_json_file_that_would_fill_memory_is_rejected_before_it_is_decoded(reading):
    wide = b'{"run_id": "r", "x": [' + b"{}," * MAX_NESTED + b"1]}"
    assert (
        "holds over 1,000,000 objects and lists"
        in refusal(reading("p4", "r/metadata.json", wide))[1]
    )


def test_a_number_that_is_too_long_is_said_without_pythons_words(reading):
    reason = refusal(reading("p4", "r/metadata.json", b'{"run_id": ' + b"9" * 5_000 + b"}"))[1]
    assert reason == "holds a number of over 4,300 digits, expected fewer"


HUGE = 10**4000  # JSON has no limit of digits, a float has


def test_a_number_that_no_float_holds_is_not_finite(reading, tmp_path):
    (tmp_path / "r1").mkdir()
    (tmp_path / "r1" / "metrics.json").write_text(json.dumps({"a": HUGE, "b": -HUGE, "c": 1}))
    result = reading("p4", "r1/metadata.json", BUNDLE)
    assert result.records[0].metrics == {"c": 1.0}
    assert {"not_finite:a", "not_finite:b"} <= set(result.records[0].flags)

    p2 = {"run_timestamp": "20260404_010203", "input_parquet": "x"}
    said = p2 | {"forest": {"metrics": {"a": HUGE, "c": 1}, "hyperparams": {"h": 10**4000}}}
    assert only(reading("p2", "metrics_1.json", said)).metrics == {"c": 1.0}

    record = only(reading("p2", "x.parquet", parquet(KEYS | {"station_count": "1e300"})))
    assert record.entities is None
    assert "unreadable:station_count" in record.flags

    said = {"run_id": "r", "model_name": "m", "completed_at": "2026-04-07T10:00:00Z"}
    done = reading("p6", "t.json", said | {"metrics": {"a": HUGE, "c": 1}})
    assert done.rejected or done.records[0].metrics == {"c": 1.0}


def test_names_that_multiply_are_refused_before_they_are_made(reading):
    leaves = {str(i): 1 for i in range(5_000)}
    long = {"metrics": {"x" * 9_000: {"y" * 1_500: leaves}}}
    said = {"run_timestamp": "20260404_010203", "input_parquet": "x", "forest": long}
    assert refusal(reading("p2", "metrics_1.json", said))[0] == "metrics"

    many = {f"a{i}": {"metrics": leaves} for i in range(3)}
    said = {"run_timestamp": "20260404_010203", "input_parquet": "x", **many}
    reason = refusal(reading("p2", "metrics_2.json", said))[1]
    assert reason == "has 10,002 algorithms, metrics and parameters, expected at most 10,000"
