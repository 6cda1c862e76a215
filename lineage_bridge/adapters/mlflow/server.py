"""MLflow's tracking server, by its REST API 2.0: what it answers is as its databases have it.

Runs and registered versions are searched page by page, as MLflow's own client does. A login is
taken from the environment variables that this client takes it from.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from lineage_bridge.adapters.api import Problem
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.adapters.documents import as_number
from lineage_bridge.adapters.mlflow.facts import (
    DELETED,
    IS_PROMPT,
    AliasFacts,
    Input,
    RunFacts,
    VersionFacts,
    optional_text,
    text,
)
from lineage_bridge.adapters.mlflow.inputs import EVALUATION
from lineage_bridge.adapters.mlflow.registry import promotion_of, records_of
from lineage_bridge.adapters.mlflow.runs import training_of
from lineage_bridge.adapters.servers import Login, Server
from lineage_bridge.errors import ArtifactError
from lineage_bridge.records import Record

API: Final = "/api/2.0/mlflow"
EXPERIMENTS_AT_ONCE: Final = 100
PAGE: Final = 1_000  # the most that every version gives at once
MAX_PAGES: Final = 10_000

_Object = Mapping[str, Any]


def read(artifact: Artifact) -> Iterator[Record | Problem]:
    """Read all runs and registered versions of a server."""
    with artifact.server(login()) as server:
        yield from _Reading(artifact, server).records()


def login() -> Login:
    """Return the login of the environment, as MLflow's client has it."""
    return Login(
        token=os.environ.get("MLFLOW_TRACKING_TOKEN"),
        name=os.environ.get("MLFLOW_TRACKING_USERNAME"),
        password=os.environ.get("MLFLOW_TRACKING_PASSWORD"),
    )


class _Reading:
    def __init__(self, artifact: Artifact, server: Server) -> None:
        self._artifact = artifact
        self._server = server

    def records(self) -> Iterator[Record | Problem]:
        source = self._artifact.source
        experiments = self._experiments()
        for run in self._runs(list(experiments)):
            info = _object(run.get("info"))
            run_id = info.get("run_id") or info.get("run_uuid")
            try:
                if info.get("lifecycle_stage") != DELETED:
                    facts = _run(run, info, run_id, experiments)
                    self._add_models_read(facts)
                    yield training_of(facts, source)
            except ArtifactError as exc:
                yield self._problem(f"runs.{run_id}", exc)
        models = {one.get("name"): one for one in self._registered()}
        for said in self._versions():
            model = models.get(said.get("name"), {})
            try:
                if not _is_prompt(said) and not _is_prompt(model):
                    yield from records_of(_version(said), source)
            except ArtifactError as exc:
                yield self._problem(f"model_versions.{said.get('name')}.{said.get('version')}", exc)
        for model in models.values():
            for alias in () if _is_prompt(model) else _list(model.get("aliases")):
                try:
                    yield promotion_of(_alias(model, alias), source)
                except ArtifactError as exc:
                    yield self._problem(f"registered_models.{model.get('name')}", exc)

    def _add_models_read(self, facts: RunFacts) -> None:
        """Ask once more for a run that may have looked at a model: a search leaves that out."""
        if facts.made or not any(one.context in EVALUATION for one in facts.inputs):
            return
        answer = self._server.get(f"{API}/runs/get", {"run_id": facts.run_id})
        inputs = _object(_object(answer.get("run")).get("inputs"))
        facts.read = _model_ids(inputs.get("model_inputs"))

    def _problem(self, of: str, error: ArtifactError) -> Problem:
        field = f"{of}.{error.field}" if error.field else of
        return Problem(self._artifact.name, ArtifactError(error.reason, field=field))

    def _experiments(self) -> dict[str, str]:
        found = self._pages(
            "experiments",
            lambda token: self._server.post(
                f"{API}/experiments/search",
                {"max_results": PAGE, "view_type": "ACTIVE_ONLY", **token},
            ),
        )
        return {str(one.get("experiment_id")): str(one.get("name") or "") for one in found}

    def _runs(self, experiments: Sequence[str]) -> Iterator[_Object]:
        for begin in range(0, len(experiments), EXPERIMENTS_AT_ONCE):
            some = experiments[begin : begin + EXPERIMENTS_AT_ONCE]

            def search(token: _Object, some: Sequence[str] = some) -> _Object:
                body = {"experiment_ids": some, "max_results": PAGE, "run_view_type": "ACTIVE_ONLY"}
                return self._server.post(f"{API}/runs/search", {**body, **token})

            yield from self._pages("runs", search)

    def _registered(self) -> Iterator[_Object]:
        def search(token: _Object) -> _Object:
            return self._server.get(
                f"{API}/registered-models/search", {"max_results": PAGE, **token}
            )

        return self._pages("registered_models", search)

    def _versions(self) -> Iterator[_Object]:
        def search(token: _Object) -> _Object:
            return self._server.get(f"{API}/model-versions/search", {"max_results": PAGE, **token})

        return self._pages("model_versions", search)

    def _pages(self, key: str, ask: Callable[[_Object], _Object]) -> Iterator[_Object]:
        token: dict[str, str] = {}
        for _ in range(MAX_PAGES):
            page = ask(token)
            yield from map(_object, _list(page.get(key)))
            following = page.get("next_page_token")
            if not isinstance(following, str) or not following:
                return
            token = {"page_token": following}
        raise ArtifactError(f"answers more than {MAX_PAGES:,} pages", field=key)


