"""The settings that we hand out for other tools work as they stand."""

from __future__ import annotations

import shutil
from pathlib import Path

from lineage_bridge.journal import Journal

CONFIG = Path(__file__).parents[2] / "integrations" / "openlineage" / "openlineage.yml"


def test_a_client_with_our_settings_writes_into_the_home(tmp_path, monkeypatch):
    from openlineage.client import OpenLineageClient, event_v2

    shutil.copy(CONFIG, tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    client = OpenLineageClient()
    client.emit(
        event_v2.RunEvent(
            eventType=event_v2.RunState.COMPLETE,
            eventTime="2026-04-07T10:00:00Z",
            run=event_v2.Run(runId="42be0bc8-ba90-4c23-97e4-2b3fedf01fe7"),
            job=event_v2.Job(namespace="airflow", name="dag.task"),
            producer="https://example.com/airflow",
        )
    )
    client.close()

    with Journal(tmp_path / ".lineage-bridge", readonly=True) as journal:
        (stored,) = journal.read()
    assert stored.origin == "transport"
    assert b"dag.task" in stored.body
