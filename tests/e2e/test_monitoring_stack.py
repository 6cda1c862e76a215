"""The demo in a real Prometheus: every panel has data, and a fault reaches whoever is told.

The programs are Debian's `prometheus` and `prometheus-alertmanager`, on loopback.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import httpx
import pytest
import yaml
from conftest import HANG_SECONDS, run_command
from platform_events import HOSTILE, SICK_SLOT, a_build, a_check, a_look, a_slow_reason, a_start

from lineage_bridge.alerts.alertmanager import alertmanager_config
from lineage_bridge.alerts.grafana import grafana_dashboard
from lineage_bridge.alerts.prometheus import prometheus_rules
from lineage_bridge.cli.context import settings_of
from lineage_bridge.cli.demo import DEMO_TIME
from lineage_bridge.events import Event
from lineage_bridge.exporter.server import ExporterServer
from lineage_bridge.journal import Journal
from lineage_bridge.settings import FILE_NAME

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
DASHBOARD: dict[str, Any] = json.loads(grafana_dashboard())
PANELS = {
    f"{panel['title']} {target['refId']}": target["expr"]
    for panel in DASHBOARD["panels"]
    for target in panel.get("targets", ())
}
ANNOTATIONS = {one["name"]: one["expr"] for one in DASHBOARD["annotations"]["list"]}
T = TypeVar("T")


def until(look: Callable[[], T]) -> T:
    """Wait until something is there."""
    given_up = time.monotonic() + HANG_SECONDS
    while time.monotonic() < given_up:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come")


def a_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def running(*command: str | Path) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(HANG_SECONDS)


def needs(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian package `{package}`)")
    return found


@dataclass
class Told:
    """Whoever is told: keeps what a webhook brings."""

    alerts: list[dict[str, Any]] = field(default_factory=list)

    def of(self, name: str, status: str = "firing", **labels: str) -> list[dict[str, Any]]:
        """What came of one alert, of series with these labels."""
        wanted = {"alertname": name, **labels}.items()
        return [
            one
            for one in self.alerts
            if one["status"] == status and wanted <= one["labels"].items()
        ]

    @contextmanager
    def listening(self) -> Iterator[str]:
        told = self

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                told.alerts += [{"receiver": body["receiver"], **one} for one in body["alerts"]]
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}/"
            server.shutdown()


def impatient(text: str) -> str:
    """The rules, and nobody waits whether a fault stays."""
    return re.sub(r"for: \w+", "for: 0s", text)


def as_webhooks(text: str, url: str) -> str:
    """The configuration, with a webhook for each receiver in place of Slack and PagerDuty."""
    config = yaml.safe_load(text)
    config["receivers"] = [
        {"name": one["name"], "webhook_configs": [{"url": url}]} for one in config["receivers"]
    ]
    config["route"] |= {"group_wait": "1s", "group_interval": "1s"}
    return yaml.safe_dump(config)


@contextmanager
def a_demo(home: Path) -> Iterator[tuple[Journal, str]]:
    """The demo's home with its exporter, at the demo's time."""
    examples = ROOT / "examples"
    config = examples / FILE_NAME
    assert run_command("demo", "--once", "--home", home).code == 0
    run_command("backfill", examples, "--home", home, "--config", config)  # looks into all of it
    settings = settings_of(home=home, config=config, marquez_url="http://127.0.0.1:1")
    with Journal(home) as journal, ExporterServer(journal, settings, port=0, at=DEMO_TIME) as one:
        yield journal, one.url


@contextmanager
def a_prometheus(folder: Path, exporter: str, alertmanager: str) -> Iterator[str]:
    """A Prometheus that scrapes every second and has our rules; yields where it answers."""
    program, port = needs("prometheus", "prometheus"), a_port()
    config = yaml.safe_load((ROOT / "marquez" / "prometheus.yml").read_text("utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["scrape_configs"][0]["static_configs"] = [{"targets": [exporter.split("/")[2]]}]
    config["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [alertmanager]}]
    (folder / config["rule_files"][0]).write_text(impatient(prometheus_rules()), "utf-8")
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), "utf-8")
    with running(
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ):
        yield f"http://127.0.0.1:{port}"


def tell(journal: Journal, *events: Event) -> None:
    with journal.transaction() as tx:
        for event in events:
            tx.append(event, "http")


def a_sick_deployment() -> list[Event]:
    """One whose name has quotes, a backslash, a line's end and what a page would take for a tag."""
    reasons = [a_slow_reason(140)]
    started = a_start(130, slot=SICK_SLOT, model="flaky")
    return [started, a_look(149, slot=SICK_SLOT, model="flaky", reasons=reasons)]


