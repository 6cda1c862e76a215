"""An inference log: files understood by their first rows, read in bites, each request once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import compress
from typing import BinaryIO, Final

from lineage_bridge.errors import ArtifactError
from lineage_bridge.inference.declared import UNDECLARED
from lineage_bridge.inference.fields import HEAD_ROWS, Fields
from lineage_bridge.inference.row_files import Rejections, head_of, row_file, values_in
from lineage_bridge.inference.seen import Seen, hashes_of
from lineage_bridge.inference.values import Inference
from lineage_bridge.settings import InferenceLog
from lineage_bridge.times import format_time

ROWS_A_BITE: Final = 4_000  # more of them wait for the collector of garbage
VALUES_A_BITE: Final = 1_000_000  # some 100 MB, where rows are wide
VALUES_OF_HEAD: Final = 400_000


class LogFile:
    """One file of an inference log.

    Args:
        file: open, and stays open.
        declared: the map that the settings have for it.
        may_be_csv: whether text that is no JSON lines is read as CSV.

    Attributes:
        fields: how it is understood.
        head: its first rows.
        rejected: rows that could not be read, of the last reading.

    Raises:
        ArtifactError: it cannot be read, or is no inference log.
    """

    def __init__(
        self, file: BinaryIO, declared: InferenceLog = UNDECLARED, *, may_be_csv: bool = False
    ) -> None:
        self._rows = row_file(file, may_be_csv=may_be_csv)
        head = head_of(self._rows, HEAD_ROWS, VALUES_OF_HEAD)
        if not head:
            raise ArtifactError("has no row that is a JSON object; a CSV of labels is for --labels")
        widest = max(map(values_in, head))
        self._rows_a_bite = min(max(VALUES_A_BITE // max(widest, 1), 1), ROWS_A_BITE)
        self.fields = Fields.understand(head, declared)
        self.rejected = Rejections()
        self.head = list(self._readable(head))

    def bites(
        self, seen: Seen | None, *, latest: datetime | None = None, features: bool = True
    ) -> Iterator[list[Inference]]:
        """Read the rows, some at a time, without those that are rejected.

        Args:
            seen: the request ids that were there before, in other files too; None: rows that say
                more of the same request are wanted as well.
            latest: the time after which no row can be; None: any.
            features: whether features are needed.

        Raises:
            ArtifactError: the file cannot be read to its end.
        """
        self.rejected = Rejections()
        read = self.fields.reader(features=features).read
        # Whether a row that has a label is a request can depend on whether it has features.
        is_all = (features and self.fields.is_flat) or "label" in self.fields.paths
        members = None if is_all else self.fields.members()
        bite: list[Inference] = []
        lines: list[int] = []
        for line, row in self._rows.rows(self.rejected, members):
            try:
                found = read(row)
                _check_time(found, latest)
            except ArtifactError as exc:
                self.rejected.add(exc, line)
                continue
            bite.append(found)
            lines.append(line)
            if len(bite) >= self._rows_a_bite:
                yield self._once(bite, lines, seen)
                bite, lines = [], []
        if bite:
            yield self._once(bite, lines, seen)

    def _once(self, bite: list[Inference], lines: list[int], seen: Seen | None) -> list[Inference]:
        """Leave out requests that were there before; a label alone is none."""
        if seen is None or "request_id" not in self.fields.paths:
            return bite
        asked = [not row.is_only_label for row in bite]
        requests = bite if all(asked) else [*compress(bite, asked)]
        firsts = seen.add(hashes_of([row.request_id for row in requests]))
        if firsts.all():
            return bite
        is_first = iter(firsts.tolist())
        kept: list[Inference] = []
        for row, line, is_request in zip(bite, lines, asked, strict=True):
            if not is_request or next(is_first):
                kept.append(row)
            else:
                reason = "was there before: a request counts once"
                self.rejected.add(ArtifactError(reason, field="request_id"), line)
        return kept

    def _readable(self, head: list[dict[str, object]]) -> Iterator[Inference]:
        reader = self.fields.reader()
        for row in head:
            try:
                yield reader.read(row)
            except ArtifactError:
                continue


def _check_time(row: Inference, latest: datetime | None) -> None:
    if latest is None:
        return
    for field, stamp in (("time", row.at), ("label_time", row.labelled_at)):
        if stamp is not None and stamp.instant > latest:
            raise ArtifactError(f"is in the future: {format_time(stamp.instant)}", field=field)
