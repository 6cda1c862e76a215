from __future__ import annotations

import datetime as dt
import decimal
import enum
import json
import logging
import multiprocessing
import os
import threading
import uuid

import pytest
from emitting import emit_many
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import (
    DatasetEvent,
    InputDataset,
    Job,
    JobEvent,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
    StaticDataset,
)

from lineage_bridge.errors import JournalError
from lineage_bridge.journal import Journal
from lineage_bridge.transport import LineageBridgeConfig

PATH = "lineage_bridge.transport.LineageBridgeTransport"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.startswith(("OPENLINEAGE", "LINEAGE_BRIDGE"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def client(home):
    return OpenLineageClient(config={"transport": {"type": PATH, "home": str(home)}})


def a_run_event(run_facets=None, **more):
    return RunEvent(
        eventType=RunState.COMPLETE,
        eventTime="2026-04-07T12:00:00+02:00",
        run=Run(runId=str(uuid.UUID(int=1)), facets=run_facets or {}),
        job=Job(namespace="ns", name="job"),
        producer="https://example.org/pipeline",
        **more,
    )


def stored(home):
    with Journal(home, readonly=True) as journal:
        return journal.read()


def documents(home):
    return [json.loads(s.body, parse_constant=pytest.fail) for s in stored(home)]


def test_a_stock_client_is_pointed_here_by_its_yaml(home, tmp_path, monkeypatch):
    (tmp_path / "openlineage.yml").write_text(f"transport:\n  type: {PATH}\n  home: {home}\n")
    client = OpenLineageClient()
    client.emit(
        a_run_event(
            inputs=[InputDataset(namespace="ns", name="in")],
            outputs=[OutputDataset(namespace="ns", name="out")],
        )
    )

    (event,) = stored(home)
    assert (event.kind, event.origin, event.id) == ("run", "transport", None)
    assert event.time_us == 1_775_556_000_000_000
    document = json.loads(event.body)
    assert document["eventType"] == "COMPLETE"
    assert document["schemaURL"].endswith("RunEvent")
    assert [d["name"] for d in document["inputs"] + document["outputs"]] == ["in", "out"]
    assert client.close(1.0)


def test_job_and_dataset_events_are_kept_as_such(home, client):
    client.emit(
        JobEvent(
            eventTime="2026-04-07T12:00:00Z",
            job=Job(namespace="ns", name="job"),
            producer="https://example.org",
        )
    )
    client.emit(
        DatasetEvent(
            eventTime="2026-04-07T12:00:00Z",
            dataset=StaticDataset(namespace="ns", name="data"),
            producer="https://example.org",
        )
    )

    assert [s.kind for s in stored(home)] == ["job", "dataset"]


class Colour(enum.Enum):
    RED = "red"


class Numpy:
    """Looks like one of numpy's scalars, without numpy."""

    def __init__(self, value):
        self.value = value

    def tolist(self):
        return self.value


Numpy.__module__ = "numpy"


def test_whatever_a_facet_holds_becomes_valid_json(home, client):
    client.emit(
        a_run_event(
            {
                "odd": {
                    "nan": float("nan"),
                    "list": [1.5, float("inf"), None, (Colour.RED,)],
                    "numpy": Numpy(1.25),
                    "numpy_nan": Numpy(float("nan")),
                    "array": Numpy([1, float("nan"), 2]),
                    "decimal": decimal.Decimal("1.5"),
                    "date": dt.date(2026, 4, 7),
                    "uuid": uuid.UUID(int=2),
                    "huge": 2**70,
                    "surrogate": "a\ud800b",
                    Colour.RED: 1,
                    7: "seven",
                    "set": {3},
                    "none": None,
                    "empty": {},
                }
            }
        )
    )

    (document,) = documents(home)
    assert document["run"]["facets"]["odd"] == {
        "list": [1.5, ["red"]],
        "numpy": 1.25,
        "array": [1, 2],
        "decimal": 1.5,
        "date": "2026-04-07",
        "uuid": str(uuid.UUID(int=2)),
        "huge": str(2**70),
        "surrogate": "a?b",
        "red": 1,
        "7": "seven",
        "set": [3],
        "empty": {},
    }


def test_real_numpy_scalars_become_plain_numbers(home, client):
    numpy = pytest.importorskip("numpy")
    client.emit(
        a_run_event(
            {
                "f": {
                    "a": numpy.float32(0.5),
                    "b": numpy.int64(3),
                    "c": numpy.bool_(True),  # noqa: FBT003 - numpy's own signature
                    "d": numpy.float64("nan"),
                    "e": numpy.array([1.0, 2.0]),
                }
            }
        )
    )

    facet = documents(home)[0]["run"]["facets"]["f"]
    assert facet == {"a": 0.5, "b": 3, "c": True, "e": [1.0, 2.0]}


def test_a_failure_is_logged_and_never_reaches_the_task(tmp_path, caplog):
    (tmp_path / "file").write_text("no folder")
    client = OpenLineageClient(
        config={"transport": {"type": PATH, "home": str(tmp_path / "file" / "home")}}
    )
    with caplog.at_level(logging.WARNING):
        client.emit(a_run_event())

    assert "was not kept" in caplog.text


def test_a_failure_is_raised_where_that_was_asked_for(tmp_path):
    (tmp_path / "file").write_text("no folder")
    config = {"type": PATH, "home": str(tmp_path / "file" / "home"), "raise_on_error": True}
    client = OpenLineageClient(config={"transport": config})

    with pytest.raises(JournalError, match="Cannot write an event to the spool"):
        client.emit(a_run_event())


def test_an_event_that_holds_itself_is_a_failure_like_any_other(home, client, caplog):
    loop = {}
    loop["self"] = loop
    event = a_run_event()
    event.run.facets["loop"] = loop
    client.transport.emit(event)

    assert "was not kept" in caplog.text


def test_the_home_is_the_option_then_the_environment_then_the_default(monkeypatch):
    assert str(LineageBridgeConfig.from_dict({}).home) == ".lineage-bridge"
    monkeypatch.setenv("LINEAGE_BRIDGE_HOME", "/env")
    assert str(LineageBridgeConfig.from_dict({}).home) == "/env"
    assert str(LineageBridgeConfig.from_dict({"home": "/option"}).home) == "/option"


def test_an_unknown_option_is_warned_of(caplog):
    LineageBridgeConfig.from_dict({"type": PATH, "hom": "x"})

    assert "no option hom" in caplog.text


def test_several_processes_and_threads_emit_at_once(home):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=emit_many, args=(home,)) for _ in range(2)]
    threads = [threading.Thread(target=emit_many, args=(home,)) for _ in range(3)]
    for worker in [*processes, *threads]:
        worker.start()
    for worker in [*processes, *threads]:
        worker.join()

    assert len(stored(home)) == 50
