"""Jobs and datasets of any OpenLineage producer take part: failed, overdue, stale, asserted."""

from __future__ import annotations

import pytest
from builders import a_foreign_event, a_journal, a_run_id, at

from lineage_bridge.times import format_time

NOW = format_time(at(60))


def a_run(job, name, minute, state="COMPLETE", **more):
    return a_foreign_event(
        job, minute, state=state, run={"runId": a_run_id(f"{job}/{name}")}, **more
    )


def asserted(name, **said):
    facet = {"_producer": "https://greatexpectations.io/1.0", "_schemaURL": "https://example.com"}
    return {
        "namespace": "ns",
        "name": name,
        "inputFacets": {"dataQualityAssertions": {**facet, "assertions": [said]}},
    }


@pytest.fixture
def told(lb, tmp_path):
    """Append events to the home, and ask for its health."""

    def ask(*events, at=NOW):
        a_journal(tmp_path / "home", events).close()
        return lb("health", "--at", at, "--json")

    return ask


def by_id(result):
    return {node["id"]: node for node in result.json["nodes"]}


def a_pipeline(failing):
    jobs = ["extract", "load", "model", "report"]
    return [
        a_run(
            job,
            "1",
            50 + n,
            "FAIL" if job == failing else "COMPLETE",
            inputs=[f"t{n}"],
            outputs=[f"t{n + 1}"],
        )
        for n, job in enumerate(jobs)
    ]


def test_a_failed_run_is_its_jobs_fault_until_the_next_one_ends(told):
    failed = told(*a_pipeline("load"))
    assert failed.code == 1
    node = by_id(failed)["job:ns:load"]
    assert node["own"] == "bad"
    assert node["reasons"] == [
        {
            "code": "run_failed", "level": "bad", "kind": "run",
            "since": format_time(at(51)), "value": 1.0, "threshold": 0.0,
        }
    ]  # fmt: skip
    assert "job:ns:extract" not in by_id(failed)
    again = told(a_run("load", "2", 55, "START", inputs=["t1"], outputs=["t2"]))
    assert by_id(again)["job:ns:load"]["own"] == "bad"  # tried again, and not there yet
    well = told(a_run("load", "2", 56, inputs=["t1"], outputs=["t2"]))
    assert "job:ns:load" not in by_id(well)
    assert well.code == 0
    assert by_id(told(at=format_time(at(54))))["job:ns:load"]["own"] == "bad"


def test_the_doctor_notes_what_is_bad(told, lb):
    told(*a_pipeline("load"))
    notes = lb("doctor", "--json").json["notes"]
    assert "job:ns:load is bad: run_failed" in {note["what"] for note in notes}


def test_what_a_failed_job_writes_inherits_from_it(told):
    written = told(
        a_run("load", "1", 40, inputs=["t1"], outputs=["t2"]),
        a_run("load", "2", 50, "FAIL", inputs=["t1"], outputs=["t2"]),
        a_run("serve", "1", 45, "START", inputs=["t2"], outputs=["answers"], is_streaming=True),
    )
    found = by_id(written)
    answers = found["dataset:ns:answers"]
    assert (answers["own"], answers["inherited"], answers["effective"]) == ("ok", "bad", "bad")
    assert answers["origin"] == "job:ns:load"
    assert answers["path"][0] == "job:ns:load"
    assert answers["path"][-1] == "dataset:ns:answers"


def test_an_assertion_of_another_tool_counts_and_goes_on(told):
    found = by_id(
        told(
            a_run("load", "1", 50, outputs=["orders"]),
            a_run(
                "expect",
                "1",
                52,
                inputs=[asserted("orders", assertion="not_null", success=False, column="id")],
            ),
            a_run("model", "1", 54, inputs=["orders"], outputs=["report"]),
        )
    )
    orders = found["dataset:ns:orders"]
    assert orders["own"] == "bad"
    reason = next(r for r in orders["reasons"] if r["code"] == "not_null")
    assert reason["columns"] == ["id"]
    assert reason["said_by"] == "https://greatexpectations.io/1.0"
    assert found["dataset:ns:report"]["inherited"] == "bad"
    assert found["dataset:ns:report"]["origin"] == "dataset:ns:orders"
    assert found["job:ns:model"]["origin"] == "dataset:ns:orders"
    well = by_id(
        told(
            a_run(
                "expect",
                "2",
                56,
                inputs=[asserted("orders", assertion="not_null", success=True, column="id")],
            )
        )
    )
    assert "job:ns:model" not in well


