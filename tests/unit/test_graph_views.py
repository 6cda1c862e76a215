from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest
import referencing
from builders import a_dataset, a_journal, an_event
from rich.console import Console

from lineage_bridge.graph.find import find
from lineage_bridge.graph.load import load
from lineage_bridge.graph.paths import find_path
from lineage_bridge.graph.reduce import reduce
from lineage_bridge.show.lineage.diagrams import dot, mermaid
from lineage_bridge.show.lineage.tables import graph_tables, path_table
from lineage_bridge.show.shapes import graph_json, path_json

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
HOSTILE = [
    '"] --> x["',
    "[red]bold[/red]",
    "line\nbreak",
    "\x1b[31mred\x1b[0m",
    'back\\slash\\"',
    "<script>alert(1)</script>",
    "end\u202eabc; subgraph %%{init}%%",
    "ünï cödé 日本",
]


@pytest.fixture
def graph_of(tmp_path):
    def build(*events):
        with a_journal(tmp_path / "home", events) as journal:
            reduce(journal)
            with journal.reading() as connection:
                return load(connection)

    return build


@pytest.fixture
def hostile(graph_of):
    return graph_of(*(an_event(name, inputs=[name], outputs=["out@1"]) for name in HOSTILE))


def validator(name):
    schemas = {p.name: json.loads(p.read_text()) for p in SCHEMAS.glob("*.json")}
    known = [(s["$id"], referencing.Resource.from_contents(s)) for s in schemas.values()]
    registry = referencing.Registry().with_resources(known)
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator(schemas[name], registry=registry, format_checker=checker)


@pytest.mark.parametrize("command", ["graph", "path"])
def test_the_example_in_the_documentation_is_as_published(command):
    text = (SCHEMAS.parent / "json.md").read_text(encoding="utf-8")
    section = text.split(f"## `{command}`", 1)[1]
    example = json.loads(section.split("```json", 1)[1].split("```", 1)[0])

    validator(f"{command}.json").validate(example)


def printed(*parts):
    console = Console(width=240, force_terminal=False, color_system=None)
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    return capture.get()


def test_the_json_of_a_graph_and_a_path_is_as_published(graph_of):
    link = {"role": "input", "dataset": "dataset:ns:f", "method": "stem", "confidence": 1}
    graph = graph_of(
        an_event("build", 1, state="START", inputs=["t"], outputs=["f@1"]),
        an_event("build", 2, inputs=["t"], outputs=[a_dataset("f@1", {"schema": {"fields": []}})]),
        an_event("serve", 3, inputs=["f@1", "t"], outputs=["p"], links=[link], streaming=True),
        an_event("observe.p", 4, inputs=["p"]),
        an_event("broken", 5, state="FAIL", outputs=["p"]),
    )

    validator("graph.json").validate(graph_json(graph))
    path = path_json(find_path(graph, find(graph, "t"), find(graph, "p")))
    validator("path.json").validate({"found": True, **path})


def test_an_empty_graph_is_as_published(graph_of):
    shape = graph_json(graph_of())

    assert shape == {"nodes": [], "edges": []}
    validator("graph.json").validate(shape)


def test_tables_show_names_of_others_as_they_are(hostile):
    text = printed(*graph_tables(hostile))

    assert "[red]bold[/red]" in text
    assert r"line\nbreak" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "日本" in text


def test_a_path_is_shown_line_by_line(graph_of):
    graph = graph_of(an_event("build", 1, inputs=["[b]t"], outputs=["f@1"]))
    lines = printed(path_table(find_path(graph, find(graph, "[b]t"), find(graph, "f")))).split("\n")

    assert re.fullmatch(r"\s+dataset\s+\[b\]t\s*", lines[1])
    assert re.fullmatch(r"2026-04-07T08:01:00Z\s+job\s+build\s+\w{8}\s+snapshot\s*", lines[2])
    assert re.fullmatch(r"2026-04-07T08:01:00Z\s+dataset\s+f\s+1\s+snapshot\s*", lines[3])


def test_in_a_long_table_the_rest_is_counted(graph_of):
    graph = graph_of(an_event("j", inputs=[f"d{n}" for n in range(250)]))

    assert "50 more lines" in printed(*graph_tables(graph))


def test_no_name_can_change_a_mermaid_diagram(hostile):
    lines = mermaid(hostile).splitlines()
    box = re.compile(r'  n\d+(\("[^"<>]*(<br/>[^"<>]*)?"\)|\["[^"<>]*(<br/>[^"<>]*)?"\])')
    arrow = re.compile(r"  n\d+ --> n\d+")

    assert lines[0] == "flowchart LR"
    assert all(box.fullmatch(line) or arrow.fullmatch(line) for line in lines[1:])
    assert len([line for line in lines if arrow.fullmatch(line)]) == 2 * len(HOSTILE)


def test_no_name_can_change_a_dot_graph(hostile):
    text = dot(hostile)
    unquoted = re.sub(r'"(\\.|[^"\\])*"', '""', text)

    assert '"' not in unquoted.replace('""', "")
    assert len(unquoted.splitlines()) == len(text.splitlines())
    assert "subgraph" not in unquoted


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_reads_the_dot_graph(hostile):
    subprocess.run(["dot", "-Tsvg"], input=dot(hostile).encode(), check=True, capture_output=True)


def test_kinds_of_edges_look_different(graph_of):
    link = {
        "role": "input",
        "dataset": "dataset:ns:p",
        "method": "x",
        "confidence": 1.0,
        "kind": "feedback",
    }
    graph = graph_of(
        an_event("serve", inputs=["t"], outputs=["p"], streaming=True),
        an_event("observe.p", inputs=["p"]),
        an_event("retrain", inputs=["p"], links=[link]),
    )

    for arrow in ("-->", "-. live .->", "-. observe .->", "-. feedback .->"):
        assert arrow in mermaid(graph)
    for style in ("solid", "bold", "dotted", "dashed"):
        assert f"style={style}" in dot(graph)
