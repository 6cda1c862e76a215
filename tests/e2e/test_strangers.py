"""Events of strangers under our facets' names: they never break an answer."""

from __future__ import annotations

import orjson
import pytest
from conftest import run_command

from lineage_bridge import facets
from lineage_bridge.events import decode, event_of
from lineage_bridge.journal import Journal

BROKEN = [{}, [], 5, "text", {"status": 5, "endpoints": "x"}, {"evaluatedAt": "never"}, None]


def a_stranger(number: int, facet: object) -> bytes:
    own = dict.fromkeys((facets.SERVING_HEALTH, facets.FRESHNESS), facet)
    own["version"] = {"datasetVersion": "v"}
    return orjson.dumps(
        {
            "eventType": "COMPLETE",
            "eventTime": "2026-04-07T10:00:00Z",
            "run": {
                "runId": f"00000000-0000-0000-0000-{number:012d}",
                "facets": {facets.DEPLOYMENT: facet},
            },
            "job": {"namespace": "ns", "name": f"serve.{number}"},
            "inputs": [{"namespace": "ns", "name": f"predictions.a.b.{number}", "facets": own}],
            "outputs": [{"namespace": "ns", "name": f"x{number}", "facets": own}],
            "producer": "https://example.com",
        }
    )


@pytest.mark.parametrize("command", [["health"], ["freshness"], ["graph"], ["doctor"]])
def test_a_facet_that_breaks_its_schema_says_nothing(tmp_path, command):
    home = tmp_path / "home"
    bodies = [a_stranger(number, facet) for number, facet in enumerate(BROKEN)]
    with Journal(home) as journal:
        journal.append([event_of(decode(body), body) for body in bodies], "http")

    result = run_command(*command, "--home", home, "--at", "2026-04-07T10:01:00Z")
    if command == ["doctor"]:
        result = run_command(*command, "--home", home)
    assert result.code in {0, 1}
    assert "Traceback" not in result.err
