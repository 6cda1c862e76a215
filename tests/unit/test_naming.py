from __future__ import annotations

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge import naming
from lineage_bridge.errors import NamingError

WORDS = st.text(min_size=1, max_size=80).filter(lambda t: t.strip())


@given(WORDS, WORDS, WORDS, WORDS)
def test_two_upstream_names_never_become_one(a, b, c, d):
    if (a, b) != (c, d):
        assert naming.features_dataset(a, b) != naming.features_dataset(c, d)
        assert naming.build_job(a, b) != naming.build_job(c, d)
    if a != b:
        assert naming.duckdb_namespace(a) != naming.duckdb_namespace(b)
    assert naming.features_dataset(None, a) != naming.features_dataset(b, c)


@given(st.text(min_size=1).filter(lambda t: t.strip()))
def test_names_keep_to_a_safe_alphabet_and_length(text):
    name = naming.model_dataset(text * 30)
    assert re.fullmatch(r"[A-Za-z0-9_.%~-]+", name)
    assert len(name) <= naming.MAX_NAME
    naming.check_namespace(naming.duckdb_namespace(text))


def test_long_names_that_share_a_beginning_stay_apart():
    assert naming.model_dataset("x" * 300) != naming.model_dataset("x" * 301)


def test_blank_names_and_illegal_namespaces_are_refused():
    with pytest.raises(NamingError, match="blank"):
        naming.model_dataset("  ")
    for bad in ["", "a b", "é", "a%b", "x" * 1025]:
        with pytest.raises(NamingError):
            naming.check_namespace(bad)


SLOTS = st.builds(naming.Slot, WORDS, WORDS, WORDS)


@given(WORDS, WORDS, SLOTS)
def test_what_is_made_is_recognised(store, name, slot):
    features, models = naming.features_dataset(store, name), naming.model_dataset(name)
    others = [features, slot.predictions]
    assert naming.is_model(models)
    assert naming.is_model(naming.model_dataset(name, "p2"))
    assert not any(map(naming.is_model, others))
    assert all(naming.is_observer(naming.observe_job(d)) for d in [models, *others])
    assert naming.observes_predictions(naming.observe_job(slot.predictions))
    assert not naming.observes_predictions(naming.observe_job(features))
    jobs = [slot.job, naming.train_job(models), naming.publish_job(models)]
    jobs += [naming.build_job(store, name), features, models]
    assert not any(map(naming.is_observer, jobs))
    assert re.fullmatch(naming.FEATURES_PATTERN, features)
    assert re.fullmatch(naming.MODEL_PATTERN, models)


@given(SLOTS)
def test_a_slot_is_found_by_the_name_of_its_predictions(slot):
    if len(slot.predictions) < naming.MAX_NAME:
        assert naming.slot_of(slot.predictions) == slot
    if len(slot.inference_log) < naming.MAX_NAME:
        assert naming.slot_of_log(slot.inference_log) == slot
    assert naming.is_inference_log(slot.inference_log)
    assert naming.slot_of(slot.job) is naming.slot_of(slot.inference_log) is None


def test_of_a_slot_whose_name_was_cut_what_is_left_counts():
    cut = naming.slot_of(naming.Slot("x" * 300, "production", "deployment").predictions)
    assert cut is not None
    assert (cut.environment, cut.deployment) == ("production", "deployment")
    assert cut.service.startswith("xxx")
    assert cut.service != "x" * 300
    assert naming.slot_of(naming.Slot("s", "production", "x" * 300).predictions) is None


@given(SLOTS)
def test_a_former_name_tells_that_of_today_and_back(slot):
    names = {
        slot.former_predictions: slot.predictions,
        slot.former_job: slot.job,
        naming.observe_job(slot.former_predictions): naming.observe_job(slot.predictions),
    }
    for former, of_today in names.items():
        if len(former) < naming.MAX_NAME:
            assert naming.former_name(former) == of_today
            assert naming.former_name(of_today) == former
        elif "~" in former:
            assert naming.former_name(former) is None


def test_what_differs_comes_first():
    slot = naming.Slot("taxi", "production", "dep-7")
    assert slot.predictions == "predictions.dep-7.production.taxi"
    assert slot.job == "serve.dep-7.production.taxi"
    assert naming.observe_job(slot.predictions) == "observe.predictions.dep-7.production.taxi"
    assert naming.former_name("predictions.taxi.production.dep-7") == slot.predictions


@pytest.mark.parametrize(
    "name",
    [
        "features.a.b.c",
        "predictions.a.b",
        "serve.a.b.c.d",
        "observe.a.b.c",
        "a.b.c",
        "serve.a.b.%x",
    ],
)
def test_what_names_no_deployment_has_no_former_name(name):
    assert naming.former_name(name) is None


@pytest.mark.parametrize("name", ["a.b.c", "predictions.a.b", "predictions.a.b.c.d", ""])
def test_a_name_of_another_form_is_of_no_slot(name):
    assert naming.slot_of(name) is None


@pytest.mark.parametrize(
    ("name", "short"),
    [
        (naming.model_dataset("m 1"), "m%201"),
        (naming.model_dataset("lgbm", "p2"), "p2.lgbm"),
        (naming.features_dataset("models", "d"), "models.d"),
        ("models.features.d", "features.d"),
        ("public.orders", "public.orders"),
    ],
)
def test_a_short_name_loses_one_beginning_and_no_more(name, short):
    assert naming.short_name(name) == short


def test_three_spellings_of_a_version_are_one():
    spellings = [
        "20260401_003505",
        "2026-04-01T00:35:05Z",
        "2026-04-01T00:35:05+00:00",
        "2026-04-01T02:35:05.000+02:00",
    ]
    assert {naming.canonical_version(s) for s in spellings} == {"2026-04-01T00:35:05Z"}
    for opaque in ["v1", "20260231_000000", "2026-04-01T00:35:05", "ds-2026-04-01"]:
        assert naming.canonical_version(opaque) == opaque


def test_a_stem_gives_its_stamp_away():
    assert naming.split_stem("training_dataset_20260403_230612") == (
        "training_dataset",
        "20260403_230612",
    )
    for plain in ["bike_demand_pti", "training_dataset_20260231_999999", "20260403_230612"]:
        assert naming.split_stem(plain) == (plain, None)


def test_a_store_is_the_stem_of_its_file():
    for path in ["../a/b/mobility.duckdb", "C:\\data\\mobility.duckdb", "mobility"]:
        assert naming.store_of_path(path) == "mobility"
    assert naming.store_of_path("/data/") is None


def test_run_ids_are_dashed_lower_case_uuids():
    dashed = "42be0bc8-ba90-4c23-97e4-2b3fedf01fe7"
    assert naming.run_uuid("n", "j", dashed.upper()) == dashed
    assert naming.run_uuid("n", "j", dashed.replace("-", "")) == dashed
    made = naming.run_uuid("n", "j", "../etc/run 1")
    assert uuid.UUID(made).version == 5
    assert made != naming.run_uuid("n", "k", "../etc/run 1")


def test_the_word_unknown_is_an_absent_value():
    assert [naming.known(t) for t in [None, "", " ", "Unknown", "v1"]] == [None] * 4 + ["v1"]


@given(st.text(min_size=1).filter(str.strip))
def test_a_store_can_be_had_back_from_its_namespace(store):
    namespace = naming.duckdb_namespace(store)
    assert len(namespace) == naming.MAX_NAMESPACE or naming.duckdb_store(namespace) == store