def test_an_assertion_of_severity_warn_is_a_warning(told):
    said = asserted("orders", assertion="few", success=False, severity="warn")
    found = told(a_run("load", "1", 59, outputs=["orders"]), a_run("x", "1", 59, inputs=[said]))
    assert by_id(found)["dataset:ns:orders"]["own"] == "warn"
    assert found.code == 0


def test_a_dataset_that_is_not_built_any_more_is_stale_and_its_job_overdue(told):
    builds = [a_run("load", str(n), 5 * n, outputs=["orders"]) for n in range(4)]
    found = by_id(told(*builds, at=format_time(at(15 + 40))))
    assert found["dataset:ns:orders"]["own"] == "bad"
    assert found["dataset:ns:orders"]["reasons"][0]["code"] == "build_age_seconds"
    assert [r["code"] for r in found["job:ns:load"]["reasons"]] == ["overdue"]
    assert found["dataset:ns:orders"]["origin"] == "job:ns:load"
    assert told(at=format_time(at(16))).json["nodes"] == []


def test_a_run_that_takes_much_longer_than_ever_is_told(told):
    runs = [
        a_run("load", str(n), minute, state)
        for n in range(10)
        for minute, state in ((3 * n, "START"), (3 * n + 2, "COMPLETE"))
    ]
    going = told(*runs, a_run("load", "11", 40, "START"), at=format_time(at(44)))
    (node,) = going.json["nodes"]
    assert (node["id"], node["own"]) == ("job:ns:load", "warn")
    assert node["reasons"][0]["value"] == 240.0
    assert node["reasons"][0]["threshold"] == 180.0


def test_a_declared_feedback_carries_nothing(lb, told, tmp_path):
    loop = [
        a_run("load", "1", 50, inputs=["scores"], outputs=["orders"]),
        a_run("observe.scores", "1", 51, inputs=[asserted("scores", assertion="x", success=False)]),
        a_run("load", "2", 52, inputs=["scores"], outputs=["orders"]),
    ]
    assert by_id(told(*loop))["dataset:ns:orders"]["origin"] == "dataset:ns:scores"
    (tmp_path / "lineage-bridge.toml").write_text(
        '[feedback]\n"dataset:ns:orders" = ["dataset:ns:scores"]\n'
    )
    assert "dataset:ns:orders" not in by_id(told())
    edges = lb("graph", "--json").json["edges"]
    assert {e["kind"] for e in edges if e["from"] == "dataset:ns:scores"} == {"feedback", "observe"}


def test_a_declared_feedback_that_no_job_makes_is_an_edge(lb, tmp_path):
    a_journal(tmp_path / "home", [a_run("score", "1", 5, inputs=["a"], outputs=["b"])]).close()
    (tmp_path / "lineage-bridge.toml").write_text(
        '[feedback]\n"dataset:ns:a" = ["dataset:ns:b", "dataset:ns:unheard"]\n'
    )
    edges = lb("graph", "--json").json["edges"]
    assert {"from": "dataset:ns:b", "to": "dataset:ns:a", "kind": "feedback"} in edges
    assert len(edges) == 3


def test_a_feedback_that_names_no_dataset_is_refused(lb, tmp_path):
    (tmp_path / "lineage-bridge.toml").write_text('[feedback]\norders = ["scores"]\n')
    refused = lb("health")
    assert refused.code == 2
    assert "feedback" in refused.err


def test_words_name_what_is_wrong_and_count_what_inherits(lb, tmp_path):
    name = "bad\nname\x1b[31m" + "x" * 300
    a_journal(
        tmp_path / "home",
        [
            a_run("load", "1", 40, outputs=[name]),
            a_run("load", "2", 50, "FAIL", outputs=[name]),
        ],
    ).close()
    shown = lb("health", "--at", NOW)
    assert shown.code == 1
    assert "its last run failed, 1 in a row" in shown.out
    assert "job:ns:load" in shown.out
    assert "\x1b" not in shown.out
