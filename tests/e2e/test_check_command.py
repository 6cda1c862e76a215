"""`check` on files, as a user runs it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import odd_tables
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import MONDAY, SLOT, dataset, write

from lineage_bridge.adapters.feature_columns import MADE_OF


def kept(columns, mask):
    return {
        name: [value for value, is_kept in zip(values, mask, strict=True) if is_kept]
        for name, values in columns.items()
    }


def failed(version, severity=None):
    return {
        one["check"]
        for one in version["checks"]
        if one["status"] == "failed" and severity in {None, one["severity"]}
    }


@pytest.fixture
def check(lb):
    """The versions of some files, as `--json` has them."""
    return lambda *args: lb("check", "--json", *args).json["versions"]


def test_what_is_wrong_with_the_datasets_of_the_city_is_found_by_their_footers(nyc, check):
    keys = json.loads((nyc / "keys" / "builds.json").read_text())
    names = {build["dataset_name"]: key for key, build in keys.items()}
    found = {
        names[Path(version["name"]).stem]: version
        for version in check("--footer", *(nyc / "p2" / "output").glob("*.parquet"))
    }
    wrong = {key: failed(version) for key, version in found.items() if failed(version)}
    assert wrong == {
        "rebuild": {"same_rows"},
        "missing": {"fill", "entities_lost", "few_nulls"},
        "tz": {"zone"},
        "addcol": {"columns", "columns_added", "few_nulls", "time_back"},
    }
    errors = {key: failed(version, "error") for key, version in found.items()}
    assert {key for key, codes in errors.items() if codes} == {"tz", "addcol"}
    assert all(version["passed"] >= 18 for version in found.values())


def test_a_dataset_without_fault_passes_every_check_once_there_is_another(check, lb, tmp_path):
    start = MONDAY - timedelta(days=2)
    first = dataset(start=start - timedelta(days=1), slots=288)
    first = write(tmp_path, first, stamp="20260406_001500")
    second = write(tmp_path, dataset(start=start, slots=288, seed=2))
    stations = json.dumps([f"station-{n}" for n in range(6)])
    (tmp_path / "lineage-bridge.toml").write_text(
        '[checks."features.mobility.training_dataset"]\nranges = { ft_capacity = [-3, 3] }\n'
        f"labels = {{ station_id = {stations} }}\nneeded = {json.dumps([*dataset(slots=1)])}\n"
    )
    versions = check(second, first)
    assert [version["version"] for version in versions] == ["20260406_001500", "20260407_001500"]
    others = {one["check"] for one in versions[1]["checks"] if one["status"] != "passed"}
    assert others == {"repeated_rows"}  # as `repeated_keys` says more
    firsts = {one["reason"] for one in versions[0]["checks"] if one["status"] == "skipped"}
    assert len(firsts) == 3
    assert "no earlier version to compare with" in firsts
    assert lb("check", first, second).code == 0


def only(columns, **changed):
    return columns | changed


def without(columns, name):
    return {key: values for key, values in columns.items() if key != name}


def nulled(values, share):
    step = round(1 / share)
    return [None if row % step == 0 else value for row, value in enumerate(values)]


def of(columns, name):
    return columns[name]


FAULTS = {
    "a column of nulls": (
        lambda c: only(c, ft_capacity=nulled(of(c, "ft_capacity"), 0.02)),
        {"nulls", "few_nulls"},
    ),
    "a few nulls": (
        lambda c: only(c, ft_capacity=nulled(of(c, "ft_capacity"), 0.005)),
        {"few_nulls"},
    ),
    "a look-back within the range": (
        lambda c: only(
            c,
            ft_bikes_available_lag_60m=nulled(of(c, "ft_bikes_available_lag_60m"), 0.04),
            ft_bikes_available_lag_24h=[None] * len(of(c, "obs_ts")),
        ),
        set(),
    ),
    "a look-back that finds too little": (
        lambda c: only(
            c, ft_bikes_available_lag_60m=nulled(of(c, "ft_bikes_available_lag_60m"), 0.5)
        ),
        {"nulls", "few_nulls"},
    ),
    "a column is gone": (
        lambda c: without(c, "ft_capacity"),
        {"columns", "columns_dropped"},
    ),
    "columns in another order": (
        lambda c: dict(reversed(c.items())),
        {"columns"},
    ),
    "a feature of text": (
        lambda c: only(c, ft_capacity=[f"{v}" for v in of(c, "ft_capacity")]),
        {"features_numeric", "columns_retyped"},
    ),
    "infinities": (
        lambda c: only(c, ft_capacity=[float("inf"), *of(c, "ft_capacity")[1:]]),
        {"finite"},
    ),
    "a constant": (
        lambda c: only(c, ft_capacity=[7.0] * len(of(c, "obs_ts"))),
        {"became_constant"},
    ),
    "features as of another time": (
        lambda c: only(c, feature_cutoff_ts=[t + SLOT for t in of(c, "obs_ts")]),
        {"cutoff"},
    ),
    "half of the slots": (
        lambda c: kept(c, [row % 96 < 30 or row < 12 or row > 560 for row in range(576)]),
        {"fill"},
    ),
    "two entities less": (
        lambda c: kept(c, [s not in {"station-1", "station-4"} for s in of(c, "station_id")]),
        {"entities_lost"},
    ),
    "rows twice": (
        lambda c: {name: values + values[:60] for name, values in c.items()},
        {"repeated_keys", "overfull"},
    ),
    "no class 1": (
        lambda c: only(c, target_empty_next_hour=[0] * len(of(c, "obs_ts"))),
        {"constant_target", "positive_rate", "positive_rate_changed"},
    ),
    "a third class": (
        lambda c: only(c, target_empty_next_hour=[2, *of(c, "target_empty_next_hour")[1:]]),
        {"binary_target"},
    ),
    "rows of last week": (
        lambda c: c | dataset(start=MONDAY - timedelta(days=7), seed=3),
        {"time_back"},
    ),
    "times of the future": (
        lambda c: c | dataset(start=MONDAY + timedelta(days=1), seed=3),
        {"future"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FAULTS)
def test_each_fault_is_found_by_its_check_and_by_no_other(kind, check, tmp_path):
    fault, expected = FAULTS[kind]
    good = write(tmp_path, dataset(start=MONDAY - timedelta(days=1)), stamp="20260406_001500")
    columns = fault(dataset(seed=2))
    _, version = check(good, write(tmp_path, columns))
    assert failed(version) == expected


def test_a_dataset_without_rows(check, tmp_path):
    path = write(tmp_path, dataset())
    pq.write_table(pq.read_table(path).slice(0, 0), path)
    (version,) = check(path)
    assert failed(version) >= {"rows", "said_rows"}


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("row_count", "577", "said_rows"),
        ("row_count", "many", "said_rows"),
        ("positive_rate", "0.5", "said_positive_rate"),
        ("station_count", "7", "said_entities"),
        ("obs_ts_max", "2026-04-06 23:30:00", "said_range"),
        ("obs_ts_min", "2026-04-05 23:45:00", "said_range"),
    ],
)
def test_a_footer_that_says_otherwise_than_its_rows(key, value, code, check, tmp_path):
    (version,) = check(write(tmp_path, dataset(), **{key: value}))
    assert failed(version) == {code}


def test_a_recovery_is_no_alarm_and_a_lasting_one_blinds_no_other_check(check, tmp_path):
    def day(number, columns):
        return write(tmp_path, columns, stamp=f"2026040{number + 6}_001500")

    days = [dataset(start=MONDAY + timedelta(days=n - 1), seed=n) for n in range(4)]
    some = [not s.endswith("3") for s in days[1]["station_id"]]
    files = [
        day(0, days[0]),
        day(1, kept(days[1], some)),
        day(2, kept(without(days[2], "ft_capacity"), some)),
        day(3, days[3]),
    ]
    found = check(*files)
    assert [failed(version) for version in found] == [
        set(),
        {"entities_lost"},
        {"entities_lost", "columns", "columns_dropped"},
        set(),
    ]
    lost = next(one for one in found[2]["checks"] if one["check"] == "entities_lost")
    assert lost["against"] == str(files[0])
    assert "station-3" in lost["actual"]


def two_days(tmp_path, number, *, shift=0.0, column="ft_avg_bikes_60m"):
    start = MONDAY + timedelta(days=2 * number)
    columns = dataset(start=start, slots=192, seed=number)
    columns[column] = [value + shift for value in columns[column]]
    stamp = f"{start + timedelta(days=2):%Y%m%d}_001500"
    return write(tmp_path, columns, stamp=stamp)


def jumps(versions):
    return [
        next(one for one in version["checks"] if one["check"] == "jump") for version in versions
    ]


@pytest.mark.slow
def test_a_jump_is_far_more_than_days_differ_and_after_three_it_is_normal(check, tmp_path):
    shifts = [0, 0, 0, 0.3, 3, 0, 3, 3, 3, 3, 0]
    files = [two_days(tmp_path, n, shift=shift) for n, shift in enumerate(shifts)]
    found = jumps(check(*files))
    assert [one["status"] for one in found] == [
        *["skipped"] * 2,
        *["passed"] * 2,
        "failed",  # one day is away and back: the way back is no alarm
        "passed",
        *["failed"] * 3,
        "skipped",  # of the new normal one day is known
        "failed",  # back to what was normal before
    ]
    assert found[4]["columns"] == ["ft_avg_bikes_60m"]
    assert all("normal" not in found[number]["actual"] for number in (4, 6, 7))
    assert "normal" in found[8]["actual"]


@pytest.mark.slow
def test_features_of_the_calendar_do_not_jump(check, tmp_path):
    files = [two_days(tmp_path, n, column="ft_day_of_week", shift=9 * (n == 3)) for n in range(4)]
    assert jumps(check(*files))[3]["status"] == "passed"


def test_a_version_that_cannot_be_compared_is_no_reference(check, tmp_path):
    said = {"obs_ts_min": "", "obs_ts_max": ""}
    empty = write(tmp_path, dataset(), stamp="20260405_001500", **said)
    pq.write_table(pq.read_table(empty).slice(0, 0), empty)
    second = write(tmp_path, dataset(), stamp="20260407_001500")
    older = dataset(start=MONDAY - timedelta(days=7), seed=2)
    third = write(tmp_path, older, stamp="20260408_001500")
    found = check(empty, second, third)
    assert "time_back" in failed(found[2])
    back = [next(one for one in v["checks"] if one["check"] == "time_back") for v in found]
    assert back[0]["reason"] == "the event times are not known"
    assert back[2]["against"] == str(second)


def test_the_same_rows_are_known_in_another_order_and_compression(check, tmp_path):
    columns = dataset()
    first = write(tmp_path, columns, stamp="20260407_001500")
    order = np.random.default_rng(5).permutation(len(columns["obs_ts"]))
    shuffled = {name: [values[i] for i in order] for name, values in columns.items()}
    second = write(tmp_path, shuffled, stamp="20260407_011500")
    assert failed(check(first, second)[1]) == {"same_rows"}
    assert failed(check("--footer", first, second)[1]) == set()  # a footer cannot know it
    changed = only(columns, ft_capacity=[9.0, *columns["ft_capacity"][1:]])
    third = write(tmp_path, changed, stamp="20260407_021500")
    assert failed(check(first, third)[1]) == set()


def test_equal_footers_with_other_values_are_other_rows(check, tmp_path):
    texts = {"upstream_db_path": "x.duckdb"}
    files = []
    for number, stamp in enumerate(("20260407_001500", "20260407_011500")):
        columns = dataset()
        columns["ft_capacity"] = [float(number), *columns["ft_capacity"][1:]]
        files.append(path := tmp_path / f"training_dataset_{stamp}.parquet")
        table = pa.table(columns).replace_schema_metadata(texts | {"build_timestamp": stamp})
        pq.write_table(table, path, compression="none", use_dictionary=False)
    assert failed(check("--footer", *files)[1]) == set()


def test_files_of_other_producers_are_judged_by_what_is_known(check, tmp_path):
    path = tmp_path / "orders.parquet"
    pq.write_table(odd_tables.ODD["text"], path)
    (version,) = check(path)
    assert failed(version) == set()
    assert version["dataset"] == "features.orders"
    assert version["skipped"] > 10


def test_what_is_expected_is_set_by_a_pattern_of_the_name(check, lb, tmp_path):
    columns = dataset()
    columns["ft_capacity"] = nulled(columns["ft_capacity"], 0.5)
    path = write(tmp_path, columns)
    settings = tmp_path / "lineage-bridge.toml"
    assert failed(check(path)[0]) == {"nulls", "few_nulls"}
    settings.write_text(
        '[checks."features.*"]\nnulls_allowed = ["ft_capacity"]\nrows_least = 1000\n'
        '[checks."features.*.training_dataset"]\nseverity = { rows = "warn" }\n'
        '[checks."models.*"]\nrows_least = 5000\n'
    )
    (version,) = check(path)
    assert (failed(version, "error"), failed(version)) == (set(), {"rows"})
    assert lb("check", path).code == 0
    settings.write_text('[checks."features.*"]\nseverity = { nulls = "off", few_nulls = "off" }\n')
    (version,) = check(path)
    assert failed(version) == set()
    (nulls,) = [one for one in version["checks"] if one["check"] == "nulls"]
    assert (nulls["status"], nulls["reason"]) == ("skipped", "the settings switch it off")


def test_a_change_on_purpose_is_accepted_by_its_version(check, tmp_path):
    stamps = ("20260405_001500", "20260406_001500", "20260407_001500")
    files = []
    for number, stamp in enumerate(stamps):
        columns = dataset(start=MONDAY + timedelta(days=number - 2), seed=number)
        changed = columns if number == 0 else without(columns, "ft_capacity")
        files.append(write(tmp_path, changed, stamp=stamp))
    assert "columns_dropped" in failed(check(*files)[2])
    listed = json.dumps([name for name in MADE_OF if name != "ft_capacity"])
    (tmp_path / "lineage-bridge.toml").write_text(
        f'[checks."features.*"]\nbaseline = "{stamps[1]}"\ncolumns = {listed}\n'
    )
    first, second, third = check(*files)
    assert failed(first) == {"columns"}
    assert failed(second) == {"columns_dropped"}
    assert failed(third) == set()


@pytest.mark.parametrize(
    ("value", "strange", "expected"),
    [
        ("ages", 0, set()),
        ("ages", 5, set()),  # 5 of 40 is over a tenth, and proves nothing
        ("ages", 20, {"out_of_range"}),
        ("words", 0, set()),
        ("words", 20, {"unknown_labels"}),
        ("truth values for ages", 20, {"out_of_range"}),
    ],
)
def test_values_are_held_against_what_is_expected_by_their_proven_share(
    value, strange, expected, check, tmp_path
):
    good, odd, kind = {
        "ages": (30, 300, None),
        "words": ("a", "ä", None),
        "truth values for ages": (True, True, pa.bool_()),
    }[value]
    listed = [odd] * strange + [good] * (40 - strange)
    path = tmp_path / "people.parquet"
    pq.write_table(pa.table({"x": pa.array(listed, kind)}), path)
    ranges = "labels = { x = ['a', 'b'] }" if value == "words" else "ranges = { x = [17, 90] }"
    (tmp_path / "lineage-bridge.toml").write_text(f'[checks."features.people"]\n{ranges}\n')
    (version,) = check(path)
    assert failed(version) == expected


def test_an_expectation_of_a_column_that_is_not_there_is_no_silent_pass(check, tmp_path):
    pq.write_table(odd_tables.numbers(), path := tmp_path / "people.parquet")
    (tmp_path / "lineage-bridge.toml").write_text(
        '[checks."features.*"]\nranges = { age = [17, 90] }\nlabels = { sex = ["m", "f"] }\n'
    )
    (version,) = check(path)
    assert failed(version) == {"out_of_range", "unknown_labels"}


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("rows_leest = 1", "rows_leest"),
        ("fill_least = 1.5", "fill_least"),
        ("fill_least = nan", "fill_least"),
        ("rows_least = -1", "rows_least"),
        ("nulls_allowed = [1]", "nulls_allowed"),
        ('severity = { rows = "fatal" }', "severity.rows"),
        ('severity = { rowz = "warn" }', "severity.rowz"),
        ("ranges = { age = [90, 17] }", "ranges.age"),
        ("ranges = { age = [nan, 17] }", "ranges.age"),
        ("ranges = { age = [17] }", "ranges.age"),
        ("labels = { sex = [] }", "labels.sex"),
        ("positive_rate_least = 0.5\npositive_rate_most = 0.1", "positive_rate_least"),
    ],
)
def test_an_expectation_that_is_none_is_refused_with_its_key_and_file(toml, said, lb, tmp_path):
    (tmp_path / "lineage-bridge.toml").write_text(f'[checks."features.*"]\n{toml}\n')
    shown = lb("check", write(tmp_path, dataset()))
    assert shown.code == 2
    assert said in shown.err
    assert "lineage-bridge.toml" in shown.err


def test_p6_s_checks_of_its_own_documents(nyc, check, lb, tmp_path):
    documents = sorted((nyc / "p6" / "dataset_metadata").glob("*.json"))
    assert all(not failed(version) for version in check(*documents))
    training = min((nyc / "p6" / "training_metadata").glob("*.json"))
    assert failed(check(training)[0]) == {
        "dataset_name_present",
        "dataset_version_present",
        "freshness_computable",
    }
    built = '"built_at": "2026-04-01T00:00:00Z"'
    odd = {
        "list": ("[]", {"readable"}),
        "broken": ('{"dataset_name": ', {"readable"}),
        "no date": (
            '{"dataset_name": "a", "dataset_version": "1", "built_at": "not a date"}',
            {"freshness_computable"},
        ),
        "blank": (
            f'{{"dataset_name": " ", "dataset_version": 1, {built}}}',
            {"dataset_name_present", "dataset_version_present"},
        ),
        "negative": (
            f'{{"dataset_name": "a", "dataset_version": "1", {built}, "row_count": -5}}',
            {"rows"},
        ),
    }
    for name, (text, expected) in odd.items():
        path = tmp_path / f"{name}.json"
        path.write_text(text)
        assert failed(check(path)[0]) == expected, name
        assert lb("check", path).code == 1
    assert failed(check(tmp_path / "missing.json")[0]) == {"file_exists"}


def test_odd_and_broken_files_end_in_a_finding_and_never_in_a_traceback(bad, lb, tmp_path):
    for name, table in odd_tables.SMALL.items():
        pq.write_table(table, tmp_path / f"{name}_20260407_001500.parquet")
    whole = write(tmp_path, dataset(), stamp="20260408_001500").read_bytes()
    (tmp_path / "zeroed.parquet").write_bytes(
        whole[:4] + bytes(len(whole) - 40_000) + whole[-39_996:]
    )
    (tmp_path / "cut.parquet").write_bytes(whole[:5_000])
    (tmp_path / "loop.parquet").symlink_to(tmp_path / "loop.parquet")
    files = sorted({*tmp_path.glob("*.parquet"), *bad.rglob("p2_*.parquet")})
    for path in files:
        shown = lb("check", "--all", path)
        assert shown.code in {0, 1}, path
        assert shown.err == "", path
        assert "\x1b" not in shown.out
        assert "\u202e" not in shown.out
    assert all(lb("check", tmp_path / f"{name}.parquet").code == 1 for name in ("zeroed", "cut"))


def test_what_failed_is_shown_with_what_was_expected(check, lb, tmp_path):
    columns = dataset()
    path = write(tmp_path, kept(columns, [row % 3 or row < 12 for row in range(576)]))
    shown = lb("check", path)
    assert f"{path}: 1 warned" in shown.out
    (line,) = [line for line in shown.out.splitlines() if line.startswith("fill")]
    assert "at least 90 %" in line
    assert "repeated_keys" not in shown.out
    assert "repeated_keys" in lb("check", "--all", path).out
