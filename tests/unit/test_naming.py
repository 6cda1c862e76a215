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
