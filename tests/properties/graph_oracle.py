"""The graph computed the slow way: all events in memory, sorted, one after the other.

Independent of the package's fold: it shares the events' JSON and the published shape with it, and
nothing else. Written for the events that the property tests make, so it trusts their form.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

RANKS = {"OTHER": 0, "START": 1, "RUNNING": 2, "COMPLETE": 3, "ABORT": 4, "FAIL": 5}
STATES = {"COMPLETE": "COMPLETED", "FAIL": "FAILED", "ABORT": "ABORTED"}


def graph_of(bodies: list[bytes], at: str | None = None) -> dict[str, Any]:
    events = _in_order(bodies)
    if at is not None:
        events = [e for e in events if e["eventTime"] <= at]
    others = _name_datasets(events)
    nodes: dict[str, dict[str, Any]] = {}
    designs: dict[str, dict[str, Any]] = {}
    runs: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for event in events:
        job = f"job:{event['job']['namespace']}:{event['job']['name']}"
        _see_all(nodes, job, event)
        if "run" in event:
            runs.setdefault((job, event["run"]["runId"]), []).append(event)
        elif event["inputs"] + event["outputs"]:
            designs[job] = event
    edges: list[dict[str, Any]] = []
    versions: dict[str, dict[str, tuple[str, str] | None]] = {}
    for (job, run_id), of_run in _listed(runs).items():
        shape = _add_run(job, run_id, of_run, edges, versions)
        nodes[job]["runs"].append((of_run[0]["eventTime"], run_id, shape))
    for job, event in designs.items():
        edges += _design(job, event)
    _add_read_versions(events, versions)
    for node in nodes.values():
        node["runs"] = [shape for *_, shape in sorted(node["runs"], key=lambda r: r[:2])]
        node["versions"] = _sorted_versions(versions.get(node["id"], {}))
        if others.get(node["id"]):
            node["symlinks"] = sorted(others[node["id"]])
    newest = events[-1]["eventTime"] if events else None
    return {
        **({"at": at or newest} if at or newest else {}),
        "nodes": [nodes[id_] for id_ in sorted(nodes)],
        "edges": sorted(edges, key=lambda e: (e["from"], e["to"], e["kind"])),
    }


def _add_read_versions(events, versions):
    for event in events:
        for dataset in event["inputs"] if "run" in event else []:
            if version := _version(dataset):
                versions.setdefault(_id(dataset), {}).setdefault(version, None)


def _in_order(bodies: list[bytes]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for body in bodies:
        event = json.loads(body)
        own = event.get("run", {}).get("facets", {}).get("lineageBridge_event", {})
        canonical = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        key = "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
        event["key"] = f"id:{own['id']}" if own else key
        event["own"] = own
        found[event["key"]] = event
    dropped = {f"id:{e['own'].get('supersedes')}" for e in found.values()}
    dropped |= {f"id:{old}" for e in found.values() for old in e["own"].get("withdraws", ())}
    dropped |= {e["key"] for e in found.values() if e["own"].get("withdraws")}
    return sorted((e for e in found.values() if e["key"] not in dropped), key=_order)


def _order(event: dict[str, Any]) -> tuple[Any, ...]:
    writer_first = 0 if event["outputs"] and "run" in event else 1
    rank = RANKS[event.get("eventType", "OTHER")]
    run_id = event.get("run", {}).get("runId", "")
    return event["eventTime"], writer_first, rank, run_id, event["key"]


def _name_datasets(events: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Give each dataset the id of its node; return the other names of each node."""
    groups: dict[str, set[str]] = {}
    said: dict[str, str] = {}
    for event in events:
        for dataset in event["inputs"] + event["outputs"]:
            dataset["raw"] = _raw_id(dataset)
            for link in dataset.get("facets", {}).get("symlinks", {}).get("identifiers", []):
                if _raw_id(link) != dataset["raw"]:
                    said.setdefault(dataset["raw"], event["eventTime"])
                    names = [dataset["raw"], _raw_id(link)]
                    group = set().union(*(groups.get(name, {name}) for name in names))
                    groups |= dict.fromkeys(group, group)
    first = {
        name: min(group & said.keys(), key=lambda n: (said[n], n)) for name, group in groups.items()
    }
    for event in events:
        for dataset in event["inputs"] + event["outputs"]:
            dataset["id"] = first.get(dataset["raw"], dataset["raw"])
    return {node: groups[node] - {node} for node in first.values()}


def _raw_id(entry: dict[str, Any]) -> str:
    return f"dataset:{entry['namespace']}:{entry['name']}"


def _design(job: str, event: dict[str, Any]) -> list[dict[str, Any]]:
    kind = "live" if _is_streaming(event) else "snapshot"
    kind = "observe" if job.split(":")[2].startswith("observe.") else kind
    reads = {dataset["id"] for dataset in event["inputs"]}
    writes = {dataset["id"] for dataset in event["outputs"]}
    return [_edge(d, job, kind, {}) for d in reads] + [
        _edge(job, d, "snapshot", {}) for d in writes
    ]


