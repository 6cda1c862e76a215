"""What is in an inference log: how it was understood, what was rejected, who answered how much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isfinite
from pathlib import Path
from typing import Final

from lineage_bridge.adapters.files import open_file
from lineage_bridge.errors import ArtifactError
from lineage_bridge.inference.declared import declared_for
from lineage_bridge.inference.fields import Fields, feature_names
from lineage_bridge.inference.log import LogFile
from lineage_bridge.inference.row_files import Rejections
from lineage_bridge.inference.seen import Seen
from lineage_bridge.inference.values import Inference, Served
from lineage_bridge.settings import InferenceLog

SKEW: Final = timedelta(minutes=5)  # that the clock of a service may be ahead of ours


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
    """

    rows: int = 0
    without_prediction: int = 0
    not_finite: int = 0
    hours: Counter[datetime] = field(default_factory=Counter)
    first: datetime | None = None
    last: datetime | None = None

    def add(self, row: Inference) -> None:
        """Count a request."""
        self.rows += 1
        answer = row.prediction
        if answer is None:
            self.without_prediction += 1
        elif isinstance(answer, float) and not isfinite(answer):
            self.not_finite += 1
        if row.at is None:
            return
        at = row.at.instant
        self.hours[at.replace(minute=0, second=0, microsecond=0)] += 1
        if self.first is None or at < self.first:
            self.first = at
        if self.last is None or at > self.last:
            self.last = at


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


def summarize(paths: Iterable[Path], logs: Mapping[str, InferenceLog], now: datetime) -> Summary:
    """Read the files of an inference log; a request that is in two of them counts once.

    Args:
        paths: of the files.
        logs: the maps of the settings.
        now: rows of a time after that, by more than `SKEW`, are rejected.
    """
    found, seen = Summary(), Seen()
    for path in paths:
        try:
            found.files.append(_read(path, declared_for(str(path), logs), found, seen, now + SKEW))
        except ArtifactError as exc:
            found.failed.append(ArtifactError(f"`{path}` {exc.reason}"))
    return found


def _read(
    path: Path, declared: InferenceLog, summary: Summary, seen: Seen, latest: datetime
) -> FileRead:
    rows = labels = unzoned = 0
    with open_file(str(path.resolve())) as file:
        log = LogFile(file, declared)
        for bite in log.bites(seen, latest=latest, features=False):
            for row in bite:
                if row.is_only_label:
                    labels += 1
                    continue
                rows += 1
                unzoned += row.at is not None and not row.at.zoned
                answers = summary.served.get(row.served)
                if answers is None:
                    answers = summary.served[row.served] = Answers()
                answers.add(row)
    names = feature_names(log.fields, log.head)
    return FileRead(path, log.fields, names, rows, labels, unzoned, log.rejected)
