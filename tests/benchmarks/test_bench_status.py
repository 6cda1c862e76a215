"""Status, cause and impact on 10,000 nodes and 50,000 edges, in one process; prints CPU time."""

from __future__ import annotations

import random
import resource

import pytest
from builders import a_journal, an_event, at
from platform_events import a_check, a_look, a_start, a_training

from lineage_bridge.answers import Snapshots
from lineage_bridge.assess.policies import Policies
from lineage_bridge.graph.model import End
from lineage_bridge.naming import Slot
from lineage_bridge.settings import Settings
from lineage_bridge.times import format_time

pytestmark = pytest.mark.bench

AREAS, JOBS = 50, 97
PREDICTIONS = End("dataset:ns:predictions.dep-0.production.svc")


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def lap(what, compute):
    began = cpu_seconds()
    found = compute()
    print(f"{what:36} {1000 * (cpu_seconds() - began):6.0f} ms of CPU")
    return found


def jobs():
    """Fifty areas whose jobs read of their own area; each job ran twice."""
    rng = random.Random(1)
    for run in range(2):
        for area in range(AREAS):
            for n in range(JOBS):
                read = {
                    f"a{area}.d{rng.randrange(max(0, n - 20), n)}@{run}" for _ in range(5 * bool(n))
                }
                yield an_event(
                    f"a{area}.j{n}",
                    run * 1000 + n / 10 + area / 100,
                    run=str(run),
                    inputs=sorted(read),
                    outputs=[f"a{area}.d{n}@{run}"],
                )


def deployments():
    """A hundred deployments, of which every tenth fails."""
    failing = {
        "code": "failure_ratio", "level": "degraded", "since": format_time(at(2030)),
        "endpoint": "/predict", "value": 0.3, "threshold": 0.05,
    }  # fmt: skip
    for n in range(100):
        slot, model = Slot("svc", "production", f"dep-{n}"), f"m{n}"
        trained_on = f"a{n // 2}.d{JOBS - 1 - n % 2}@1"
        yield from a_training(2000, model=model, version="v1", started=1999, features=trained_on)
        yield a_start(2010, slot=slot, model=model)
        reasons = [failing] if n % 10 == 0 else []
        yield a_look(2040, slot=slot, model=model, counts={"requests": 900}, reasons=reasons)


def test_status_cause_and_impact(tmp_path):
    broken = [
        a_check(2000, name=f"a{n}.d50", version="1", failed={"nulls": "40 %"}) for n in (0, 5)
    ]
    broken.append(an_event("a9.j40", 2003, run="9", state="FAIL", outputs=["a9.d40"]))
    journal = a_journal(tmp_path, [*jobs(), *deployments(), *broken])
    snapshots = Snapshots(journal, Policies.of(Settings()))
    first = lap("graph", lambda: snapshots.at(at(2050)))
    print(f"{len(first.graph.nodes):,} nodes, {len(first.graph.edges):,} edges")
    lap("freshness and health", lambda: (first.freshness, first.health, first.drift))
    lap("status of all", lambda: len(first.statuses.amiss()))
    assert lap("blame", lambda: first.blame(PREDICTIONS)).causes
    assert lap("impact", lambda: first.impact(End("dataset:ns:a0.d50", "1"))).hits
    one_more = an_event("a3.j7", 2051, run="x", inputs=["a3.d3@1"], outputs=["a3.d7@x"])
    journal.append([one_more], "artifact")
    again = lap("graph after one more event", lambda: snapshots.at(at(2052)))
    lap("freshness and health", lambda: (again.freshness, again.health, again.drift))
    lap("status of all", lambda: len(again.statuses.amiss()))
    lap("blame", lambda: again.blame(PREDICTIONS))
    lap("impact", lambda: again.impact(End("dataset:ns:a0.d50", "1")))
    journal.close()
