"""The OpenAPI document and the routes are the same, and the document is a sound one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from lineage_bridge.collector.answer.stats import Stats
from lineage_bridge.collector.routes import all_routes

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
OPERATIONS = [
    pytest.param(method, path, operation, id=f"{method.upper()} {path}")
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def resolved(node):
    reference = node.get("$ref")
    if reference is None:
        return node
    found = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_route_is_in_the_document_and_nothing_else():
    described = {
        (method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods
    }

    assert described == set(all_routes(Stats()))


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_an_operation_describes_each_name_of_its_path_and_its_success(method, path, operation):
    parameters = [resolved(parameter) for parameter in operation.get("parameters", [])]

    assert {p["name"] for p in parameters if p["in"] == "path"} == set(
        re.findall(r"\{(\w+)\}", path)
    )
    assert any(status.startswith("2") for status in operation["responses"])
    assert operation["summary"].endswith(".")
    assert all(parameter["description"].endswith(".") for parameter in parameters)


def test_operation_ids_are_unique():
    ids = [operation.values[2]["operationId"] for operation in OPERATIONS]
    assert len(set(ids)) == len(ids)


def test_references_lead_somewhere_and_every_component_is_used():
    used = set(references(DOCUMENT))

    for reference in used:
        assert resolved({"$ref": reference})
    for kind in ("parameters", "schemas", "responses"):
        for name in DOCUMENT["components"][kind]:
            assert f"#/components/{kind}/{name}" in used, name


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
def test_a_schema_is_one(name):
    Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"][name])
