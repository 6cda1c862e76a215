"""What a cluster runs: from `kubectl get` to deployments that serve a model version."""

from __future__ import annotations

import json

import pytest
from clusters import (
    DIGEST,
    T1,
    T2,
    T3,
    config_map,
    container,
    inference_service,
    revision,
    scaled,
    workload,
    write,
)

from lineage_bridge.ingest.read import read
from lineage_bridge.ingest.scan import scan

RUN = "788885ec70c44807a80cff8a037032b8"
LOGGED = "m-9057f1f73c12400ea2c9d1b16da1ffc9"
SLOT = "serve.shop.prod.shop"


@pytest.fixture
def read_all(tmp_path):
    """Read all files as a backfill does: the records, and what is rejected."""

    def read_now():
        found = [read(file) for file in scan({"kubernetes": [tmp_path / "dump"]}).found]
        return [r for one in found for r in one.records], [r for o in found for r in o.rejected]

    return read_now


@pytest.fixture
def cluster(lb, tmp_path):
    """Backfill objects in one file; return the starts by job, each with the model that it reads."""

    def served(*objects, name="dump/k8s.json"):
        write(tmp_path / name, *objects)
        done = lb("backfill", tmp_path / "dump", "--json")
        assert done.code in {0, 1}, done.err
        return starts(lb)

    return served


def starts(lb):
    found = {}
    graph = lb("graph", "--json").json
    for node in graph["nodes"]:
        for run in node.get("runs", ()) if ":serve." in node["id"] else ():
            end = f"{node['id']}@{run['id']}"
            (model,) = [edge["from"] for edge in graph["edges"] if edge["to"] == end]
            told = (run["started"], model.removeprefix("dataset:default:models."))
            found.setdefault(node["id"].removeprefix("job:default:"), []).append(told)
    return found


def deployments(lb):
    return {one["deployment"]: one for one in lb("health", "--json").json["deployments"]}


def workload_facets(lb, tmp_path):
    lb("journal", "export", tmp_path / "all.ndjson")
    events = map(json.loads, (tmp_path / "all.ndjson").read_text().splitlines())
    facets = [e["run"]["facets"].get("lineageBridge_deployment", {}) for e in events]
    return [facet["workload"] for facet in facets if "workload" in facet]


@pytest.mark.parametrize("name", ["dump/k8s.json", "dump/k8s.yaml"])
def test_a_revision_with_another_model_is_an_activation_one_with_another_image_is_none(
    cluster, lb, name
):
    one = container(MODEL_URI="models:/stock/1")
    two = container(MODEL_URI="models:/stock/2")
    newer = container(image="registry.example.com/server:2", MODEL_URI="models:/stock/2")
    revisions = [scaled(revision(1, T1, one), 0), scaled(revision(2, T2, two), 0)]
    served = cluster(*revisions, revision(3, T3, newer), name=name)
    assert served == {SLOT: [(T1, "stock@1"), (T2, "stock@2"), (T3, "stock@2")]}
    activation = deployments(lb)["shop"]["activation"]
    assert (activation["started"], len(activation["runs"])) == (T2, 2)


def test_the_objects_of_one_folder_explain_each_other(cluster, lb, tmp_path):
    pod = {**container(), "envFrom": [{"configMapRef": {"name": "model"}}]}
    deployment = workload("Deployment", "shop", pod)
    assert cluster(deployment) == {}
    write(tmp_path / "dump" / "config.yaml", config_map("model", MODEL_URI="models:/stock/2"))
    lb("backfill", tmp_path / "dump")
    assert starts(lb) == {SLOT: [(T1, "stock@2")]}


def test_a_deployment_is_not_told_twice_where_its_revisions_are_known(cluster, tmp_path, lb):
    server = container(MODEL_URI="models:/stock/1")
    deployment = workload(
        "Deployment", "shop", server, annotations={"deployment.kubernetes.io/revision": "3"}
    )
    write(tmp_path / "dump" / "replicasets.json", revision(3, T3, server))
    assert cluster(deployment, name="dump/deployments.json") == {SLOT: [(T3, "stock@1")]}
    assert lb("backfill", tmp_path / "dump", "--json").json["events"] == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda one: scaled(one, 0),
        lambda one: one.pop("status"),
        lambda one: (
            one["metadata"].update(generation=3) or one["status"].update(observedGeneration=2)
        ),
        lambda one: one["status"].update(
            conditions=[{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]
        ),
        lambda one: one["status"].update(availableReplicas=0),
        lambda one: one["spec"]["template"]["spec"]["containers"][0].update(env=[]),
    ],
    ids=["scaled to zero", "manifest", "not observed", "not progressing", "not ready", "no model"],
)
def test_what_serves_nobody_is_no_start(read_all, tmp_path, change):
    one = workload("Deployment", "shop", container(MODEL_URI="models:/stock/1"))
    write(tmp_path / "dump" / "k8s.json", one)
    assert len(read_all()[0]) == 1
    change(one)
    write(tmp_path / "dump" / "k8s.json", one)
    assert read_all() == ([], [])


