"""`drift` on files, as a user runs it."""

from __future__ import annotations

import json

import odd_tables
import pyarrow.parquet as pq
import pytest


def write(path, table):
    pq.write_table(table, path)
    return path


def test_drift_says_what_moved_and_how_much(rows, lb, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    pair = rows / "week.parquet", rows / "bug.parquet"
    shown = lb("drift", *pair)
    assert shown.code == 1
    assert "5 of 19 features drifted" in shown.out
    (docks,) = [line for line in shown.out.splitlines() if line.startswith("ft_docks_available")]
    assert "critical" in docks
    assert "1.2" in docks  # PSI above its floor
    assert "ft_bikes_available" not in shown.out
    assert (
        "ft_bikes_available"
        in lb("drift", rows / "week.parquet", rows / "bug.parquet", "--all").out
    )
    assert lb("drift", rows / "week.parquet", rows / "nodrift.parquet").code == 0


@pytest.mark.slow
def test_one_feature_cell_by_cell(rows, lb):
    pair = rows / "week.parquet", rows / "bug.parquet"
    shown = lb("drift", *pair, "--feature", "ft_low_avail_freq_24h")
    assert shown.code == 1
    assert "above 0.78" in shown.out
    assert "q " in shown.out
    still = lb("drift", *pair, "--feature", "ft_capacity", "--json").json
    assert [one["feature"] for one in still["features"]] == ["ft_capacity"]
    wrong = lb("drift", *pair, "--feature", "ft_capacit")
    assert wrong.code == 2
    assert "ft_capacity" in wrong.err


@pytest.mark.slow
def test_the_real_pairs_are_found_as_they_are(rows, lb):
    for pair in json.loads((rows / "truth.json").read_text()):
        reference, current = (rows / f"{name}.parquet" for name in pair["pair"])
        found = lb("drift", "--json", reference, current).json
        by_name = {one["feature"]: one for one in found["features"]}
        calendar = {one["feature"]: one for one in found["calendar"]}
        critical = {name for name, one in by_name.items() if one["severity"] == "critical"}
        for name, said in pair["features"].items():
            one = {**by_name, **calendar}[name]
            assert one["statistic"] == pytest.approx(said["ks"], abs=0.003), name
            if said["flag"] == "major" and name in by_name:
                assert name in critical
                assert one["psi_above"] > 0.27
        if pair["by_construction"] is not None:
            assert critical == set(pair["by_construction"])
            still = [one["psi_above"] for name, one in by_name.items() if name not in critical]
            assert max(still) < 0.02


@pytest.mark.slow
def test_odd_columns_end_in_a_finding_and_never_in_a_traceback(lb, tmp_path):
    even = write(tmp_path / "even.parquet", odd_tables.numbers())
    for name, table in odd_tables.SMALL.items():
        odd = write(tmp_path / f"{name}.parquet", table)
        for pair in ((even, odd), (odd, even), (odd, odd)):
            shown = lb("drift", *pair)
            assert shown.out, name
            assert "\x1b" not in shown.out
            assert "\u202e" not in shown.out
            assert (shown.code, shown.err) in {(0, ""), (1, "")}, name


def test_too_few_rows_are_no_all_clear(lb, tmp_path):
    few = write(tmp_path / "few.parquet", odd_tables.numbers(rows=5, shift=100))
    many = write(tmp_path / "many.parquet", odd_tables.numbers(rows=5000))
    assert "Too few rows" in lb("drift", many, few).out
    assert lb("drift", many, few, "--json").json["status"] == "insufficient_data"
    assert lb("drift", many, few, "--feature", "x").code == 2


def test_a_file_that_cannot_be_read_is_an_error(rows, lb, tmp_path):
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(b"PAR1 no footer PAR1")
    for pair in ((bad, rows / "tiny.parquet"), (rows / "tiny.parquet", bad)):
        shown = lb("drift", *pair)
        assert (shown.code, shown.out) == (2, "")
        assert f"`{bad}`" in shown.err
