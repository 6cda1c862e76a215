"""docker-compose.yml and marquez/, as far as they can be checked without a Docker engine."""

from __future__ import annotations

import os
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
KEYED: dict[str, Any] = yaml.safe_load((ROOT / "marquez" / "keys.yml").read_text("utf-8"))[
    "services"
]
BRIDGES = ("bridge", "bridge-alone")
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
        *("secrets", "security_opt", "tmpfs", "volumes"),
    }

    assert set(COMPOSE) - extensions == {"name", "secrets", "services", "volumes"}
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
    names = services_of(profile) | services_of("alerts") | services_of("grafana")
    bound = [bound_of(port) for name in names for port in SERVICES[name].get("ports", [])]

    assert len(bound) == len(set(bound))


def test_every_part_can_be_left_out() -> None:
    assert services_of("marquez") == {"db", "marquez", "web", "bridge"}
    assert services_of("embedded") == {"bridge-alone", "web-alone"}
    assert services_of("prometheus") == {"prometheus"}
    assert services_of("alerts") == {"prometheus", "alertmanager"}
    assert services_of("grafana") == {"prometheus", "grafana"}
    profiles = ("marquez", "embedded", "alerts", "grafana")
    assert set().union(*map(services_of, profiles)) == set(SERVICES)


def test_no_secret_is_in_the_files() -> None:
    for service in SERVICES.values():
        assert not [name for name in service.get("environment", {}) if SECRET.search(name)]
    for name in ("marquez.env", "keys.env"):
        example = (ROOT / "marquez" / f"{name}.example").read_text("utf-8").splitlines()
        assert all(line.endswith("=") for line in example if re.match(r"\w*(PASSWORD|KEY)", line))
    ignored = (ROOT / "marquez" / ".gitignore").read_text("utf-8").split()
    assert ignored == ["marquez.env", "keys.env", "read-key", "slack-url", "pagerduty-key"]


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("database", ["POSTGRES_PASSWORD"]),
        ("keys", ["LINEAGE_BRIDGE_READ_KEYS", "LINEAGE_BRIDGE_WRITE_KEYS", "WEB_KEY"]),
    ],
)
def test_what_is_missing_is_refused_in_a_sentence(name, missing):
    text = (ROOT / "marquez" / f"{name}.required.env").read_text("utf-8")

    refused = re.findall(r"^(\w+)=\$\{\1:\?([A-Z].+\.)\}$", text, re.MULTILINE)

    assert [variable for variable, _ in refused] == missing
    for named in re.findall(r"marquez/\w+\.env\.example", text):
        assert (ROOT / named).is_file()


def last_env_file(service: dict[str, Any]) -> str | None:
    return service["env_file"][-1] if "env_file" in service else None


def test_a_password_is_wanted_of_those_alone_who_need_a_database():
    wanted = {name for name, service in SERVICES.items() if last_env_file(service)}

    assert wanted == {"db", "marquez"}
    assert {last_env_file(SERVICES[name]) for name in wanted} == {"marquez/database.required.env"}


def has_compose() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    asked = subprocess.run([docker, "compose", "version"], capture_output=True, check=False)
    return asked.returncode == 0


