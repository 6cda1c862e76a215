"""A service's account of itself: what it counts, when it writes, how the bridge reads it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import signal
import subprocess
import sys
import threading
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.adapters.serving import read_event
from lineage_bridge.adapters.serving_windows import (
    Window,
    is_inconsistent,
    judged_facts,
    read_window,
)
from lineage_bridge.cli.main import cli
from lineage_bridge.errors import SettingsError
from lineage_bridge.records import Source
from lineage_bridge.service import Model, Service, ServiceMiddleware, WsgiMiddleware
from lineage_bridge.service.counting import Tally, nearest_rank
from lineage_bridge.service.files import append
from lineage_bridge.times import EPOCH

MINUTE = 29_592_000  # since 1970: 2026-04-07T00:00:00Z


class Clock:
    def __init__(self):
        self.now = MINUTE * 60.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make(tmp_path, clock):
    made = []

    def of(**options):
        known = {"name": "svc", "model": Model(name="fraud", version="7"), "log_share": 1.0}
        made.append(Service(tmp_path / "serving", clock=clock, **(known | options)))
        return made[-1]

    yield of
    for service in made:
        service.close()


def lines_of(folder, pattern):
    return [
        line for path in sorted(folder.rglob(pattern)) for line in path.read_bytes().splitlines()
    ]


def windows_of(folder):
    return [json.loads(line) for line in lines_of(folder, "metrics_*.jsonl")]


def rows_of(folder):
    return [json.loads(line) for line in lines_of(folder, "inference_*.jsonl")]


def ask(app, path="/predict", times=1):
    """Send requests to an ASGI app; return the last status, or the error that came out."""

    async def run():
        status = None

        async def receive():
            return {"type": "http.request", "body": b""}

        async def send(message):
            nonlocal status
            status = message.get("status", status)

        for _ in range(times):
            try:
                await app({"type": "http", "path": path, "method": "POST"}, receive, send)
            except ZeroDivisionError as exc:
                status = exc
        return status

    return asyncio.run(run())


def answering(status=200, before=lambda: None):
    async def app(scope, receive, send):
        before()
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    return app


def run_cli(*arguments, code=0):
    done = CliRunner().invoke(cli, [str(one) for one in arguments], catch_exceptions=False)
    assert code in {None, done.exit_code}, done.output
    return done.output


def test_what_is_written_is_read_without_a_word(make, clock, tmp_path):
    service = make(endpoints=["/predict", "/explain"])
    app = ServiceMiddleware(answering(), service)
    service.start()
    for minute in range(3):
        clock.now = (MINUTE + minute) * 60.0 + 30
        ask(app, times=20)
        with service.prediction({"amount": 3.5, "country": "NL"}, entity="e") as answer:
            answer.value, answer.probability = 1, 0.75
        service.write()
    clock.now += 40
    service.close()
    root, home = tmp_path / "serving", tmp_path / "home"
    found = json.loads(run_cli("backfill", root, "--home", home, "--json"))
    assert not found.get("rejected")
    health = run_cli("health", "--home", home, "--json", "--at", "2026-04-07T00:03:20Z", code=None)
    (judged,) = json.loads(health)["deployments"]
    assert (judged["deployment"], judged["totals"]["requests"]) == ("svc", 63)
    assert judged["model"] == {"name": "models.fraud", "version": "7"}
    assert "unknown" not in run_cli("graph", "--home", home)
    assert json.loads(run_cli("inference", *root.rglob("inference_*.jsonl"), "--json"))


def test_a_window_has_the_contracts_fields_and_its_own_numbers(make, clock, tmp_path):
    service = make(valid_range=(0.0, 1.0))
    values = [0.5, None, math.nan, math.inf, 2.0, "text", [0.1, math.nan], True]
    for value in values:
        with service.prediction({"x": 1}) as answer:
            answer.value = value
    with service.prediction() as answer:
        answer.value, answer.fallback = 0.25, True
        answer.note("stale_feature_count")
    with pytest.raises(ZeroDivisionError), service.prediction():
        raise ZeroDivisionError
    with service.prediction() as answer:
        answer.failed("feature_lookup")
    clock.now += 61
    service.write()
    (line,) = lines_of(tmp_path, "metrics_00.jsonl")
    assert set(Window.__struct_fields__) == json.loads(line).keys() - {"instance_id"}
    window = read_window(line)
    assert not is_inconsistent(window)
    assert not judged_facts(window)[0].flush
    assert (window.request_count, window.success_count, window.failure_count) == (11, 9, 2)
    assert window.prediction_count == 9
    assert window.prediction_null_count == 3
    assert window.prediction_non_finite_count == 3
    assert window.prediction_out_of_range_count == 1
    assert window.fallback_prediction_count == window.stale_feature_count == 1
    assert window.inference_runtime_error_count == window.feature_lookup_error_count == 1
    assert window.model_exec_p95_ms is not None


@pytest.mark.parametrize(
    ("status", "fields"),
    [
        (200, {"success_count", "prediction_count"}),
        (307, {"success_count", "prediction_count"}),
        (400, {"rejected_count", "validation_error_count"}),
        (404, {"rejected_count", "feature_lookup_error_count"}),
        (422, {"rejected_count", "validation_error_count", "input_schema_failure_count"}),
        (429, {"rejected_count"}),
        (500, {"failure_count", "internal_error_count"}),
        (503, {"failure_count", "model_load_error_count"}),
        (504, {"failure_count", "timeout_count"}),
    ],
)
def test_a_status_is_counted_as_what_it_is(make, clock, tmp_path, status, fields):
    service = make()
    assert ask(ServiceMiddleware(answering(status), service)) == status
    clock.now += 60
    service.write()
    (window,) = windows_of(tmp_path)
    moved = {f for f, value in window.items() if f.endswith("_count") and value}
    assert moved == fields | {"request_count"}


def test_what_an_app_raises_is_a_failure_and_comes_out(make, clock, tmp_path):
    service = make()

    def predict():
        with service.prediction({"x": 1}):
            raise ZeroDivisionError

    assert isinstance(ask(ServiceMiddleware(answering(before=predict), service)), ZeroDivisionError)
    clock.now += 60
    service.write()
    (window,) = windows_of(tmp_path)
    assert (window["request_count"], window["inference_runtime_error_count"]) == (1, 1)
    assert window["prediction_count"] == 0
    (row,) = rows_of(tmp_path)
    assert row["error"] == "ZeroDivisionError"


def test_other_paths_are_not_counted_and_parameters_are_one_endpoint(make, clock, tmp_path):
    service = make(endpoints=["/models/{name}/predict", "/predict"])
    app = ServiceMiddleware(answering(), service)
    for path in ("/health", "/models/a/predict", "/models/b/predict", "/models/a/b/predict"):
        ask(app, path)
    service.close()
    found = {w["endpoint_name"]: w["request_count"] for w in windows_of(tmp_path)}
    assert found == {"/models/{name}/predict": 2, "/predict": 0}


def test_several_predictions_of_a_request_are_one_with_a_row_each(make, tmp_path):
    service = make()

    def predict():
        for value in (1.0, math.nan):
            with service.prediction({"x": value}) as answer:
                answer.value = value

    ask(ServiceMiddleware(answering(before=predict), service))
    service.close()
    (window,) = windows_of(tmp_path)
    assert (window["prediction_count"], window["prediction_null_count"]) == (1, 1)
    assert [row["prediction"] for row in rows_of(tmp_path)] == [1.0, "NaN"]


def test_minutes_without_requests_are_signs_of_life(make, clock, tmp_path):
    service = make()
    service.start()
    for _ in range(3):
        clock.now += 60
        service.write()
    assert [w["request_count"] for w in windows_of(tmp_path)] == [0, 0, 0]


def test_a_shutdown_writes_the_minute_under_way_and_says_so(make, clock, tmp_path):
    service = make()
    clock.now += 10
    ask(ServiceMiddleware(answering(), service), times=5)
    service.close()
    service.close()
    (line,) = lines_of(tmp_path, "metrics_*.jsonl")
    facts, _ = judged_facts(read_window(line))
    assert (facts.requests, facts.flush) == (5, True)


def test_a_clock_that_is_set_back_makes_no_shutdown(make, clock, tmp_path):
    service = make()
    ask(ServiceMiddleware(answering(), service))
    clock.now -= 3600
    service.write()
    (line,) = lines_of(tmp_path, "metrics_*.jsonl")
    assert not judged_facts(read_window(line))[0].flush


def test_another_model_is_a_start_of_its_own(make, clock, tmp_path):
    service = make()
    app = ServiceMiddleware(answering(), service)
    ask(app)
    clock.now += 5
    service.serve(Model(name="fraud", version="8"))
    ask(app, times=2)
    service.close()
    found = {(w["model_version"], w["request_count"]) for w in windows_of(tmp_path)}
    assert found == {("7", 1), ("8", 2)}
    starts = [json.loads(line) for line in lines_of(tmp_path, "deployment_events.jsonl")]
    assert [(s["model_version"], s["activation_reason"]) for s in starts] == [
        ("7", "startup"),
        ("8", "reload"),
    ]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_percentile_is_the_smallest_value_that_covers_its_share(values, share):
    found = nearest_rank(sorted(values), share)
    covering = [v for v in values if sum(o <= v for o in values) >= share * len(values) - 1e-9]
    assert found == round(min(covering), 3)


def test_of_more_requests_than_are_kept_the_sample_is_even(monkeypatch):
    monkeypatch.setattr("lineage_bridge.service.counting.MAX_SAMPLES", 2_000)
    tally = Tally()
    for number in range(20_000):
        tally.add(("success_count",), float(number), None)
    fields = tally.as_fields()
    assert fields["request_count"] == fields["success_count"] == 20_000
    assert fields["latency_p50_ms"] == pytest.approx(10_000, abs=1_000)


def test_a_disk_that_is_gone_disturbs_nobody_and_loses_no_window(make, clock, tmp_path, caplog):
    (tmp_path / "serving").write_text("a file where the folder should be")
    service = make()
    app = ServiceMiddleware(answering(), service)
    for _ in range(3):
        assert ask(app) == 200
        with service.prediction({"x": 1}) as answer:
            answer.value = 1
        clock.now += 60
        service.write()
    assert len([r for r in caplog.records if "cannot be written" in r.message]) == 1
    assert service.counters.rows_dropped == 3
    assert service.counters.write_failures >= 3
    (tmp_path / "serving").unlink()
    service.close()
    assert sum(w["request_count"] for w in windows_of(tmp_path)) == 6
    assert lines_of(tmp_path, "deployment_events.jsonl")
    assert service.counters.lines_dropped == 0


def test_a_line_that_a_full_disk_cuts_is_cut_back(tmp_path, monkeypatch):
    resource = pytest.importorskip("resource")
    path = tmp_path / "a" / "f.jsonl"
    append(path, b"first\n")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(OSError, match="large"):
            append(path, b"second\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    append(path, b"third\n")
    assert path.read_bytes() == b"first\nthird\n"


def test_a_torn_last_line_stays_a_line_of_its_own(tmp_path):
    path = tmp_path / "f.jsonl"
    path.write_bytes(b'{"torn')
    append(path, b"next\n")
    assert path.read_bytes() == b'{"torn\nnext\n'


def test_rows_that_nobody_can_take_in_time_are_counted(make, monkeypatch, caplog, tmp_path):
    monkeypatch.setattr("lineage_bridge.service.rows.MAX_ROWS", 3)
    service = make()
    for _ in range(5):
        with service.prediction({"x": object()}) as answer:
            answer.value = 1
    service.write()
    assert (service.counters.rows_written, service.counters.rows_dropped) == (3, 2)
    assert "Dropped" in caplog.text


def test_the_log_has_the_share_that_was_asked_for(make, tmp_path):
    service = make(log_share=0.2)
    for _ in range(2_000):
        with service.prediction({"x": 1}) as answer:
            answer.value = 1
    service.write()
    rows = rows_of(tmp_path)
    assert 300 < len(rows) < 500
    assert len({row["request_id"] for row in rows}) == len(rows)


def test_features_are_those_of_the_moment(make, tmp_path):
    service = make()
    features = {"x": 1}
    with service.prediction(features) as answer:
        answer.value = 1
    features["x"] = 2
    service.write()
    assert rows_of(tmp_path)[0]["features"] == {"x": 1}


def test_a_decorated_function_is_a_prediction(make, tmp_path):
    service = make()

    @service.predicted
    def double(features):
        return 2 * features["x"]

    @service.predicted
    async def later(features):
        return 3 * features["x"]

    assert double({"x": 2}) == 4
    assert asyncio.run(later({"x": 2})) == 6
    service.close()
    assert windows_of(tmp_path)[0]["prediction_count"] == 2
    assert [row["prediction"] for row in rows_of(tmp_path)] == [4, 6]


@pytest.mark.parametrize("known", [True, False])
def test_a_lifespan_starts_and_closes(make, tmp_path, known):
    service = make()

    async def app(scope, receive, send):
        if not known:
            raise RuntimeError("HTTP only")
        for kind in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{kind}.complete"})

    sent = []

    async def live():
        asked = iter(["lifespan.startup", "lifespan.shutdown"])

        async def receive():
            return {"type": next(asked)}

        async def send(message):
            sent.append(message["type"])

        await ServiceMiddleware(app, service)({"type": "lifespan"}, receive, send)

    asyncio.run(live())
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert len(lines_of(tmp_path, "deployment_events.jsonl")) == 1
    assert len(windows_of(tmp_path)) == 1


def test_wsgi_is_kept_to_the_letter(make, tmp_path):
    service = make()

    def app(environ, start_response):
        start_response("422 Unprocessable Content", [("Content-Type", "text/plain")])
        return iter([b"no"])

    def call(path):
        environ = {"PATH_INFO": path, "SCRIPT_NAME": "", "QUERY_STRING": ""}
        setup_testing_defaults(environ)
        answer = validator(WsgiMiddleware(validator(app), service))(environ, lambda *_: print)
        try:
            return b"".join(answer)
        finally:
            answer.close()

    assert call("/predict") == b"no"
    assert call("/health") == b"no"
    service.close()
    (window,) = windows_of(tmp_path)
    assert (window["request_count"], window["input_schema_failure_count"]) == (1, 1)


def test_threads_lose_no_request(make, tmp_path):
    service = make(log_share=0.0)
    app = ServiceMiddleware(answering(), service)
    threads = [threading.Thread(target=ask, args=(app, "/predict", 500)) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        service.write()
    service.close()
    assert sum(w["request_count"] for w in windows_of(tmp_path)) == 2_000


PROCESS = """
import os, signal, sys
from lineage_bridge.service import Model, Service
service = Service(sys.argv[1], name="svc", model=Model(name="m", version="1"), log_share=1.0)
def answer():
    with service.prediction({"x": 1}) as a:
        a.value = 1
