"""The adapters that there are: built-in ones, and what other packages bring along."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime

import pytest
from foreign import install

from lineage_bridge.adapters.api import API, Kind, Place, Problem
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.adapters.guest import Guest
from lineage_bridge.adapters.registry import registry
from lineage_bridge.errors import ArtifactError
from lineage_bridge.ingest.found import Found
from lineage_bridge.ingest.read import read, read_line
from lineage_bridge.ingest.scan import scan
from lineage_bridge.records import Claim, Reference, Source, Training
from lineage_bridge.times import from_micros

GOOD = """
class Adapter:
    api, name, title, version = {api!r}, {name!r}, "Some files", 1
    def recognise(self, place): return None
    def read(self, artifact): return ()
ADAPTER = Adapter()
"""


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """The registry with a package whose module has the given text."""

    def load(text, point="some:ADAPTER"):
        (install(tmp_path, "some-package", {"some": point}) / "some.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        return registry()

    registry.cache_clear()
    yield load
    sys.modules.pop("some", None)
    registry.cache_clear()


def test_the_built_in_families_have_the_names_of_their_flags():
    assert {"p2", "p4", "p5", "p6"} <= set(registry().adapters)


@pytest.mark.parametrize("point", ["some:ADAPTER", "some:Adapter"])
def test_an_adapter_is_found_by_its_entry_point(loaded, point):
    found = loaded(GOOD.format(api=API, name="mine"), point)
    assert found.adapters["mine"].title == "Some files"
    assert found.troubles == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError"),
        (GOOD.format(api=API, name="mine").replace("Some", "\\x1b[31m"), "its title is not one"),
        (GOOD.format(api=API, name="mine").replace("Some", "x" * 100), "its title is not one"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        (GOOD.format(api=API, name="mine").replace(", 1\n", ", 2**70\n"), "its version is no"),
        (GOOD.format(api=API, name="mine").replace(", 1\n", ", True\n"), "its version is no"),
        ("raise SystemError('two\\nlines')", "SystemError: two lines"),
        ("ADAPTER = 3", "it has no api, name, title, version, recognise, read"),
        (GOOD.format(api=99, name="mine"), "it is written for interface 99 of adapters"),
        (GOOD.format(api=API, name="p4"), "its name `p4` is taken"),
        (GOOD.format(api=API, name="json"), "its name `json` is taken"),
        (GOOD.format(api=API, name="My Files"), "lower-case letters"),
        (GOOD.format(api=API, name=7), "lower-case letters"),
    ],
)
def test_one_that_cannot_be_used_is_said_in_a_line_with_its_package(loaded, text, why):
    found = loaded(text)
    (line,) = found.troubles
    assert "`some` of the package `some-package` is left out" in line
    assert why in line
    assert "\n" not in line
    assert "some" not in found.adapters
    assert {"logs", "mlflow", "p2", "p4", "p5", "p6"} <= set(found.adapters)


@pytest.mark.slow
def test_commands_that_read_no_artifacts_load_no_adapter():
    code = "import sys, lineage_bridge.cli.views, lineage_bridge.cli.backfill; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not [name for name in done.stdout.split() if name.startswith("lineage_bridge.adapters")]


class Broken:
    """An adapter with a bug in one of its two methods."""

    api, name, title, version = API, "broken", "Broken", 1

    def __init__(self, recognise=None, read=None):
        self._recognise, self._read = recognise, read

    def recognise(self, place):
        return self._recognise(place) if self._recognise else Kind("file")

    def read(self, artifact):
        return self._read(artifact) if self._read else ()


def exits(*_):
    raise SystemExit(3)


def fails(*_):
    raise KeyError("no such member")


WRONG_KINDS = [
    *(fails, exits, lambda _: "file", lambda _: Kind("w", "windows"), lambda _: Kind("w", "x")),
    *(lambda _: Kind(5), lambda _: Kind("k", companions="a.json")),
    lambda _: Kind("k", companions=(5,)),
]


def read_by(adapter, path):
    path.write_text("{}")
    guest = Guest(adapter, "their-package")
    return read(Found(guest, Kind("file"), str(path), str(path.parent)))


@pytest.mark.parametrize(
    ("reader", "why"),
    [
        (fails, "KeyError: 'no such member'"),
        (exits, "SystemExit: 3"),
        (lambda _: [3], "read() returned a int"),
        (lambda _: [Problem("x", ValueError("no"))], "expected a text and an ArtifactError"),
        (lambda _: [Problem(3, ArtifactError("no"))], "expected a text and an ArtifactError"),
    ],
)
def test_a_bug_in_a_guest_loses_its_artifact_only_and_names_its_package(tmp_path, reader, why):
    (rejected,) = read_by(Broken(read=reader), tmp_path / "x.json").rejected
    assert "the adapter `broken` of the package `their-package` failed" in rejected.reason
    assert why in rejected.reason


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"run_id": 5}, "Expected `str`, got `int` - at `$.run_id`"),
        ({"run_id": "\ud800"}, "surrogates not allowed"),
        ({"run_id": "x" * 10_001}, "`run_id`: has 10001 characters"),
        ({"model": "m"}, "Expected `object`, got `str` - at `$.model`"),
        ({"source": None}, "got `null` - at `$.source`"),
        ({"reads": None}, "at `$.reads`"),
        ({"reads": [Reference(path="x" * 10_001)]}, "`reads.0.path`: has 10001 characters"),
        ({"metrics": {"loss": float("nan")}}, "at `$.metrics[...]`"),
        ({"metrics": {"loss": object()}}, "type object is unsupported"),
        (
            {"parameters": dict.fromkeys(map(str, range(10_001)), "x")},
            "10,001 values in parameters",
        ),
        ({"completed": datetime(2026, 1, 1)}, "expected a time with a zone"),  # noqa: DTZ001
    ],
)
def test_a_guests_record_with_a_value_that_none_can_have_costs_its_artifact(tmp_path, wrong, why):
    def reads(artifact):
        model, ended = Claim(what="model", name="m"), from_micros(0)
        good = {"source": artifact.source, "run_id": "r", "model": model, "completed": ended}
        yield Training(**good | wrong)

    made = read_by(Broken(read=reads), tmp_path / "x.json")

    (rejected,) = made.rejected
    assert made.records == []
    assert why in (f"`{rejected.field}`: " if rejected.field else "") + rejected.reason


def test_a_line_has_bounded_records(tmp_path):
    def endless(artifact):
        model, ended = Claim(what="model", name="m"), from_micros(0)
        while True:
            yield Training(source=artifact.source, run_id="r", model=model, completed=ended)

    guest = Guest(Broken(read=endless), "their-package")
    found = Found(guest, Kind("file", "lines"), str(tmp_path / "x"), str(tmp_path))
    with pytest.raises(ArtifactError, match="more than 1,000 records"):
        read_line(found, 1, b"{}")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"run_id": "r", "model": Claim(what="model", name=" ")}, "expected a name of its model"),
        ({"run_id": "", "model": Claim(what="model", name="m")}, "expected a name of its run"),
        ({"run_id": "r", "model": Claim(what="model", name="m")}, "has no time at which"),
    ],
)
def test_a_record_that_cannot_be_linked_is_refused(tmp_path, said, why):
    made = read_by(
        Broken(read=lambda artifact: [Training(source=artifact.source, **said)]),
        tmp_path / "x.json",
    )
    assert made.rejected[0].reason.startswith(why)


def test_a_guest_that_names_another_source_is_refused(tmp_path):
    def forged(_):
        source, model = Source("p4", "/elsewhere", "x"), Claim(what="model", name="m")
        yield Training(source=source, run_id="r", model=model, completed=from_micros(0))

    (rejected,) = read_by(Broken(read=forged), tmp_path / "x.json").rejected
    assert "another artifact as the source" in rejected.reason


@pytest.mark.parametrize("recognise", WRONG_KINDS)
def test_a_guest_that_cannot_recognise_is_rejected_once_and_left_out(
    tmp_path, monkeypatch, recognise
):
    guest = Guest(Broken(recognise), "their-package")
    monkeypatch.setattr("lineage_bridge.ingest.scan.adapters", lambda: {"broken": guest})
    for name in ("a", "b", "c"):
        (tmp_path / name).touch()

    found = scan({"broken": [tmp_path]})

    (rejected,) = found.rejected
    assert "their-package" in rejected.reason
    assert (found.found, found.ignored) == ([], {"of no family": 3})


def test_an_error_of_the_artifact_keeps_its_field():
    def refuses(_):
        raise ArtifactError("is missing", field="run")

    guest = Guest(Broken(read=refuses), "their-package")
    artifact = Artifact("broken", Kind("file"), "/x", "/")
    with pytest.raises(ArtifactError) as refused:
        list(guest.read(artifact))
    assert refused.value.field == "run"


def test_recognising_sees_the_name_and_the_folders_only():
    adapters = registry().adapters
    jsonl = Place("x.jsonl", ("artifacts", "events", "today"))
    assert adapters["p5"].recognise(jsonl).form == "lines"
    assert adapters["p5"].recognise(Place("metrics_07.jsonl")).form == "windows"
    assert adapters["p4"].recognise(Place("metadata.json")).companions
    assert adapters["p6"].recognise(Place("metadata.json")) is None
