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
from pathlib import Path

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

from lineage_bridge.errors import JournalError, SettingsError
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


@pytest.mark.parametrize("name", [None, ["a"]])
def test_an_event_that_names_no_job_could_be_used_by_nobody(client, caplog, name):
    event = a_run_event()
    event.job = Job("ns", name)
    client.transport.emit(event)

    assert "`job.name`: run events must have it" in caplog.text


def test_the_home_is_the_option_then_the_environment_then_the_default(monkeypatch):
    assert str(LineageBridgeConfig.from_dict({}).home) == ".lineage-bridge"
    monkeypatch.setenv("LINEAGE_BRIDGE_HOME", "/env")
    assert str(LineageBridgeConfig.from_dict({}).home) == "/env"
    assert str(LineageBridgeConfig.from_dict({"home": "/option"}).home) == "/option"


SPELLINGS = {True: ("true", "yes", "on", "1"), False: ("false", "no", "off", "0")}


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (spelt, meant)
        for meant, texts in SPELLINGS.items()
        for text in texts
        for spelt in (text, text.title(), text.upper(), f" {text}\n")
    ]
    + [(True, True), (False, False), (1, True), (0, False)],
)
def test_raise_on_error_is_a_boolean_however_it_is_spelt(value, meant):
    assert LineageBridgeConfig.from_dict({"raise_on_error": value}).raise_on_error is meant


@pytest.mark.parametrize("value", [*SPELLINGS[True], *SPELLINGS[False], "True", "FALSE"])
def test_a_variable_says_it_as_the_yaml_does(value, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    prefix = "OPENLINEAGE__TRANSPORT__"
    monkeypatch.setenv(f"{prefix}TYPE", PATH)
    monkeypatch.setenv(f"{prefix}HOME", str(tmp_path / "file" / "home"))
    monkeypatch.setenv(f"{prefix}RAISE_ON_ERROR", value)
    from_variable = OpenLineageClient().transport.config.raise_on_error
    for name in ("TYPE", "HOME", "RAISE_ON_ERROR"):
        monkeypatch.delenv(f"{prefix}{name}")
    (tmp_path / "openlineage.yml").write_text(
        f"transport:\n  type: {PATH}\n  raise_on_error: {value}\n"
    )

    assert OpenLineageClient().transport.config.raise_on_error is from_variable
    assert from_variable is (value.lower() in SPELLINGS[True])


@pytest.mark.parametrize(
    "value", ["", " ", "maybe", "truee", "t", "none", "01", None, 2, -1, 1.0, 0.0, [], {}, ["true"]]
)
def test_an_unknown_raise_on_error_is_an_error_that_names_it(value):
    with pytest.raises(SettingsError, match=r"`raise_on_error` .* expected true or false"):
        LineageBridgeConfig.from_dict({"raise_on_error": value})


@pytest.mark.parametrize(
    "value",
    ["", "  ", "\t", None, 5, 0, 1.5, True, [], ["a"], {"a": 1}, b"home", "~nobody-is/x"],
)
def test_a_home_that_is_no_folder_is_an_error_that_names_it(value):
    with pytest.raises(SettingsError, match=r"`home` .* expected a folder"):
        LineageBridgeConfig.from_dict({"home": value})


def test_a_wrong_option_is_told_by_the_client_in_yaml_and_variables(tmp_path, monkeypatch):
    (tmp_path / "openlineage.yml").write_text(f"transport:\n  type: {PATH}\n  home: ~\n")
    with pytest.raises(SettingsError, match="reads a bare `~` as nothing"):
        OpenLineageClient()

    (tmp_path / "openlineage.yml").unlink()
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", PATH)
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__HOME", "5")
    with pytest.raises(SettingsError, match=r"`home` .* is 5"):
        OpenLineageClient()


@pytest.mark.parametrize("text", ["~", "~/lineage"])
def test_a_tilde_is_the_users_folder(text, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    found = LineageBridgeConfig.from_dict({"home": text}).home
    monkeypatch.setenv("LINEAGE_BRIDGE_HOME", text)

    assert found == Path(text).expanduser() == LineageBridgeConfig.from_dict({}).home
    assert found.is_relative_to(tmp_path)


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
