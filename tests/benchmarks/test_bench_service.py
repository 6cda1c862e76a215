"""What a service pays for its windows: microseconds that the middleware adds to a request.

Calls of the same app with the middleware and without, by turns, in one run; `-s` prints the
figures. The writer's thread is at work meanwhile. The limit is on processor time, which other
processes do not lengthen.
"""

from __future__ import annotations

import asyncio
import time

import pytest

from lineage_bridge.service import Model, Service, ServiceMiddleware

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

REQUESTS = 100_000
LIMIT_US = 50.0
FEATURES = {f"ft_{number}": number * 0.5 for number in range(22)}
SCOPE = {"type": "http", "path": "/predict"}


async def answer(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


async def timed(apps, clock):
    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        pass

    took = {name: [] for name in apps}
    for _ in range(REQUESTS):
        for name, app in apps.items():
            begun = clock()
            await app(SCOPE, receive, send)
            took[name].append((clock() - begun) / 1e3)
    return {name: sorted(of_app) for name, of_app in took.items()}


@pytest.mark.parametrize("clock", ["thread_time_ns", "perf_counter_ns"])
def test_a_request_pays_microseconds(tmp_path, clock):
    model = Model(name="m", version="1")
    service = Service(tmp_path, name="svc", model=model)

    async def predicted(scope, receive, send):
        with service.prediction(FEATURES) as prediction:
            prediction.value = 0.5
        await answer(scope, receive, send)

    apps = {
        "bare": answer,
        "middleware": ServiceMiddleware(answer, service),
        "with a prediction": ServiceMiddleware(predicted, service),
    }
    took = asyncio.run(timed(apps, getattr(time, clock)))
    service.close()
    for name, values in took.items():
        shares = (0.5, 0.99, 0.999)
        found = ", ".join(f"p{100 * s:g} {values[int(s * REQUESTS)]:.1f}" for s in shares)
        print(f"\n{clock} {name}: {found} µs")
    print(service.counters)
    added = took["middleware"][int(0.99 * REQUESTS)] - took["bare"][int(0.99 * REQUESTS)]
    assert clock != "thread_time_ns" or added < LIMIT_US
