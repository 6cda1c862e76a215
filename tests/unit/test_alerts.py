"""Alert rules: what makes each fire, on Prometheus' own test bench."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from alert_cases import CASES, UP, Case, Series
from builders import an_event, at
from click.testing import CliRunner
from platform_events import a_check, a_drift, a_platform
from promql import KNOWN, OF_PROMETHEUS, names_in, unknown_in

from lineage_bridge.alerts.table import RULES
from lineage_bridge.cli.main import cli
from lineage_bridge.events import Dataset
from lineage_bridge.exporter.compat import p6
from lineage_bridge.exporter.metrics_collector import MetricsCollector
from lineage_bridge.follow.tables import FOLLOW
from lineage_bridge.ingest.memory import keep_fact
from lineage_bridge.journal import Journal
from lineage_bridge.observe.tables import INGEST
from lineage_bridge.settings import Settings
from lineage_bridge.times import format_time

ROOT = Path(__file__).parents[2]
MINUTES = 99  # for which every series goes on
# What `lineage-bridge rules` writes -> where it is kept.
WRITTEN = {
    "prometheus": ROOT / "marquez" / "lineage-bridge.rules.yml",
    "alertmanager": ROOT / "marquez" / "alertmanager.yml",
    "runbook": ROOT / "docs" / "alerts.md",
    "grafana": ROOT / "lineage_bridge" / "alerts" / "dashboard.json",
}
FILES = {kind: path.name for kind, path in WRITTEN.items()} | {"grafana": "lineage-bridge.json"}
# SentinelML's table: alert -> severity, minutes, limit in our unit.
SENTINELML = {
    "NoProductionModel": ("critical", 2, "0"),
    "HighApiErrorRate": ("critical", 5, "0.05"),
    "HighApiLatencyP99": ("warning", 5, "2"),
    "CriticalFeatureDrift": ("critical", 5, "0"),
    "FeatureDriftWarning": ("warning", 15, "0"),
    "PredictionDistributionDrift": ("warning", 10, "1"),
    "DriftReportStale": ("warning", 5, "43200"),
    "HighFeatureMissingRate": ("warning", 10, "0.15"),
    "LowPredictionConfidence": ("warning", 15, "0.55"),
    "DataQualityHardFailure": ("critical", 5, "0"),
    "QualityReportStale": ("warning", 5, "43200"),
}


def program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian package `{package}`)")
    return found


def run(*args: str | Path) -> str:
    ran = subprocess.run(args, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def written(kind: str, *args: str) -> str:
    result = CliRunner().invoke(cli, ["rules", kind, *args])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("kind", WRITTEN)
def test_the_files_in_the_repository_are_what_the_command_writes(kind: str, tmp_path: Path) -> None:
    kept = WRITTEN[kind]

    assert written(kind) == kept.read_text("utf-8"), "make monitoring"
    written(kind, "--out", str(tmp_path / "new" / "folder"))
    assert (tmp_path / "new" / "folder" / FILES[kind]).read_text("utf-8") == written(kind)


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(cli, ["rules", "prometheus", "--out", str(tmp_path / "file" / "x")])

    assert result.exit_code != 0
    assert "cannot be written" in str(result.exception)


def course(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value}+0x{MINUTES}"


def tried(name: str, series: Series, alerts: Mapping[int, str | None]) -> dict[str, Any]:
    """One of promtool's tests: which alert fires in which minute, if any."""
    return {
        "name": name,
        "interval": "1m",
        "input_series": [
            {"series": key, "values": course(value)} for key, value in {**UP, **series}.items()
        ],
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": f"{minute}m",
                "exp_samples": [{"labels": f'{{alertname="{alert}"}}', "value": 1}]
                if alert
                else [],
            }
            for minute, alert in alerts.items()
        ],
    }


def groups_of(alert: str, case: Case) -> list[dict[str, Any]]:
    """A rule fires after its minutes and not before, and never with what is quiet."""
    due = case.since + case.after
    quiet = dict.fromkeys(range(case.since, due + 3))
    fires = {due - 1: None, due: alert}
    return [
        tried(f"{alert} fires", case.fires, fires),
        *(tried(f"{alert}: {name}", series, quiet) for name, series in case.quiet.items()),
    ]


def test_each_rule_fires_when_it_should_and_only_then(tmp_path: Path) -> None:
    promtool = program("promtool", "prometheus")
    document = {
        "rule_files": [str(WRITTEN["prometheus"])],
        "evaluation_interval": "1m",
        "tests": [one for alert, case in CASES.items() for one in groups_of(alert, case)],
    }
    path = tmp_path / "tests.yml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))

    assert "SUCCESS" in run(promtool, "test", "rules", path)


def test_every_rule_has_a_case_that_fires_and_some_that_do_not() -> None:
    assert list(CASES) == [rule.name for rule in RULES]
    assert all(case.fires and case.quiet for case in CASES.values())


