from __future__ import annotations

import pytest
from contract.collector_world import event, world


@pytest.mark.sample
def test_a_full_disk_loses_nothing_that_was_answered_201(tmp_path):
    with world(tmp_path) as w:
        writer = w.journal._database._connection
        (pages,) = writer.execute("PRAGMA page_count").fetchone()
        writer.execute(f"PRAGMA max_page_count = {pages + 10}")
        statuses = [
            w.post(event("COMPLETE", "10:00:00", run=n, job=f"j{n}", outputs=[f"t{n}"])).status
            for n in range(200)
        ]
        taken = statuses.index(503)
        assert statuses == [201] * taken + [503] * (200 - taken)
        assert w.get("/events/lineage?limit=0")["totalCount"] == taken
        assert w.get("/jobs?limit=0")["totalCount"] == taken

        writer.execute(f"PRAGMA max_page_count = {pages + 10_000}")
        w.send(event("COMPLETE", "11:00:00", run=999, job="after"))
        assert w.get("/jobs?limit=0")["totalCount"] == taken + 1
        assert writer.execute("PRAGMA integrity_check").fetchone() == ("ok",)
