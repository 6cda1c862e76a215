"""What MLflow's files and words mean, against what a plain reading of them says."""

from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.adapters.mlflow.facts import Input
from lineage_bridge.adapters.mlflow.file_store import latest, parse
from lineage_bridge.adapters.mlflow.inputs import CONFLICT, reads_of
from lineage_bridge.adapters.mlflow.runs import model_of

PARQUET = "training_dataset_20260401_003505.parquet"
NOTHING = {"null", "", "~", "Null", "NULL"}

VALUES = st.one_of(
    st.integers(), st.text(max_size=12), st.none(), st.booleans(), st.floats(), st.just({})
)
FIELDS = st.dictionaries(st.sampled_from(["run_id", "name", "status", "a_b", "end_time"]), VALUES)


@given(FIELDS)
def test_a_file_that_mlflow_wrote_is_read_as_its_texts(fields):
    written = yaml.safe_dump(fields, default_flow_style=False, allow_unicode=True)
    plain = yaml.load(written, yaml.BaseLoader)
    told = {k: v for k, v in plain.items() if v and (not isinstance(v, str) or v not in NOTHING)}
    assert {k: v for k, v in parse(written.encode()).items() if v} == told


POINTS = st.lists(
    st.tuples(st.integers(0, 10**13), st.floats(), st.integers(-5, 10**6)), min_size=1, max_size=20
)


@given(POINTS)
def test_the_latest_point_is_the_greatest_by_step_time_and_value(points):
    content = "".join(f"{time} {value} {step}\n" for time, value, step in points).encode()
    ordered = [
        (step, time, -math.inf if math.isnan(value) else value) for time, value, step in points
    ]
    found, error = latest(content, "auc")
    assert error is None
    assert found.order == max(ordered)


@pytest.mark.parametrize("end", [b"17", b"17 abc 2", b"17 0.5 x", b"\xff\xfe 1 1"])
def test_a_bad_line_costs_itself_alone(end):
    found, error = latest(b"1 0.25 0\n2 0.5 1\n" + end, "auc")
    assert found.value == 0.5
    assert (error.field, error.line) == ("auc", 3)


def logged(uri, context="training", source_type="local"):
    return Input("data", source_type, f'{{"uri": "{uri}"}}', context)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        (f"/srv/data/{PARQUET}", f"/srv/data/{PARQUET}"),
        (f"file:///srv/my%20data/{PARQUET}", f"/srv/my data/{PARQUET}"),
        (f"file:///C:/data/{PARQUET}", f"C:/data/{PARQUET}"),
        (f"s3://bucket/x/{PARQUET}", f"s3://bucket/x/{PARQUET}"),
        (f"dbfs:/data/{PARQUET}", f"dbfs:/data/{PARQUET}"),
    ],
)
def test_a_source_is_the_path_that_it_leads_to(uri, path):
    (read,), flags = reads_of([logged(uri)], {}, makes_model=True)
    assert (read.path, flags) == (path, [])


def test_a_parameter_that_names_another_file_counts_and_is_said():
    other = "/srv/data/training_dataset_20260402_005217.parquet"
    reads, flags = reads_of([logged(other)], {"data_file": f"/x/{PARQUET}"}, makes_model=True)
    assert [read.path for read in reads] == [f"/x/{PARQUET}"]
    assert reads[0].certainty < 1
    assert flags == [f"{CONFLICT}data_file"]


@pytest.mark.parametrize(
    "name", ["output_path", "predictions_file", "val_data", "trainTestSplit", "model", "latest"]
)
def test_a_parameter_of_something_else_is_no_input(name):
    assert reads_of([], {name: f"/x/{PARQUET}"}, makes_model=True) == ((), [])


def test_what_a_model_was_only_tried_on_is_no_input_of_it():
    inputs = [logged("/a/eval.parquet", "evaluation"), logged("/a/train.parquet")]
    trained, _ = reads_of(inputs, {}, makes_model=True)
    looked, _ = reads_of(inputs, {}, makes_model=False)
    assert [read.path for read in trained] == ["/a/train.parquet"]
    assert {read.path for read in looked} == {"/a/train.parquet", "/a/eval.parquet"}


def test_a_dataset_of_code_alone_is_a_reference_without_words():
    (read,), _ = reads_of([Input("data", "code", '{"tags": {}}', "train")], {}, makes_model=True)
    assert (read.said, read.field) == ("", "inputs.source")


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("models:/a/b/3", ("a/b", "3", None, None)),
        ("models:/m-" + "a" * 32, (None, None, "m-" + "a" * 32, None)),
        ("runs:/" + "b" * 32 + "/model", (None, None, None, "b" * 32)),
        ("models:/name@champion", None),
        ("/srv/model", None),
        ("models:/", None),
    ],
)
def test_a_model_uri_means_what_mlflow_means(uri, said):
    found = model_of(uri, field="x")
    assert (found and (found.name, found.version, found.path, found.run_id)) == said
