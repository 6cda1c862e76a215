"""Every malformed variant: rejected with place and reason, or read because it is valid."""

from __future__ import annotations

import json
import os
import shutil
import socket

import pytest
from conftest import unpack

# variant -> (records and windows that are read, lines that are rejected; 0 is the whole file)
EXPECTED = {
    "ds_bom.json": (1, []),
    "ds_empty.json": (0, [0]),
    "ds_missing_built_at.json": (1, []),
    "ds_naive_built_at.json": (1, []),
    "ds_negative_rows.json": (1, []),
    "ds_not_json.json": (0, [1]),
    "ds_wrong_types.json": (0, [0]),
    "p2_bad_build_timestamp.parquet": (1, []),
    "p2_constant_column.parquet": (1, []),
    "p2_csv_text.parquet": (0, [0]),
    "p2_duplicate_columns.parquet": (1, []),
    "p2_magic_only.parquet": (0, [0]),
    "p2_metadata_non_utf8.parquet": (1, []),
    "p2_no_build_timestamp.parquet": (0, [0]),
    "p2_no_features.parquet": (1, []),
    "p2_no_metadata.parquet": (0, [0]),
    "p2_no_target.parquet": (1, []),
    "p2_odd_names": (9, []),  # and a hidden one
    "p2_ok_40_rows.parquet": (1, []),
    "p2_row_count_text.parquet": (1, []),
    "p2_text_feature.parquet": (1, []),
    "p2_traversal_upstream.parquet": (1, []),
    "p2_truncated.parquet": (0, [0]),
    "p2_zero_bytes.parquet": (0, [0]),
    "p2_zero_rows.parquet": (1, []),
    "p4_completed_before_started": (1, []),
    "p4_empty_folder": (0, []),
    "p4_metadata_is_list": (0, [0]),
    "p4_metadata_non_utf8": (0, [0]),
    "p4_metadata_truncated": (0, [1]),
    "p4_metrics_is_list": (1, [0]),
    "p4_metrics_nan": (1, []),
    "p4_metrics_text": (1, [0]),
    "p4_model_uri_binary": (1, [0]),
    "p4_naive_created_at": (1, []),
    "p4_no_metrics": (1, []),
    "p4_no_model_uri": (1, []),
    "p4_no_run_id": (0, [0]),
    "p4_null_dataset": (1, []),
    "p4_numeric_version": (1, []),
    "p4_run_id_not_folder": (1, []),
    "p4_unicode_names": (1, []),
    "p5_bad_events": (1, [2, 3, 4, 5, 6]),
    "p5_blank_strings": (0, [1, 2]),
    "p5_bom_crlf_blank": (2, []),
    "p5_bool_counts": (0, [1]),
    "p5_deep_nesting": (1, [1]),
    "p5_empty_file": (0, []),
    "p5_end_before_start": (0, [1]),
    "p5_epoch_timestamps": (0, [1, 2]),
    "p5_event_among_metrics": (1, [2]),
    "p5_extra_fields": (1, []),
    "p5_gzip_named_jsonl": (0, [0]),
    "p5_huge_line": (1, []),
    "p5_huge_numbers": (1, [1, 3]),
    "p5_inconsistent_counts": (2, []),
    "p5_injection_names": (4, []),
    "p5_json_array_file": (0, [0]),
    "p5_lineage_changes": (3, []),
    "p5_missing_key": (0, [1, 2]),
    "p5_naive_timestamps": (0, [1]),
    "p5_negative_counts": (0, [1, 2]),
    "p5_no_metrics_dir": (0, []),
    "p5_no_schema_version": (0, [1]),
    "p5_non_utf8": (1, [2]),
    "p5_not_aligned": (2, []),
    "p5_null_required": (0, [1, 2]),
    "p5_numeric_strings": (0, [1]),
    "p5_odd_timestamps": (0, [1, 2, 3, 4, 5]),
    "p5_offset_timestamps": (2, []),
    "p5_out_of_order": (6, []),
    "p5_pretty_printed": (0, [0]),
    "p5_scalar_lines": (0, [1, 2, 3, 4, 5]),
    "p5_traversal_names": (4, []),
    "p5_truncated_line": (2, [3]),
    "p5_very_long_names": (0, [1]),
    "p5_wrong_path": (1, []),
    "p5_wrong_schema_version": (0, [1, 2]),
    "p5_wrong_types": (0, [1, 2]),
    "p5_zero_requests": (3, []),
    "sn_drift_contradiction.json": (0, []),
    "sn_drift_truncated.json": (0, [35]),
}


def read_in(result) -> int:
    return sum(result.json["read"].values()) + sum(result.json["windows"].values())


