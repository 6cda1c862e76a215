"""`inference`, `profile` and `drift` on inference logs, as a user runs them."""

from __future__ import annotations

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from inference_logs import NOW, SHAPES, nested, request, write_lines, write_parquet

SETTINGS = """
[inference_logs."odd/*.jsonl"]
request_id = "meta.key"
time = "meta.at"
time_unit = "ms"
deployment = "join('-', [site, 'slot'])"
features = "@"
feature_names = ["x_*"]
prediction = "out[0].class"
"""


def inference(lb, *files):
    return lb("inference", *files, "--at", NOW, "--json").json


def reasons(file):
    return {row["line"]: (row.get("field"), row["reason"]) for row in file["rejected_rows"]}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", ["log.jsonl", "log.jsonl.gz", "log.jsonl.3", "log.parquet"])
def test_a_log_is_understood_however_it_is_written(form, shape, lb, tmp_path):
    rows = [SHAPES[shape](request(n, version="7" if n < 90 else "8")) for n in range(100)]
    write = write_parquet if form.endswith(".parquet") else write_lines
    found = inference(lb, write(tmp_path / form, rows))
    (file,) = found["files"]
    assert (file["rows"], file["rejected"]) == (100, 0)
    assert file["features"] == ["amount", "country"]
    assert [
        (s["deployment"], s["model"], s["version"], s["rows"], [h["rows"] for h in s["hours"]])
        for s in found["served"]
    ] == [("fraud-eu", "fraud", "7", 90, [60, 30]), ("fraud-eu", "fraud", "8", 10, [10])]


def test_other_names_are_declared(lb, tmp_path):
    (tmp_path / "lineage-bridge.toml").write_text(SETTINGS)
    (tmp_path / "odd").mkdir()
    row = {"meta": {"key": 7, "at": 1_777_629_600_500}, "site": "ams", "x_a": 1, "note": "n",
           "out": [{"class": "cat"}]}  # fmt: skip
    found = inference(lb, write_lines(tmp_path / "odd" / "log.jsonl", [row]))
    (file,) = found["files"]
    assert file["features"] == ["x_a"]
    assert {f["field"] for f in file["fields"] if f["declared"]} == {
        "request_id", "time", "deployment", "features", "prediction"
    }  # fmt: skip
    assert found["served"][0]["deployment"] == "ams-slot"
    assert found["served"][0]["first"] == "2026-05-01T10:00:00.500000Z"


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ('time = "a["', "inference_logs.x.time"),
        ('tiem = "a"', "tiem"),
        ("label_days = 0", "label_days"),
        ('time_unit = "h"', "time_unit"),
    ],
)
def test_a_wrong_setting_is_named(setting, named, lb, tmp_path):
    (tmp_path / "lineage-bridge.toml").write_text(f'[inference_logs."x"]\n{setting}\n')
    shown = lb("inference", write_lines(tmp_path / "x", [nested(request(1))]))
    assert shown.code == 2
    assert named in shown.err
    assert "lineage-bridge.toml" in shown.err


def test_rows_that_cannot_be_read_are_named_and_cost_no_other_row(lb, tmp_path):
    def changed(number, **members):
        return nested(request(number)) | members

    rows = [
        nested(request(1)),
        '{"request_id": "r-2", "timest',
        [],
        changed(4, timestamp="2126-05-01T00:00:00Z"),
        changed(5, timestamp="yesterday"),
        changed(6, timestamp="2026-05-01T01:00:00"),
        changed(7, probability=1.5),
        changed(8, request_id=None),
        changed(1),
        changed(10, prediction=float("nan")),
        changed(11, probability=float("nan")),
        changed(12, features=[1, 2]),
        changed(13, model="fraud"),
        changed(14, label=float("nan")),
        changed(15, timestamp=1_777_629_600),
        changed(16, label=1),
    ]
    path = write_lines(tmp_path / "log.jsonl", rows)
    with path.open("a") as file:
        file.write('{"request_id": "r-17", "times')
    found = inference(lb, path)
    (file,) = found["files"]
    assert {line: field for line, (field, _) in reasons(file).items()} == {
        2: None, 3: None, 4: "time", 5: "time", 7: "probability", 8: "request_id",
        9: "request_id", 11: "probability", 12: "features", 14: "label", 15: "time", 17: None,
    }  # fmt: skip
    assert "time_unit" in reasons(file)[15][1]
    assert (file["rows"], file["rejected"], file["unzoned"]) == (5, 12, 1)
    assert sum(answers["not_finite"] for answers in found["served"]) == 1
    shown = lb("inference", path, "--at", NOW)
    assert shown.code == 0
    assert f"{path}:5: `time` expected a time" in shown.out


def test_a_request_that_is_in_two_files_counts_once(lb, tmp_path):
    rows = [nested(request(n)) for n in range(100)]
    first = write_lines(tmp_path / "log.1", rows[:60])
    second = write_lines(tmp_path / "log.2.gz", rows[50:])
    found = inference(lb, first, second)
    assert [file["rejected"] for file in found["files"]] == [0, 10]
    assert sum(answers["rows"] for answers in found["served"]) == 100