def test_the_slot_is_the_one_that_the_variables_of_the_service_name(cluster):
    server = container(
        P5_SERVICE_NAME="layer",
        P5_ENVIRONMENT="production",
        P5_DEPLOYMENT_ID="dep-1",
        P5_MODEL_NAME="lightgbm",
        P5_MODEL_VERSION="v1",
    )
    served = cluster(workload("Deployment", "shop", server))
    assert served == {"serve.dep-1.production.layer": [(T1, "lightgbm@v1")]}


def test_a_model_without_a_name_is_that_of_its_run(cluster, lb, tmp_path):
    bundle = {
        "run_id": RUN,
        "candidate_name": "forest",
        "model_version": "v7",
        "created_at": "2026-03-01T10:00:00Z",
    }
    write(tmp_path / "dump" / "x.json")  # makes the folder
    (tmp_path / "dump" / RUN).mkdir()
    (tmp_path / "dump" / RUN / "metadata.json").write_text(json.dumps(bundle))
    one = workload("Deployment", "shop", container(MODEL_URI=f"runs:/{RUN}/model"))
    assert cluster(one) == {SLOT: [(T1, "forest@v7")]}
    assert lb("doctor").code == 1  # of the dataset; the model is found
    assert "trainings are not known" not in lb("doctor").out


def test_what_runs_is_said_with_its_digest_and_no_secret_is_kept(cluster, lb, tmp_path):
    server = container(image=f"registry.example.com/server@{DIGEST}", MODEL_URI="models:/stock/1")
    server["env"].append({"name": "API_TOKEN", "value": "hunter2-hunter2"})
    cluster(workload("Deployment", "shop", server))
    (told,) = workload_facets(lb, tmp_path)
    assert told.pop("specSha256")
    assert told == {
        "kind": "Deployment",
        "name": "shop",
        "image": "registry.example.com/server",
        "imageDigest": DIGEST,
        "replicas": 1,
    }
    assert "hunter2" not in (tmp_path / "all.ndjson").read_text()


def test_the_pods_of_a_revision_tell_which_image_its_tag_was(cluster, lb, tmp_path):
    server = container(image="r/server:latest", MODEL_URI="models:/stock/1")
    pod = workload("Pod", "shop-1-x", ownerReferences=[{"kind": "ReplicaSet", "name": "shop-1"}])
    pod.update(apiVersion="v1", spec={"containers": [server]})
    pod["status"] = {"containerStatuses": [{"name": "server", "imageID": f"r/server@{DIGEST}"}]}
    cluster(revision(1, T1, server), pod)
    (told,) = workload_facets(lb, tmp_path)
    assert (told["image"], told["imageDigest"]) == ("r/server:latest", DIGEST)


def test_a_canary_is_a_deployment_of_its_own_with_its_share(cluster, lb, tmp_path):
    uri = f"s3://models/mlruns/1/models/{LOGGED}/artifacts"
    traffic = [
        {"latestRevision": True, "percent": 10, "revisionName": "shop-2"},
        {"latestRevision": False, "percent": 90, "revisionName": "shop-1"},
    ]
    predictor = {"canaryTrafficPercent": 10, "model": {"storageUri": uri}}
    served = cluster(inference_service(predictor, components={"predictor": {"traffic": traffic}}))
    assert served == {"serve.shop-canary.prod.shop": [(T3, f"{LOGGED}@{LOGGED}")]}
    assert workload_facets(lb, tmp_path)[0]["trafficPercent"] == 10


def test_a_framework_may_be_the_key_of_its_model(cluster):
    served = cluster(inference_service({"sklearn": {"storageUri": "gs://models/stock/3"}}))
    assert served == {SLOT: [(T3, "stock@3")]}


def test_a_shadow_answers_nobody(cluster):
    def predictor(name, version, **more):
        graph = {"name": "classifier", "modelUri": f"gs://models/stock/{version}"}
        return {"name": name, "replicas": 1, "graph": graph, **more}

    one = inference_service({})
    one.update(apiVersion="machinelearning.seldon.io/v1", kind="SeldonDeployment")
    one["spec"] = {
        "predictors": [predictor("main", 3, traffic=80), predictor("shadow", 1, shadow=True)]
    }
    assert cluster(one) == {"serve.shop-main.prod.shop": [(T3, "stock@3")]}