"""

FORKED = """answer()
import multiprocessing
child = multiprocessing.get_context("fork").Process(target=answer)
child.start()
child.join()
"""


@pytest.mark.parametrize(
    ("code", "ends", "instances"),
    [
        ("answer()", 0, 1),
        ("answer(); os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, 1),
        ("answer(); pid = os.fork(); pid or answer(); pid and os.waitpid(pid, 0)", 0, 2),
        (FORKED, 0, 2),
    ],
    ids=["exit", "SIGTERM", "fork", "multiprocessing"],
)
def test_the_last_minute_outlives_the_process(tmp_path, code, ends, instances):
    script = PROCESS + code
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, tmp_path / "s"],
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (ends, b"")
    windows = [w for w in windows_of(tmp_path) if w["request_count"]]
    assert sorted(w["request_count"] for w in windows) == [1] * instances
    assert len({w["instance_id"] for w in windows}) == instances
    assert len(lines_of(tmp_path, "deployment_events.jsonl")) == instances
    assert len(rows_of(tmp_path)) == instances


def test_a_model_is_told_by_its_folder(tmp_path):
    folder = tmp_path / "fraud" / "v3"
    folder.mkdir(parents=True)
    said = {
        "model_version": "v3",
        "trained_at": "2026-04-01T01:23:48+00:00",
        "input_dataset_name": "rides",
        "input_dataset_version": "2026-04-01",
        "started_at": "2026-04-01T01:22:44+00:00",
    }
    (folder / "model_metadata.json").write_text(json.dumps(said))
    model = Model.of_folder(folder)
    assert (model.name, model.version, model.dataset_version) == ("fraud", "v3", "2026-04-01")
    assert model.completed == model.created > model.started


def test_a_model_is_told_by_mlflow_or_by_its_content(tmp_path):
    model = Model.of_mlflow("models:/fraud/7")
    assert (model.name, model.version) == ("fraud", "7")
    run = "0123456789abcdef0123456789abcdef"
    assert Model.of_mlflow(f"runs:/{run}/model", name="fraud").version == run
    with pytest.raises(SettingsError, match="name"):
        Model.of_mlflow(f"runs:/{run}/model")
    (tmp_path / "m.bin").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    of_file = Model.of_file(tmp_path / "m.bin", name="fraud")
    assert (of_file.version, of_file.bundle_id) == (digest[:12], f"sha256:{digest}")


@pytest.mark.parametrize(
    "make_wrong",
    [
        lambda: Model(name="unknown", version="1"),
        lambda: Model(name="m", version=" "),
        lambda: Model(name="\ud800", version="1"),
        lambda: Model.of_folder("/nowhere"),
        lambda: Model.of_file("/nowhere", name="m"),
        lambda: Service("x", name="", model=Model(name="m", version="1")),
        lambda: Service("x", name="s", model=Model(name="m", version="1"), endpoints="/predict"),
        lambda: Service("x", name="s", model=Model(name="m", version="1"), log_share=2),
        lambda: Service("x", name="s", model=Model(name="m", version="1"), version=" "),
        lambda: Service("x", name="s", model=Model(name="m", version="1"), endpoints=["/\ud800"]),
    ],
)
def test_what_cannot_be_is_refused_when_the_service_is_made(make_wrong):
    with pytest.raises(SettingsError):
        make_wrong()


def test_an_odd_answer_breaks_nothing(make, tmp_path):
    service = make()
    endless: list = []
    endless.append(endless)
    for value in (endless, object(), 10**30, "\ud800", {"a": math.nan}):
        with service.prediction({"x": "\ud800"}) as answer:
            answer.value = value
    service.close()
    assert windows_of(tmp_path)[0]["request_count"] == 5
    assert service.counters.rows_written + service.counters.rows_dropped == 5


RUN = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Model(name="fraud", version="7"), {}),
        (Model.of_mlflow(f"runs:/{RUN}/model", name="fraud"), {"version": RUN, "run_id": RUN}),
        (Model(name="fraud", version="7", bundle_id=f"sha256:{RUN * 2}"), {"sha256": RUN * 2}),
        (
            Model(name="fraud", version="7", dataset_version="2026-04-01", started=EPOCH),
            {"trained_on": "2026-04-01", "started": EPOCH},
        ),
    ],
    ids=["name", "run", "content", "training"],
)
def test_a_start_says_of_its_model_what_is_known(make, tmp_path, model, words):
    service = make(model=model)
    service.start()
    service.close()
    (line,) = lines_of(tmp_path, "deployment_events.jsonl")
    start = read_event(line, Source("p5", "a", "a", None, 1))
    assert start.dataset_name is None
    expected = {"name": "fraud", "version": "7"} | words
    for field in ("name", "version", "run_id", "sha256", "trained_on", "started"):
        assert getattr(start.model, field) == expected.get(field), field
