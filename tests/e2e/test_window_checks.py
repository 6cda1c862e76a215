"""Files of metric windows, checked by what their numbers say of each other."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from windows import a_line, a_record

CHECKED = {"window_counts", "window_percentiles", "window_length", "window_clock"}


def check(lb, path, *lines):
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    result = lb("check", "--json", path)
    (version,) = result.json["versions"]
    assert {one["check"] for one in version["checks"]} == {"file_exists", "readable", *CHECKED}
    failed = {one["check"]: one["actual"] for one in version["checks"] if one["status"] == "failed"}
    return result, version, failed


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics_00.jsonl"


def test_the_windows_of_the_city_add_up(nyc, lb):
    files = sorted((nyc / "p5").rglob("metrics_*.jsonl"))
    result = lb("check", "--json", *files)
    assert result.code == 0
    assert len(result.json["versions"]) == len(files) > 200
    assert {version["passed"] for version in result.json["versions"]} == {6}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"success_count": 19}, "window_counts"),
        ({"success_count": 21}, "window_counts"),
        ({"timeout_count": 1}, "window_counts"),
        ({"latency_p95_ms": 61.0}, "window_percentiles"),
        ({"window_end": "2026-04-07T08:01:30Z"}, "window_length"),
        ({"heartbeat_emitted_at": "2026-04-07T07:59:59Z"}, "window_clock"),
    ],
)
def test_what_contradicts_itself_is_found_among_others(fields, code, lb, path):
    _, version, failed = check(lb, path, a_line(1), a_line(0, **fields), a_line(2))
    assert failed == {code: "1 of 3 windows are not so"}
    assert version["rows"] == 3


def test_lines_that_are_no_windows_are_named(lb, path):
    result, _, failed = check(lb, path, a_line(), b'{"schema_version": "v9"}', a_line(1)[:-5])
    assert result.code == 1
    assert failed["readable"].startswith("2 of its lines are no windows; line 2: ")


def test_the_settings_say_how_long_a_window_is(lb, path, tmp_path):
    (tmp_path / "lineage-bridge.toml").write_text(
        '[checks."*metrics_00*"]\nwindow_seconds = 30\nseverity = { window_length = "error" }\n'
    )
    result, _, failed = check(lb, path, a_line())
    assert (result.code, set(failed)) == (1, {"window_length"})


COUNTS = st.integers(0, 30)


@given(successes=COUNTS, failures=COUNTS, rejected=COUNTS, requests=COUNTS)
def test_counts_pass_if_and_only_if_they_add_up(
    tmp_path_factory, successes, failures, rejected, requests
):
    from conftest import run_command

    record = a_record(0, requests, failure_count=failures, rejected_count=rejected)
    record |= {"success_count": successes, "prediction_count": min(successes, requests)}
    path = tmp_path_factory.mktemp("windows") / "metrics_00.jsonl"
    path.write_bytes(json.dumps(record).encode() + b"\n")
    (version,) = run_command("check", "--json", path, "--home", path.parent).json["versions"]
    (found,) = [one for one in version["checks"] if one["check"] == "window_counts"]
    adds_up = successes + failures + rejected == requests
    assert found["status"] == ("passed" if adds_up else "failed")
