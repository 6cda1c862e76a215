"""Labels that arrive late: joined to an inference log, and how good its answers were."""

from __future__ import annotations

import pytest
from inference_logs import NOW, flat, nested, request, write_lines, write_parquet

LABEL_KEYS = ("lines", "duplicates", "changed", "late", "unknown")


def inference(lb, *args):
    found = lb("inference", *args, "--at", NOW, "--json")
    assert found.code == 0, found.err
    return found.json


def measures(found):
    return found["served"][0].get("measures")


def label(number, truth, **members):
    return {"request_id": f"r-{number}", "label": truth, **members}


@pytest.mark.parametrize("form", ["labels.csv", "labels.jsonl.gz", "labels.parquet"])
def test_labels_are_joined_however_they_are_written(form, lb, tmp_path):
    log = write_lines(tmp_path / "log.jsonl", [nested(request(n)) for n in range(40)])
    rows = [label(n, int(n % 2 == 1 and n > 5)) for n in range(30)]
    path = tmp_path / form
    if form.endswith(".csv"):
        lines = ["request_id,label", *(f"{row['request_id']},{row['label']}" for row in rows)]
        path.write_text("\r\n".join(lines))
    else:
        (write_parquet if form.endswith(".parquet") else write_lines)(path, rows)
    found = inference(lb, log, "--labels", path)
    assert [found["labels"][key] for key in LABEL_KEYS] == [30, 0, 0, 0, 0]
    assert found["served"][0]["answered"] == 40
    assert measures(found)["labelled"] == 30
    assert measures(found)["accuracy"]["value"] == 27 / 30
    assert measures(found)["accuracy"]["low"] == pytest.approx(0.7438, abs=1e-4)  # Wilson's
    assert measures(found)["bias"]["value"] == pytest.approx((30 * 0.5 - 12) / 30)


def test_the_newest_label_counts_whatever_order_they_are_in(lb, tmp_path):
    log = write_lines(tmp_path / "log.jsonl", [nested(request(n)) for n in (1, 3, 5)])
    rows = [
        label(1, 1, observed_at="2026-05-01T09:00:00Z"),
        label(1, 0, observed_at="2026-05-01T08:00:00Z"),
        label(3, 0, observed_at="2026-05-01T08:00:00Z"),
        label(3, 0, observed_at="2026-05-01T08:00:00Z"),
        label(3, 1, observed_at="2026-05-01T08:00:00Z"),
        label(99, 1, observed_at="2026-05-01T08:00:00Z"),
        label(5, float("nan")),
    ]
    found = inference(lb, log, "--labels", write_lines(tmp_path / "labels", rows))
    assert [found["labels"][key] for key in LABEL_KEYS] == [6, 3, 2, 0, 1]
    assert found["label_files"][0]["rejected_by_field"] == {"label": 1}
    assert (measures(found)["labelled"], measures(found)["accuracy"]["value"]) == (2, 1.0)


def test_a_label_that_comes_too_late_does_not_count(lb, tmp_path):
    log = write_lines(
        tmp_path / "log.jsonl", [nested(request(1, at="2026-04-20T00:00:00Z")), nested(request(3))]
    )
    rows = [
        label(1, 1, observed_at="2026-04-27T00:00:01Z"),
        label(3, 1, observed_at="2026-05-01T08:00:00Z"),
    ]
    labels = write_lines(tmp_path / "labels", rows)
    found = inference(lb, log, "--labels", labels)
    assert (found["labels"]["late"], measures(found)["labelled"]) == (1, 1)
    (tmp_path / "lineage-bridge.toml").write_text(
        '[inference_logs."log.jsonl"]\nlabel_days = 7.1\n'
    )
    assert measures(inference(lb, log, "--labels", labels))["labelled"] == 2


def test_a_label_that_comes_too_late_takes_the_place_of_none(lb, tmp_path):
    log = write_lines(tmp_path / "log.jsonl", [nested(request(1, at="2026-04-20T00:00:00Z"))])
    rows = [
        label(1, 1, observed_at="2026-04-22T00:00:00Z"),
        label(1, 0, observed_at="2026-04-28T00:00:00Z"),
        label(1, 0, observed_at="2026-04-30T00:00:00Z"),
        label(1, 0, observed_at="2026-04-21T00:00:00Z"),
    ]
    found = inference(lb, log, "--labels", write_lines(tmp_path / "labels", rows))
    assert [found["labels"][key] for key in LABEL_KEYS] == [4, 3, 2, 2, 0]
    assert measures(found)["accuracy"]["value"] == 1.0


