"""What processes of a test do: here, since a spawned process finds modules by `pythonpath` alone.

A package of the group `integrations` installs a package `tests` of its own, which hides ours.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from openlineage.client.event_v2 import Job, Run, RunEvent, RunState

from lineage_bridge.transport import LineageBridgeConfig, LineageBridgeTransport


def emit_many(home: Path) -> None:
    transport = LineageBridgeTransport(LineageBridgeConfig(home))
    for _ in range(10):
        transport.emit(
            RunEvent(
                eventType=RunState.COMPLETE,
                eventTime="2026-04-07T12:00:00Z",
                run=Run(runId=str(uuid.uuid4())),
                job=Job(namespace="ns", name="job"),
                producer="https://example.org/pipeline",
            )
        )
