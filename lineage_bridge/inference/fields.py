"""Where in a row our fields are: as declared, else by the usual names that the first rows have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from lineage_bridge.errors import ArtifactError
from lineage_bridge.inference.paths import getter, members_of
from lineage_bridge.inference.values import (
    Inference,
    Read,
    Served,
    answer_of,
    features_of,
    group_of,
    label_of,
    probability_of,
    text_of,
    time_reader,
)
from lineage_bridge.settings import InferenceLog

HEAD_ROWS: Final = 200  # by which a log is understood
WHOLE_ROW: Final = "@"

# The first that most of the rows that have it can be read by.
USUAL: Final[Mapping[str, tuple[str, ...]]] = {
    "request_id": ("request_id", "requestId", "inference_id", "prediction_id", "correlation_id",
                   "event_id", "trace_id", "id"),
    "time": ("timestamp", "time", "ts", "served_at", "predicted_at", "requested_at",
             "request_time", "created_at", "event_time", '"@timestamp"', "datetime"),
    "deployment": ("deployment_id", "deployment", "endpoint_name", "endpoint"),
    "environment": ("environment", "env", "stage"),
    "service": ("service", "service_name"),
    "model": ("model.name", "model_name", "model"),
    "version": ("model.version", "model_version", "version"),
    "run": ("model.run_id", "model_run_id", "run_id"),
    "entity": ("entity_id", "entity.entity_id", "entity.id", "entity.station_id", "entity",
               "station_id", "customer_id", "user_id"),
    "features": ("features", "inputs", "input", "feature_values", "request.features",
                 "request.inputs", "payload.features"),
    "prediction": ("prediction", "predicted", "predicted_label", "predicted_class",
                   "prediction_label", "prediction[0]", "predictions[0]", "y_pred", "output",
                   "response.prediction", "result"),
    "probability": ("probability", "probability_class_1", "proba", "predicted_probability",
                    "prediction_probability", "prediction_score", "score",
                    "response.probability"),
    "confidence": ("confidence", "response.confidence"),
    "label": ("label", "ground_truth", "actual", "y_true", "target", "outcome"),
    "group": (),  # nobody guesses by what people are to be told apart
    "label_time": ("observed_at", "label_time", "labelled_at", "labeled_at", "label_timestamp"),
}  # fmt: skip

_FEATURE_COLUMNS: Final = ("ft_*", "feature_*", "feature.*", "features?*")
# Members of a flat row that say how it was served, and are neither a field of ours nor a feature.
_KEPT_BOOKS: Final = ("latency*", "duration*", "*_ms", "status*", "schema_version", "error*",
                      "warning*", "probability*", "model*", "instance*", "host*", "*_id", "level",
                      "message", "logger", "*_ts", "*_at", "time*")  # fmt: skip

# As `Inference` has them, behind who served.
ONE_BY_ONE: Final = ("request_id", "time", "entity", "features", "prediction", "probability",
                      "confidence", "label", "label_time", "group")  # fmt: skip
_MOST_KNOWN: Final = 1_000  # different ones who served; more are read each time


@dataclass(frozen=True, slots=True)
class Fields:
    """A log's map: an expression for each of our fields that it has.

    Attributes:
        paths: our field -> JMESPath expression.
        declared: those of them that the settings name.
        shares: our field -> the share of the first rows that have it.
        feature_names: patterns of the names that are features, if not all are.
        time_unit: of times that are numbers.
    """

    paths: Mapping[str, str]
    declared: frozenset[str]
    shares: Mapping[str, float]
    feature_names: tuple[str, ...] | None
    time_unit: str | None

    @classmethod
    def understand(cls, head: Sequence[Mapping[str, Any]], declared: InferenceLog) -> Fields:
        """Find the fields of a log by its first rows.

        Raises:
            ArtifactError: the rows have neither a prediction nor features nor labels.
        """
        named = declared.paths()
        paths: dict[str, str] = {}
        shares: dict[str, float] = {}
        for field, usual in USUAL.items():
            listed = (named[field],) if field in named else usual
            for path in listed:
                present, readable = _tried(path, head, _reader(field, declared.time_unit))
                if field in named or (readable and 2 * readable >= present):
                    paths[field], shares[field] = path, present / max(len(head), 1)
                    break
        patterns = tuple(declared.feature_names) or None
        if "features" not in paths:
            paths["features"], shares["features"] = WHOLE_ROW, 1.0
        found = cls(paths, frozenset(named), shares, patterns, declared.time_unit)
        if paths["features"] == WHOLE_ROW:
            found = found._flat(head)
        if not {"prediction", "features", "label"} & found.paths.keys():
            raise ArtifactError(
                "is no inference log: its rows have no prediction and no features under a usual "
                "name; name theirs under `inference_logs` in lineage-bridge.toml"
            )
        return found

    def _flat(self, head: Sequence[Mapping[str, Any]]) -> Fields:
        """Say which members of a row are features, where they stand among the others."""
        if self.feature_names is None:
            names = [name for row in head for name in row]
            prefixed = [p for p in _FEATURE_COLUMNS if any(fnmatchcase(n, p) for n in names)]
            patterns = tuple(prefixed) or None
        else:
            patterns = self.feature_names
        found = Fields(self.paths, self.declared, self.shares, patterns, self.time_unit)
        if any(found.is_feature(name) for row in head for name in row):
            return found
        paths = {field: path for field, path in self.paths.items() if field != "features"}
        return Fields(paths, self.declared, self.shares, patterns, self.time_unit)

    @property
    def is_flat(self) -> bool:
        """Whether features stand among the other members of a row."""
        return self.paths.get("features") == WHOLE_ROW

    def is_feature(self, name: str) -> bool:
        """Return whether a member of the features, or of a flat row, is a feature."""
        if self.feature_names is not None:
            return any(fnmatchcase(name, pattern) for pattern in self.feature_names)
        if not self.is_flat:
            return True
        if any(fnmatchcase(name, pattern) for pattern in _KEPT_BOOKS):
            return False
        return name not in self.members(but="group")

    def members(self, but: str | None = None) -> set[str]:
        """Return the names of the members of a row that our fields are read from, but for one."""
        paths = [path for field, path in self.paths.items() if path != WHOLE_ROW and field != but]
        return {name for path in paths for name in members_of(path) or ()}

    def reader(self, *, features: bool = True) -> RowReader:
        """Return what reads rows by this map; features are only checked where nobody needs them."""
        return RowReader(self, features=features or "label" in self.paths)


class RowReader:
    """Reads rows by a map, one after another.

    Attributes:
        steps: for each field its place in an `Inference` behind who served, its name, what looks it
            up in a row, and what reads it.
        served: the fields of who served, with what looks them up.
        needs_id: whether each row must have a request id.
        needs_time: whether each must have a time.
    """

    def __init__(self, fields: Fields, *, features: bool) -> None:
        self._fields = fields
        readers = {
            field: (getter(path), _reader(field, fields.time_unit))
            for field, path in fields.paths.items()
        }
        if not features and "features" in readers:
            readers["features"] = (readers["features"][0], _check_features)
        self.steps = [
            (place, field, *readers[field]) for place, field in enumerate(ONE_BY_ONE)
            if field in readers
        ]  # fmt: skip
        self.served = [(field, readers[field][0]) for field in Served._fields if field in readers]
        self._known: dict[tuple[Any, ...], Served] = {}
        self.needs_id = "request_id" in readers
        self.needs_time = "time" in readers

    def read(self, row: dict[str, Any]) -> Inference:
        """Read one row.

        Raises:
            ArtifactError: a field is not what it should be, or one that all rows need is absent.
        """
        values: list[Any] = [None] * len(ONE_BY_ONE)
        field = ""
        try:
            for place, field, get, read in self.steps:  # noqa: B007 - an error names the field
                value = get(row)
                if value is not None:
                    values[place] = read(value)
        except ArtifactError as exc:
            raise ArtifactError(exc.reason, field=field) from exc
        served = self.served_by(tuple([get(row) for _, get in self.served]))
        return self._checked(Inference(served, *values))

    def _checked(self, found: Inference) -> Inference:
        if found.label is not None and found.prediction is None:
            found = found._replace(is_only_label=not self.has_any(found.features))
        if self.needs_id and found.request_id is None:
            raise ArtifactError("is missing", field="request_id")
        if self.needs_time and found.at is None:
            if found.is_only_label and found.labelled_at is not None:
                return found
            raise ArtifactError("is missing", field="time")
        return found

    def has_any(self, features: Mapping[str, Any] | None) -> bool:
        """Return whether a row has a feature with a value."""
        if not features:
            return False
        return any(v is not None and self._fields.is_feature(n) for n, v in features.items())

    def served_by(self, values: tuple[Any, ...]) -> Served:
        """Read who served, by the values of its fields.

        Raises:
            ArtifactError: one of them is no text.
        """
        try:
            return self._known[values]
        except (KeyError, TypeError):  # not seen before, or a list
            names = {
                field: _named(value, field)
                for (field, _), value in zip(self.served, values, strict=True)
            }
            served = Served(**names)
            if len(self._known) < _MOST_KNOWN:
                self._known[values] = served
            return served


def _check_features(value: Any) -> None:
    """Read features that nobody needs, so that they are not kept."""
    features_of(value)


def _named(value: Any, field: str) -> str | None:
    try:
        return None if value is None else text_of(value)
    except ArtifactError as exc:
        raise ArtifactError(exc.reason, field=field) from exc


def feature_names(fields: Fields, rows: Iterable[Inference]) -> list[str]:
    """List the names of the features that rows have, in the order in which they turn up."""
    names = dict.fromkeys(name for row in rows for name in row.features or ())
    return [name for name in names if fields.is_feature(name)]


def _reader(field: str, unit: str | None) -> Read:
    special: dict[str, Read] = {
        "time": time_reader(unit),
        "label_time": time_reader(unit),
        "features": features_of,
        "prediction": answer_of,
        "probability": probability_of,
        "confidence": probability_of,
        "label": label_of,
        "group": group_of,
    }
    return special.get(field, text_of)


def _tried(path: str, head: Sequence[Mapping[str, Any]], read: Read) -> tuple[int, int]:
    """Count the rows that have a value there, and those in which it can be read."""
    get = getter(path)
    present = readable = 0
    for row in head:
        try:
            value = get(dict(row))
            if value is not None:
                present += 1
                read(value)
                readable += 1
        except ArtifactError:
            continue
    return present, readable
