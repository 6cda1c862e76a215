"""One judge for every surface: at one instant command, page and metrics say the same."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from conftest import run_command

from lineage_bridge.answers import Snapshots
from lineage_bridge.assess import freshness, liveness
from lineage_bridge.assess.policies import Policies
from lineage_bridge.exporter.metrics_collector import MetricsCollector
from lineage_bridge.http import HttpConfig, Site
from lineage_bridge.journal import Journal
from lineage_bridge.page import page_parts
from lineage_bridge.settings import load_settings
from lineage_bridge.times import parse_time

AT = "2026-04-07T10:30:00Z"
POLICIES = {
    "none": "",
    "all expect traffic": "[policies.serving.default]\nexpects_traffic = true\n",
    "one expects traffic": '[policies.serving."dep-nyc-prod-stale"]\nexpects_traffic = true\n',
    "all may be slow": "[policies.serving.default]\nlatency_p95_ms = 1e6\n",
    "nothing is stale": "[policies.freshness.default]\nwarn_seconds = 1e9\nerror_seconds = 1e9\n",
    "a dataset is late": (
        '[policies.freshness."features.mobility.training_dataset"]\n'
        "warn_seconds = 60\nerror_seconds = 1e9\n"
    ),
}


@pytest.fixture
def home(kept_nyc):
    return kept_nyc


@pytest.fixture(scope="module")
def kept_nyc(nyc, tmp_path_factory):
    """A home that may be derived from and whose counters may be kept, unlike `nyc_home`."""
    home = tmp_path_factory.mktemp("surfaces") / "home"
    folders = [f"--{family}={nyc / family}" for family in ("p2", "p4", "p5", "p6")]
    assert run_command("backfill", *folders, "--home", home).code in {0, 1}
    return home


class Surfaces:
    """The three surfaces of one home at one instant, with the settings of one file."""

    def __init__(self, home, toml):
        self.home, self.toml = home, toml
        self.settings = load_settings({"home": home, "config": toml}, {}, working_folder=home)
        self.at = parse_time(AT)[0]

    def command(self, name):
        args = ("--home", self.home, "--config", self.toml, "--at", AT, "--json")
        return run_command(name, *args, may_fail_by_bug=True)

    def page(self, path):
        with Journal(self.home) as journal:
            snapshots = Snapshots(journal, Policies.of(self.settings))
            parts = page_parts(journal, snapshots, lambda: self.at)
            app = Site(HttpConfig(), parts, is_ready=lambda: True)

            async def ask():
                transport = httpx.ASGITransport(app)
                async with httpx.AsyncClient(
                    transport=transport, base_url="http://localhost"
                ) as client:
                    return await client.get(path)

            return asyncio.run(ask())

    def samples(self, name):
        with Journal(self.home) as journal:
            families = MetricsCollector(journal, self.settings, at=self.at).collect()
            found = [s for family in families for s in family.samples if s.name == name]
        return [(sample.labels, sample.value) for sample in found]


@pytest.fixture(params=POLICIES.values(), ids=POLICIES)
def surfaces(request, home, tmp_path):
    toml = tmp_path / "lineage-bridge.toml"
    toml.write_text(request.param)
    return Surfaces(home, toml)


def test_the_health_is_the_same_on_all(surfaces):
    told = surfaces.command("health").json
    by_command = {d["deployment"]: d["status"] for d in told["deployments"]}
    by_metric = {
        labels["deployment"]: labels["status"]
        for labels, value in surfaces.samples("ml_deployment_health_status")
        if value == 1
    }

    assert surfaces.page("/health.json").json() == told
    assert by_metric == by_command
    html = surfaces.page("/").text
    for status in set(by_command.values()):
        count = sum(one == status for one in by_command.values())
        assert html.count(f" {status}</span>") >= count
    reasons = {
        (d["deployment"], reason["code"], reason["level"])
        for d in told["deployments"]
        for reason in d["reasons"]
    }
    exposed = surfaces.samples("ml_deployment_reason_age_seconds")
    assert {(m["deployment"], m["code"], m["level"]) for m, _ in exposed} == reasons


def test_the_freshness_is_the_same_on_all(surfaces):
    told = {d["name"]: d["status"] for d in surfaces.command("freshness").json["datasets"]}
    by_metric = {
        labels["dataset_name"]: labels["status"]
        for labels, value in surfaces.samples("ml_dataset_freshness_status")
        if value == 1
    }
    html = surfaces.page("/").text

    assert by_metric == told
    for status in set(told.values()):
        count = sum(one == status for one in told.values())
        assert html.count(f" {status.lower()}</span>") >= count


def test_policies_make_a_difference_and_each_to_what_it_names(home, tmp_path):
    def statuses(toml):
        path = tmp_path / "lineage-bridge.toml"
        path.write_text(toml)
        told = Surfaces(home, path).command("health").json["deployments"]
        return {d["deployment"]: d["status"] for d in told}

    plain = statuses("")
    for name in ("one expects traffic", "all expect traffic"):
        assert statuses(POLICIES[name]) != plain
    one = statuses(POLICIES["one expects traffic"])
    assert {name for name in plain if one[name] != plain[name]} == {"dep-nyc-prod-stale"}


def breaks(*_args, **_more):
    raise KeyError("latency_p95_ms")


@pytest.mark.parametrize("surfaces", [""], indirect=True)
def test_a_bug_in_judging_health_is_an_error_on_all(surfaces, monkeypatch):
    monkeypatch.setattr(liveness, "_after_windows", breaks)

    told = surfaces.command("health")
    assert told.code == 2
    assert told.out == ""
    assert "bug of lineage_bridge" in told.err
    assert "Traceback" not in told.err
    page, answer = surfaces.page("/"), surfaces.page("/health.json")
    assert (page.status_code, answer.status_code) == (500, 500)
    assert "Health could not be judged" in page.text
    assert "features.mobility.training_dataset" in page.text, "what can be judged is shown"
    assert "KeyError" in json.loads(answer.text)["error"]
    once = run_command("exporter", "--once", "--home", surfaces.home, may_fail_by_bug=True)
    assert f'{PART}{{part="health"}} 0.0' in once.out
    assert "Traceback" not in once.err
    parts = {labels["part"]: value for labels, value in surfaces.samples(PART)}
    assert parts["health"] == 0
    assert parts["freshness"] == parts["totals"] == parts["serving"] == 1
    assert surfaces.samples("ml_deployment_health_status") == []


@pytest.mark.parametrize("surfaces", [""], indirect=True)
def test_a_bug_in_judging_freshness_is_an_error_on_all(surfaces, monkeypatch):
    monkeypatch.setattr(freshness, "_judge", breaks)

    assert surfaces.command("freshness").code == 2
    assert surfaces.command("health").code == 2  # it says of all nodes how they are
    page = surfaces.page("/")
    assert page.status_code == 500
    assert "Freshness could not be judged" in page.text
    parts = {labels["part"]: value for labels, value in surfaces.samples(PART)}
    assert (parts["freshness"], parts["health"]) == (0, 1)


PART = "lineage_bridge_scrape_part_success"
