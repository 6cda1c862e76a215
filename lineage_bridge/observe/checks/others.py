"""Files that are no versions of datasets, as checks judge them: training records, metric windows.

A training record is metadata too, of which P6's five checks ask for a dataset; its own stand beside
them. What it says that it was trained on, only a home can know.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from lineage_bridge.adapters import monitoring, training_bundles
from lineage_bridge.adapters.api import Problem
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.adapters.documents import parse_object
from lineage_bridge.adapters.files import open_file
from lineage_bridge.adapters.lines import LineReader
from lineage_bridge.adapters.serving_windows import numbers_of, read_window
from lineage_bridge.assess.checks import artifact as about_files
from lineage_bridge.assess.checks import training, windows
from lineage_bridge.assess.checks.alone import judge_alone
from lineage_bridge.assess.checks.definition import Case
from lineage_bridge.assess.checks.facts import Version
from lineage_bridge.assess.checks.judge import Report, judge_versions
from lineage_bridge.assess.checks.policy import CheckPolicy
from lineage_bridge.assess.checks.settings import expected_of
from lineage_bridge.errors import ArtifactError
from lineage_bridge.naming import model_dataset
from lineage_bridge.observe.checks.facts import facts_of
from lineage_bridge.records import Record, Reference, Training
from lineage_bridge.records.training import NOT_FINITE
from lineage_bridge.settings import Settings

_OF_FILES: Final = about_files.CHECKS[:2]  # whether it is there, and readable


def report_on(path: Path, settings: Settings) -> Report | None:
    """Judge a training record, or a file of metric windows; None of what is neither.

    Raises:
        SettingsError: the settings name a check that there is not.
    """
    real = os.path.realpath(path)
    try:
        if path.suffix.lower() == ".json":
            return _of_training(str(path), real, settings)
        return _of_windows(str(path), real, settings)
    except ArtifactError:
        return None  # whatever is wrong with it is found as with any file


def _of_training(name: str, real: str, settings: Settings) -> Report | None:
    found = Artifact("check", training_bundles.BUNDLE, real, os.path.dirname(real))  # noqa: PTH120
    record, trouble = None, None
    for part in _read(found):
        if isinstance(part, Training):
            record = part
        elif isinstance(part, Problem):  # such as numbers that cannot be read
            trouble = f"`{part.companion}` {part.error}"
    if record is None:
        return None
    model = model_dataset(record.model.name, record.model.within)
    policy = expected_of(model, settings)
    version = replace(facts_of(Path(name), settings), trouble=trouble)
    (as_metadata,) = judge_versions([version], CheckPolicy(severity=policy.severity))
    of_record = judge_alone(training.CHECKS, _facts(record, policy))
    return Report(as_metadata.version, (*as_metadata.results, *of_record))


def _read(found: Artifact) -> Iterator[Record | Problem]:
    document = parse_object(found.content())
    if monitoring.is_training(document):
        yield from monitoring.ADAPTER.read(found)
    elif training_bundles.is_bundle(document):
        yield from training_bundles.ADAPTER.read(found)


def _facts(record: Training, policy: CheckPolicy) -> training.Training:
    said = record.reads[0] if record.reads else Reference()
    return training.Training(
        policy,
        record.metrics,
        tuple(f.removeprefix(NOT_FINITE) for f in record.flags if f.startswith(NOT_FINITE)),
        record.started,
        record.completed,
        record.time_basis == "unzoned",
        "@".join(filter(None, (said.name, said.version))) or None,
        is_seen=None,
    )


def _of_windows(name: str, real: str, settings: Settings) -> Report | None:
    numbers: list[windows.Numbers] = []
    wrong: list[str] = []
    with open_file(real) as file:
        lines = LineReader(file)
        for number, line in lines:
            try:
                if line:
                    numbers.append(numbers_of(read_window(line)))
            except ArtifactError as exc:
                if not numbers:  # a file of windows begins with one
                    return None
                wrong.append(f"line {number}: {exc}")
        wrong += [f"line {problem.line}: {problem.reason}" for problem in lines.problems]
    if not numbers:
        return None
    policy = expected_of(name, settings)
    trouble = f"{len(wrong):,} of its lines are no windows; {wrong[0]}" if wrong else None
    version = Version(name, trouble=trouble, rows=len(numbers))
    of_file = judge_alone(_OF_FILES, Case(version, policy))
    of_windows = judge_alone(windows.CHECKS, windows.Windows(policy, numbers))
    return Report(version, (*of_file, *of_windows))
