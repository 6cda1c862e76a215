"""Requests of an inference log: are they such as the served model was made for, and whole.

These are SentinelML's seven checks, with what was wrong with them put right: each is reported also
where it passes, and holds a share against its limit by what is proven of it; values out of range
and unknown labels can fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan, sqrt
from typing import Final, NamedTuple

from lineage_bridge.assess.bounds import DEFAULT_Z, wilson_lower
from lineage_bridge.assess.checks.definition import (
    CheckOf,
    Verdict,
    listed,
    share_text,
    skipped,
    verdict,
)
from lineage_bridge.assess.checks.outside import out_of_range, unknown_labels
from lineage_bridge.assess.checks.policy import CheckPolicy
from lineage_bridge.profiles.column import Column
from lineage_bridge.profiles.profile import Part

MOST_CLASSES: Final = 100  # of more different ones, a prediction is a number and no class
_TRUTHS: Final = {"true": "1", "false": "0"}
_NO_ROWS: Final = skipped("there are no requests")


class Requests(NamedTuple):
    """Requests of one model version in a deployment, and what it was trained on.

    Attributes:
        policy: of the log.
        asked: their features and answers.
        features: which columns of them are features.
        repeated: how many more rows had the request id of one that counts.
        prediction, confidence: columns with what was answered; None where there is none.
        trained: what the model was trained on; None where that is not known.
        target: the column that was to be foretold there.
    """

    policy: CheckPolicy
    asked: Part
    features: tuple[str, ...]
    repeated: int = 0
    prediction: str | None = None
    confidence: str | None = None
    trained: Part | None = None
    target: str | None = None


def _missing(found: Requests) -> Verdict:
    return _missing_shares(found, found.policy.missing_share_most)


def _few_missing(found: Requests) -> Verdict:
    return _missing_shares(found, found.policy.few_missing_share_most)


def _missing_shares(found: Requests, most: float) -> Verdict:
    """Judge by how much more is missing than was where the model learned."""
    rows = found.asked.rows
    if not rows:
        return _NO_ROWS
    counts = {name: _absent(found.asked, name) for name in found.features}
    above = {
        name: wilson_lower(count, rows) - _usual(found, name) for name, count in counts.items()
    }
    worst = sorted(above, key=lambda name: (-above[name], name))
    over = [name for name in worst if above[name] > most]
    shown = over or [name for name in worst if counts[name]]
    return verdict(
        "; ".join(f"`{name}` {counts[name]:,} of {rows:,}" for name in shown[:3]) or "none",
        f"surely no more than {share_text(most)} above what it was trained on",
        holds=not over,
        columns=over,
    )


def _absent(part: Part, name: str) -> int:
    return part.nulls(name) + part.column(name).nans


def _usual(found: Requests, name: str) -> float:
    trained = found.trained
    if trained is None or not trained.rows or name not in trained.columns:
        return 0.0
    return _absent(trained, name) / trained.rows


def _out_of_range(found: Requests) -> Verdict:
    ranges = {**dict(_trained_ranges(found)), **found.policy.ranges}
    if not ranges:
        return skipped("neither a training nor the settings say a range")
    most = found.policy.out_of_range_share_most
    return out_of_range(found.asked.columns, ranges, most) if found.asked.rows else _NO_ROWS


def _trained_ranges(found: Requests) -> Iterator[tuple[str, tuple[float, float]]]:
    for name, learned in _learned(found):
        if learned.main_kind == "number":
            yield name, (learned.numbers.smallest, learned.numbers.largest)


def _unknown_labels(found: Requests) -> Verdict:
    labels = {**dict(_trained_labels(found)), **found.policy.labels}
    if not labels:
        return skipped("neither a training nor the settings list labels")
    most = found.policy.unknown_label_share_most
    return unknown_labels(found.asked.columns, labels, most) if found.asked.rows else _NO_ROWS


def _trained_labels(found: Requests) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, learned in _learned(found):
        if learned.main_kind == "label" and not learned.labels.overflows:
            yield name, tuple(learned.labels.counts)


def _learned(found: Requests) -> Iterator[tuple[str, Column]]:
    """Yield the features that are in both, as they were where the model learned."""
    if found.trained is not None:
        for name in found.features:
            learned = found.trained.columns.get(name)
            if learned is not None and name in found.asked.columns:
                yield name, learned


def _repeated(found: Requests) -> Verdict:
    rows = found.asked.rows + found.repeated
    if not rows:
        return _NO_ROWS
    most = found.policy.repeated_share_most
    return verdict(
        f"{found.repeated:,} of {rows:,} rows",
        f"at most {share_text(most)}",
        holds=found.repeated / rows <= most,
    )


def _confidence(found: Requests) -> Verdict:
    if found.confidence is None:
        return skipped("the log has no confidence")
    numbers = found.asked.column(found.confidence).numbers.finite()
    mean, deviation = numbers.mean_and_deviation()
    if isnan(mean):
        return skipped("the log has no confidence")
    upper = mean + DEFAULT_Z * deviation / sqrt(numbers.total)
    least = found.policy.confidence_least
    return verdict(
        f"{mean:.4g} on average, surely under {upper:.4g}",
        f"{least:g} or more",
        holds=upper >= least,
        columns=(found.confidence,),
    )


def _present(found: Requests) -> Verdict:
    needed = _needed(found)
    if not needed:
        return skipped("nothing says which features the model takes")
    missing = [name for name in needed if name not in found.asked.columns]
    return verdict(
        f"missing: {listed(missing)}" if missing else "all there",
        f"{len(needed):,} features",
        holds=not missing,
        columns=missing,
    )


def _needed(found: Requests) -> tuple[str, ...]:
    if found.policy.needed is not None:
        return found.policy.needed
    prefix = found.policy.feature_prefix
    if prefix is None or found.trained is None:
        return ()
    return tuple(name for name in found.trained.columns if name.startswith(prefix))


def _known_classes(found: Requests) -> Verdict:
    known = _classes_expected(found)
    if known is None or found.prediction is None:
        return skipped("the prediction is no class, or nothing says which there are")
    answered = _classes(found.asked.column(found.prediction))
    if answered is None:
        return skipped("the prediction is no class")
    new = {label: count for label, count in answered.items() if label not in known}
    return verdict(
        "; ".join(f"`{label}` {count:,} times" for label, count in [*new.items()][:3]) or "none",
        f"one of {listed(sorted(known))}",
        holds=not new,
        columns=(found.prediction,),
    )


def _classes_expected(found: Requests) -> frozenset[str] | None:
    if found.policy.classes is not None:
        return frozenset(found.policy.classes)
    if found.trained is None or found.target is None:
        return None
    counts = _classes(found.trained.column(found.target))
    return frozenset(counts) if counts else None


def _classes(column: Column) -> dict[str, int] | None:
    """Count classes by their names, 0 and false as one; None if the values are no classes."""
    if not column.is_distinct_exact or column.distinct > MOST_CLASSES or column.instants.total:
        return None
    numbers = column.numbers
    if any(value != round(value) for value in numbers.finite().values.tolist()):
        return None
    counts = {
        f"{value:g}": count
        for value, count in zip(numbers.values.tolist(), numbers.counts.tolist(), strict=True)
    }
    for label, count in column.labels.counts.items():
        name = _TRUTHS.get(label, label)
        counts[name] = counts.get(name, 0) + count
    return counts


CHECKS: Final = (
    CheckOf(
        "features_missing",
        "error",
        "the share of requests without a value, feature by feature, with that where the model "
        "learned",
        "what is between the limit and its bound is let pass",
        _missing,
        (),
        ("missing_share_most",),
        "share of requests",
    ),
    CheckOf(
        "features_few_missing",
        "warn",
        "the same as `features_missing`, with a lower limit",
        "a feature that is new in the service may still be filled",
        _few_missing,
        (),
        ("few_missing_share_most",),
        "share of requests",
    ),
    CheckOf(
        "features_out_of_range",
        "error",
        "the share of a feature's values beyond the range in the settings, else beyond all that "
        "the model learned from",
        "few rows to learn from have a narrow range",
        _out_of_range,
        (),
        ("ranges", "out_of_range_share_most"),
        "share of values",
    ),
    CheckOf(
        "features_unknown_labels",
        "warn",
        "the share of a feature's labels that are not on the list in the settings, else that the "
        "model never saw",
        "a label that is rare may not have been in what it learned from",
        _unknown_labels,
        (),
        ("labels", "unknown_label_share_most"),
        "share of values",
    ),
    CheckOf(
        "request_ids",
        "error",
        "the ids of requests with each other",
        "a client that tries again may send the same id on purpose",
        _repeated,
        (),
        ("repeated_share_most",),
        "share of rows",
    ),
    CheckOf(
        "confidence",
        "warn",
        "the mean confidence, by its upper bound (95 %), with a limit",
        "of two classes the surer one has 0.5 at least, so there only a limit above that can fail",
        _confidence,
        (),
        ("confidence_least",),
        "confidence",
    ),
    CheckOf(
        "features_needed",
        "error",
        "the features in the log with those that the settings name as needed, else with the "
        "features that the model learned from",
        "a service may log only some of them",
        _present,
        (),
        ("needed", "feature_prefix"),
    ),
    CheckOf(
        "predictions_known",
        "warn",
        "the classes that were answered with those in the settings, else in the target of what "
        "the model learned from",
        "a class that is rare may not have been in what it learned from",
        _known_classes,
        (),
        ("classes",),
    ),
)