def ask(prometheus: str, expr: str) -> list[dict[str, Any]]:
    """What an expression gives now; nothing while Prometheus starts."""
    try:
        answer = httpx.get(f"{prometheus}/api/v1/query", params={"query": expr})
    except httpx.TransportError:
        return []
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        return []
    found = answer.json()
    assert found["status"] == "success", (expr, found)
    return list(found["data"]["result"])


def filled_in(expr: str) -> str:
    return re.sub(r'"\$[a-z]+"', '".*"', expr).replace("$__rate_interval", "30s")


def test_every_panel_and_every_annotation_has_data(tmp_path: Path) -> None:
    with (
        a_demo(tmp_path / "home") as (_, exporter),
        a_prometheus(tmp_path, exporter, "127.0.0.1:1") as prometheus,
    ):
        until(lambda: ask(prometheus, 'ALERTS{alertstate="firing"}'))
        asked = {**PANELS, **ANNOTATIONS}
        for title, expr in asked.items():
            assert until(lambda expr=expr: ask(prometheus, filled_in(expr))), title  # type: ignore[misc]


@contextmanager
def an_alertmanager(folder: Path, told: str) -> Iterator[str]:
    program, port = needs("prometheus-alertmanager", "prometheus-alertmanager"), a_port()
    config = folder / "alertmanager.yml"
    config.write_text(as_webhooks(alertmanager_config(), told), "utf-8")
    with running(
        program,
        f"--config.file={config}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ):
        yield f"127.0.0.1:{port}"


def test_a_fault_is_told_to_those_whom_it_concerns_and_that_it_is_over(tmp_path: Path) -> None:
    told = Told()
    with (
        a_demo(tmp_path / "home") as (journal, exporter),
        told.listening() as url,
        an_alertmanager(tmp_path, url) as alertmanager,
        a_prometheus(tmp_path, exporter, alertmanager) as prometheus,
    ):
        until(lambda: told.of("DeploymentDegraded"))
        assert not told.of("DataQualityHardFailure")
        tell(journal, *a_build(0), a_check(1, failed={"nulls": "a lot"}), *a_sick_deployment())
        first = until(lambda: told.of("DataQualityHardFailure"))[0]
        sick = until(lambda: told.of("DeploymentDegraded", deployment=HOSTILE))
        tell(journal, a_check(2))
        last = until(lambda: told.of("DataQualityHardFailure", "resolved"))[0]
        firing = {one["metric"]["deployment"] for one in ask(prometheus, 'ALERTS{deployment!=""}')}
        retired = {
            one["metric"]["deployment"] for one in ask(prometheus, "ml_deployment_retired == 1")
        }

    assert HOSTILE in sick[0]["annotations"]["summary"]
    assert (first["receiver"], last["receiver"]) == ("slack-and-pagerduty",) * 2
    assert (
        first["annotations"]["summary"]
        == "features.mobility.trips fails 1 checks of severity error"
    )
    assert first["annotations"]["runbook_url"].endswith("/docs/alerts.md#dataqualityhardfailure")
    assert {one["receiver"] for one in told.of("DeploymentDegraded")} == {"slack"}
    assert firing
    assert retired
    assert not firing & retired
