"""What every store of MLflow tells, in MLflow's words and one spelling."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from lineage_bridge.adapters.documents import check_lengths, shown
from lineage_bridge.errors import ArtifactError
from lineage_bridge.records.training import State

# MLflow's states of a run, by the number that its files have and by the word of its other stores.
STATES: Final[Mapping[str, State]] = {
    "1": "RUNNING",
    "2": "RUNNING",
    "3": "COMPLETE",
    "4": "FAIL",
    "5": "ABORT",
    "RUNNING": "RUNNING",
    "SCHEDULED": "RUNNING",
    "FINISHED": "COMPLETE",
    "FAILED": "FAIL",
    "KILLED": "ABORT",
}
DELETED: Final = "deleted"  # a run's or an experiment's `lifecycle_stage`
PARENT_TAG: Final = "mlflow.parentRunId"
IS_PROMPT: Final = "mlflow.prompt.is_prompt"  # the tag of a registered model that is none
_LARGEST: Final = 1.7e308  # a database cannot hold an infinity, and has the largest number for it


class Point(NamedTuple):
    """One value of a metric; the greatest one of a run is its latest, as MLflow orders them."""

    step: int
    time_ms: int
    value: float

    @property
    def order(self) -> tuple[int, int, float]:
        """By step, then time, then value; what is no number is the least."""
        return (self.step, self.time_ms, -math.inf if math.isnan(self.value) else self.value)


@dataclass(frozen=True, slots=True)
class Input:
    """A dataset that a run read.

    Attributes:
        name: as it was logged; it names no file.
        source_type: MLflow's word for what `source` tells, such as `local`.
        source: a JSON text.
        context: what for, such as `training`; None where nobody said it.
    """

    name: str
    source_type: str
    source: str
    context: str | None = None


@dataclass(slots=True)
class RunFacts:
    """One run.

    Attributes:
        state: as the store spells it.
        started_ms, ended_ms: milliseconds since the epoch.
        metrics: the latest value of each.
        made: the ids of logged models that it wrote; MLflow has these since 3.0.
        read: the ids of logged models that it read.
    """

    run_id: str
    experiment: str
    state: str
    started_ms: Any
    ended_ms: Any = None
    user: str | None = None
    artifact_uri: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    inputs: list[Input] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)


@dataclass(slots=True)
class VersionFacts:
    """One version of a registered model.

    Attributes:
        source: where the model lies: a URI, `runs:/…`, or `models:/m-…`.
        model_id: of the logged model, where the store has it.
        changed_ms: when anything of it changed last.
    """

    name: str
    version: str
    run_id: str | None = None
    source: str | None = None
    model_id: str | None = None
    stage: str | None = None
    status: str | None = None
    created_ms: Any = None
    changed_ms: Any = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class AliasFacts:
    """An alias of a registered model: only where it points now is known."""

    name: str
    alias: str
    version: str
    changed_ms: Any = None


def instant(milliseconds: Any, name: str) -> datetime | None:
    """Return the instant of milliseconds since the epoch, None of none.

    Raises:
        ArtifactError: it is no number of milliseconds, or no instant that there is.
    """
    if milliseconds is None or milliseconds == "":
        return None
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1_000, tz=UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        reason = f"expected milliseconds since 1970, found {shown(milliseconds, name)}"
        raise ArtifactError(reason, field=name) from None


def text(value: Any, name: str) -> str:
    """Return a value as the text that it must be; numbers as they are written.

    Raises:
        ArtifactError: it is none, or too long.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ArtifactError(f"expected a text, found {shown(value, name)}", field=name)
    found = str(value)
    check_lengths({name: found})
    return found


def optional_text(value: Any, name: str) -> str | None:
    """Return a text, None of none or of an empty one; as `text`."""
    return None if value is None or value == "" else text(value, name)


def finite(metrics: Iterable[tuple[str, float]]) -> tuple[dict[str, float], list[str]]:
    """Split metrics into those with a finite value, and the names of the others."""
    found: dict[str, float] = {}
    others = []
    for name, value in metrics:
        if math.isfinite(value) and abs(value) < _LARGEST:
            found[name] = value
        else:
            others.append(name)
    return found, others
