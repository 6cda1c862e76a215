"""Bodies that nobody means to send: each is held by everything that comes later, or refused."""

from __future__ import annotations

import json
import random
from urllib.parse import quote

import pytest
from conftest import run_command
from contract.collector_world import JSON, dataset, event, world
from contract.odd_events import EVENTS, FACET, Spoilt, spoilt

from lineage_bridge.events import event_of

EVENT = json.dumps(event("COMPLETE", "10:00:00", outputs=["out"])).encode()
WRITES = {
    ("PUT", "/api/v1/namespaces/ns"): {"ownerName": "me"},
    ("PUT", "/api/v1/sources/src"): {"type": "POSTGRESQL", "connectionUrl": "postgres://h/db"},
    ("PUT", "/api/v1/tags/tag"): {"description": "d"},
    ("PUT", "/api/v1/namespaces/ns/datasets/ds"): {
        "type": "DB_TABLE",
        "physicalName": "ds",
        "sourceName": "src",
        "fields": [{"name": "a", "type": "INT", "tags": ["tag"]}],
    },
    ("PUT", "/api/v1/namespaces/ns/jobs/job"): {
        "type": "BATCH",
        "inputs": [{"namespace": "ns", "name": "ds"}],
        "outputs": [],
    },
    ("POST", "/api/v1/namespaces/ns/jobs/job/runs"): {"args": {"a": "b"}},
    ("POST", "/api/v1/lineage"): json.loads(EVENT),
}
LISTS = (
    "/namespaces",
    "/jobs?limit=10000",
    "/tags",
    "/events/lineage?limit=10000",
    "/search?q=o&limit=1000",
    "/search?q=i&sort=UPDATE_AT",
    "/stats/lineage-events?period=DAY",
    "/stats/jobs?period=WEEK&timezone=UTC",
)
UNREADABLE = {
    b'{"\xff": 1}': "not UTF-8 (byte 2)",
    b'{"a": "\xff"}': "not UTF-8 (byte 7)",
    b'{"a": "\xc0\xaf"}': "not UTF-8",
    b'{"a": "\xed\xa0\x80"}': "not UTF-8",
    '{"a": 1}'.encode("utf-16"): "not UTF-8 (byte 0)",
    b'{"a": "\\ud800"}': "half of a surrogate pair",
    b'{"\\udc00": 1}': "half of a surrogate pair",
    b'{"a": 1e999}': "a number that is too large",
    b'{"a": -1' + b"0" * 309 + b"}": "a number that is too large",
    b'\xef\xbb\xbf{"a": 1' + b"0" * 309 + b"}": "a number that is too large",
    b'{"a": ' + b"9" * 5000 + b"}": "a number that is too large",
    b'{"a": 1}{"b": 2}': "goes on after its JSON (character 8)",
    b'{"a": 1} \n []': "goes on after its JSON",
    b'{"a": 1},': "goes on after its JSON",
    b'\xef\xbb\xbf{"a": 1} x': "goes on after its JSON",
    b'{"a": 1}\0': "goes on after its JSON",
}


@pytest.fixture
def w(tmp_path):
    with world(tmp_path / "home") as found:
        for (method, path), body in WRITES.items():
            assert found.ask(method, path, JSON, json.dumps(body).encode()).status in {200, 201}
        yield found


@pytest.mark.parametrize(("body", "said"), UNREADABLE.items(), ids=UNREADABLE.values())
def test_what_readers_of_json_do_not_agree_about_is_refused_in_a_sentence(w, caplog, body, said):
    before = w.journal.last_seq()
    for method, path in WRITES:
        answer = w.ask(method, path, JSON, body)
        assert (answer.status, said in answer.body["message"]) == (400, True), answer

    assert w.journal.last_seq() == before
    assert caplog.records == []


@pytest.mark.parametrize("body", [b" \n" + EVENT + b"\r\n\t ", b"\xef\xbb\xbf" + EVENT])
def test_blanks_and_a_byte_order_mark_around_an_event_say_nothing(w, body):
    before = w.journal.last_seq()
    assert w.post(body).status == 201
    assert w.journal.last_seq() == before  # the same event, which is there already


def test_the_largest_number_of_all_readers_is_held(w):
    for number in (10**308, -(10**308)):
        assert w.post(json.loads(EVENT) | {"custom": {"x": number}}).status == 201


