"""SentinelML's checks of data, by the settings that docs/checks.md gives for them."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "checks.md"
NUMBERS = {
    "age": (17, 90),
    "fnlwgt": (10_000, 1_500_000),
    "education_num": (1, 16),
    "capital_gain": (0, 99_999),
    "capital_loss": (0, 4_356),
    "hours_per_week": (1, 99),
}
WORDS = {
    "workclass": ["Private", "State-gov"],
    "education": ["Bachelors", "HS-grad"],
    "marital_status": ["Divorced", "Widowed"],
    "occupation": ["Sales", "Tech-support"],
    "relationship": ["Wife", "Husband"],
    "race": ["White", "Black"],
    "sex": ["Male", "Female"],
    "native_country": ["Cuba", "India"],
    "income": [">50K", "<=50K"],
}


def people(rows=400):
    chance = random.Random(1)
    numbers = {name: [chance.randint(*ends) for _ in range(rows)] for name, ends in NUMBERS.items()}
    return numbers | {
        name: [chance.choice(words) for _ in range(rows)] for name, words in WORDS.items()
    }


def with_first(columns, name, value, count):
    return columns | {name: [value] * count + columns[name][count:]}


def twice(columns, count):
    return {name: values + values[:count] for name, values in columns.items()}


FAULTS = {
    "none": (lambda c: c, set()),
    "too few rows": (lambda c: {n: v[:9] for n, v in c.items()}, {"rows"}),
    "a column less": (lambda c: {n: v for n, v in c.items() if n != "race"}, {"columns_needed"}),
    "a null": (lambda c: with_first(c, "native_country", None, 1), {"nulls", "few_nulls"}),
    "out of bounds": (lambda c: with_first(c, "age", 130, 80), {"out_of_range"}),
    "one out of bounds": (lambda c: with_first(c, "age", 130, 1), set()),
    "unknown labels": (lambda c: with_first(c, "income", "50K", 80), {"unknown_labels"}),
    "rows twice": (lambda c: twice(c, 23), {"repeated_rows"}),
    "a column more": (lambda c: c | {"note": c["age"]}, {"columns_beyond"}),
}
ERRORS = {"rows", "columns_needed", "nulls", "out_of_range"}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_check_finds_its_fault_and_reports_the_others(fault, lb, tmp_path):
    change, expected = FAULTS[fault]
    (settings,) = re.findall(
        r'```toml\n(\[checks\."features\.adult.*?)```', PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    (tmp_path / "lineage-bridge.toml").write_text(settings, encoding="utf-8")
    columns = change(people())
    columns = {name: columns[name] for name in sorted(columns)}  # in whatever order
    pq.write_table(pa.table(columns), path := tmp_path / "adult_train.parquet")
    result = lb("check", "--json", path)
    (version,) = result.json["versions"]
    status = {one["check"]: one["status"] for one in version["checks"]}
    failed = {name for name, found in status.items() if found == "failed"}
    # A column that is not there has neither bounds nor labels: that is no silent pass.
    assert failed - ({"unknown_labels"} if fault == "a column less" else set()) == expected
    assert result.code == bool(expected & ERRORS)
    asked = ERRORS | {"columns_beyond", "unknown_labels", "repeated_rows"}
    assert {status[name] for name in asked} <= {"passed", "failed"}


@pytest.mark.parametrize(
    ("kind", "values", "repeats"),
    [
        ("numbers", pa.array([1.0, 1.0, None, float("nan"), -0.0, 0.0]), 3),
        ("large ids", pa.array([2**62 + 1, 2**62 + 2, 2**62 + 1]), 1),
        ("texts", pa.array(["a", "b", "a", None, None]).dictionary_encode(), 2),
        ("times", pa.array([1, 2, 1, None], pa.timestamp("ns", "UTC")), 1),
        ("nothing", pa.nulls(3), 2),
    ],
)
def test_rows_of_any_type_are_compared(kind, values, repeats, lb, tmp_path):
    (tmp_path / "lineage-bridge.toml").write_text('[checks."*"]\nsame_share_most = 0\n')
    pq.write_table(pa.table({"x": values}), path := tmp_path / "things.parquet")
    (version,) = lb("check", "--json", path).json["versions"]
    (found,) = [one for one in version["checks"] if one["check"] == "repeated_rows"]
    assert found["actual"] == f"{repeats} of {len(values)} rows"


def test_rows_that_cannot_be_compared_are_skipped_with_the_reason(lb, tmp_path):
    (tmp_path / "lineage-bridge.toml").write_text('[checks."*"]\nsame_share_most = 0\n')
    pq.write_table(pa.table({"x": [[1], [1]]}), path := tmp_path / "things.parquet")
    (version,) = lb("check", "--json", path).json["versions"]
    (found,) = [one for one in version["checks"] if one["check"] == "repeated_rows"]
    assert (found["status"], "cannot be compared" in found["reason"]) == ("skipped", True)
