"""What is in an inference log: how it was understood, what was rejected, who answered how much."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from lineage_bridge.adapters.files import open_file
from lineage_bridge.errors import ArtifactError
from lineage_bridge.inference.declared import declared_for
from lineage_bridge.inference.fields import Fields
from lineage_bridge.inference.labels import LabelLines, Labels
from lineage_bridge.inference.log import LogFile
from lineage_bridge.inference.measures import Measuring
from lineage_bridge.inference.requests import NO_TIME, Instants, Requests, Told
from lineage_bridge.inference.row_files import Rejections
from lineage_bridge.inference.seen import Seen
from lineage_bridge.inference.values import Inference, Served
from lineage_bridge.settings import InferenceLog
from lineage_bridge.times import from_micros

SKEW: Final = timedelta(minutes=5)  # that the clock of a service may be ahead of ours
_HOUR_US: Final = 3_600_000_000


@dataclass(slots=True)
class Answers:
    """Requests that one version in one deployment answered.

    Attributes:
        rows: how many there are.
        without_prediction: of those, how many have none.
        not_finite: of those, how many were answered with NaN or infinity.
        hours: how many there were in each hour, by its begin.
        first: the time of the first request, if times are known.
        last: that of the last one.
        measuring: those that were answered, and are labelled.
    """

    rows: int = 0
    without_prediction: int = 0
    not_finite: int = 0
    hours: Counter[datetime] = field(default_factory=Counter)
    first: datetime | None = None
    last: datetime | None = None
    measuring: Measuring = field(default_factory=Measuring)

    @property
    def answered(self) -> int:
        """How many were answered with something that a label can be compared with."""
        return self.rows - self.without_prediction - self.not_finite

    def add(self, requests: Requests, labels: Told) -> None:
        """Count requests, of which this is known to be true."""
        self.rows += len(requests)
        answers = requests.answers
        is_there, is_usable = answers.is_there, answers.is_usable
        self.without_prediction += int((~is_there).sum())
        self.not_finite += int((is_there & ~is_usable).sum())
        is_labelled = is_usable & labels.is_there
        if is_labelled.any():
            self.measuring.add(
                answers.where(is_labelled), requests.chances[is_labelled], labels.where(is_labelled)
            )
        self._add_times(requests.at_us[requests.at_us != NO_TIME])

    def _add_times(self, at_us: Instants) -> None:
        if not len(at_us):
            return
        for hour, count in zip(*np.unique(at_us // _HOUR_US, return_counts=True), strict=True):
            self.hours[from_micros(int(hour) * _HOUR_US)] += int(count)
        first, last = from_micros(int(at_us.min())), from_micros(int(at_us.max()))
        self.first = first if self.first is None else min(self.first, first)
        self.last = last if self.last is None else max(self.last, last)


@dataclass(frozen=True, slots=True)
class FileRead:
    """One file that was read.

    Attributes:
        path: as it was named.
        fields: how it was understood.
        features: the names of those in its first rows.
        rows: requests that count.
        labels: rows that are no request but tell what was true of one.
        unzoned: requests whose time has no zone and was read as UTC.
        rejected: rows that do not count.
    """

    path: Path
    fields: Fields
    features: list[str]
    rows: int
    labels: int
    unzoned: int
    rejected: Rejections


@dataclass(slots=True)
class Summary:
    """All files that were read, and those that could not be."""

    files: list[FileRead] = field(default_factory=list)
    label_files: list[FileRead] = field(default_factory=list)
    labels: Labels = field(default_factory=lambda: LabelLines().settled())
    served: dict[Served, Answers] = field(default_factory=dict)
    failed: list[ArtifactError] = field(default_factory=list)

    def by_time(self) -> list[tuple[Served, Answers]]:
        """List who answered, by deployment and then by the first request."""

        def place(of: tuple[Served, Answers]) -> tuple[str, bool, str, list[str]]:
            served, answers = of
            first = "" if answers.first is None else answers.first.isoformat()
            names = [name or "" for name in served]
            return served.deployment or "", answers.first is None, first, names

        return sorted(self.served.items(), key=place)


def summarize(
    paths: Sequence[Path],
    logs: Mapping[str, InferenceLog],
    now: datetime,
    label_paths: Iterable[Path] = (),
) -> Summary:
    """Read the files of an inference log; a request that is in two of them counts once.

    Args:
        paths: of the files.
        logs: the maps of the settings.
        now: rows of a time after that, by more than `SKEW`, are rejected.
        label_paths: of files of labels, which are joined by request id.
    """
    found = Summary()
    reading = _Reading(found, logs, now + SKEW)
    lines = LabelLines()
    for path in label_paths:
        reading.each(path, found.label_files, lambda path: reading.labels(path, lines))
    for path in paths:
        # Labels in a log may stand behind the requests that they are of, in other files too.
        with suppress(ArtifactError):  # which the second reading names
            reading.own_labels(path, lines)
    labels = found.labels = lines.settled()
    for path in paths:
        reading.each(path, found.files, lambda path: reading.requests(path, labels))
    return found


def by_served(rows: Sequence[Inference]) -> list[tuple[Served, Sequence[Inference]]]:
    """Sort rows by who answered them."""
    if len({row.served for row in rows}) == 1:
        return [(rows[0].served, rows)]
    found: dict[Served, list[Inference]] = {}
    for row in rows:
        found.setdefault(row.served, []).append(row)
    return [*found.items()]


class _Reading:
    """Reads files one after another into one summary."""

    def __init__(
        self, summary: Summary, logs: Mapping[str, InferenceLog], latest: datetime
    ) -> None:
        self._summary, self._logs, self._latest = summary, logs, latest
        self._seen = Seen()

    def each(self, path: Path, into: list[FileRead], read: Callable[[Path], FileRead]) -> None:
        """Read one file; note the reason if it cannot be read."""
        try:
            into.append(read(path))
        except ArtifactError as exc:
            self._summary.failed.append(ArtifactError(f"`{path}` {exc.reason}"))

    def labels(self, path: Path, lines: LabelLines) -> FileRead:
        """Read a file of labels."""
        count = unzoned = 0
        with self._opened(path, may_be_csv=True) as log:
            for name in ("request_id", "label"):
                if name not in log.fields.paths:
                    raise ArtifactError(
                        f"is no file of labels: its rows have no {name} under a usual name; name "
                        "theirs under `inference_logs` in lineage-bridge.toml"
                    )
            for bite in log.bites(None, latest=self._latest, features=False):
                told = [(row, row.labelled_at or row.at) for row in bite if row.label is not None]
                lines.add(told)
                count += len(told)
                unzoned += sum(at is not None and not at.zoned for _, at in told)
            return FileRead(path, log.fields, [], 0, count, unzoned, log.rejected)

    def own_labels(self, path: Path, lines: LabelLines) -> None:
        """Read the labels that are in a log."""
        with self._opened(path) as log:
            if {"request_id", "label"} <= log.fields.paths.keys():
                for bite in log.bites(None, latest=self._latest, features=False):
                    lines.add(
                        [
                            (row, row.labelled_at or (row.at if row.is_only_label else None))
                            for row in bite
                            if row.label is not None
                        ]
                    )

    def requests(self, path: Path, labels: Labels) -> FileRead:
        """Read a log, and join the labels."""
        rows = only_labels = unzoned = 0
        days = declared_for(str(path), self._logs).label_days
        with self._opened(path) as log:
            for bite in log.bites(self._seen, latest=self._latest, features=False):
                requests = [row for row in bite if not row.is_only_label]
                rows += len(requests)
                only_labels += len(bite) - len(requests)
                unzoned += sum(row.at is not None and not row.at.zoned for row in requests)
                for served, of_one in by_served(requests):
                    found = Requests.of(of_one)
                    self._answers(served).add(found, labels.of(found, days).labels)
            return FileRead(
                path, log.fields, log.features, rows, only_labels, unzoned, log.rejected
            )

    def _answers(self, served: Served) -> Answers:
        found = self._summary.served.get(served)
        if found is None:
            found = self._summary.served[served] = Answers()
        return found

    @contextmanager
    def _opened(self, path: Path, *, may_be_csv: bool = False) -> Iterator[LogFile]:
        with open_file(os.path.realpath(path)) as file:
            yield LogFile(file, declared_for(str(path), self._logs), may_be_csv=may_be_csv)