@pytest.mark.parametrize("body", [b"", b" \n", b"null", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("headers", [JSON, {}])
def test_a_write_without_its_body_is_the_clients_mistake(w, caplog, headers, body):
    for method, path in WRITES:
        answer = w.ask(method, path, headers, body)
        if body and not headers:
            assert answer.status == 415
        else:
            assert (answer.status, answer.body) == (
                422,
                {"errors": ["The request body must not be null"]},
            )
    assert caplog.records == []


def test_what_needs_no_body_goes_without_one(w):
    run = w.get("/namespaces/ns/jobs/job/runs")["runs"][0]["id"]
    for path in (
        "/namespaces/ns/datasets/ds/tags/gold",
        "/namespaces/ns/datasets/ds/fields/a/tags/gold",
        "/namespaces/ns/jobs/job/tags/gold",
        f"/jobs/runs/{run}/start",
        f"/jobs/runs/{run}/complete",
    ):
        assert w.ask("POST", f"/api/v1{path}", {}, b"").status == 200


# A column without a name


def with_column(name):
    fields = [{"name": "a", "type": "INT"}, {"name": name, "type": "INT"}]
    sources = {"inputFields": [{"namespace": "db", "name": "in", "field": name}]}
    facets = {
        "schema": {**FACET, "fields": fields},
        "columnLineage": {**FACET, "fields": {name: sources, "a": sources}},
    }
    return event("COMPLETE", "10:00:00", run=2, job="columns") | {
        "inputs": [dataset("in", facets={"schema": facets["schema"]})],
        "outputs": [dataset("wide", facets=facets)],
    }


@pytest.mark.parametrize("name", ["", " ", "\t\u2003"])
def test_a_column_without_a_name_is_refused(w, name):
    before = [w.get(path) for path in LISTS]
    for side in ("inputs", "outputs"):
        sent = with_column(name)
        assert w.post({**sent, "inputs": [], "outputs": [], side: sent[side]}).status == 400
    assert [w.get(path) for path in LISTS] == before


def test_a_column_without_a_name_that_is_in_the_journal_is_shown(w):
    """An earlier version took it in, or a transport did: everything answers all the same."""
    sent = with_column("")
    w.journal.append([event_of(sent, json.dumps(sent).encode())], "http")

    shown = w.get("/namespaces/db/datasets/wide")
    assert [field["name"] for field in shown["fields"]] == ["a", ""]
    assert every_read(w) == []
    node = quote("datasetField:db:wide:", safe="")
    assert w.get(f"/column-lineage?nodeId={node}&depth=1")["graph"]


# Every member of every event, spoilt


def every_read(w) -> list[str]:
    """Ask for all that there is; return what was answered with a failure."""
    asked = list(LISTS)
    for namespace in w.get("/namespaces?limit=1000")["namespaces"]:
        within = f"/namespaces/{quote(namespace['name'], safe='')}"
        asked.append(within)
        for kind in ("dataset", "job"):
            for item in w.get(f"{within}/{kind}s?limit=1000")[f"{kind}s"]:
                one = f"{within}/{kind}s/{quote(item['name'], safe='')}"
                node = quote(f"{kind}:{namespace['name']}:{item['name']}", safe="")
                asked += [one, f"{one}/versions", f"/lineage?nodeId={node}&depth=1"]
                if kind == "dataset":
                    asked.append(f"/column-lineage?nodeId={node}&depth=1&withDownstream=true")
                    asked += [
                        f"/column-lineage?nodeId={quote(field, safe='')}"
                        for field in (
                            f"datasetField:{namespace['name']}:{item['name']}:{column['name']}"
                            for column in item["fields"]
                        )
                    ]
                else:
                    asked.append(f"{one}/runs?limit=1000")
    answers = {path: w.ask("GET", f"/api/v1{path}", {}, b"") for path in asked}
    return [f"{path}: {answer.body}" for path, answer in answers.items() if answer.status >= 500]


def is_of_marquez(answer) -> bool:
    """Whether a refusal is one that Marquez gives: docs/marquez.md lists what is kept."""
    if answer.status == 500:  # a wrong type, no JSON; or the bare page of a refusal half-way
        return answer.body["code"] == 400 if answer.body else answer.text.startswith("<html>")
    return answer.status in {201, 400, 422}


def check(some: list[Spoilt], home, caplog) -> None:
    with world(home) as w:
        w.send(*EVENTS)
        for one in some:
            answer = w.post(one.body)
            assert is_of_marquez(answer), (str(one), answer)
            assert caplog.records == [], str(one)
        assert every_read(w) == []
        with w.journal.reading() as connection:
            reasons = [row[0] for row in connection.execute("SELECT reason FROM mq_refused")]
        assert [reason for reason in reasons if "Error" in reason] == []
    for command in (
        ["graph", "--json"],
        ["health", "--json"],
        ["health", "--at", "2026-04-07T08:50:00Z"],
        ["freshness", "--all"],
        ["doctor"],
        ["exporter", "--once"],
        ["journal", "dead"],
    ):
        result = run_command(*command, "--home", home)
        assert (result.code in {0, 1}, result.err) == (True, ""), (command, result)
        parts = [line for line in result.out.splitlines() if "scrape_part_success{" in line]
        assert all(line.endswith(" 1.0") for line in parts), parts


@pytest.mark.parametrize(
    ("seed", "number"),
    [(1, 200), *(pytest.param(seed, 1500, marks=pytest.mark.slow) for seed in range(2, 6))],
)
def test_whatever_one_member_is_everything_answers(tmp_path, caplog, seed, number):
    check(random.Random(seed).sample(spoilt(), number), tmp_path / "home", caplog)