def _see_all(nodes: dict[str, dict[str, Any]], job: str, event: dict[str, Any]) -> None:
    _see(nodes, job, event["job"])
    for dataset in event["inputs"] + event["outputs"]:
        _see(nodes, _id(dataset), dataset)


def _see(nodes: dict[str, dict[str, Any]], id_: str, entry: dict[str, Any]) -> None:
    kind = id_.partition(":")[0]
    _, namespace, name = id_.split(":")
    names = {"namespace": namespace, "name": name}
    blank = {"id": id_, "kind": kind, **names, "versions": [], "runs": [], "facets": {}}
    nodes.setdefault(id_, blank)["facets"] |= entry.get("facets", {})


def _id(dataset: dict[str, Any]) -> str:
    return str(dataset["id"])


def _version(dataset: dict[str, Any]) -> str | None:
    return dataset.get("facets", {}).get("version", {}).get("datasetVersion")


def _listed(runs: dict[tuple[str, str], list[dict[str, Any]]]) -> dict[Any, list[dict[str, Any]]]:
    newest: dict[str, str] = {}
    for (job, run_id), events in sorted(runs.items(), key=lambda item: _order(item[1][-1])):
        newest[job] = run_id if events[0]["job"]["name"].startswith("observe.") else ""
    return {(j, r): events for (j, r), events in runs.items() if newest[j] in {"", r}}


def _add_run(job, run_id, events, edges, versions):
    streaming = any(_is_streaming(e) for e in events)
    telling = [e for e in events if e["eventType"] != "OTHER"]
    newest = max(telling, key=lambda e: (e["eventTime"], RANKS[e["eventType"]]), default=None)
    state = STATES.get(newest["eventType"], "RUNNING") if newest else "RUNNING"
    ended = newest["eventTime"] if state != "RUNNING" else None
    started = min((e["eventTime"] for e in events if e["eventType"] == "START"), default=None)
    reads, writes = _datasets(events, "input"), _datasets(events, "output")
    for (dataset, version), link in reads.items():
        kind = "live" if streaming and not version else "snapshot"
        kind = "observe" if job.split(":")[2].startswith("observe.") else kind
        edges.append(_edge(_end(dataset, version), f"{job}@{run_id}", kind, link))
        if version:
            versions.setdefault(dataset, {}).setdefault(version, None)
    if not streaming and state in {"FAILED", "ABORTED"}:
        writes = {}
    bound = streaming or state == "COMPLETED"
    arrows: dict[str, dict[str, Any]] = {}
    for (dataset, version), link in writes.items():
        end = _end(dataset, version if bound else None)
        arrow = _edge(f"{job}@{run_id}", end, "snapshot", link)
        arrows[end] = max(arrow, arrows.get(end, arrow), key=_method)
        if bound and version:
            naming = [e for e in events if (dataset, version) in _datasets([e], "output", raw=True)]
            made = (naming[0]["eventTime"] if streaming else ended, run_id)
            known = versions.setdefault(dataset, {})
            known[version] = max(made, known.get(version) or made)
    edges += arrows.values()
    written = {v for _, v in writes if v} if bound else set()
    shape = {"id": run_id, "state": state, "started": started, "ended": ended}
    shape["version"] = written.pop() if len(written) == 1 else None
    return {k: v for k, v in shape.items() if v is not None}


def _method(edge: dict[str, Any]) -> str:
    return edge.get("link", {}).get("method", "")


def _is_streaming(event: dict[str, Any]) -> bool:
    job_type = event["job"].get("facets", {}).get("jobType", {})
    return job_type.get("processingType") == "STREAMING"


def _datasets(events, role, *, raw=False):
    found: dict[tuple[str, str | None], dict[str, Any]] = {}
    for event in events:
        links = {(x["dataset"], x["role"]): x for x in event["own"].get("links", [])}
        named: dict[tuple[str, str | None], list[dict[str, Any]]] = {}
        for dataset in event[f"{role}s"]:
            link = links.get((dataset["raw"], role), {})
            kept = {k: link[k] for k in ("method", "confidence") if k in link}
            named.setdefault((_id(dataset), _version(dataset)), []).append(kept)
        found |= {end: max(k, key=lambda one: one.get("method", "")) for end, k in named.items()}
    versioned = {dataset for dataset, version in found if version}
    return {k: v for k, v in found.items() if raw or k[1] or k[0] not in versioned}


def _end(dataset: str, version: str | None) -> str:
    return f"{dataset}@{version}" if version else dataset


def _edge(source: str, target: str, kind: str, link: dict[str, Any]) -> dict[str, Any]:
    return {"from": source, "to": target, "kind": kind, **({"link": link} if link else {})}


def _sorted_versions(known: dict[str, tuple[str, str] | None]) -> list[dict[str, Any]]:
    unwritten = [{"version": v} for v in sorted(known) if known[v] is None]
    written = sorted((made[0], v, made[1]) for v, made in known.items() if made)
    return [*unwritten, *({"version": v, "run": r, "time": t} for t, v, r in written)]
