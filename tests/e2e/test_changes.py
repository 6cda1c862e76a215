"""What changed: told by a git history, and what follows from the graph."""

from __future__ import annotations

import json
import shutil

import pytest
from builders import a_facet, a_journal, an_event
from clusters import T1, T2, T3, container, revision, scaled, write
from repositories import git, repository

from lineage_bridge.adapters.lock_files import read_packages
from lineage_bridge.ingest.read import read
from lineage_bridge.ingest.scan import scan

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

COMMITS = [
    (
        "Fri, 20 Mar 2026 09:12:00 +0100",
        "Begin",
        {
            "README.md": "x",
            "features/build.sql": "SELECT 1\nFROM t\n",
            "train/fit.py": "fit()",
            "requirements.txt": "lightgbm==4.6.0\nmlflow>=3\n",
        },
    ),
    (
        "Thu, 2 Apr 2026 07:30:00 +0200",
        "Newer",
        {"requirements.txt": "lightgbm==4.7.0\nmlflow>=3\n"},
    ),
    ("Fri, 3 Apr 2026 11:00:00 +0200", "Sample", {"features/build.sql": "SELECT 2\nFROM t\n"}),
    ("Fri, 3 Apr 2026 12:00:00 +0200", "Words", {"README.md": "y"}),
]
KEYS_THAT_RUN = (
    "core.fsmonitor",
    "core.pager",
    "core.sshCommand",
    "core.alternateRefsCommand",
    "diff.external",
    "diff.x.textconv",
    "filter.x.smudge",
    "gpg.program",
)
SETTINGS = """
[changes.files]
"train.forest" = ["train/*", "requirements.txt"]
"features.shop.basket" = ["features/*"]
"""


def changes(lb, *args):
    return lb("changes", *args, "--json").json["changes"]


def brief(found):
    return [(one["kind"], one.get("node"), one.get("sentence")) for one in found]


def test_a_history_tells_of_each_sort_by_the_files_and_never_of_documents(
    lb, tmp_path, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "240")
    ids = repository(tmp_path / "code" / "shop", COMMITS)
    (tmp_path / "lineage-bridge.toml").write_text(SETTINGS)
    assert lb("backfill", tmp_path / "code", "--json").json["events"] == 5
    found = changes(lb)
    forest, basket = "job:default:train.forest", "dataset:default:features.shop.basket"
    assert brief(found) == [
        ("feature_definition", basket, "Begin"),
        ("code", forest, "Begin"),
        ("dependencies", forest, "Begin"),
        ("dependencies", forest, "Newer"),
        ("feature_definition", basket, "Sample"),
    ]
    assert found[3]["time"] == "2026-04-02T05:30:00Z"
    assert found[3]["values"] == [{"name": "lightgbm", "before": "4.6.0", "after": "4.7.0"}]
    assert (found[3]["before"], found[3]["after"]) == (ids[0], ids[1])
    assert found[4]["difference"] == "-SELECT 1\n+SELECT 2"
    assert brief(changes(lb, "change.train.forest", "--since", "2026-04-01")) == []
    shown = lb("changes").out
    assert "lightgbm 4.6.0 -> 4.7.0" in shown
    assert "+SELECT 2" in shown


def test_the_standard_facet_says_where_the_code_is_without_a_login(lb, tmp_path):
    (commit,) = repository(tmp_path / "code" / "shop", COMMITS[:1])
    url = "https://ada:hunter2@example.com/team/shop-code.git"
    git(tmp_path / "code" / "shop", "remote", "add", "origin", url)
    lb("backfill", tmp_path / "code")
    lb("journal", "export", tmp_path / "all.ndjson")
    text = (tmp_path / "all.ndjson").read_text()
    event = json.loads(text.splitlines()[0])
    assert event["job"]["name"] == "change.shop-code"
    location = event["job"]["facets"]["sourceCodeLocation"]
    assert location["url"] == "https://example.com/team/shop-code.git"
    assert (location["type"], location["version"], location["branch"]) == ("git", commit, "main")
    assert "hunter2" not in text