@pytest.mark.parametrize("variant", EXPECTED)
def test_a_variant_is_read_or_rejected_with_its_place(bad, lb, variant):
    records, lines = EXPECTED[variant]

    result = lb("backfill", "--json", bad / variant)

    assert "Traceback" not in result.err
    assert [r.get("line", 0) for r in result.json["rejected"]] == lines
    assert result.code == (1 if lines else 0)
    assert all(r["reason"] and r["path"] for r in result.json["rejected"])
    assert read_in(result) == records


def test_every_variant_is_in_the_table(bad):
    known = {path.name for path in bad.iterdir()} - {"README.md", "p5_symlink_loop"}
    assert known == set(EXPECTED)


def test_the_good_ones_beside_the_bad_are_read(bad, nyc, lb, tmp_path):
    mixed = shutil.copytree(nyc / "p4", tmp_path / "mixed")
    shutil.copytree(bad / "p4_metadata_truncated", mixed / "artifacts" / "truncated")

    result = lb("backfill", "--json", "--p4", mixed)

    assert result.code == 1
    assert result.json["read"] == {"p4 bundle": 12}
    assert len(result.json["rejected"]) == 1


def test_links_are_not_followed(nyc, lb, tmp_path):
    secret = tmp_path / "outside" / "metrics_00.jsonl"
    secret.parent.mkdir()
    shutil.copy(next(nyc.rglob("metrics_*.jsonl")), secret)
    root = tmp_path / "p5" / "metrics"
    root.mkdir(parents=True)
    (root / "metrics_01.jsonl").symlink_to(secret)
    (root / "loop").symlink_to(root)
    (root / "dangling.jsonl").symlink_to(root / "nothing")

    result = lb("backfill", "--json", "--p5", tmp_path / "p5")

    assert result.code == 0
    assert result.json["windows"]["read"] == 0
    assert result.json["ignored"] == {"link": 3}


def test_pipes_and_sockets_named_like_artifacts_are_counted_and_never_opened(lb, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    names = ("x.parquet", "metrics_1.json", "metadata.json", "model_metadata.json")
    for name in (*names, "deployment_events.jsonl", "metrics_00.jsonl", "other.json"):
        os.mkfifo(folder / name)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(folder / "metrics_01.jsonl"))
        whole = lb("backfill", "--json", folder)
    single = lb("backfill", "--json", "--p5", folder / "metrics_00.jsonl")

    assert (whole.code, whole.json["ignored"]) == (0, {"special file": 8})
    assert (single.code, single.json["ignored"]) == (0, {"special file": 1})


def a_bundle(nyc, folder):
    bundle = folder / "run"
    shutil.copytree(next((nyc / "p4").rglob("metadata.json")).parent, bundle)
    (bundle / "model_uri.txt").unlink()
    return bundle


def test_a_pipe_beside_a_bundle_is_rejected_and_the_bundle_read(nyc, lb, tmp_path):
    os.mkfifo(a_bundle(nyc, tmp_path / "p4") / "model_uri.txt")

    result = lb("backfill", "--json", "--p4", tmp_path / "p4")

    assert (result.code, result.json["read"]) == (1, {"p4 bundle": 1})
    assert [r["reason"] for r in result.json["rejected"]] == ["is a pipe, expected a file"]