@pytest.mark.parametrize("shape", [nested, flat])
def test_labels_stand_in_the_row_or_in_rows_of_their_own(shape, lb, tmp_path):
    first = [shape(request(n)) | {"label": n % 2} for n in range(10)]
    second = [shape(request(n)) for n in range(10, 20)]
    later = [{**label(n, 0), ("ts" if shape is flat else "timestamp"): "2026-05-01T11:00:00Z"}
             for n in range(5, 20)]  # fmt: skip
    log = write_lines(tmp_path / "log.1", first + second)
    found = inference(lb, log, write_lines(tmp_path / "log.2", second + later))
    assert found["files"][1]["label_rows"] == 15
    assert sum(answers["rows"] for answers in found["served"]) == 20
    assert [found["labels"][key] for key in LABEL_KEYS] == [25, 5, 3, 0, 0]
    assert (measures(found)["labelled"], measures(found)["accuracy"]["value"]) == (20, 12 / 20)


@pytest.mark.parametrize(
    ("answers", "truths", "expected"),
    [
        ([0.9, 0.2, 0.6, 0.4], [1, 0, 0, 1], {"kind": "binary", "accuracy": 0.5, "auc": 0.75}),
        (["a", "b", "c", "a"], ["a", "b", "a", "a"], {"kind": "category", "accuracy": 0.75}),
        ([3, 1, 2, 7], ["3", "1", "2", "2"], {"kind": "category", "accuracy": 0.75}),
        ([1.0, 2.5, 3.0, 9.5], [1.5, 2.5, 2.0, 9.5],
         {"kind": "number", "mean_absolute_error": 0.375, "bias": 0.125}),
        ([True, False, True, True], ["true", "False", "1", "0"],
         {"kind": "binary", "accuracy": 0.75}),
        (["yes", "no", "no", "no"], [1, 0, 0, 0], {"kind": "unlike"}),
    ],
)  # fmt: skip
def test_the_kind_of_target_decides_what_is_measured(answers, truths, expected, lb, tmp_path):
    rows = [
        {k: v for k, v in nested(request(n)).items() if k != "probability"}
        | {"prediction": answer, "label": truth}
        for n, (answer, truth) in enumerate(zip(answers, truths, strict=True))
    ]
    found = measures(inference(lb, write_lines(tmp_path / "log.jsonl", rows)))
    values = {
        name: found[name]["value"] if isinstance(found.get(name), dict) else found.get(name)
        for name in ("kind", "accuracy", "auc", "mean_absolute_error", "bias")
        if name in expected
    }
    assert values == pytest.approx(expected)
    assert {"accuracy", "auc", "mean_absolute_error"} & found.keys() <= expected.keys()


def test_nothing_is_measured_where_nothing_is_labelled_or_answered(lb, tmp_path):
    rows = [nested(request(1)), nested(request(2)) | {"prediction": float("nan")}]
    log = write_lines(tmp_path / "log.jsonl", rows)
    labels = write_lines(tmp_path / "labels", [label(2, 1)])
    assert measures(inference(lb, log)) is None
    assert measures(inference(lb, log, "--labels", labels)) is None


def test_what_is_no_file_of_labels_is_named(lb, tmp_path):
    log = write_lines(tmp_path / "log.jsonl", [nested(request(1))])
    bad = {"empty": "", "no-ids.csv": "label\n1\n", "no-labels.csv": "request_id,x\n1,2\n",
           "binary": "\x00\x01\n\x02"}  # fmt: skip
    for name, content in bad.items():
        (tmp_path / name).write_text(content)
        shown = lb("inference", log, "--labels", tmp_path / name)
        assert shown.code == 2, name
        assert f"`{tmp_path / name}`" in shown.err
        assert "fraud-eu" in shown.out


def test_lines_of_csv_that_are_none_are_named(lb, tmp_path):
    log = write_lines(tmp_path / "log.jsonl", [nested(request(1))])
    labels = tmp_path / "labels.csv"
    labels.write_bytes(b'\xef\xbb\xbfrequest_id,label\nr-1,1\n\nr-2\nr-3,"x"y\nr-4,\xff\n')
    found = inference(lb, log, "--labels", labels)
    assert [row["line"] for row in found["label_files"][0]["rejected_rows"]] == [4, 5]
    assert measures(found)["labelled"] == 1
