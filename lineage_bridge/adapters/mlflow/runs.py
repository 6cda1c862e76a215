"""A run of MLflow's -> a training: one that made a model, failed, runs still, or looked at one."""

from __future__ import annotations

from typing import Any, Final

import orjson

from lineage_bridge.adapters.documents import check_lengths, check_number, shown
from lineage_bridge.adapters.mlflow.facts import (
    PARENT_TAG,
    STATES,
    RunFacts,
    finite,
    instant,
)
from lineage_bridge.adapters.mlflow.inputs import plain_path, reads_of
from lineage_bridge.errors import ArtifactError
from lineage_bridge.naming import known
from lineage_bridge.records import Claim, Reference, Source, Training
from lineage_bridge.records.training import NOT_FINITE, Code

WITHIN: Final = "mlflow"  # the models of a run that nobody registered are called by its experiment
LOGGED_BEFORE_3: Final = "mlflow.log-model.history"  # the tag by which 2.x tells of logged models
MODEL_PARAMETER: Final = "model_uri"  # of a run that looks at a model, by habit

_OWN_TAGS: Final = "mlflow."
_MAX_TAG: Final = 1_000  # characters; what is longer is a text, and no tag


def training_of(facts: RunFacts, source: Source) -> Training:
    """Return the record of a run.

    Raises:
        ArtifactError: the run has no state that is known, or no start.
    """
    state = STATES.get(facts.state)
    if state is None:
        raise ArtifactError(f"is no state of a run: {shown(facts.state)}", field="status")
    started = instant(facts.started_ms, "start_time")
    if started is None:
        raise ArtifactError("is missing: when a run began must be known", field="start_time")
    is_over = state != "RUNNING"
    ended = instant(facts.ended_ms, "end_time") if is_over else None
    paths_before_3 = _logged_before_3(facts.tags)
    made = bool(facts.made or paths_before_3)
    metrics, others = finite(facts.metrics.items()) if is_over else ({}, [])
    check_number("metrics", len(facts.metrics))
    check_number("parameters", len(facts.parameters))
    check_number("tags", len(facts.tags))
    check_lengths(facts.parameters)
    reads, flags = reads_of(facts.inputs, facts.parameters, makes_model=made)
    return Training(
        source=source,
        run_id=facts.run_id,
        model=_model(facts, paths_before_3),
        made=made,
        state=state,
        reads=(*reads, *_models_read(facts, makes_model=made)),
        started=started,
        completed=ended,
        created=started if is_over and ended is None else None,
        metrics=metrics,
        parameters=facts.parameters,
        artifact_uri=facts.artifact_uri,
        flags=(*flags, *(f"{NOT_FINITE}{name}" for name in sorted(others))),
        parent=known(facts.tags.get(PARENT_TAG)),
        code=_code(facts.tags),
        user=known(facts.tags.get("mlflow.user")) or known(facts.user),
        tags={k: v for k, v in facts.tags.items() if _is_own(k, v)},
    )


def _is_own(name: str, value: str) -> bool:
    """Tell whether a tag is somebody's own: MLflow keeps words of its own, and notes, as tags."""
    return not name.startswith(_OWN_TAGS) and len(value) <= _MAX_TAG


def _model(facts: RunFacts, paths_before_3: list[str]) -> Claim:
    path = plain_path(facts.artifact_uri) if facts.artifact_uri is not None else None
    if path is not None and len(paths_before_3) == 1:
        path = f"{path.rstrip('/')}/{paths_before_3[0]}"
    return Claim(
        what="model",
        name=facts.experiment,
        within=WITHIN,
        spellings=tuple(facts.made),
        path=path,
        field="experiment_id",
    )


def _models_read(facts: RunFacts, *, makes_model: bool) -> list[Reference]:
    """Return the models that a run read; before 3.0 only a parameter may tell of one."""
    said = [
        Reference(what="model", path=model_id, field="inputs.model_id") for model_id in facts.read
    ]
    place = facts.parameters.get(MODEL_PARAMETER, "")
    named = None if makes_model else model_of(place, field=f"params.{MODEL_PARAMETER}")
    if named is not None and named.name is not None:
        # The name that people know it by, and where it is known, MLflow's own word.
        path = said[0].path if len(said) == 1 else named.path
        return [
            Reference(
                what="model",
                name=named.name,
                version=named.version,
                path=path,
                field=named.field,
            )
        ]
    return said or ([named] if named is not None else [])


def model_of(place: str, *, field: str) -> Reference | None:
    """Return what a model's URI of MLflow's means; None where it is no such URI.

    `models:/<name>/<version>`, `models:/m-<id>` and `runs:/<run>/<path>` name a model. What
    `models:/<name>@<alias>` means changes with time: only the name is taken.
    """
    scheme, _, rest = place.partition(":/")
    rest = rest.strip("/")
    if scheme == "runs" and rest:
        return Reference(what="model", run_id=rest.split("/")[0], field=field)
    if scheme != "models" or not rest:
        return None
    if rest.startswith("m-") and "/" not in rest:
        return Reference(what="model", path=rest, field=field)
    name, _, version = rest.rpartition("/")
    if not name or not version.isdecimal():
        return None
    return Reference(what="model", name=name, version=version, field=field)


def _logged_before_3(tags: dict[str, str]) -> list[str]:
    """Return where below its artifacts a run of 2.x put its models, as it notes in a tag."""
    try:
        history: Any = orjson.loads(tags.get(LOGGED_BEFORE_3) or "[]")
    except orjson.JSONDecodeError:
        return []
    entries = history if isinstance(history, list) else []
    paths = [one.get("artifact_path") for one in entries if isinstance(one, dict)]
    return [path for path in paths if isinstance(path, str)]


def _code(tags: dict[str, str]) -> Code:
    return Code(
        commit=known(tags.get("mlflow.source.git.commit")),
        script=known(tags.get("mlflow.source.name")),
        repository=known(tags.get("mlflow.source.git.repoURL")),
    )
