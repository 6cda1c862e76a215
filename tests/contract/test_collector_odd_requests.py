"""Requests of the recordings, spoilt at random: whatever comes, the collector never stumbles."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from cases import others_slow
from conformance.replaying import HERE, SCENARIOS
from contract.collector_world import JSON, world

REQUESTS = 400
ODD_VALUES = (
    *(None, True, 0, -1, 1.5, 10**30, 1e308, -(10**18), "", " ", "x" * 300, "é\0", "%", "a:b"),
    *([], {}, [None], [[]], {"a": None}, "2026-02-31", "999999999-01-01T00:00:00Z", "\ud83d"),
)
ODD_TEXTS = ("%00", "%ff", "%C3%28", "..", "%F0%9F%98%80", "&limit=99999999999", "%25", "[", "+")


def spoilt(value: Any, chance: random.Random) -> Any:
    if chance.random() < 0.04:
        return chance.choice(ODD_VALUES)
    if isinstance(value, dict):
        return {k: spoilt(v, chance) for k, v in value.items() if chance.random() > 0.03}
    if isinstance(value, list):
        return [spoilt(item, chance) for item in value]
    return value


def requests() -> list[dict[str, Any]]:
    found = []
    for name in SCENARIOS:
        scenario = json.loads((HERE / "scenarios" / f"{name}.json").read_text())
        found += [step["request"] for step in scenario["steps"]]
    return [request for request in found if "{" not in request["path"]]


@pytest.mark.parametrize("seed", others_slow(range(3)))
def test_no_request_breaks_the_collector(seed, tmp_path, caplog):
    chance = random.Random(seed)
    recorded = requests()
    with world(tmp_path) as w:
        for _ in range(REQUESTS):
            request = chance.choice(recorded)
            path = request["path"]
            if chance.random() < 0.2:
                at = chance.randrange(1, len(path))
                path = path[:at] + chance.choice(ODD_TEXTS) + path[at + 1 :]
            body = request.get("body")
            content = b"" if body is None else json.dumps(spoilt(body, chance)).encode()
            answer = w.ask(request["method"], path, JSON if content else {}, content)
            assert 200 <= answer.status < 600
        with w.journal.reading() as connection:
            reasons = [row[0] for row in connection.execute("SELECT reason FROM mq_refused")]
    assert caplog.records == []
    assert [reason for reason in reasons if "Error" in reason] == []
