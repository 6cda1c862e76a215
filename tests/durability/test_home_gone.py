"""A home that is moved, deleted or replaced under a running process: nothing is taken for kept."""

from __future__ import annotations

import logging
import shutil
from contextlib import contextmanager

import httpx
import pytest
from builders import an_event
from contract.collector_world import event

from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.errors import JournalError
from lineage_bridge.journal import Journal


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@contextmanager
def a_collector(home):
    with (
        Journal(home) as journal,
        CollectorServer(journal, port=0) as server,
        httpx.Client(base_url=server.url, timeout=60) as client,
    ):
        yield client


@pytest.fixture
def serving(home):
    with a_collector(home) as client:
        yield client


def post(client, run):
    return client.post(
        "/api/v1/lineage", json=event("COMPLETE", "10:00:00", run=run, outputs=[f"d{run}"])
    ).status_code


def datasets(client):
    answer = client.get("/api/v1/namespaces/db/datasets")
    if answer.status_code != 200:
        return answer.status_code
    return {dataset["name"] for dataset in answer.json()["datasets"]}


def test_a_deleted_home_takes_nothing_and_says_so_once(serving, home, caplog):
    assert post(serving, 1) == 201
    shutil.rmtree(home)

    assert [post(serving, run) for run in range(2, 42)] == [503] * 40
    assert datasets(serving) == 503
    (line,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "no longer there" in line.getMessage()
    assert line.exc_info is None


def test_it_serves_again_when_the_home_is_back(serving, home):
    post(serving, 1)
    home.rename(home.with_name("aside"))
    assert post(serving, 2) == 503
    home.with_name("aside").rename(home)

    assert post(serving, 3) == 201
    assert datasets(serving) == {"d1", "d3"}


@pytest.mark.parametrize("other_runs", [0, 1, 5])
def test_another_home_in_its_place_is_the_one_that_is_served(serving, home, tmp_path, other_runs):
    for run in range(3):
        post(serving, run)
    other = tmp_path / "other"
    with a_collector(other) as client:
        for run in range(100, 100 + other_runs):
            post(client, run)
    shutil.rmtree(home)
    other.rename(home)

    assert post(serving, 7) == 201
    assert datasets(serving) == {f"d{run}" for run in (*range(100, 100 + other_runs), 7)}


def test_a_journal_that_was_put_back_from_a_copy_is_read_as_it_is(serving, home, tmp_path):
    post(serving, 1)
    assert datasets(serving) == {"d1"}
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in home.glob("journal.db*"):
        shutil.copy(path, copy / path.name)
    post(serving, 2)
    assert datasets(serving) == {"d1", "d2"}

    for path in home.glob("journal.db*"):
        path.unlink()
    for path in copy.iterdir():
        path.rename(home / path.name)

    assert datasets(serving) == {"d1"}
    assert post(serving, 3) == 201
    assert datasets(serving) == {"d1", "d3"}


def test_whoever_appends_hears_it(home):
    with Journal(home) as journal:
        journal.append([an_event("a", 0)], "artifact")
        shutil.rmtree(home)
        with pytest.raises(JournalError, match="no longer there"):
            journal.append([an_event("b", 1)], "artifact")
        assert not home.exists()


def test_what_is_derived_may_be_deleted_under_a_running_collector(serving, home):
    post(serving, 1)
    assert datasets(serving) == {"d1"}
    for path in home.glob("models*"):
        path.unlink()

    while datasets(serving) == 503:
        pass
    assert datasets(serving) == {"d1"}