def test_sentinelmls_alerts_have_its_limits_and_durations() -> None:
    of_theirs = {rule.name: rule for rule in RULES if rule.sentinelml}

    assert of_theirs.keys() == SENTINELML.keys()
    for name, (severity, minutes, limit) in SENTINELML.items():
        rule = of_theirs[name]
        assert (rule.severity, rule.after) == (severity, f"{minutes}m")
        assert CASES[name].after == minutes
        assert re.search(rf"[=<>] {re.escape(limit)}\b", rule.expr)


EXPECTING = {
    "marquez_url": "http://127.0.0.1:1",
    "policies": {"freshness": {"features.mobility.trips": {"expects": "*/20 * * * *"}}},
}


def everything(home: Path) -> Iterator[str]:
    """Show the names of the metrics of a home in which there is something of each sort."""
    failed = an_event("report", 5, state="FAIL")
    drift = a_drift(
        46,
        moved={"speed": "critical"},
        unseen=["city"],
        meanConfidence=0.7,
        answers="warning",
    )
    names = [("lake", "trips"), ("ns", "trips"), ("ns", "lake:trips")]
    mistakable = an_event("etl", 6, outputs=[Dataset(*name, "1") for name in names])
    with Journal(home) as journal:
        for room in (FOLLOW, INGEST):
            journal.prepare(room)
        with journal.transaction() as tx:
            for event in (*a_platform(), a_check(1), failed, drift, mistakable):
                tx.append(event, "artifact")
            tx.connection.execute(
                "INSERT INTO follow_sources (url, counted, audited_us) VALUES ('http://m', 1, 1)"
            )
            keep_fact(tx.connection, "last_look", format_time(at(54)))
            tx.connection.execute(
                "INSERT INTO quarantine (path, line, family, reason) VALUES ('f', 1, 'p5', 'torn')"
            )
        settings = Settings.model_validate(EXPECTING)
        collector = MetricsCollector(journal, settings, now=lambda: at(55))
        for family in collector.collect():
            yield from (sample.name for sample in family.samples)


def test_the_exporter_shows_every_metric_that_a_rule_names(tmp_path: Path) -> None:
    named = set().union(*(names_in(rule.expr)[0] for rule in RULES)) - OF_PROMETHEUS.keys()

    assert named <= set(everything(tmp_path))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_names_only_metrics_and_labels_that_there_are(rule) -> None:
    metrics, _ = names_in(rule.expr)

    assert metrics
    assert not unknown_in(rule.expr)
    told = set(re.findall(r"\$labels\.(\w+)", rule.summary))
    assert told <= set().union(*(KNOWN[name] for name in metrics))


def test_no_rule_depends_on_metrics_that_have_other_names_under_compat_p6() -> None:
    renamed = {metric.name for metric in (*p6._OF_DATASETS, *p6._OF_MODELS)}

    assert not renamed & set().union(*(names_in(rule.expr)[0] for rule in RULES))


def test_promtool_accepts_the_rules() -> None:
    said = run(program("promtool", "prometheus"), "check", "rules", WRITTEN["prometheus"])

    assert f"SUCCESS: {len(RULES)} rules found" in said


def test_amtool_accepts_the_configuration_and_routes_by_severity() -> None:
    amtool, config = program("amtool", "prometheus-alertmanager"), WRITTEN["alertmanager"]
    routes = (amtool, "config", "routes", "test", f"--config.file={config}")

    assert "SUCCESS" in run(amtool, "check-config", config)
    assert run(*routes, "severity=critical").split() == ["slack-and-pagerduty"]
    assert run(*routes, "severity=warning").split() == ["slack"]


def test_no_secret_is_in_the_configuration() -> None:
    text = WRITTEN["alertmanager"].read_text("utf-8")

    assert set(re.findall(r"\w*(?:url|key)\w*(?=: )", text)) == {"api_url_file", "routing_key_file"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_links_to_its_section_of_the_runbook(rule) -> None:
    page, _, anchor = rule.runbook_url.partition("#")

    assert page.endswith("/docs/alerts.md")
    assert f"### {rule.name}\n" in WRITTEN["runbook"].read_text("utf-8")
    assert anchor == rule.name.lower()


def test_a_name_of_others_calls_nobody_in_slack(tmp_path: Path) -> None:
    amtool = program("amtool", "prometheus-alertmanager")
    receivers = yaml.safe_load(WRITTEN["alertmanager"].read_text("utf-8"))["receivers"]
    text = receivers[0]["slack_configs"][0]["text"]
    summary = "production/<!channel> <http://evil|here> is degraded"
    told = {"summary": summary, "description": "Look.", "runbook_url": "http://runbook"}
    data = tmp_path / "data.json"
    data.write_text(json.dumps({"alerts": [{"status": "firing", "annotations": told}]}))
    (tmp_path / "none.tmpl").write_text("")

    shown = run(
        *(amtool, "template", "render", f"--template.glob={tmp_path / 'none.tmpl'}"),
        *(f"--template.data={data}", f"--template.text={text}"),
    )

    assert "<!channel>" not in shown
    assert "<http://evil" not in shown
    assert "<http://runbook|Runbook>" in shown
