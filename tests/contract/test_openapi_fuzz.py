"""Whatever the OpenAPI document allows is answered as it says, and never with a 500.

Half of the requests are for what is there: a job, its dataset, their versions and a run. The seed
is fixed; `make fuzz` asks more of them (`FUZZ_EXAMPLES`).
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import httpx
import pytest
import requests
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from lineage_bridge.collector.server import CollectorServer
from lineage_bridge.journal import Journal

schemathesis = pytest.importorskip("schemathesis", reason="install the group `fuzz`")
schema_checks = pytest.importorskip("schemathesis.specs.openapi.checks")

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))
RUN = "870492da-ecfb-4be0-91b9-9a89ddd3db90"
EVENT = {
    "eventType": "COMPLETE",
    "eventTime": "2026-04-07T08:00:00Z",
    "run": {"runId": RUN},
    "job": {"namespace": "db", "name": "etl"},
    "outputs": [
        {
            "namespace": "db",
            "name": "a",
            "facets": {
                "schema": {
                    "fields": [{"name": "id", "type": "INT"}],
                    "_producer": "https://example.com",
                    "_schemaURL": "https://example.com",
                }
            },
        }
    ],
    "producer": "https://example.com",
}
KNOWN = {"namespace": "db", "dataset": "a", "job": "etl", "field": "id", "tag": "PII", "id": RUN}
CHECKS = [schema_checks.status_code_conformance, schema_checks.response_schema_conformance]
# As in Marquez: no source without a URL is shown, and one is made by any dataset without a source.
KEPT = {"GET /api/v1/sources", "GET /api/v1/sources/{source}"}
CONFIG = {"generation": {"mode": "positive", "allow-x00": False}}


def operations():
    config = schemathesis.config.SchemathesisConfig.from_dict(CONFIG)
    document = json.loads(DOCUMENT.read_text())
    for found in schemathesis.openapi.from_dict(document, config=config).get_all_operations():
        yield pytest.param(found.ok(), id=found.ok().label)


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    home = tmp_path_factory.mktemp("fuzzed")
    with Journal(home) as journal, CollectorServer(journal, port=0) as server:
        assert httpx.post(f"{server.url}/api/v1/lineage", json=EVENT).status_code == 201
        yield server.url


@pytest.fixture(scope="module")
def session():
    with requests.Session() as found:
        yield found


def of_what_is_there(case, version):
    """The same request, but for the things that the fuzzed collector has."""
    known = KNOWN | {"version": version}
    for name in case.path_parameters:
        case.path_parameters[name] = known.get(name, case.path_parameters[name])
    if "nodeId" in case.query:
        case.query["nodeId"] = "dataset:db:a"
    if "runId" in case.query:
        case.query["runId"] = RUN


def is_json(response):
    """Marquez says that it is, also of an empty body and of some texts."""
    try:
        json.loads(response.content)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("operation", list(operations()))
def test_no_request_that_the_document_allows_ends_in_a_500(operation, url, session):
    dataset = httpx.get(f"{url}/api/v1/namespaces/db/datasets/a").json()

    @seed(20260407)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), is_known=st.booleans())
    def ask(case, is_known):
        if is_known:
            of_what_is_there(case, dataset.get("currentVersion") or RUN)
        response = case.call(base_url=url, session=session)
        if response.status_code == 500 and operation.label in KEPT:
            return
        assert response.status_code != 500, (case.as_curl_command(), response.text)
        case.validate_response(response, checks=CHECKS if is_json(response) else CHECKS[:1])

    ask()