def test_what_was_scaled_to_zero_served_until_its_last_replica_went(cluster, lb):
    server = container(MODEL_URI="models:/stock/1")
    deployment = workload("Deployment", "shop", server)
    one = revision(1, T1, server)
    assert cluster(deployment, one) == {SLOT: [(T1, "stock@1")]}
    for gone in (deployment, one):
        scaled(gone, 0)
    deployment["status"]["conditions"] = [
        {"type": "Available", "status": "False", "lastTransitionTime": T2}
    ]
    assert cluster(deployment, one) == {SLOT: [(T1, "stock@1")]}
    graph = lb("graph", "--json").json
    (run,) = [run for node in graph["nodes"] if node["name"] == SLOT for run in node["runs"]]
    assert (run["state"], run["ended"]) == ("COMPLETED", T2)


def test_a_dump_that_is_written_over_the_last_one_takes_nothing_back(cluster):
    def deployment(version, created):
        server = container(MODEL_URI=f"models:/stock/{version}")
        return workload("Deployment", "shop", server, creationTimestamp=created)

    assert cluster(deployment(1, T1)) == {SLOT: [(T1, "stock@1")]}
    assert cluster(deployment(2, T2)) == {SLOT: [(T1, "stock@1"), (T2, "stock@2")]}
    assert cluster(deployment(3, T2)) == {SLOT: [(T1, "stock@1"), (T2, "stock@3")]}
    assert cluster() == {SLOT: [(T1, "stock@1"), (T2, "stock@3")]}


WITHOUT_CONTAINER = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: x, creationTimestamp: x}
status: {replicas: 1}
"""
UNKNOWN = "version 'v9' is not known, expected v1beta1 or v1alpha2"


@pytest.mark.parametrize(
    ("name", "content", "field", "reason"),
    [
        ("k8s.yaml", "apiVersion: v1\nkind: Pod\nname: {{ .Values.x }}\n", None, "is a template"),
        ("k8s.json", '{"apiVersion": "v1", "kind": "List", "items": [', None, "is not JSON"),
        (
            "k8s.json",
            '{"apiVersion": "v1", "kind": "List", "items": ["x"]}',
            "items.0",
            "found 'x'",
        ),
        (
            "k8s.yaml",
            "apiVersion: serving.kserve.io/v9\nkind: InferenceService\nmetadata: {name: x}\n",
            "apiVersion",
            UNKNOWN,
        ),
        (
            "k8s.yaml",
            WITHOUT_CONTAINER,
            "spec.template.spec.containers",
            "has no container",
        ),
        ("k8s.yaml", "apiVersion: v1\nkind: !!python/name:os.system x\n", None, "is not YAML"),
        (
            "k8s.yaml",
            "apiVersion: v1\nkind: &a [1]\nx: [" + "*a," * 101 + "]\n",
            None,
            "over 100 aliases",
        ),
    ],
)
def test_what_cannot_be_read_is_rejected_and_the_rest_goes_on(
    read_all, tmp_path, name, content, field, reason
):
    server = container(MODEL_URI="models:/stock/1")
    write(tmp_path / "dump" / "kube-sound.json", workload("Deployment", "shop", server))
    (tmp_path / "dump" / name).write_text(content)
    (start,), (rejected,) = read_all()
    assert start.serves == ("stock", "1")
    assert rejected.path.endswith(name)
    assert rejected.field == field
    assert reason in rejected.reason


def test_a_part_of_a_manifest_is_neither_a_start_nor_a_fault(read_all, tmp_path):
    patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {replicas: 3}\n"
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / "patch.yaml").write_text(patch)
    assert read_all() == ([], [])


def test_of_several_faults_in_one_line_the_file_tells_all(read_all, tmp_path):
    sound = workload("Deployment", "shop", container(MODEL_URI="models:/stock/1"))
    write(tmp_path / "dump" / "k8s.json", "x", workload("Deployment", "till"), sound)
    (start,), (rejected,) = read_all()
    assert start.service == "shop"
    assert rejected.field == "items.0"
    assert "items.1.spec.template.spec.containers" in rejected.reason


def test_a_home_that_imported_the_journal_says_nothing_new(cluster, lb, tmp_path):
    cluster(
        workload("Deployment", "shop", container(MODEL_URI="runs:/" + RUN)),
        workload("Deployment", "till", container(MODEL_URI="s3://models/stock/latest")),
        workload("Deployment", "desk", container(MODEL_URI="models:/stock@champion")),
    )
    before = starts(lb)
    lb("journal", "export", tmp_path / "all.ndjson")
    other = ("--home", tmp_path / "other")
    lb("journal", "import", tmp_path / "all.ndjson", *other)
    (tmp_path / "empty").mkdir()
    assert lb("backfill", tmp_path / "empty", "--json", *other).json["events"] == 0
    assert len(before) == 3
