"""Missing links are shown by the names of the nodes that they would join."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lineage_bridge.adapters.records import Source, TrainingRecord
from lineage_bridge.ingest.gaps import windows_without_event
from lineage_bridge.ingest.link import link
from lineage_bridge.naming import Slot
from lineage_bridge.settings import Settings

SETTINGS = Settings.model_validate({"aliases": {"models": {"old": "models.new"}}})


@pytest.mark.parametrize(
    ("family", "model", "job"),
    [
        ("p4", "demand", "train.demand"),
        ("p4", "bike demand", "train.bike%20demand"),
        ("p4", "old", "train.new"),
        ("p2", "lightgbm", "train.p2.lightgbm"),
    ],
)
def test_a_training_without_its_dataset_is_shown_by_the_name_of_its_job(family, model, job):
    record = TrainingRecord(
        source=Source(family, "/a/metadata.json", "a/metadata.json"),
        run_id="run-1",
        model=model,
        completed=datetime(2026, 4, 7, tzinfo=UTC),
    )
    outcome = link([record], SETTINGS)
    assert [gap.edge for gap in outcome.gaps] == [f"(features) -> {job} (run run-1)"]
    assert [training.job for training in outcome.linked.trainings] == [job]


def test_windows_without_an_event_are_shown_by_the_name_of_their_model():
    gap = windows_without_event(Slot("svc", "production", "dep 1"), "bike demand", "v 1")
    assert gap.edge == "models.bike%20demand@v 1 -> serve.dep%201.production.svc"
