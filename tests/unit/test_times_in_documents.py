"""Times that upstreams write with a zone or without: the instant counts, a flag says the rest."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.adapters import monitoring, serving, training_bundles
from lineage_bridge.errors import ArtifactError
from lineage_bridge.records import Publication, Source, decode_record, encode_record, shape_of
from lineage_bridge.times import Stamp, format_time, from_micros, parse_time

SOURCE = Source("p5", "models/v1/model_metadata.json", "v1/model_metadata.json")
MODIFIED = datetime(2026, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(0, 10**16).map(from_micros)


def bundle(**times):
    said = json.dumps({"run_id": "r", "candidate_name": "m", **times}).encode()
    return training_bundles.read_bundle(said, SOURCE, folder="r")


def published(**times):
    said = json.dumps({"model_version": "v1", **times}).encode()
    return serving.read_published(said, SOURCE)


def training(**times):
    said = {"run_id": "r", "model_name": "m", **times}
    return monitoring.read_document(said, SOURCE, modified=MODIFIED)


def dataset(**times):
    said = {"dataset_name": "d", "dataset_version": "v", **times}
    return monitoring.read_document(said, SOURCE, modified=MODIFIED)


def time_of(record, field):
    return getattr(record.trained if isinstance(record, Publication) else record, field)


@given(INSTANTS)
def test_a_time_without_a_zone_is_utc_and_known_as_such(instant):
    text = format_time(instant)
    assert parse_time(text) == Stamp(instant, zoned=True)
    assert parse_time(text.removesuffix("Z")) == Stamp(instant, zoned=False)


@given(INSTANTS, st.booleans())
def test_a_record_holds_the_instant_and_flags_a_missing_zone(instant, zoned):
    text = format_time(instant).removesuffix("" if zoned else "Z")
    records = {
        "completed": [bundle(completed_at=text), published(trained_at=text)],
        "built": [dataset(built_at=text)],
    }
    records["completed"].append(training(completed_at=text))
    for field, found in records.items():
        for record in found:
            assert time_of(record, field) == instant
            assert ("unzoned_time" in record.flags) is not zoned
            stored = decode_record(shape_of(type(record)), encode_record(record))
            assert time_of(stored, field).isoformat() == instant.isoformat()


def test_one_time_of_several_without_a_zone_is_enough():
    zoned, bare = "2026-04-07T10:00:00+02:00", "2026-04-07T09:00:00"
    for read in (bundle, published, training):
        assert "unzoned_time" in read(started_at=zoned, completed_at=bare).flags
        assert "unzoned_time" not in read(started_at=zoned, completed_at=zoned).flags


def test_times_with_and_without_a_zone_are_compared_as_instants():
    later, earlier = "2026-04-07T09:00:00", "2026-04-07T10:00:00+02:00"
    backwards = ("unzoned_time", "completed_before_started")
    assert bundle(started_at=later, completed_at=earlier).flags == backwards
    assert training(started_at=later, completed_at=earlier).flags == backwards
    equal = training(started_at="2026-04-07T08:00:00", completed_at=earlier)
    assert equal.started is None


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (1775556000, "expected a time such as 2026-04-07T10:30:00Z, found 1775556000"),
        (True, "expected a time such as 2026-04-07T10:30:00Z, found True"),
        ("2026-02-31T00:00:00Z", "found '2026-02-31T00:00:00Z'"),
    ],
)
def test_what_is_no_time_is_refused_with_what_was_found(said, why):
    with pytest.raises(ArtifactError) as refused:
        bundle(completed_at=said)
    assert refused.value.field == "completed_at"
    assert why in str(refused.value)
    with pytest.raises(ArtifactError, match="completed_at"):
        training(completed_at=None)
