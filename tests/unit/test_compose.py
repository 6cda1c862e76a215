"""docker-compose.yml and marquez/, as far as they can be checked without a Docker engine."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SECRET = re.compile(r"password|secret|token|api_key", re.IGNORECASE)

every_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)


def services_of(profile: str) -> set[str]:
    return {name for name, service in SERVICES.items() if profile in service["profiles"]}


def bound_of(published: str) -> str:
    """A port's host side with the defaults filled in: `127.0.0.1:5000`."""
    filled = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", published)
    return filled.rpartition(":")[0]


def test_the_file_has_nothing_that_compose_does_not_know() -> None:
    extensions = {key for key in COMPOSE if key.startswith("x-")}
    known = {
        *("build", "cap_drop", "command", "depends_on", "env_file", "environment", "healthcheck"),
        *("image", "logging", "networks", "ports", "profiles", "read_only", "restart"),
        *("security_opt", "tmpfs", "volumes"),
    }

    assert set(COMPOSE) - extensions == {"name", "services", "volumes"}
    for service in SERVICES.values():
        assert set(service) <= known


@every_service
def test_a_service_restarts_and_says_if_it_is_well(service: dict[str, Any]) -> None:
    check = service["healthcheck"]

    assert service["restart"] == "unless-stopped"
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert {"interval", "timeout", "retries", "start_period"} < set(check)


@every_service
def test_ports_are_bound_to_loopback(service: dict[str, Any]) -> None:
    assert all(bound_of(port).startswith("127.0.0.1:") for port in service.get("ports", []))


@every_service
def test_images_have_a_version(service: dict[str, Any]) -> None:
    if "build" not in service:
        assert re.search(r":v?\d", service["image"])


@every_service
def test_a_dependency_is_there_whenever_its_dependent_is(service: dict[str, Any]) -> None:
    for name in service.get("depends_on", {}):
        assert set(service["profiles"]) <= set(SERVICES[name]["profiles"])


@pytest.mark.parametrize("profile", ["marquez", "embedded"])
def test_no_two_services_of_a_profile_want_one_port(profile: str) -> None:
    names = services_of(profile) | services_of("prometheus")
    bound = [bound_of(port) for name in names for port in SERVICES[name].get("ports", [])]

    assert len(bound) == len(set(bound))


def test_every_part_can_be_left_out() -> None:
    assert services_of("marquez") == {"db", "marquez", "web", "bridge"}
    assert services_of("embedded") == {"bridge-alone", "web-alone"}
    assert services_of("prometheus") == {"prometheus"}
    assert services_of("marquez") | services_of("embedded") | {"prometheus"} == set(SERVICES)


def test_no_secret_is_in_the_files() -> None:
    for service in SERVICES.values():
        assert not [name for name in service.get("environment", {}) if SECRET.search(name)]
    example = (ROOT / "marquez" / "marquez.env.example").read_text("utf-8").splitlines()
    assert "POSTGRES_PASSWORD=" in example
    assert (ROOT / "marquez" / ".gitignore").read_text("utf-8").split() == ["marquez.env"]


@every_service
def test_every_file_that_is_mounted_exists(service: dict[str, Any]) -> None:
    sources = [volume.split(":")[0] for volume in service.get("volumes", [])]
    files = [source for source in sources if source.startswith("./")]

    assert all((ROOT / file).is_file() for file in files)
    named = {source for source in sources if re.fullmatch(r"[\w-]+", source)}
    assert named <= set(COMPOSE["volumes"])


def test_marquez_has_no_search_and_no_retention() -> None:
    text = (ROOT / "marquez" / "marquez.yml").read_text("utf-8")
    config = yaml.safe_load(text)

    assert SERVICES["marquez"]["environment"]["SEARCH_ENABLED"] == "false"
    assert "dbRetention" not in config
    assert "retention is off" in text


def test_the_web_ui_has_the_three_settings_without_which_it_exits() -> None:
    for name, api in (("web", "marquez"), ("web-alone", "bridge-alone")):
        environment = SERVICES[name]["environment"]
        assert environment == {"MARQUEZ_HOST": api, "MARQUEZ_PORT": "5000", "WEB_PORT": "3000"}


def test_the_bridge_forwards_to_the_marquez_of_its_profile() -> None:
    assert SERVICES["bridge"]["environment"] == {"MARQUEZ_URL": "http://marquez:5000"}
    assert "environment" not in SERVICES["bridge-alone"]


def test_prometheus_scrapes_the_name_that_both_bridges_go_by() -> None:
    config = yaml.safe_load((ROOT / "marquez" / "prometheus.yml").read_text("utf-8"))
    (job,) = config["scrape_configs"]
    host, port = job["static_configs"][0]["targets"][0].split(":")

    for name in ("bridge", "bridge-alone"):
        assert SERVICES[name]["networks"]["default"]["aliases"] == [host]
        assert SERVICES[name]["command"][-2:] == ["--exporter-port", port]


def test_promtool_accepts_the_configuration() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian package `prometheus`)")

    checked = subprocess.run(
        [promtool, "check", "config", ROOT / "marquez" / "prometheus.yml"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr


def test_running_the_jar_without_one_says_what_is_missing() -> None:
    script = ROOT / "marquez" / "run-jar.sh"

    ran = subprocess.run(
        [script], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}, check=False
    )

    assert ran.returncode != 0
    assert "MARQUEZ_JAR" in ran.stderr