def test_what_is_read_again_or_elsewhere_says_nothing_new(lb, tmp_path):
    repository(tmp_path / "code" / "shop", COMMITS)
    (tmp_path / "lineage-bridge.toml").write_text(SETTINGS)
    lb("backfill", tmp_path / "code")
    before = changes(lb)
    assert lb("backfill", tmp_path / "code", "--json").json["events"] == 0
    assert lb("backfill", tmp_path / "code" / "shop" / ".git", "--json").json["events"] == 0
    lb("journal", "export", tmp_path / "all.ndjson")
    (tmp_path / "lineage-bridge.toml").unlink()
    other = ("--home", tmp_path / "other")
    lb("journal", "import", tmp_path / "all.ndjson", *other)
    (tmp_path / "empty").mkdir()
    assert lb("backfill", tmp_path / "empty", "--json", *other).json["events"] == 0
    assert changes(lb, *other) == before


def test_other_settings_take_back_what_was_said_of_a_job(lb, tmp_path):
    repository(tmp_path / "code" / "shop", COMMITS[:1])
    (tmp_path / "lineage-bridge.toml").write_text(SETTINGS)
    lb("backfill", tmp_path / "code")
    (tmp_path / "lineage-bridge.toml").unlink()
    lb("backfill", tmp_path / "code")
    found = changes(lb)
    assert {one["kind"] for one in found} == {"code", "dependencies", "feature_definition"}
    assert {one.get("node") for one in found} == {None}
    assert {one["repository"] for one in found} == {"shop"}


def test_nothing_of_a_repository_runs(lb, tmp_path):
    shop = tmp_path / "code" / "shop"
    repository(shop, COMMITS)
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    for key in KEYS_THAT_RUN:
        git(shop, "config", key, str(trap))
    git(shop, "config", "log.showSignature", "true")
    (shop / ".git" / "info").mkdir(exist_ok=True)
    (shop / ".git" / "info" / "attributes").write_text("* diff=x filter=x\n")
    (shop / ".git" / "hooks").mkdir(exist_ok=True)
    for hook in ("post-checkout", "post-index-change", "reference-transaction"):
        shutil.copy(trap, shop / ".git" / "hooks" / hook)
    before = sorted(path.stat().st_mtime_ns for path in shop.rglob("*"))
    assert lb("backfill", tmp_path / "code", "--json").json["events"] == 5
    assert not (tmp_path / "sprung").exists()
    assert sorted(path.stat().st_mtime_ns for path in shop.rglob("*")) == before


def test_a_branch_that_somebody_works_on_is_no_change_yet(lb, tmp_path):
    shop = tmp_path / "code" / "shop"
    repository(shop, COMMITS[:1])
    lb("backfill", tmp_path / "code")
    before = changes(lb)
    git(shop, "checkout", "-q", "-b", "try", "main")
    (shop / "train" / "fit.py").write_text("other()")
    author = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    git(shop, *author, "commit", "-qam", "Try")
    assert lb("backfill", tmp_path / "code", "--json").json["events"] == 0
    git(shop, "checkout", "-q", "main")
    git(shop, "merge", "-q", "try")
    git(shop, "pack-refs", "--all")
    lb("backfill", tmp_path / "code")
    assert brief(changes(lb)[len(before) :]) == [("code", None, "Try")]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda one: (one / "HEAD").write_text("nonsense"), "names no commit"),
        (lambda one: (one / "HEAD").write_text("0" * 39 + "1"), "git says"),
        (
            lambda one: (one / "HEAD").write_text("ref: refs/../../../etc/x"),
            "names no commit",
        ),
        (lambda one: shutil.rmtree(one / "objects"), "no folder `objects`"),
        (
            lambda one: (one / "objects" / "info" / "alternates").write_text("/srv/other\n"),
            "borrows the objects",
        ),
    ],
)
def test_a_damaged_repository_is_rejected_and_the_rest_goes_on(tmp_path, damage, reason):
    repository(tmp_path / "code" / "sound", COMMITS[:1])
    repository(tmp_path / "code" / "shop", COMMITS[:1])
    own = tmp_path / "code" / "shop" / ".git"
    (own / "objects" / "info").mkdir(exist_ok=True)
    damage(own)
    found = [read(one) for one in scan({"git": [tmp_path / "code"]}).found]
    assert sum(len(one.records) for one in found) == 3
    (rejected,) = [item for one in found for item in one.rejected]
    assert rejected.path == str(own / "HEAD")
    assert reason in rejected.reason


