"""Window lines and folders of them for tests, as P5 writes them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from serving import minute_at

from lineage_bridge.facets.serving_policy import ServingPolicy
from lineage_bridge.journal import Journal
from lineage_bridge.naming import Slot, run_uuid, slot_of
from lineage_bridge.observe.serving.windows import Activation, WindowsResult, ingest_windows
from lineage_bridge.observe.unsaved import Told
from lineage_bridge.records.ends import Seen
from lineage_bridge.times import format_time, parse_time

NS = "ns"
COUNTS = (
    *("failure_count", "rejected_count", "timeout_count", "validation_error_count"),
    *("feature_lookup_error_count", "model_load_error_count", "inference_runtime_error_count"),
    *("dependency_error_count", "internal_error_count", "input_schema_failure_count"),
    *("missing_required_field_count", "invalid_type_count", "domain_violation_count"),
    *("prediction_null_count", "prediction_non_finite_count", "prediction_out_of_range_count"),
    "fallback_prediction_count",
)


def a_record(
    minute: float = 0, requests: int = 20, *, deployment: str = "dep", **fields: Any
) -> dict[str, Any]:
    failures = fields.get("failure_count", 0)
    record: dict[str, Any] = {
        "schema_version": "v1",
        "window_start": format_time(minute_at(minute)),
        "window_end": format_time(minute_at(minute + 1)),
        "service_name": "svc",
        "service_version": "0.1.0",
        "environment": "production",
        "deployment_id": deployment,
        "model_name": "m",
        "model_version": "v1",
        "bundle_id": "/srv/m/v1",
        "input_dataset_name": "d",
        "input_dataset_version": "2026-04-01T00:35:05+00:00",
        "endpoint_name": "/predict",
        "request_count": requests,
        "success_count": requests - failures,
        "latency_p50_ms": 20.0,
        "latency_p95_ms": 40.0,
        "latency_p99_ms": 60.0,
        "feature_lookup_p95_ms": None,
        "model_exec_p95_ms": None,
        "prediction_count": requests - failures,
        "missing_feature_count": None,
        "default_imputed_feature_count": None,
        "stale_feature_count": None,
        "feature_vector_build_failure_count": None,
        "heartbeat_emitted_at": format_time(minute_at(minute + 1) + timedelta(seconds=5)),
    }
    return record | dict.fromkeys(COUNTS, 0) | fields


def a_line(minute: float = 0, requests: int = 20, **fields: Any) -> bytes:
    return json.dumps(a_record(minute, requests, **fields)).encode()


def file_of(root: Path, minute: float) -> Path:
    at = minute_at(minute)
    folder = root / "artifacts/serving/metrics" / f"{at:%Y-%m-%d}" / f"{at:%H}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"metrics_{at:%M}.jsonl"


def write(root: Path, *lines: bytes) -> None:
    """Append each line to the file of its minute."""
    for line in lines:
        start = parse_time(json.loads(line)["window_start"])[0]
        path = file_of(root, (start - minute_at(0)).total_seconds() // 60)
        with path.open("ab") as file:
            file.write(line + b"\n")


def a_start(minute: float, version: str = "v1", *, deployment: str = "dep", **others: Any) -> Any:
    slot = Slot("svc", "production", deployment)
    facts = {"model": "m", "instance": None} | others
    run_id = run_uuid(NS, slot.job, f"{minute}{version}{facts['instance']}")
    return Activation(slot=slot, version=version, started=minute_at(minute), run_id=run_id, **facts)


def starts_of(root: Path) -> list[Activation]:
    """The starts that the deployment events below a folder tell of."""
    found = []
    for path in sorted(root.rglob("deployment_events.jsonl")):
        for line in path.read_text().splitlines():
            e = json.loads(line)
            slot = Slot(e["service_name"], e["environment"], e["deployment_id"])
            run_id = run_uuid(NS, slot.job, f"{e['event_time']}{e['instance_id']}")
            serving = (e["model_name"], e["model_version"], e["instance_id"])
            found.append(Activation(slot, *serving, parse_time(e["event_time"])[0], run_id))
    return found


class Nothing:
    """No other events wait."""

    def load(self) -> None:
        pass

    def see(self, _slot: Slot, _seen: Seen) -> None:
        pass

    def take_until(self, _time_us: int | None, _limit: int | None = None) -> list[Told]:
        return []


@dataclass(frozen=True)
class Known:
    """What the records say; nobody changes them."""

    activations: Sequence[Activation]
    outgoing: Any
    settled: int | None = None

    def is_current(self, _connection: sqlite3.Connection) -> bool:
        return True


def ingest(
    journal: Journal,
    *roots: Path,
    starts: Sequence[Activation] = (),
    files: Iterable[Path] | None = None,
    outgoing: Any = None,
    policy: ServingPolicy | None = None,
    **others: Any,
) -> WindowsResult:
    found = files or [path for root in roots for path in root.rglob("*.jsonl")]
    return ingest_windows(
        journal,
        [path for path in found if path.name != "deployment_events.jsonl"],
        namespace=NS,
        policies=lambda _: policy or ServingPolicy(),
        learn=lambda: Known(starts, outgoing or Nothing()),
        **others,
    )


def findings(journal: Journal) -> list[dict[str, Any]]:
    """Every observer event in the order of arrival: its facet, with `deployment` and `time`."""
    found = []
    for stored in journal.read(limit=10**6):
        event = json.loads(stored.body)
        (predictions,) = event["inputs"]
        facts = predictions["facets"]["lineageBridge_servingHealth"]
        deployment = slot_of(predictions["name"]).deployment
        found.append({**facts, "deployment": deployment, "time": _time(event["eventTime"])})
    return found


def standing(journal: Journal) -> dict[str, list[dict[str, Any]]]:
    """By deployment, the facets that no later event superseded, by time; twins are one."""
    told = [json.loads(stored.body) for stored in journal.read(limit=10**6)]
    own = [event["run"]["facets"]["lineageBridge_event"] for event in told]
    superseded = {facet.get("supersedes") for facet in own}
    found: dict[str, list[dict[str, Any]]] = {}
    for facts, facet in zip(findings(journal), own, strict=True):
        known = found.setdefault(facts["deployment"], [])
        if facet["id"] not in superseded and facts not in known:
            known.append(facts)
    return {name: sorted(items, key=lambda f: f["time"]) for name, items in found.items()}


def _time(text: str) -> datetime:
    return parse_time(text)[0]
