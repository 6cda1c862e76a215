"""A Marquez in memory, with its habits: what arrives last counts, and nothing is a transaction.

It answers what forwarding asks; `tests/contract/test_marquez_stub.py` replays recordings of a real
one on it. Faults are planned for the posts to come, and for all requests.
"""

from __future__ import annotations

import json
import re
from collections import deque
from urllib.parse import unquote

import httpx

from lineage_bridge.events.event_time import parse_micros
from lineage_bridge.events.run_ids import run_uuid

STATES = {"COMPLETE": "COMPLETED", "FAIL": "FAILED", "ABORT": "ABORTED"}
UNFORMATTED = re.compile(r"[^a-zA-Z0-9:/\-_.@+]")
EVERYTHING = 10**9


class StubMarquez:
    """Give it to `httpx.MockTransport`.

    Attributes:
        feed: the raw events, in the order of their arrival.
        is_down: its database is gone, so that it answers 500 to everything.
        faults: what happens to the next posts, one each: None, or how many statements of the model
            are carried out, whether the raw event is kept, and whether an answer comes.
        log: method and path of each request.
    """

    def __init__(self):
        self.feed, self.log, self.faults, self.is_down = [], [], deque(), False
        self.jobs, self.runs, self.datasets = {}, {}, {}

    def fail_next(self, *, statements=EVERYTHING, is_kept=True, answer=None):
        """Plan a fault; without an answer the connection breaks."""
        self.faults.append((statements, is_kept, answer))

    def __call__(self, request):
        path = request.url.raw_path.decode().partition("?")[0]
        self.log.append((request.method, path))
        if self.is_down:
            return httpx.Response(500, json={"code": 500, "message": "no connection"})
        if request.method == "POST" and path == "/api/v1/lineage":
            return self._post(request)
        parts = [unquote(part) for part in path.removeprefix("/api/v1/").split("/")]
        found = self._get(parts, request.url.params)
        if found is None:
            return httpx.Response(404, json={"code": 404, "message": "not found"})
        return httpx.Response(200, json=found)

    # Writing

    def _post(self, request):
        statements, is_kept, answer = self.faults.popleft() if self.faults else (None, True, 201)
        event = json.loads(request.content)
        if is_kept:
            self.feed.append(event)
        for done, step in enumerate(self.statements(event)):
            if statements is not None and done >= statements:
                break
            step()
        if answer is None:
            raise httpx.ReadError("the connection broke", request=request)
        return httpx.Response(answer)

    def statements(self, event):
        """Yield what Marquez writes for a run event, statement by statement."""
        kind, time = event.get("eventType"), event["eventTime"]
        kind = kind if kind is None else kind.upper()
        name = (event["job"]["namespace"], event["job"]["name"])
        run_id = run_uuid(str(event["run"]["runId"]))
        job_type = event["job"].get("facets", {}).get("jobType", {})
        is_streaming = job_type.get("processingType") == "STREAMING"
        is_bare_end = kind in STATES and not event.get("inputs") and not event.get("outputs")
        yield lambda: self.jobs.setdefault(name, a_job())
        yield lambda: self.runs.setdefault(run_id, a_run(name))
        yield lambda: self._set_state(run_id, kind, time)
        for side in SIDES:
            if not event.get(side) and not (is_streaming and is_bare_end):
                yield lambda side=side: self.jobs[name]["edges"][side].clear()
            for dataset in event.get(side) or ():
                yield lambda side=side, d=dataset: self._use(run_id, side, d, time)
        if is_streaming and kind is not None and not is_bare_end:
            yield lambda: self._version(run_id, name, is_linked_anew=False)
        if kind in STATES and not is_streaming:
            yield lambda: self._version(run_id, name)
        if kind == "COMPLETE" or (is_streaming and kind is not None):
            yield lambda: self._make_current(run_id)

    def _set_state(self, run_id, kind, time):
        run = self.runs[run_id]
        if kind is not None:
            run["state"] = STATES.get(kind, "RUNNING")
            run["endedAt" if kind in STATES else "startedAt"] = time
        self.jobs[run["job"]]["latest"] = run_id

    def _use(self, run_id, side, dataset, time):
        name = (dataset["namespace"], dataset["name"])
        found = self.datasets.setdefault(name, {"versions": [], "current": None})
        version = {"createdBy": run_id if side == "outputs" else None, "createdAt": time}
        if side == "inputs":
            if found["current"] is None:
                found["versions"].append(version)
                found["current"] = len(found["versions"]) - 1
        elif all(one["createdBy"] != run_id for one in found["versions"]):
            found["versions"].append(version)
        if name not in self.runs[run_id][side]:
            self.runs[run_id][side].append(name)

    def _version(self, run_id, job, *, is_linked_anew=True):
        run, job = self.runs[run_id], self.jobs[job]
        version = {side: tuple(sorted(run[side])) for side in SIDES}
        if version in job["versions"] and not is_linked_anew:
            return
        job["versions"].append(version)
        job["current"] = version
        job["edges"] = {side: list(run[side]) for side in SIDES}
        run["hasVersion"] = True

    def _make_current(self, run_id):
        for name in self.runs[run_id]["outputs"]:
            versions = self.datasets[name]["versions"]
            mine = [i for i, one in enumerate(versions) if one["createdBy"] == run_id]
            self.datasets[name]["current"] = mine[-1]

    # Reading

    def _get(self, parts, params):  # noqa: PLR0911 - one answer for each path
        match parts:
            case ["namespaces", "default"]:
                return {"name": "default"}
            case ["events", "lineage"]:
                return self._listed(params)
            case ["jobs", "runs", run]:
                return self._run(run)
            case ["lineage"]:
                return self._node(params["nodeId"])
            case ["namespaces", namespace, "jobs", job]:
                return self._job(namespace, job)
            case ["namespaces", namespace, "jobs", job, "runs"]:
                return self._job(namespace, job) and self._runs((namespace, job), params)
            case ["namespaces", namespace, "datasets", dataset]:
                return self._dataset((namespace, dataset))
            case ["namespaces", namespace, "datasets", dataset, "versions", version]:
                return self._shown_version((namespace, dataset), int(version[-12:]))
        return None

    def _listed(self, params):
        after, before = (parse_micros(params.get(end, other)) for end, other in ENDS)
        found = [e for e in self.feed if after <= parse_micros(e["eventTime"]) < before]
        is_falling = params.get("sortDirection", "desc") == "desc"
        found.sort(key=lambda e: parse_micros(e["eventTime"]), reverse=is_falling)
        offset, limit = int(params.get("offset", 0)), int(params.get("limit", 100))
        return {"events": found[offset : offset + limit], "totalCount": len(found)}

    def _run(self, run_id):
        run = self.runs.get(run_id)
        if run is None:
            return None
        namespace, name = run["job"]
        return {
            "id": run_id,
            "state": run["state"],
            "startedAt": run["startedAt"],
            "endedAt": run["endedAt"],
            "jobVersion": {"namespace": namespace, "name": name} if run["hasVersion"] else None,
            **{
                f"{side}DatasetVersions": [
                    {"datasetVersionId": {"namespace": UNFORMATTED.sub("_", space), "name": name}}
                    for space, name in run[f"{side}s"]
                ]
                for side in ("input", "output")
            },
        }

    def _runs(self, job, params):
        runs = [self._run(run_id) for run_id, run in self.runs.items() if run["job"] == job]
        offset, limit = int(params.get("offset", 0)), int(params.get("limit", 100))
        return {"runs": runs[offset : offset + limit], "totalCount": len(runs)}

    def _job(self, namespace, name):
        job = self.jobs.get((namespace, name))
        if job is None:
            return None
        latest = self.runs.get(job["latest"], a_run(None))
        shown = {side: (job["current"] or latest)[side] or latest[side] for side in SIDES}
        return {
            "id": {"namespace": namespace, "name": name},
            **{side: [named(one) for one in shown[side]] for side in SIDES},
        }

    def _node(self, node_id):
        """Answer `GET /lineage` with the one node that was asked for, a job's."""
        _, namespace, name = node_id.split(":", 2)
        job = self.jobs.get((namespace, name))
        return job and {
            "graph": [
                {
                    "id": node_id,
                    "inEdges": [{"origin": f"dataset:{a}:{b}"} for a, b in job["edges"]["inputs"]],
                    "outEdges": [
                        {"destination": f"dataset:{a}:{b}"} for a, b in job["edges"]["outputs"]
                    ],
                }
            ]
        }

    def _dataset(self, name):
        dataset = self.datasets.get(name)
        if dataset is None:
            return None
        current = dataset["current"]
        version = None if current is None else f"00000000-0000-4000-8000-{current:012d}"
        return {"id": named(name), "currentVersion": version}

    def _shown_version(self, name, index):
        version = self.datasets[name]["versions"][index]
        maker = version["createdBy"]
        return {"createdAt": version["createdAt"], "createdByRun": maker and {"id": maker}}


SIDES = ("inputs", "outputs")
ENDS = (("after", "1970-01-01T00:00:00Z"), ("before", "2030-01-01T00:00:00Z"))


def named(name):
    return {"namespace": name[0], "name": name[1]}


def a_job():
    edges = {side: [] for side in SIDES}
    return {"versions": [], "current": None, "edges": edges, "latest": None}


def a_run(job):
    return {
        "job": job,
        "state": None,
        "startedAt": None,
        "endedAt": None,
        "hasVersion": False,
        "inputs": [],
        "outputs": [],
    }