def test_a_file_that_is_called_head_is_no_repository(tmp_path):
    (tmp_path / "HEAD").write_text("of something else")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "HEAD").write_text("of something else")
    found = [read(one) for one in scan({"git": [tmp_path]}).found]
    assert [(one.records, one.rejected) for one in found] == [([], [])]


def test_an_empty_repository_and_a_link_to_one_are_none(tmp_path):
    git(tmp_path, "init", "-q", "code/empty")
    repository(tmp_path / "other", COMMITS[:1])
    (tmp_path / "code" / "linked").mkdir()
    (tmp_path / "code" / "linked" / ".git").symlink_to(tmp_path / "other" / ".git")
    found = [read(one) for one in scan({"git": [tmp_path / "code"]}).found]
    assert [(one.records, one.rejected) for one in found] == [([], [])]


REQUIREMENTS = r"""# a comment
A_b.c==1.0 ; python_version > '3'
d[x] >= 2, <3 --hash=sha256:0
e
-r other.txt
f @ https://e.com/f.whl
g==1 \
    --hash=sha256:1
"""
TWICE = '[[package]]\nname = "a"\nversion = "1"\n[[package]]\nname = "a"\nversion = "2"\n'
NPM = '{"packages": {"": {"version": "0"}, "node_modules/a": {"version": "1"}}}'
CONDA = "dependencies:\n- python=3.11\n- conda-forge::numpy=1.26=py\n- pip:\n  - a==1\n"


@pytest.mark.parametrize(
    ("name", "content", "packages"),
    [
        (
            "requirements-dev.txt",
            REQUIREMENTS,
            {"a-b-c": "1.0", "d": ">=2,<3", "e": "any", "f": "@https://e.com/f.whl", "g": "1"},
        ),
        ("uv.lock", '[[package]]\nname = "a"\n', {"a": "any"}),
        ("poetry.lock", TWICE, {"a": "1, 2"}),
        ("Pipfile.lock", '{"default": {"a": {"version": "==1.2"}}}', {"a": "1.2"}),
        ("package-lock.json", NPM, {"a": "1"}),
        ("environment.yml", CONDA, {"python": "3.11", "numpy": "1.26", "a": "1"}),
        ("pyproject.toml", '[project]\ndependencies = ["a>=1", "b"]\n', {"a": ">=1", "b": "any"}),
        ("renv.lock", '{"Packages": {"dplyr": {"Version": "1.1"}}}', {"dplyr": "1.1"}),
    ],
)
def test_lock_files_are_read_without_their_tools(name, content, packages):
    assert read_packages(f"some/{name}", content.encode()) == packages


def test_another_model_image_and_number_of_replicas_follow_from_the_starts(lb, tmp_path):
    one = container(image="r/server:1", MODEL_URI="models:/stock/1")
    two = container(image="r/server:1", MODEL_URI="models:/stock/2")
    newer = container(image="r/server:2", MODEL_URI="models:/stock/2")
    last = revision(3, T3, newer)
    revisions = [scaled(revision(1, T1, one), 0), scaled(revision(2, T2, two), 0), last]
    write(tmp_path / "dump" / "k8s.json", *revisions)
    lb("backfill", tmp_path / "dump")
    found = [(c["time"], c["kind"], c.get("before"), c.get("after")) for c in changes(lb, "shop")]
    first, second = (f"dataset:default:models.stock@{version}" for version in "12")
    assert found == [
        (T1, "model", None, first),
        (T2, "model", first, second),
        (T3, "image", "r/server:1", "r/server:2"),
    ]