def test_a_link_beside_a_bundle_brings_nothing_from_outside_into_an_event(nyc, lb, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("a-secret-of-the-machine")
    (a_bundle(nyc, tmp_path / "p4") / "model_uri.txt").symlink_to(secret)

    result = lb("backfill", "--json", "--p4", tmp_path / "p4")

    assert (result.code, result.json["read"]) == (1, {"p4 bundle": 1})
    assert "is a link, which is not followed" in result.json["rejected"][0]["reason"]
    assert b"a-secret-of-the-machine" not in (tmp_path / "home" / "journal.db").read_bytes()


def test_a_link_that_takes_the_place_of_a_file_is_counted_and_not_followed(nyc, lb, tmp_path):
    metadata = a_bundle(nyc, tmp_path / "p4") / "metadata.json"
    assert lb("backfill", "--p4", tmp_path / "p4").code == 0
    metadata.rename(tmp_path / "moved.json")
    metadata.symlink_to(tmp_path / "moved.json")

    result = lb("backfill", "--json", "--p4", tmp_path / "p4")

    assert (result.code, result.json["ignored"]["link"]) == (0, 1)


@pytest.mark.parametrize("name", [".ipynb_checkpoints/metadata.json", "metadata.json~"])
def test_what_editors_leave_is_no_artifact(nyc, lb, tmp_path, name):
    bundle = a_bundle(nyc, tmp_path / "p4")
    left = bundle / name
    left.parent.mkdir(exist_ok=True)
    left.write_text("{ half a bund")

    result = lb("backfill", "--json", "--p4", tmp_path / "p4")

    assert (result.code, result.json["rejected"]) == (0, [])


@pytest.mark.slow
def test_a_metadata_value_of_50_mb_is_named(lb, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    said = {"build_timestamp": "20260403_230612", "upstream_db_path": "x" * 50_000_000}
    folder = tmp_path / "p2"
    folder.mkdir()
    pq.write_table(pa.table({"ft_a": [1]}).replace_schema_metadata(said), folder / "x.parquet")

    result = lb("backfill", "--json", "--p2", folder)

    assert result.code == 1
    assert "its footer has" in result.json["rejected"][0]["reason"]


def test_columns_whose_names_no_marquez_holds_are_left_out_of_the_schema(lb, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    said = {"build_timestamp": "20260403_230612", "upstream_db_path": "/data/m.duckdb"}
    (tmp_path / "p2").mkdir()
    table = pa.table({name: [1] for name in ("", " ", "ft_a", "f" * 256)})
    pq.write_table(table.replace_schema_metadata(said), tmp_path / "p2" / "x.parquet")

    (event,) = lb("backfill", "--no-observe", "--dry-run", "--json", tmp_path / "p2").json

    facets = event["outputs"][0]["facets"]
    assert [field["name"] for field in facets["schema"]["fields"]] == ["ft_a"]
    assert list(facets["dataQualityMetrics"]["columnMetrics"]) == ["ft_a"]


def test_a_folder_where_a_file_should_be_is_rejected(lb, tmp_path):
    for name in ("x.parquet", "metadata.json", "deployment_events.jsonl", "metrics_00.jsonl"):
        (tmp_path / "in" / name).mkdir(parents=True)

    result = lb("backfill", "--json", tmp_path / "in")

    assert result.code == 1
    assert len({r["path"] for r in result.json["rejected"]}) == 4
    assert {r["reason"] for r in result.json["rejected"]} == {"is a folder, expected a file"}


def test_a_hundred_megabyte_line_is_rejected_and_the_next_one_read(nyc, lb, tmp_path):
    line = next(nyc.rglob("metrics_*.jsonl")).read_bytes().splitlines()[0]
    path = tmp_path / "p5" / "metrics_00.jsonl"
    path.parent.mkdir()
    with path.open("wb") as file:
        file.write(b'{"schema_version": "')
        file.seek(100 * 2**20)
        file.write(b'"}\n' + line + b"\n")

    result = lb("backfill", "--json", "--p5", path.parent)

    assert result.code == 1
    assert [r.get("line", 0) for r in result.json["rejected"]] in ([1], [0])


@pytest.mark.parametrize("depth", [10_000, 100_000])
def test_deep_json_is_rejected(lb, tmp_path, depth):
    bundle = tmp_path / "p4" / "run"
    bundle.mkdir(parents=True)
    (bundle / "metadata.json").write_text('{"run_id": ' + "[" * depth + "]" * depth + "}")

    result = lb("backfill", "--json", "--p4", tmp_path / "p4")

    assert result.code == 1
    assert len(result.json["rejected"]) == 1


def test_a_run_id_that_looks_like_a_path_stays_a_name(nyc, lb, tmp_path):
    source = next((nyc / "p4").rglob("metadata.json"))
    document = json.loads(source.read_text()) | {"run_id": "../../etc/passwd"}
    bundle = tmp_path / "p4" / "run"
    bundle.mkdir(parents=True)
    (bundle / "metadata.json").write_text(json.dumps(document))

    assert lb("backfill", "--p4", tmp_path / "p4").code == 0
    (node,) = (n for n in lb("graph", "--json").json["nodes"] if n["name"].startswith("train."))
    assert all(len(run["id"]) == 36 for run in node["runs"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_rejected(nyc, lb, tmp_path):
    bundle = tmp_path / "p4" / "run"
    shutil.copytree(next((nyc / "p4").rglob("metadata.json")).parent, bundle)
    (bundle / "metadata.json").chmod(0)

    result = lb("backfill", "--json", "--p4", tmp_path / "p4")

    assert result.code == 1
    assert "cannot be read" in result.json["rejected"][0]["reason"]


def test_hostile_names_never_break_a_line_of_output(bad, lb):
    lb("backfill", bad / "p5_traversal_names", bad / "p5_injection_names", bad / "p2_odd_names")

    for command in (["health"], ["freshness", "--all"], ["graph"], ["doctor"]):
        shown = lb(*command)
        assert "Traceback" not in shown.err
        assert all(c.isprintable() or c == "\n" for c in shown.out)


def test_links_of_the_variant_folder_are_counted_only(tmp_path, lb):
    folder = unpack("bad.tar.gz", tmp_path / "fresh") / "p5_symlink_loop"
    assert lb("backfill", "--json", folder).json["windows"]["read"] >= 1
