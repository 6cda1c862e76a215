"""Training records: numbers that were reported, times in order, a dataset that is known.

A metric that is absent is absent: P6 read a missing one as 0.0, which is a perfect error. So a
perfect number is doubted, and a record without numbers is not taken for one that has good ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from lineage_bridge.assess.checks.definition import CheckOf, Verdict, listed, skipped, verdict
from lineage_bridge.assess.checks.policy import CheckPolicy
from lineage_bridge.times import format_time

# A name is split at what is no letter and no digit; `val_rmse` is an error, `test_roc_auc` a score.
_ERRORS: Final = frozenset(
    {"rmse", "mae", "mse", "mape", "smape", "medae", "loss", "logloss", "brier", "error"}
)
_SCORES: Final = frozenset(
    {"auc", "auroc", "auprc", "accuracy", "acc", "f1", "precision", "recall", "r2", "ap"}
)
SEEN: Final = "training_dataset_seen"
_PARTS: Final = re.compile(r"[a-z0-9]+")
_UNKNOWN: Final = skipped("not both times are known")
_UNZONED: Final = skipped("the times of the training name no zone")


class Training(NamedTuple):
    """What is known of one training run.

    Attributes:
        policy: of the model that it made.
        metrics: every finite number that was reported, by its name.
        not_finite: the names of those that were infinite or NaN.
        started, completed: None where nothing says it.
        is_unzoned: whether these times name no zone.
        dataset: what it was trained on; None where nothing leads there.
        said: the name that the record has for it, if it has one.
        built: when that version was built; None where nobody saw it.
        is_seen: whether something is known to have written that version; None where that of such a
            dataset is not known here.
    """

    policy: CheckPolicy
    metrics: Mapping[str, float] = {}
    not_finite: tuple[str, ...] = ()
    started: datetime | None = None
    completed: datetime | None = None
    is_unzoned: bool = False
    dataset: str | None = None
    said: str | None = None
    built: datetime | None = None
    is_seen: bool | None = False


def _reported(training: Training) -> Verdict:
    names = sorted(training.metrics)
    return verdict(
        f"{len(names):,} numbers" if names else "none", "one at least", holds=bool(names)
    )


def _finite(training: Training) -> Verdict:
    wrong = training.not_finite
    return verdict(listed(wrong) or "none", "none is infinite or NaN", holds=not wrong)


def _perfect(training: Training) -> Verdict:
    doubted = [name for name in sorted(training.metrics) if _is_perfect(name, training.metrics)]
    actual = "; ".join(f"`{name}` {training.metrics[name]:g}" for name in doubted)
    return verdict(actual or "none", "no error of 0, no score of 1", holds=not doubted)


def _is_perfect(name: str, metrics: Mapping[str, float]) -> bool:
    value = metrics[name]
    return (value == 0 and is_error(name)) or (value == 1 and is_score(name))


def is_error(name: str) -> bool:
    """Return whether a metric is an error by its name: the smaller, the better."""
    return bool(set(_PARTS.findall(name.lower())) & _ERRORS)


def is_score(name: str) -> bool:
    """Return whether a metric is a score by its name: the larger, the better."""
    return bool(set(_PARTS.findall(name.lower())) & _SCORES)


def _in_order(training: Training) -> Verdict:
    started, completed = training.started, training.completed
    if started is None or completed is None:
        return _UNKNOWN
    return verdict(
        f"{format_time(started)} to {format_time(completed)}",
        "completed no earlier than started",
        holds=started <= completed,
    )


def _after_build(training: Training) -> Verdict:
    began, built = training.started or training.completed, training.built
    if began is None or built is None:
        return _UNKNOWN
    if training.is_unzoned:
        return _UNZONED
    return verdict(
        format_time(began), f"no earlier than the build, {format_time(built)}", holds=began >= built
    )


def _named(training: Training) -> Verdict:
    said = "none" if training.said is None else f"`{training.said}`, which leads to none"
    return verdict(training.dataset or said, "a dataset", holds=training.dataset is not None)


def _seen(training: Training) -> Verdict:
    if training.dataset is None:
        return skipped("it leads to no dataset")
    if training.is_seen is None:
        return skipped("who writes that dataset is not known here")
    actual = training.dataset if training.is_seen else f"{training.dataset}, which nobody wrote"
    return verdict(actual, "a version that was seen being written", holds=training.is_seen)


CHECKS: Final = (
    CheckOf(
        "training_metrics",
        "warn",
        "whether a number was reported at all; one that is absent is not 0",
        "its numbers may be kept elsewhere",
        _reported,
    ),
    CheckOf(
        "training_metrics_finite",
        "error",
        "the numbers that were reported with infinity and NaN",
        "infinity may stand for what cannot be computed, such as a rate of nothing",
        _finite,
    ),
    CheckOf(
        "training_perfect",
        "warn",
        "errors (RMSE, MAE, a loss and their like) with 0, scores (AUC, accuracy, F1 and their "
        "like) with 1: where nothing was measured, some write a perfect number",
        "a simple task, or a very small test set, may be solved without an error",
        _perfect,
    ),
    CheckOf(
        "training_times",
        "error",
        "the time of the end with that of the start",
        "two machines with different clocks",
        _in_order,
    ),
    CheckOf(
        "training_after_build",
        "error",
        "the start of the training (or its end, where only that is known) with the build of the "
        "dataset version that it names",
        "two machines with different clocks; a version that was built again under its name",
        _after_build,
    ),
    CheckOf(
        "training_dataset",
        "warn",
        "whether what the record says of its dataset leads to one",
        "it may have been trained on what has no name; `doctor` says what mends it",
        _named,
    ),
    CheckOf(
        SEEN,
        "warn",
        "the dataset version that it names with those that something is known to have written",
        "its artifacts were deleted, or lie where nobody looked",
        _seen,
    ),
)
