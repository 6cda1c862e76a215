"""Whatever an object of a cluster or a lock file holds: it is read, or rejected with a reason."""

from __future__ import annotations

import copy
import json

import pytest
import yaml
from clusters import T3, config_map, container, inference_service, listed, revision, workload
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.adapters.lock_files import read_packages
from lineage_bridge.errors import ArtifactError
from lineage_bridge.ingest.read import read
from lineage_bridge.ingest.scan import scan

SERVER = container(MODEL_URI="models:/stock/1", P5_MODEL_VERSION="v1")
TRAFFIC = {"traffic": [{"latestRevision": True, "percent": 10}, {"percent": 90}]}
CLUSTER = listed(
    workload("Deployment", "shop", {**SERVER, "envFrom": [{"configMapRef": {"name": "c"}}]}),
    revision(1, T3, SERVER),
    config_map("c", MODEL_NAME="stock"),
    inference_service(
        {"canaryTrafficPercent": 10, "model": {"storageUri": "s3://a/b/3"}},
        components={"predictor": TRAFFIC},
    ),
)
STAGE = {
    "cmd": "x",
    "deps": [{"path": "a.csv", "md5": "a" * 32, "size": 3}],
    "params": {"params.yaml": {"a": {"b": 1}}},
    "outs": [{"path": "b.csv", "md5": "b" * 32, "size": 3}],
}
LOCK = {"schema": "2.0", "stages": {"fit": STAGE}}
NAME = st.text(max_size=5)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(NAME, one, max_size=3),
    max_leaves=5,
)


def places(value, above=()):
    yield above
    if isinstance(value, dict | list):
        members = value.items() if isinstance(value, dict) else enumerate(value)
        for key, member in members:
            yield from places(member, (*above, key))


def changed(document, place, value):
    if not place:
        return value
    found = copy.deepcopy(document)
    inner = found
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return found


@pytest.mark.sample
@pytest.mark.parametrize("form", ["json", "yaml"])
@given(st.sampled_from(sorted(places(CLUSTER), key=str)), ODD)
def test_any_object_of_a_cluster(tmp_path_factory, form, place, value):
    document = changed(CLUSTER, place, value)
    folder = tmp_path_factory.mktemp("k8s")
    text = json.dumps(document) if form == "json" else yaml.safe_dump(document)
    (folder / f"cluster.{form}").write_text(text, encoding="utf-8", errors="surrogatepass")
    for found in scan({"kubernetes": [folder]}).found:
        assert all(one.reason for one in read(found).rejected)


@given(st.sampled_from(sorted(places(LOCK), key=str)), ODD)
def test_any_lock_file_of_dvc(tmp_path_factory, place, value):
    folder = tmp_path_factory.mktemp("dvc")
    text = yaml.safe_dump(changed(LOCK, place, value))
    (folder / "dvc.lock").write_text(text, encoding="utf-8", errors="surrogatepass")
    (found,) = scan({"dvc": [folder]}).found
    assert all(one.reason for one in read(found).rejected)


NAMES = ["requirements.txt", "uv.lock", "pyproject.toml", "Pipfile.lock", "environment.yml"]


@given(st.sampled_from([*NAMES, "package-lock.json", "renv.lock"]), st.binary(max_size=60) | ODD)
def test_any_list_of_packages(name, content):
    body = content if isinstance(content, bytes) else json.dumps({"package": content}).encode()
    try:
        found = read_packages(name, body)
    except ArtifactError:
        return
    assert all(isinstance(text, str) for pair in found.items() for text in pair)


def test_aliases_that_stand_for_too_much_are_refused(tmp_path):
    lines = ["apiVersion: v1", "kind: x", "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    (tmp_path / "bomb.yaml").write_text("\n".join(lines))
    (tmp_path / "loop.yaml").write_text("apiVersion: v1\nkind: x\na: &a [*a]\n")
    rejected = [r for one in scan({"kubernetes": [tmp_path]}).found for r in read(one).rejected]
    assert sorted(one.reason[:24] for one in rejected) == [
        "has an alias that stands",
        "holds over 500,000 value",
    ]