def test_what_is_no_log_is_named_with_the_reason(lb, tmp_path):
    good = write_lines(tmp_path / "good.jsonl", [nested(request(1))])
    whole = gzip.compress(good.read_bytes() * 1000)
    bad = {
        "empty.jsonl": b"",
        "other.jsonl": b'{"status": 1}\n',
        "text": b"a,b\n1,2\n",
        "cut.jsonl.gz": whole[: len(whole) // 2],
        "cut.parquet": b"PAR1 and nothing else",
        "array.json": b'[{"a": 1}]',
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    for name in (*bad, "missing"):
        for command in (("inference", "--at", NOW), ("profile",)):
            shown = lb(*command, tmp_path / name, good)
            assert shown.code == 2, name
            assert f"`{tmp_path / name}`" in shown.err
            assert shown.err.count("\n") == 1
            assert "good" in shown.out


@pytest.mark.parametrize("shape", SHAPES)
def test_a_log_has_the_profile_that_its_rows_have_in_parquet(shape, lb, tmp_path):
    requests = [request(n) for n in range(200)]
    log = write_lines(tmp_path / "log.jsonl.gz", [SHAPES[shape](one) for one in requests])
    rows = write_parquet(tmp_path / "rows.parquet", [one["features"] for one in requests])
    of_log, of_rows = lb("profile", "--json", log, rows).json["profiles"]
    columns = {column["name"]: column for column in of_log["columns"]}
    assert [columns[column["name"]] for column in of_rows["columns"]] == of_rows["columns"]
    assert of_log["time"] in columns


def test_drift_of_a_log_against_what_was_trained_on(lb, tmp_path):
    def requests(factor):
        return [
            request(n, features={"amount": factor * (n * 37 % 101), "even": n % 2})
            for n in range(600)
        ]

    trained = [one["features"] for one in requests(1)]
    reference = write_parquet(tmp_path / "trained.parquet", trained)
    same = write_lines(tmp_path / "same.jsonl", map(nested, requests(1)))
    moved = write_lines(tmp_path / "moved.jsonl", map(nested, requests(3)))
    assert lb("drift", reference, same).code == 0
    found = lb("drift", reference, moved, "--json")
    assert found.code == 1
    assert {f["feature"]: f["severity"] for f in found.json["features"]} == {
        "amount": "critical", "even": "none"
    }  # fmt: skip


def test_a_feature_of_mixed_types_is_profiled_as_what_it_is(lb, tmp_path):
    values = [1, 2.5, "three", True, None, [4], {"five": 5}, float("nan"), float("inf"), "six"]
    rows = [nested(request(n, features={"x": value})) for n, value in enumerate(values)]
    (found,) = lb("profile", "--json", write_lines(tmp_path / "x.jsonl", rows)).json["profiles"]
    (column,) = [column for column in found["columns"] if column["name"] == "x"]
    assert found["rows"] == 10
    assert {
        name: column[name] for name in ("kind", "nulls", "nans", "infinities", "not_compared")
    } == {"kind": "mixed", "nulls": 1, "nans": 1, "infinities": 1, "not_compared": 2}
    assert {label["label"] for label in column["labels"]} == {"three", "true", "six"}


def test_a_profile_is_kept_by_the_map_that_it_was_read_by(lb, tmp_path):
    log = write_lines(
        tmp_path / "log.jsonl", [{"request_id": "1", "prediction": 1, "in": {"a": 1}}]
    )
    names = lambda: [c["name"] for c in lb("profile", "--json", log).json["profiles"][0]["columns"]]  # noqa: E731
    assert "a" not in names()
    (tmp_path / "lineage-bridge.toml").write_text('[inference_logs."*.jsonl"]\nfeatures = "in"\n')
    assert "a" in names()


@pytest.mark.slow
def test_rows_of_ten_thousand_features(lb, tmp_path):
    features = {f"x{n}": n for n in range(10_000)}
    rows = [nested(request(n, features=features)) for n in range(120)]  # more than one bite
    log = write_lines(tmp_path / "wide.jsonl.gz", rows)
    (file,) = inference(lb, log)["files"]
    assert (file["rows"], len(file["features"])) == (120, 10_000)


def test_nanoseconds_and_dictionaries_of_parquet(lb, tmp_path):
    table = pa.table({
        "request_id": pa.array(["a", "b"]).dictionary_encode(),
        "timestamp": pa.array([1_777_629_600_000_000_001] * 2, pa.timestamp("ns", "Europe/Berlin")),
        "prediction": pa.array([0.5, None]),
        "features": pa.array([{"x": 1}, {"x": 2}]),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "log.parquet")
    (served,) = inference(lb, tmp_path / "log.parquet")["served"]
    assert (served["rows"], served["without_prediction"]) == (2, 1)
    assert served["first"] == "2026-05-01T10:00:00Z"


def test_nothing_of_a_log_reaches_the_terminal_unescaped(lb, tmp_path):
    row = nested(request(1, features={"a\u202eb\x1b[31m": 1})) | {"deployment_id": "d\x1b[2J"}
    path = write_lines(tmp_path / "log.jsonl", [json.dumps(row), "{\x1b[31m"])
    shown = lb("inference", path, "--at", NOW)
    assert "\x1b" not in shown.out
    assert "\u202e" not in shown.out
