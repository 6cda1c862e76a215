"""How alike a model answers groups of requests: from the rows of its log and their labels."""

from __future__ import annotations

import pytest
from clusters import container, workload, write
from hypothesis import given
from hypothesis import strategies as st
from inference_logs import NOW, nested, request, write_lines

from lineage_bridge.assess.groups.fairness import FairnessPolicy, assess_fairness
from lineage_bridge.facets.fairness import Group

SETTINGS = '[inference_logs."*.jsonl"]\ngroup = "features.country"\n'
AT = ("--at", NOW)
SERVER = {
    "P5_SERVICE_NAME": "shop",
    "P5_ENVIRONMENT": "prod",
    "P5_DEPLOYMENT_ID": "fraud-eu",
    "P5_MODEL_NAME": "fraud",
    "P5_MODEL_VERSION": "7",
}


def rows(wrong_in_be, count=240):
    """Requests of NL and BE by turns; some share of those of BE are answered wrong."""
    for number in range(count + 3):
        country = "NL" if number % 2 else "BE"
        is_wrong = country == "BE" and (number // 2) % 10 < 10 * wrong_in_be
        features = {"amount": number, "country": country}
        if number >= count:
            features["country"] = None
        row = nested(request(number, features=features))
        yield row | {
            "label": abs(row["prediction"] - is_wrong),
            "environment": "prod",
            "service": "shop",
        }


@pytest.fixture
def logged(lb, tmp_path):
    """Backfill a log of such requests."""

    def fill(wrong_in_be, settings=SETTINGS):
        (tmp_path / "lineage-bridge.toml").write_text(settings)
        write_lines(tmp_path / "logs" / "log.jsonl", list(rows(wrong_in_be)))
        write(tmp_path / "k8s" / "dump.json", workload("Deployment", "shop", container(**SERVER)))
        folders = ("--logs", tmp_path / "logs", "--kubernetes", tmp_path / "k8s")
        done = lb("backfill", *folders, "--json")
        assert done.code == 0, done.err

    (tmp_path / "logs").mkdir()
    return fill


def fairness(lb, command="inference"):
    (deployment,) = lb(command, *AT, "--json").json["deployments"]
    return deployment.get("fairness")


def test_a_group_that_is_answered_worse_is_a_warning_everywhere(lb, logged, monkeypatch):
    monkeypatch.setenv("COLUMNS", "240")
    logged(0.4)
    found = fairness(lb)
    assert (found["status"], found["best"], found["worst"]) == ("warning", "NL", "BE")
    assert found["gap"]["value"] == pytest.approx(0.4)
    assert [(g["group"], g["labelled"], g["correct"]) for g in found["groups"]] == [
        ("BE", 120, 72),
        ("NL", 120, 120),
    ]
    assert found["withoutGroup"] == 3
    assert fairness(lb, "health") == found
    assert "accuracy of 'BE' is 40 % below 'NL' (limit 10 %" in lb("health", *AT).out
    assert "! differ" in lb("inference", *AT).out
    samples = lb("exporter", "--once", *AT).out.splitlines()
    gaps = [line for line in samples if line.startswith("ml_model_group_gap_ratio{")]
    assert len(gaps) == 3
    assert any('bound="value"' in line and line.endswith(" 0.4") for line in gaps)


def test_groups_that_are_answered_alike_are_no_warning(lb, logged):
    logged(0.0)
    assert fairness(lb)["status"] == "ok"
    assert "below" not in lb("health", *AT).out


def test_without_a_declared_field_nothing_is_compared(lb, logged):
    logged(0.4, settings="")
    assert fairness(lb) is None


def test_other_limits_of_the_settings_count_at_once(lb, logged, tmp_path):
    logged(0.4)
    policy = '\n[policies.fairness.fraud-eu]\ngap_most = 0.5\nmeasure = "accuracy"\n'
    (tmp_path / "lineage-bridge.toml").write_text(SETTINGS + policy)
    assert fairness(lb)["status"] == "ok"
    assert fairness(lb)["gapMost"] == 0.5
    more = policy.replace("0.5", "0.1") + "fewest_labels = 121\n"
    (tmp_path / "lineage-bridge.toml").write_text(SETTINGS + more)
    found = fairness(lb)
    assert (found["status"], "gap" in found) == ("insufficient_data", False)


def group(name, correct, labelled, **more):
    return Group(group=name, labelled=labelled, correct=correct, **more)


def test_the_bounds_are_those_of_newcombe():
    # Statistics in Medicine 17 (1998), table II, method 10: 56/70 - 48/80.
    found = assess_fairness([group("a", 56, 70), group("b", 48, 80)], FairnessPolicy())
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)


@pytest.mark.parametrize(
    ("measure", "gap"), [("accuracy", 0.2), ("true_positive_rate", 0.5), ("positive_rate", 0.25)]
)
def test_each_measure_compares_its_own_share(measure, gap):
    groups = [
        group("a", 90, 100, positive=40, answered_positive=45, true_positive=36),
        group("b", 70, 100, positive=40, answered_positive=20, true_positive=16),
    ]
    assert assess_fairness(groups, FairnessPolicy(measure)).gap == pytest.approx(gap)


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(30, 200)), min_size=2, max_size=6),
    st.permutations(range(6)),
)
def test_a_warning_is_a_wide_gap_that_is_surely_one_in_any_order(counts, order):
    groups = [group(str(n), min(hits, of), of) for n, (hits, of) in enumerate(counts)]
    found = assess_fairness(groups, FairnessPolicy())
    shares = [one.correct / one.labelled for one in groups]
    assert found.gap == pytest.approx(max(shares) - min(shares))
    assert found.low <= found.gap <= found.high
    assert (found.status == "warning") == (found.gap >= 0.1 and found.low > 0)
    moved = [groups[n] for n in order if n < len(groups)]
    assert assess_fairness(moved, FairnessPolicy()) == found