def test_a_run_is_held_against_the_run_before_and_a_version_against_the_version_before(
    nyc_home, lb
):
    found = lb("changes", "--home", nyc_home, "--json").json["changes"]
    assert {one["told"] for one in found} == {False}
    assert {one["kind"] for one in found} == {"model", "data", "parameters", "schema"}
    graph = lb("graph", "--home", nyc_home, "--json").json
    runs = {f"{n['id']}@{r['id']}" for n in graph["nodes"] for r in n.get("runs", ())}
    assert {one["event"] for one in found} <= runs
    edges = {(edge["from"], edge["to"]) for edge in graph["edges"]}
    for one in (c for c in found if c["kind"] == "data"):
        for value in one["values"]:
            read = {source for source, target in edges if target == one["event"]}
            assert f"{value['name']}@{value['after']}" in read
            assert f"{value['name']}@{value['before']}" not in read
    assert found == sorted(found, key=lambda one: one["time"])


SQL = "SELECT a, -- the first\n  b\nFROM t WHERE x = 'A b'\n"


@pytest.fixture
def copies(tmp_path):
    """Two copies of one query, and the settings that say so."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "train.sql").write_text(SQL)
    settings = '[changes.copies]\n"features.shop.basket" = ["train.sql", "serve.sql"]\n'
    (tmp_path / "lineage-bridge.toml").write_text(settings)
    return tmp_path / "serve.sql"


@pytest.mark.parametrize(
    ("serves", "difference"),
    [
        ("select A,b from T\nwhere x='A b';\n", None),
        ("/* c */ SELECT a, b FROM t WHERE x = 'a b'", "-where x = 'A b'\n+where x = 'a b'"),
        ("SELECT a, b, c FROM t WHERE x = 'A b'", "-b\n+b ,\n+c"),
    ],
)
def test_a_service_that_computes_its_features_otherwise_is_seen(
    lb, tmp_path, copies, serves, difference
):
    copies.write_text(serves)
    lb("backfill", tmp_path / "empty")
    found = changes(lb)
    assert [one["difference"] for one in found] == ([difference] if difference else [])
    if difference:
        assert brief(found)[0][:2] == ("feature_definition", "dataset:default:features.shop.basket")
        assert "serve.sql, which serves, is not train.sql" in lb("doctor").out
        copies.write_text(SQL)
        lb("backfill", tmp_path / "empty")
        assert changes(lb) == []


def test_a_copy_that_is_gone_is_rejected(lb, tmp_path, copies):
    done = lb("backfill", tmp_path / "empty", "--json")
    (rejected,) = done.json["rejected"]
    assert rejected["field"] == "changes.copies.features.shop.basket"
    assert "serve.sql cannot be read" in rejected["reason"]
    assert copies.exists() is False


def test_a_training_at_another_commit_is_a_change_of_its_code_for_any_producer(lb, tmp_path):
    runs = [
        an_event(
            "fit",
            minute,
            run=commit,
            outputs=[f"model@{minute}"],
            run_facets={"lineageBridge_training": a_facet("lineageBridge_training", fields)},
        )
        for minute, commit in enumerate(["a1", "a1", "b2"])
        for fields in [{"upstreamRunId": f"{minute}", "model": "m", "commit": commit}]
    ]
    a_journal(tmp_path / "home", runs).close()
    (found,) = changes(lb, "model")
    assert [found[key] for key in ("kind", "node", "before", "after")] == [
        "code",
        "job:ns:fit",
        "a1",
        "b2",
    ]


def test_who_says_what_is_made_of_which_files_hears_of_nothing_else(lb, tmp_path):
    repository(tmp_path / "code" / "shop", COMMITS)
    settings = '[changes.files]\n"train.forest" = ["train/*"]\n'
    (tmp_path / "lineage-bridge.toml").write_text(settings)
    lb("backfill", tmp_path / "code")
    assert brief(changes(lb)) == [("code", "job:default:train.forest", "Begin")]