@pytest.mark.skipif(not has_compose(), reason="docker compose is not installed")
@pytest.mark.parametrize(
    ("profile", "variables", "refused"),
    [
        ("embedded", {}, ""),
        ("marquez", {}, "Marquez's database has no password."),
        ("marquez", {"POSTGRES_PASSWORD": ""}, "Marquez's database has no password."),
        ("marquez", {"POSTGRES_PASSWORD": "secret"}, ""),
    ],
)
def test_compose_takes_the_file_if_nothing_is_missing(tmp_path, profile, variables, refused):
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    missing = shutil.ignore_patterns("*.env")
    shutil.copytree(ROOT / "marquez", tmp_path / "marquez", ignore=missing)
    for path in (ROOT / "marquez").glob("*.required.env"):
        shutil.copy(path, tmp_path / "marquez")
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **variables}

    checked = subprocess.run(
        ["docker", "compose", "--profile", profile, "config", "--quiet"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (checked.returncode == 0) == (refused == ""), checked.stderr
    assert refused in checked.stderr


def test_a_database_of_another_major_version_has_another_volume():
    database = SERVICES["db"]
    major = database["image"].partition(":")[2]

    assert database["volumes"] == [f"marquez-db-{major}:/var/lib/postgresql"]


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
    assert SERVICES["bridge"]["environment"]["MARQUEZ_URL"] == "http://marquez:5000"
    assert "MARQUEZ_URL" not in SERVICES["bridge-alone"]["environment"]


def scrape_job(name: str) -> dict[str, Any]:
    (job,) = yaml.safe_load((ROOT / "marquez" / name).read_text("utf-8"))["scrape_configs"]
    return job


@pytest.mark.parametrize("name", BRIDGES)
def test_a_bridge_is_served_under_the_names_that_others_ask_it_by(name):
    host, port = scrape_job("prometheus.yml")["static_configs"][0]["targets"][0].split(":")
    bridge = SERVICES[name]
    served = re.findall(r"[\w-]+", bridge["environment"]["LINEAGE_BRIDGE_HOSTS"].partition(":-")[2])

    assert bridge["networks"]["default"]["aliases"] == [host]
    assert set(served) == {host, *BRIDGES}
    assert bridge["command"] == ["up", "--host", "0.0.0.0", "--port", port, "--insecure"]
    assert "/readyz" in bridge["healthcheck"]["test"][-1]


@pytest.mark.parametrize("name", BRIDGES)
def test_with_keys_a_bridge_does_not_start_without_one(name):
    command = SERVICES[name]["command"]

    assert KEYED[name]["command"] == [word for word in command if word != "--insecure"]
    assert last_env_file(KEYED[name]) == "marquez/keys.required.env"
    assert "LINEAGE_BRIDGE_PUBLIC" not in KEYED[name].get("environment", {})


def test_with_keys_the_web_ui_asks_by_a_proxy_that_has_one():
    proxy = (ROOT / "marquez" / "Caddyfile").read_text("utf-8")
    web = KEYED["web-alone"]["environment"]["MARQUEZ_HOST"]

    assert KEYED[web]["profiles"] == SERVICES["bridge-alone"]["profiles"]
    assert "ports" not in KEYED[web]
    assert "reverse_proxy bridge-alone:5000" in proxy
    assert 'header_up Authorization "Bearer {$WEB_KEY}"' in proxy


def test_with_keys_prometheus_differs_by_its_key_alone():
    job = scrape_job("prometheus-keys.yml")

    assert job.pop("authorization") == {"credentials_file": "/run/secrets/read-key"}
    assert job == scrape_job("prometheus.yml")
    assert KEYED["prometheus"]["secrets"] == ["read-key"]


def test_alertmanager_is_given_the_secrets_that_its_configuration_reads():
    text = (ROOT / "marquez" / "alertmanager.yml").read_text("utf-8")
    told = yaml.safe_load((ROOT / "marquez" / "prometheus.yml").read_text("utf-8"))["alerting"]

    read = set(re.findall(r"/run/secrets/([\w-]+)$", text, re.MULTILINE))
    assert read == set(SERVICES["alertmanager"]["secrets"]) == set(COMPOSE["secrets"])
    (target,) = told["alertmanagers"][0]["static_configs"][0]["targets"]
    assert target == "alertmanager:9093"


def test_grafana_asks_prometheus_and_has_the_dashboard_of_its_version():
    source = yaml.safe_load((ROOT / "marquez" / "grafana-source.yml").read_text("utf-8"))
    folder = yaml.safe_load((ROOT / "marquez" / "grafana-dashboards.yml").read_text("utf-8"))
    grafana = SERVICES["grafana"]
    development = (ROOT / "pyproject.toml").read_text("utf-8")

    (built,) = re.findall(r'"grafana-foundation-sdk==\d+!(\d+\.\d+)\.\d+"', development)
    assert re.fullmatch(rf"grafana/grafana:{re.escape(built)}\.\d+", grafana["image"])
    mounted = grafana["volumes"][-1].split(":")
    assert mounted[0] == "./lineage_bridge/alerts/dashboard.json"
    assert mounted[1].startswith(folder["providers"][0]["options"]["path"] + "/")
    assert source["datasources"][0]["url"] == "http://prometheus:9090"


@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus-keys.yml"])
def test_promtool_accepts_the_configuration(name, tmp_path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian package `prometheus`)")

    (tmp_path / "read-key").write_text("a key")
    text = (ROOT / "marquez" / name).read_text("utf-8")
    for rules in yaml.safe_load(text)["rule_files"]:
        shutil.copy(ROOT / "marquez" / rules, tmp_path)
    config = tmp_path / name
    config.write_text(text.replace("/run/secrets", str(tmp_path)))

    checked = subprocess.run(
        [promtool, "check", "config", config],
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