def _run(run: _Object, info: _Object, run_id: Any, experiments: Mapping[str, str]) -> RunFacts:
    data, inputs, outputs = (_object(run.get(key)) for key in ("data", "inputs", "outputs"))
    experiment_id = str(info.get("experiment_id") or "")
    return RunFacts(
        run_id=text(run_id, "run_id"),
        experiment=experiments.get(experiment_id) or experiment_id or "unnamed",
        state=str(info.get("status")),
        started_ms=info.get("start_time"),
        ended_ms=info.get("end_time"),
        user=optional_text(info.get("user_id"), "user_id"),
        artifact_uri=optional_text(info.get("artifact_uri"), "artifact_uri"),
        parameters=_pairs(data.get("params"), "params"),
        tags=_pairs(data.get("tags"), "tags"),
        metrics=_metrics(data.get("metrics")),
        inputs=[_input(_object(one)) for one in _list(inputs.get("dataset_inputs"))],
        made=_model_ids(outputs.get("model_outputs")),
        read=_model_ids(inputs.get("model_inputs")),
    )


def _metrics(listed: Any) -> dict[str, float]:
    found = {}
    for one in map(_object, _list(listed)):
        name, value = text(one.get("key"), "metrics.key"), one.get("value")
        number = as_number(value) if not isinstance(value, str) else _number(value, name)
        found[name] = float("nan") if number is None else number
    return found


def _number(said: str, name: str) -> float:
    """Read a number that JSON cannot hold: it comes as a text."""
    try:
        return float(said)
    except ValueError:
        raise ArtifactError(f"expected a number, found {said[:50]!r}", field=name) from None


def _input(said: _Object) -> Input:
    dataset, tags = _object(said.get("dataset")), _pairs(said.get("tags"), "inputs.tags")
    return Input(
        name=optional_text(dataset.get("name"), "inputs.name") or "",
        source_type=optional_text(dataset.get("source_type"), "inputs.source_type") or "",
        source=optional_text(dataset.get("source"), "inputs.source") or "",
        context=tags.get("mlflow.data.context"),
    )


def _model_ids(listed: Any) -> list[str]:
    ids = (_object(one).get("model_id") for one in _list(listed))
    return sorted({one for one in ids if isinstance(one, str)})


def _version(said: _Object) -> VersionFacts:
    return VersionFacts(
        name=text(said.get("name"), "name"),
        version=text(said.get("version"), "version"),
        run_id=optional_text(said.get("run_id"), "run_id"),
        source=optional_text(said.get("source"), "source"),
        model_id=optional_text(said.get("model_id"), "model_id"),
        stage=optional_text(said.get("current_stage"), "current_stage"),
        status=optional_text(said.get("status"), "status"),
        created_ms=said.get("creation_timestamp"),
        changed_ms=said.get("last_updated_timestamp"),
        user=optional_text(said.get("user_id"), "user_id"),
    )


def _alias(model: _Object, said: Any) -> AliasFacts:
    one = _object(said)
    return AliasFacts(
        text(model.get("name"), "name"),
        text(one.get("alias"), "aliases.alias"),
        text(one.get("version"), "aliases.version"),
        model.get("last_updated_timestamp") or model.get("creation_timestamp"),
    )


def _is_prompt(said: _Object) -> bool:
    return any(_object(tag).get("key") == IS_PROMPT for tag in _list(said.get("tags")))


def _pairs(listed: Any, name: str) -> dict[str, str]:
    found = {}
    for one in map(_object, _list(listed)):
        key, value = text(one.get("key"), f"{name}.key"), one.get("value")
        found[key] = "" if value is None else str(value)
    return found


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
