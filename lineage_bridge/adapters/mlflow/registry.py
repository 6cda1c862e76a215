"""MLflow's registry of models -> what runs' models are called, and decisions on versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lineage_bridge.adapters.mlflow.facts import AliasFacts, VersionFacts, instant
from lineage_bridge.adapters.mlflow.inputs import plain_path
from lineage_bridge.adapters.mlflow.runs import model_of
from lineage_bridge.errors import ArtifactError
from lineage_bridge.naming import known
from lineage_bridge.records import Claim, Promotion, Publication, Record, Reference, Source

_NO_STAGE: Final = frozenset({"None", "", "none"})
_DELETED: Final = "Deleted_Internal"  # the stage of a version that is kept as a number only
_NOT_THERE: Final = frozenset({"FAILED_REGISTRATION", "PENDING_REGISTRATION"})


def records_of(facts: VersionFacts, source: Source) -> Iterator[Record]:
    """Yield the records of a registered version; nothing of one that was deleted or never came."""
    if facts.stage == _DELETED or facts.status in _NOT_THERE:
        return
    yield Publication(
        source=source,
        model=Claim(what="model", name=facts.name, version=facts.version, field="name"),
        trained=_trained(facts),
        registers=True,
    )
    if facts.stage is not None and facts.stage not in _NO_STAGE:
        yield _staged(facts, facts.stage, source)


def promotion_of(alias: AliasFacts, source: Source) -> Promotion:
    """Return the decision that an alias stands for.

    Raises:
        ArtifactError: it is not known when it was made.
    """
    time = instant(alias.changed_ms, "last_updated_timestamp")
    if time is None:
        raise ArtifactError("is missing", field="last_updated_timestamp")
    return Promotion(
        source=source,
        model=Reference(what="model", name=alias.name, version=alias.version, field="aliases"),
        kind="alias",
        label=alias.alias,
        time=time,
    )


def _staged(facts: VersionFacts, stage: str, source: Source) -> Promotion:
    time = instant(facts.changed_ms, "last_updated_timestamp")
    time = time or instant(facts.created_ms, "creation_timestamp")
    if time is None:
        raise ArtifactError("is missing", field="last_updated_timestamp")
    model = Reference(what="model", name=facts.name, version=facts.version, field="current_stage")
    return Promotion(
        source=source,
        model=model,
        kind="stage",
        label=stage,
        time=time,
        user=known(facts.user),
    )


def _trained(facts: VersionFacts) -> Reference:
    """Return what a version was made by: its run, and the logged model or place that it names."""
    said = model_of(facts.source or "", field="source")
    run_id = known(facts.run_id) or (said.run_id if said is not None else None)
    path = known(facts.model_id) or (said.path if said is not None else None)
    if path is None and run_id is None and facts.source is not None:
        path = plain_path(facts.source)
    return Reference(
        what="model",
        run_id=run_id,
        path=path,
        field="run_id" if run_id is not None else "source",
        mend="read the store that holds its run with --mlflow",
    )
