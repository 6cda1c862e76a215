"""A pipeline that emits, in a process of its own: `python emitter.py ORDER`.

Run for `contention.py` with the Python of what is measured. ORDER is JSON:

    home        the data folder that the transport writes to
    series      a number that the run ids begin with, so that events can be told apart
    warmup      so many events first, which are not timed
    count       so many events then; null for until standard input ends
    per_second  the pace; null for one after the other without a pause

It prints `ready` after the warm-up, and at its end one line of JSON: `ms`, how long each `emit()`
took; `emitted`, how many there were, warm-up included; `warnings`, how many were logged meanwhile.
An `emit()` that takes longer than the pace allows uses up the turns of those that were due then.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import schema_dataset, sql_job

NAMESPACE = "emitted"
TRANSPORT = "lineage_bridge.transport.LineageBridgeTransport"
JOBS = 20


class Warnings(logging.Handler):
    """Counts what is logged as a warning or worse."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, _: logging.LogRecord) -> None:
        self.count += 1


def run_event(series: int, number: int) -> RunEvent:
    """An event of about 3 KB."""
    job = number % JOBS
    fields = [
        schema_dataset.SchemaDatasetFacetFields(f"column_{i}", "VARCHAR", f"the column number {i}")
        for i in range(8)
    ]
    facets: dict[str, Any] = {"schema": schema_dataset.SchemaDatasetFacet(fields=fields)}
    return RunEvent(
        eventType=RunState.COMPLETE,
        eventTime=datetime.now(UTC).isoformat(),
        run=Run(runId=f"{series:08x}-0000-4000-8000-{number:012d}"),
        job=Job(
            NAMESPACE,
            f"emitting.{job}",
            facets={"sql": sql_job.SQLJobFacet("select " + "a, " * 100)},
        ),
        inputs=[InputDataset("db", f"e{job}", facets=facets)],
        outputs=[OutputDataset("db", f"e{job + 1}", facets=facets)],
        producer="https://example.org/pipeline",
    )


def turns(per_second: float | None, count: int | None, stop: threading.Event) -> Iterator[None]:
    """One turn after the other; those that passed meanwhile are left out."""
    due, done = time.perf_counter(), 0
    while not stop.is_set() and (count is None or done < count):
        yield
        done += 1
        if per_second is not None:
            now = time.perf_counter()
            due = max(due + 1 / per_second, now)
            stop.wait(due - now)


def main() -> None:
    order = json.loads(sys.argv[1])
    told = Warnings()
    logging.getLogger().addHandler(told)
    client = OpenLineageClient(config={"transport": {"type": TRANSPORT, "home": order["home"]}})
    for number in range(order["warmup"]):
        client.emit(run_event(order["series"], number))
    print("ready", flush=True)
    stop = threading.Event()
    if order["count"] is None:
        threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    took = []
    for _ in turns(order["per_second"], order["count"], stop):
        event = run_event(order["series"], order["warmup"] + len(took))
        began = time.perf_counter()
        client.emit(event)
        took.append((time.perf_counter() - began) * 1000)
    emitted = order["warmup"] + len(took)
    print(json.dumps({"ms": took, "emitted": emitted, "warnings": told.count}), flush=True)


if __name__ == "__main__":
    main()
