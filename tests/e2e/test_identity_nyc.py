"""The graph of the real city against its answer keys: every expected edge, and no other."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict

import pytest
from conftest import run_command

NAMESPACE = "urban"
SOURCE = "dataset:duckdb://mobility:main.raw_station_metrics_1min"
FEATURES = f"dataset:{NAMESPACE}:features.mobility.training_dataset"
FAMILIES = ("p2", "p4", "p5", "p6")


@pytest.fixture(scope="module")
def graph(nyc_home):
    return run_command("graph", "--home", nyc_home, "--json").json


@pytest.fixture(scope="module")
def keys(nyc):
    return {
        name: json.loads((nyc / "keys" / f"{name}.json").read_text())
        for name in ("builds", "bundles", "truth_nyc")
    }


@pytest.fixture(scope="module")
def starts(nyc):
    lines = itertools.chain.from_iterable(
        path.read_text().splitlines() for path in nyc.rglob("deployment_events.jsonl")
    )
    return [json.loads(line) for line in lines]


def version_of(stem: str) -> str:
    """`training_dataset_20260401_003505` -> `2026-04-01T00:35:05Z`, by hand."""
    date, clock = stem.split("_")[-2:]
    return f"{date[:4]}-{date[4:6]}-{date[6:]}T{clock[:2]}:{clock[2:4]}:{clock[4:]}Z"


def dashed(run_id: str) -> str:
    return "-".join([run_id[:8], run_id[8:12], run_id[12:16], run_id[16:20], run_id[20:]])


def upstream_of(graph):
    """For each end of an edge, the ends that lead to it; observers left out."""
    found = defaultdict(set)
    for edge in graph["edges"]:
        if edge["kind"] != "observe":
            found[edge["to"]].add(edge["from"])
    return found


def ancestors(upstream, end):
    seen, pending = set(), [end]
    while pending:
        for parent in upstream[pending.pop()] - seen:
            seen.add(parent)
            pending.append(parent)
    return seen


def test_every_build_leads_from_the_source_table_to_its_own_version(graph, keys):
    upstream = upstream_of(graph)
    for build in keys["builds"].values():
        if build.get("city", "nyc") != "nyc" or "dataset_name" not in build:
            continue
        version = f"{FEATURES}@{version_of(build['dataset_name'])}"
        if version not in upstream:
            continue
        (run,) = upstream[version]
        assert upstream[run] == {SOURCE}
    node = next(n for n in graph["nodes"] if n["id"] == FEATURES)
    built = [v for v in node["versions"] if "run" in v]
    assert len(built) == 14
    assert len(node["versions"]) == 15  # and the one that nobody has


def test_every_training_reads_the_version_that_the_key_names(graph, keys):
    upstream = upstream_of(graph)
    for bundle in keys["bundles"]:
        run = dashed(bundle["run_id"])
        job = f"job:{NAMESPACE}:train.{bundle['candidate_name']}@{run}"
        version = bundle["model_version"] or run
        model = f"dataset:{NAMESPACE}:models.{bundle['candidate_name']}@{version}"
        assert upstream[model] == {job}
        expected = {f"{FEATURES}@{version_of(bundle['dataset_name'])}"}
        assert upstream[job] == (expected if bundle["format"] == "new" else set())


def test_every_start_is_joined_to_its_source_through_one_version(graph, keys, starts):
    upstream = upstream_of(graph)
    serve_runs = [
        (node, run)
        for node in graph["nodes"]
        if node["name"].startswith("serve.")
        for run in node["runs"]
    ]
    assert len(serve_runs) == len(starts) == 21
    assert len({node["id"] for node, _ in serve_runs}) == 18
    by_slot = defaultdict(list)
    for start in starts:
        by_slot[start["deployment_id"]].append(version_of_start(start))
    for node, run in serve_runs:
        above = ancestors(upstream, f"{node['id']}@{run['id']}")
        versions = {end.partition("@")[2] for end in above if end.startswith(FEATURES)}
        assert len(versions) == 1
        deployment = node["name"].split(".")[1]
        assert versions <= set(by_slot[deployment])
        assert (SOURCE in above) == (deployment != "dep-nyc-shadow-orphan")


def version_of_start(start):
    return version_of(start["input_dataset_name"])


def test_copies_under_another_name_are_models_of_their_own(graph):
    upstream = upstream_of(graph)
    trained = f"dataset:{NAMESPACE}:models.lightgbm_default@v1"
    published = {n["name"] for n in graph["nodes"] if n["name"].startswith("publish.")}
    assert published == {"publish.lightgbm_slow", "publish.lightgbm_flaky", "publish.mobility"}
    for name in ("lightgbm_slow", "lightgbm_flaky", "mobility"):
        (run,) = upstream[f"dataset:{NAMESPACE}:models.{name}@v1"]
        assert upstream[run] == {trained}


def test_a_redeploy_is_three_activations_and_replicas_are_one(nyc_home):
    from lineage_bridge.graph.deployments import deployments
    from lineage_bridge.graph.load import load
    from lineage_bridge.journal import Journal

    with Journal(nyc_home, readonly=True) as journal, journal.reading() as connection:
        found = {d.slot.deployment: d for d in deployments(load(connection))}

    roll = found["dep-nyc-prod-roll"].activations
    assert [a.model.version for a in roll] == ["v1", "v5", "v1"]
    assert [run.state for a in roll for run in a.runs] == ["COMPLETED"] * 3
    assert {run.state for run in found["dep-nyc-prod-idle"].activations[-1].runs} == {"RUNNING"}
    (multi,) = found["dep-nyc-prod-multi"].activations
    assert len(multi.runs) == 2


@pytest.mark.slow
def test_the_second_hand_json_adds_no_node(nyc, graph, lb):
    without = [f"--{f}={nyc / f}" for f in ("p2", "p4", "p5")]
    assert lb("backfill", "--no-observe", "--namespace", NAMESPACE, *without).code == 0

    ids = {n["id"] for n in lb("graph", "--json").json["nodes"]}
    assert ids == {n["id"] for n in graph["nodes"]}


@pytest.mark.slow
@pytest.mark.parametrize(
    "order", [("p6", "p5", "p4", "p2"), ("p4", "p6", "p2", "p5"), ("p5", "p2", "p6", "p4")]
)
def test_one_by_one_in_any_order_gives_the_graph_of_all_at_once(nyc, nyc_home, lb, order):
    for family in order:
        result = lb(
            "backfill", "--no-observe", "--namespace", NAMESPACE, f"--{family}", nyc / family
        )
        assert result.code == 0

    at = ("--at", "2026-04-08T00:00:00Z")
    whole = run_command("graph", "--home", nyc_home, "--json", *at).json
    assert lb("graph", "--json", *at).json == whole


def test_no_node_is_called_unknown_and_every_model_has_a_trainer(graph, keys):
    upstream = upstream_of(graph)
    for node in graph["nodes"]:
        assert "unknown" not in node["name"].lower()
        if node["name"].startswith("models."):
            for version in node["versions"]:
                assert upstream[f"{node['id']}@{version['version']}"]


def test_alias_why_takes_jobs_and_runs_and_means_what_they_read_and_wrote(nyc_home):
    nodes = run_command("graph", "--home", nyc_home, "--json").json["nodes"]
    (job,) = (node for node in nodes if node["name"] == "publish.lightgbm_slow")
    (run,) = (run["id"] for run in job["runs"])

    for text in (job["id"], job["name"], run, run[:8], f"{job['name']}@{run}"):
        why = run_command("alias", "why", text, "--home", nyc_home, "--json")
        assert why.code == 0, (text, why.err)
        meant = {(d["node"].rpartition(":")[2], d["version"]) for d in why.json}
        assert meant == {("models.lightgbm_default", "v1"), ("models.lightgbm_slow", "v1")}


def test_an_earlier_look_that_the_api_lists_means_its_observer(nyc_home, tmp_path):
    assert run_command("journal", "export", tmp_path / "all", "--home", nyc_home).code == 0
    events = [json.loads(line) for line in (tmp_path / "all").read_text().splitlines()]
    looks = {
        event["run"]["runId"]: event["job"]["name"]
        for event in events
        if event["job"]["name"].startswith("observe.")
    }
    newest = {
        run["id"]
        for node in run_command("graph", "--home", nyc_home, "--json").json["nodes"]
        for run in node["runs"]
    }
    earlier = sorted(set(looks) - newest)[:5]

    assert earlier
    for run in earlier:
        job = f"job:{NAMESPACE}:{looks[run]}"
        for text in (run, f"run:{run}", f"{job}@{run}"):
            around = run_command(
                *("graph", "--node", text, "--depth", "0", "--home", nyc_home, "--json")
            )
            assert around.code == 0, around.err
            assert [node["id"] for node in around.json["nodes"]] == [job]


def test_alias_why_shows_the_evidence_of_each_decision(nyc_home):
    decisions = run_command("alias", "why", "models.lightgbm_slow", "--home", nyc_home, "--json")
    methods = {d["method"] for d in decisions.json}
    assert methods == {"run_id"}
    assert all(d["evidence"] and d["path"] for d in decisions.json)

    missing = run_command("alias", "why", "models.lightgbm_slo", "--home", nyc_home)
    assert missing.code == 2
    assert "lightgbm_slow" in missing.err
