"""An inference log: files understood by their first rows, read in bites, each request once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import compress, islice
from typing import BinaryIO, Final

from lineage_bridge.errors import ArtifactError
from lineage_bridge.inference.bites import read_bite
from lineage_bridge.inference.declared import UNDECLARED
from lineage_bridge.inference.fields import HEAD_ROWS, Fields, feature_names
from lineage_bridge.inference.row_files import (
    JsonRows,
    Rejections,
    head_of,
    is_packed,
    row_file,
    values_in,
)
from lineage_bridge.inference.seen import Seen, hashes_of
from lineage_bridge.inference.values import Inference
from lineage_bridge.settings import InferenceLog

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
        line: the number of the last row that was read.

    Raises:
        ArtifactError: it cannot be read, or is no inference log.
    """

    def __init__(
        self, file: BinaryIO, declared: InferenceLog = UNDECLARED, *, may_be_csv: bool = False
    ) -> None:
        self._rows = row_file(file, may_be_csv=may_be_csv)
        self._is_packed = is_packed(file)
        head = head_of(self._rows, HEAD_ROWS, VALUES_OF_HEAD)
        if not head:
            raise ArtifactError(
                "has no rows: expected parquet, or a JSON object on each line (CSV only of labels)"
            )
        widest = max(map(values_in, head))
        self._rows_a_bite = min(max(VALUES_A_BITE // max(widest, 1), 1), ROWS_A_BITE)
        self.fields = Fields.understand(head, declared)
        self.rejected = Rejections()
        self.line = 0
        self.head = list(self._readable(head))

    @property
    def features(self) -> list[str]:
        """The names of those in its first rows."""
        return feature_names(self.fields, self.head)

    @property
    def says_features(self) -> bool:
        """Whether its rows say which members are features, so that these are not only the rest."""
        is_said = not self.fields.is_flat or self.fields.feature_names is not None
        return is_said and bool(self.features)

    @property
    def is_surely_one(self) -> bool:
        """Whether its rows say what was asked, what was answered, and who answered."""
        paths = self.fields.paths
        has_names = "deployment" in paths or "model" in paths
        return has_names and "prediction" in paths and bool(self.features)

    @property
    def growing(self) -> JsonRows | None:
        """Its lines, if it is a file that may grow: neither compressed nor parquet."""
        return self._rows if isinstance(self._rows, JsonRows) and not self._is_packed else None

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
        reader = self.fields.reader(features=features)
        # Whether a row that has a label is a request can depend on whether it has features.
        is_all = (features and self.fields.is_flat) or "label" in self.fields.paths
        members = None if is_all else self.fields.members()
        listed = self._rows.rows(self.rejected, members)
        while listed_now := list(islice(listed, self._rows_a_bite)):
            lines = [line for line, _ in listed_now]
            found = read_bite(reader, [row for _, row in listed_now], latest)
            self.line = lines[-1]
            bite = [row for row in found if isinstance(row, Inference)]
            if len(bite) < len(found):
                self._rows.reject()
                for row, line in zip(found, lines, strict=True):
                    if isinstance(row, ArtifactError):
                        self.rejected.add(row, line)
                pairs = zip(found, lines, strict=True)
                lines = [line for row, line in pairs if isinstance(row, Inference)]
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
