"""Whatever a command or the API prints of a node, every command takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from conftest import run_command
from contract.collector_world import world

EVENTS = (Path(__file__).parents[1] / "data" / "names.ndjson").read_text().splitlines()
OUT, HIVE = "dataset:s3://lake:wh/out", "dataset:hive://meta:9083:dw.out"
LOAD = "job:night team:load@019cf7a5-0017-7000-8000-00000000a001"
CASES = re.compile(r"(dataset|datasetField|job|run):.+", re.DOTALL)


def strings(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        for value in document.values():
            yield from strings(value)
        if {"namespace", "name"} <= document.keys():
            yield f"{document['namespace']}:{document['name']}"
    elif isinstance(document, list):
        for value in document:
            yield from strings(value)
    elif isinstance(document, str):
        yield document


def printed_by_the_api(there) -> set[str]:
    found: set[str] = set()
    names = [there.get(f"/search?q={q}&limit=99")["results"] for q in "aeiou"]
    for result in (result for of_letter in names for result in of_letter):
        node, kind = result["nodeId"], result["type"].lower()
        found |= {node, result["name"], f"{result['namespace']}:{result['name']}"}
        space, name = quote(result["namespace"], safe=""), quote(result["name"], safe="")
        if kind == "job":
            runs = there.get(f"/namespaces/{space}/jobs/{name}/runs")["runs"]
            found |= {run["id"] for run in runs} | {f"run:{run['id']}" for run in runs}
        answers = [there.get(f"/namespaces/{space}/{kind}s/{name}")]
        for path in (f"lineage?nodeId={quote(node)}", f"column-lineage?nodeId={quote(node)}"):
            answer = there.ask("GET", f"/api/v1/{path}", {}, b"")
            answers += [answer.body] if answer.status == 200 else []
        found |= {text for text in strings(answers) if CASES.fullmatch(text)}
    return found


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A home with the events, and all that the API prints of them."""
    home = tmp_path_factory.mktemp("names") / "home"
    with world(home) as there:
        for line in EVENTS:
            assert there.post(line.encode()).status == 201
        there.get("/search?q=a")
        printed = printed_by_the_api(there)
    return home, printed


def ask(home, *args):
    return run_command(*args, "--home", home)


def nodes(home, text, *args):
    result = ask(home, "graph", "--node", text, "--depth", "0", "--json", *args)
    assert result.code == 0, (text, result.err)
    return [node["id"] for node in result.json["nodes"]]


def test_what_the_api_prints_every_command_takes(asked):
    home, printed = asked

    assert len([text for text in printed if text.startswith("datasetField:")]) >= 2
    assert "job:night_team:nightly.load" in printed
    for text in sorted(printed):
        assert nodes(home, text), text
        path = ask(home, "path", text, text)
        assert path.code == 0, (text, path.err)
        why = ask(home, "alias", "why", text, "--json")
        assert (why.code, why.json) == (0, []), (text, why.err)
    assert "the events themselves name it" in ask(home, "alias", "why", OUT).out


def test_what_commands_print_they_take(asked):
    home, _ = asked
    whole = ask(home, "graph", "--json").json

    ids = {text for text in strings(whole) if text.startswith(("dataset:", "job:"))}
    ids |= {run["id"] for node in whole["nodes"] for run in node["runs"]}
    for text in ids:
        assert nodes(home, text), text


def test_a_part_of_a_run_id_in_a_table_means_that_run(asked):
    home, _ = asked
    rows = [line for line in ask(home, "graph").out.splitlines() if "completed" in line]
    parts = {re.split(r"\s{2,}", row)[0]: re.split(r"\s{2,}", row)[3] for row in rows[1:]}

    # Of version 7, made in one night: only their ends differ.
    assert set(parts) == {"load", "read", "copy #1"}
    assert len(set(parts.values())) == 3
    for job, part in parts.items():
        for text in (part, f"run:{part}", f"{job}@{part}"):
            assert nodes(home, text) == [f"job:night team:{job}"]


@pytest.mark.parametrize(
    ("text", "node"),
    [
        (HIVE, OUT),
        ("hive://meta:9083:dw.out", OUT),
        ("dw.out", OUT),
        ("datasetField:s3://lake:wh/out:b", OUT),
        ("datasetField:hive://meta:9083:dw.out:b#019cf7a5-0017-7000-8000-00000000a001", OUT),
        (f"{OUT}#019cf7a5-0017-7000-8000-00000000a001", OUT),
        ("job:night_team:nightly.load", LOAD.partition("@")[0]),
        ("night_team:nightly.load", LOAD.partition("@")[0]),
        ("nightly.load", LOAD.partition("@")[0]),
        ("job:night_team:nightly", LOAD.partition("@")[0]),
        ("job:night_team:load", LOAD.partition("@")[0]),
        ("0017-7000", LOAD.partition("@")[0]),
        ("019CF7A5-0017-7000-8000-00000000A001", LOAD.partition("@")[0]),
        ("019cf7a500177000800000000000a001", LOAD.partition("@")[0]),
        ("019cf7a5-0017-7000-8000-00000000aaaa", LOAD.partition("@")[0]),
        ("nightly.load@0017", LOAD.partition("@")[0]),
    ],
)
def test_one_node_has_many_spellings(asked, text, node):
    assert nodes(asked[0], text) == [node]


def test_a_part_that_fits_several_runs_names_them(asked):
    result = ask(asked[0], "graph", "--node", "019cf7a5")

    assert result.code == 2
    assert "may mean" in result.err
    assert LOAD in result.err


def test_symlinks_and_job_events_are_on_the_way(asked):
    home, _ = asked
    path = ask(home, "path", "raw.in", "letter", "--json").json

    assert [hop["to"].partition("@")[0] for hop in path["hops"]] == [
        *("job:night team:load", OUT),
        *("job:night team:read", "dataset:postgres://db:None:shop.public.mart"),
        *("job:night team:copy #1", "dataset:file:/warehouse/lake:default.mart"),
        *("job:bi:dashboards", "dataset:bi:sales report"),
        *("job:bi:mail", "dataset:bi:letter"),
    ]
    assert {hop["time"] for hop in path["hops"][-2:]} == {"2026-02-01T12:00:00Z"}


def test_before_anybody_said_so_there_are_two_nodes(asked):
    home, _ = asked
    before = ("--at", "2026-02-01T10:30:00Z")
    now = ask(home, "graph", "--json").json
    symlinks = {node["id"]: node.get("symlinks") for node in now["nodes"]}

    assert symlinks["dataset:bi:sales report"] == ["dataset:excel:Sales.xlsx"]
    assert symlinks[OUT] == [HIVE]
    assert symlinks["dataset:bi:letter"] is None
    assert ask(home, "graph", "--node", "Sales.xlsx", *before).code == 2


def test_a_near_miss_gets_a_suggestion(asked):
    home, _ = asked

    assert "Did you mean `nightly.load`" in ask(home, "path", "dw.out", "nightly.laod").err
    assert "`sales report`" in ask(home, "graph", "--node", "sales").err
    assert f"`{HIVE}`" in ask(home, "graph", "--node", HIVE[:-1]).err
