"""The ladders, rung by rung, on records of no family; and what is missing."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from lineage_bridge.ingest.doctor import windows_without_event
from lineage_bridge.link.linking import link
from lineage_bridge.naming import Slot
from lineage_bridge.records import (
    Build,
    Claim,
    Promotion,
    Publication,
    Reference,
    Source,
    Start,
    Training,
)
from lineage_bridge.records.ends import with_ends
from lineage_bridge.settings import Settings

MORNING = datetime(2026, 4, 7, tzinfo=UTC)
VERSION = "2026-04-07T00:00:00Z"
SETTINGS = Settings.model_validate({"aliases": {"models": {"old": "models.new"}}})


def source(path="a/file", **more):
    return Source("any", f"/data/{path}", path, **more)


def a_build(stem="daily_20260407_000000", *, database="x/bikes.duckdb", path="d.parquet", **more):
    said = {"version": "20260407_000000", "path": f"/data/city/{path}"} | more
    table = Reference(what="table", path=database, field="db")
    return Build(
        source=source(path), dataset=Claim(name=stem, **said), reads=(table,), built=MORNING
    )


def a_training(run_id="run-1", *, model="demand", hours=1.0, source_=None, **reference):
    return Training(
        source=source_ or source(f"{run_id}.json"),
        run_id=run_id,
        model=Claim(what="model", name=model, version="v1"),
        reads=(Reference(field="trained_on", **reference),),
        completed=MORNING + timedelta(hours=hours),
    )


def read_by(training, *builds, settings=SETTINGS):
    """Name, version and method of what a training read."""
    outcome = link([*builds, training], settings)
    found = outcome.trainings[0].dataset
    return None if found is None else (found.name, found.version, found.link.method)


DAILY = "features.bikes.daily"


@pytest.mark.parametrize(
    ("words", "method"),
    [
        ({"path": "city/d.parquet"}, "path"),
        ({"path": r"..\city\d.parquet"}, "path"),
        ({"name": "daily_20260407_000000"}, "stem"),
        ({"name": "daily", "version": "2026-04-07T02:00:00+02:00"}, "stem"),
        ({"sha256": "ab12"}, "hash"),
        ({"version": "20260407_000000"}, "version"),
        ({"namespace": "default", "name": DAILY, "version": VERSION}, "named"),
    ],
)
def test_each_rung_finds_the_dataset_by_its_word(words, method):
    assert read_by(a_training(**words), a_build(sha256="ab12")) == (DAILY, VERSION, method)


def test_a_build_that_nobody_has_is_one_of_the_only_store_of_its_name():
    found = read_by(a_training(name="daily_20260408_000000"), a_build())
    assert found == (DAILY, "2026-04-08T00:00:00Z", "suffix")
    assert read_by(a_training(name="daily_20260408_000000")) == (
        "features.daily", "2026-04-08T00:00:00Z", "suffix",
    )  # fmt: skip


def test_of_two_stores_none_is_taken_and_both_are_named():
    builds = [a_build(), a_build(database="y/cars.duckdb", path="e.parquet")]
    outcome = link([*builds, a_training(name="daily", version=VERSION)], SETTINGS)
    assert outcome.trainings[0].dataset.name == "features.daily"
    (gap,) = [g for g in outcome.gaps if g.kind == "dataset_ambiguous"]
    assert gap.field == "trained_on"
    assert "features.bikes.daily, features.cars.daily" in gap.what


def test_a_declared_name_goes_before_all_that_is_found():
    settings = Settings.model_validate({"aliases": {"datasets": {"daily": "features.z.other"}}})
    found = read_by(a_training(name="daily", version="v7"), a_build(), settings=settings)
    assert found == ("features.z.other", "v7", "declared")


def a_start(**said):
    model = Reference(what="model", **({"name": "demand", "version": "v1"} | said))
    slot = {"service": "svc", "environment": "prod", "deployment": "dep"}
    return Start(source=source("events"), time=MORNING + timedelta(hours=3), model=model, **slot)


def served_by(start, *records):
    outcome = link([*records, start], SETTINGS)
    found = outcome.starts[0].model
    return found.name, found.version, found.link.method


def test_a_model_is_found_by_name_and_version_unless_a_fact_contradicts():
    training = a_training(name="daily", version=VERSION)
    assert served_by(a_start(), training) == ("models.demand", "v1", "model_version")
    assert served_by(a_start(trained_on=VERSION), training)[2] == "model_version"
    assert served_by(a_start(trained_on="other"), training)[2] == "name"


@pytest.mark.parametrize(
    ("claim", "said", "method"),
    [
        ({"sha256": "cd34"}, {"sha256": "cd34"}, "hash"),
        ({"path": "/models/demand/1/model.pkl"}, {"path": "demand/1/model.pkl"}, "path"),
    ],
)
def test_a_model_under_another_name_is_found_by_its_file(claim, said, method):
    training = a_training(name="daily")
    made = Claim(what="model", name="demand", version="v1", **claim)
    training = Training(
        source=training.source, run_id="r", model=made, reads=training.reads, completed=MORNING
    )
    found = served_by(a_start(name="renamed", version="9", **said), training)
    assert found == ("models.renamed", "9", method)


def test_a_folder_explains_another_spelling_of_the_version():
    folder = Publication(
        source=source("models/demand/8af1/meta.json"),
        model=Claim(what="model", name="demand", spellings=("8af1",)),
        trained=Reference(what="model", run_id="run-1"),
    )
    start = a_start(version="8af1")
    assert served_by(start, a_training(name="daily"), folder) == ("models.demand", "v1", "run_id")


@pytest.mark.parametrize(
    ("within", "model", "job"),
    [
        (None, "demand", "train.demand"),
        (None, "bike demand", "train.bike%20demand"),
        (None, "old", "train.new"),
        ("p2", "lightgbm", "train.p2.lightgbm"),
    ],
)
def test_a_training_without_its_dataset_is_shown_by_the_name_of_its_job(within, model, job):
    record = Training(
        source=source("a/metadata.json"),
        run_id="run-1",
        model=Claim(what="model", name=model, within=within),
        completed=MORNING,
    )
    outcome = link([record], SETTINGS)
    assert [gap.edge for gap in outcome.gaps] == [f"(features) -> {job} (run run-1)"]
    assert [training.job for training in outcome.trainings] == [job]


# Guesses


def a_week(hours=1.0, days=4):
    """A build each night, and each morning a training that names its dataset."""
    records = []
    for day in range(days):
        stamp = f"2026040{day + 1}_000000"
        built = datetime(2026, 4, day + 1, tzinfo=UTC)
        build = a_build(f"daily_{stamp}", version=stamp, path=f"{stamp}.parquet")
        records.append(Build(source=build.source, dataset=build.dataset, reads=build.reads,
                             built=built))  # fmt: skip
        records.append(
            Training(
                source=source(f"{stamp}.json"),
                run_id=stamp,
                model=Claim(what="model", name="demand", version=stamp),
                reads=(Reference(name=f"daily_{stamp}"),),
                completed=built + timedelta(hours=hours),
            )
        )
    return records


def guess_at(records, *, day, hour=1.1):
    nameless = Training(
        source=source("old.json"),
        run_id="old",
        model=Claim(what="model", name="demand", version="old"),
        reads=(Reference(field="trained_on"),),
        completed=datetime(2026, 4, day, tzinfo=UTC) + timedelta(hours=hour),
    )
    outcome = link([*records, nameless], SETTINGS)
    (gap,) = [g for g in outcome.gaps if g.kind == "training_without_dataset"]
    return gap


def test_the_build_at_the_usual_time_before_is_a_guess_with_its_evidence():
    gap = guess_at(a_week(), day=2)
    assert gap.guess.target == f"{DAILY}@2026-04-02T00:00:00Z"
    assert "66 min before" in gap.guess.evidence
    assert "4 trainings" in gap.guess.evidence
    assert gap.mend == f"lineage-bridge alias add run old {gap.guess.target}"


@pytest.mark.parametrize(
    ("records", "day", "hour"),
    [
        (a_week(), 6, 1.1),  # the build of that night is not known
        (a_week(), 2, 9.0),  # the newest build is older than is usual
        (a_week(days=2), 2, 1.1),  # two trainings are no habit
        ([], 2, 1.1),
    ],
)
def test_where_no_build_fits_the_habit_nothing_is_guessed(records, day, hour):
    gap = guess_at(records, day=day, hour=hour)
    assert gap.guess is None
    assert gap.mend == (
        "if you know it: lineage-bridge alias add run old 'features.<store>.<name>@<version>'"
    )


def test_windows_without_an_event_are_shown_by_the_name_of_their_model():
    gap = windows_without_event(Slot("svc", "production", "dep 1"), "bike demand", "v 1")
    assert gap.edge == "models.bike%20demand@v 1 -> serve.dep%201.production.svc"


def many(count):
    """Builds and trainings whose files all have one name, and copies and starts by their paths."""
    for number in range(count):
        version, folder = f"v{number}", f"run-{number}"
        yield a_build(f"daily_{number}", version=version, path=f"{folder}/data.parquet")
        where = source(f"{folder}/meta.json")
        yield Training(
            source=where,
            run_id=folder,
            model=Claim(what="model", name="demand", version=version, path=f"{folder}/m.pkl"),
            reads=(Reference(path=f"{folder}/data.parquet"),),
            artifact_uri=f"s3://store/{folder}/m.pkl",
            completed=MORNING,
        )
        read = Reference(what="model", path=f"{folder}/m.pkl")
        made = Claim(what="model", name="copy", version=version)
        yield Publication(source=where, model=made, trained=read)
        yield a_start_of(f"instance-{number}", minutes=number, path=f"{folder}/m.pkl")


def a_start_of(instance, *, minutes, **model):
    return Start(
        source=source("events.jsonl", line=minutes + 1),
        time=MORNING + timedelta(minutes=minutes),
        service="s",
        environment="e",
        deployment="d",
        instance=instance,
        model=Reference(what="model", name="served", version="v1", **model),
    )


@pytest.mark.slow
def test_many_files_of_one_name_are_told_apart_by_their_folders_in_linear_time():
    def cpu_seconds(count):
        records = list(many(count))
        began = time.process_time()
        outcome = link(records, SETTINGS)
        taken = time.process_time() - began
        assert {t.dataset.link.method for t in outcome.trainings} == {"path"}
        assert len(outcome.publications) == 2 * count
        return taken

    assert cpu_seconds(1600) < 40 * cpu_seconds(200)


def test_instances_of_one_deployment_end_by_their_own_next_start_or_by_another_version():
    others = Reference(what="model", name="served", version="v2")
    starts = [a_start_of(name, minutes=m) for m, name in enumerate("abab")]
    starts.append(msgspec.structs.replace(a_start_of("c", minutes=9), model=others))
    linked = with_ends(link(starts, SETTINGS).starts, {})
    ends = {s.record.time: s.ended for s in linked}
    said = [
        None if t is None else round((t - MORNING) / timedelta(minutes=1)) for t in ends.values()
    ]
    assert said == [2, 3, 9, 9, None]


@pytest.mark.parametrize("path", ["", "/", "..", "./", "\\"])
def test_a_path_without_a_part_is_no_word(path):
    claim = Claim(name="other", path=path)
    build = msgspec.structs.replace(a_build(), dataset=claim)
    read = msgspec.structs.replace(a_training(path=path), artifact_uri=path)
    start = a_start_of("a", minutes=0, path=path)
    outcome = link([build, read, start], SETTINGS)
    assert outcome.publications == []
    assert {t.dataset.link.method for t in outcome.trainings if t.dataset} <= {"name"}


def a_promotion(version, hours, label="champion", kind="alias"):
    model = Reference(what="model", name="demand", version=version)
    time = MORNING + timedelta(hours=hours)
    return Promotion(source=source(), model=model, kind=kind, label=label, time=time)


@pytest.mark.parametrize(
    ("said", "hours", "version", "confidence"),
    [
        ("@champion", 3, "v1", 0.9),
        ("@champion", 5, "v2", 0.9),
        ("@champion", 1, "v1", 0.6),  # it was there at the latest since hour 2
        ("Production", 5, "v2", 0.9),
        ("@other", 5, "@other", 0.3),
    ],
)
def test_a_label_means_the_version_that_had_it_when_the_deployment_began(
    said, hours, version, confidence
):
    trainings = [
        Training(
            source=source(f"{name}.json"),
            run_id=name,
            model=Claim(what="model", name="demand", version=name),
            completed=MORNING,
        )
        for name in ("v1", "v2")
    ]
    labels = [
        a_promotion("v1", 2),
        a_promotion("v2", 4),
        a_promotion("v2", 4, "Production", "stage"),
    ]
    start = Start(
        source=source(),
        time=MORNING + timedelta(hours=hours),
        service="s",
        environment="e",
        deployment="d",
        model=Reference(what="model", name="demand", version=said),
    )
    found = link([*trainings, *labels, start], SETTINGS).starts[0].model
    assert (found.version, found.link.confidence) == (version, confidence)
