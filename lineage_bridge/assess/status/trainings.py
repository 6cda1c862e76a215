"""Faults of a training: numbers far worse than usual, or data that was old when it began."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Final, NamedTuple

from lineage_bridge.assess.checks.training import is_error, is_score
from lineage_bridge.assess.status.faults import WARN, Fault

WORSE: Final = 0.25
FAR_WORSE: Final = 0.5
FEWEST_GOOD: Final = 2
GOOD_VERSIONS: Final = 5
_CHANCE: Final = 0.5  # of an AUC: what is above that was learned
_WORD: Final = re.compile(r"[a-z0-9]+")
# Parts of the data that a metric may be told of.
_PARTS: Final = frozenset(
    {"val", "valid", "validation", "test", "eval", "evaluation", "holdout", "cv", "dev"}
)

Metrics = Mapping[str, float]


class Worse(NamedTuple):
    """A number that is worse than usual.

    Attributes:
        name: of the metric.
        value: what was reported.
        usual: the median that it is held against.
        by: how much worse, as a share of the usual.
    """

    name: str
    value: float
    usual: float
    by: float


def fault_of_metrics(
    reported: Metrics, good: Sequence[Metrics], others: Sequence[Metrics], since: datetime | None
) -> Fault | None:
    """Return the fault of a training whose numbers are far worse than usual.

    Trainings differ from day to day, and more on one part of the data than on all. So of a metric
    that is told of several parts (`val_rmse`, `test_rmse`) the mildest counts; and the median of
    all metrics must be a quarter worse, or one of them half. With less than two good versions to
    compare with, half.

    Args:
        reported: by the training.
        good: of the last good versions of the same model, the newest last.
        others: of other models of the same data; they count where there is no good version.
        since: when the training ended.
    """
    compared = list(good[-GOOD_VERSIONS:] or others)
    found: dict[str, Worse] = {}
    for name in sorted(reported):
        one = _worse(name, reported, compared)
        if one is not None:
            metric = _metric_of(name)
            found[metric] = min(found.get(metric, one), one, key=lambda worse: worse.by)
    if not found:
        return None
    worst = max(found.values(), key=lambda one: (one.by, one.name))
    usual_is_known = len(good) >= FEWEST_GOOD and median(one.by for one in found.values()) >= WORSE
    if not usual_is_known and worst.by < FAR_WORSE:
        return None
    than = "good versions of it" if good else "other models of the same data"
    return Fault.of(
        "metrics",
        WARN,
        "model",
        since,
        f"{worst.name} {worst.value:.4g}, {worst.by:.0%} worse than usual",
        f"{worst.name} about {worst.usual:.4g}, the median of {len(compared)} {than}",
    )


def _metric_of(name: str) -> str:
    """Return what is measured, without the part of the data that it is told of."""
    parts = [part for part in _WORD.findall(name.lower()) if part not in _PARTS]
    return "_".join(parts)


def _worse(name: str, reported: Metrics, compared: Iterable[Metrics]) -> Worse | None:
    known = [metrics[name] for metrics in compared if name in metrics]
    if not known or "train" in name.lower():  # what it says of its own data tells little
        return None
    value, usual = reported[name], median(known)
    if is_error(name):
        return Worse(name, value, usual, (value - usual) / abs(usual)) if usual else None
    if not is_score(name):
        return None
    learned = usual - _CHANCE if "auc" in name.lower() and usual > _CHANCE else abs(usual)
    return Worse(name, value, usual, (usual - value) / learned) if learned else None


class Read(NamedTuple):
    """A version of a dataset that a training read.

    Attributes:
        name: of the dataset, with its version.
        data_time: of the newest data in it; its build where that is not known.
        built: when it was written.
        newer: built before the training began, and newer than this one: how many there were.
        warn_seconds: from this age on the dataset is late.
    """

    name: str
    data_time: datetime
    built: datetime | None
    newer: int
    warn_seconds: float


def fault_of_old_data(read: Read, began: datetime) -> Fault | None:
    """Return the fault of a training that took data which was too old already.

    If newer versions were there, it took an old one. A version that was late when it was built is
    its source's, and none of the training's.
    """
    age = (began - read.data_time).total_seconds()
    if age < read.warn_seconds:
        return None
    if read.newer:
        found = f"{read.name}, {read.newer} versions behind"
        return Fault.of("old_version", WARN, "content", began, found, "the newest that was there")
    at_build = None if read.built is None else (read.built - read.data_time).total_seconds()
    if at_build is None or at_build >= read.warn_seconds:
        return None
    return Fault.of("age_at_training_seconds", WARN, "content", began, age, read.warn_seconds)
