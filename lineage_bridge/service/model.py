"""The model that a service serves, in the words that its start and its windows carry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from lineage_bridge.errors import SettingsError
from lineage_bridge.naming import UNKNOWN
from lineage_bridge.times import format_time, parse_time

_TIMES: Final = ("trained_at", "started_at", "completed_at")


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """A model version. What is not known stays None and is written as `unknown`.

    Attributes:
        name, version: as the registry or the folder has them.
        dataset_name, dataset_version: what it was trained on, in any spelling.
        bundle_id: the place it was loaded from, or `sha256:<hex>` of its file.
        bundle_uri: the same as a URI; one of MLflow's is linked by its run or its name and version.
        created, started, completed: when the file was made, and when its training began and ended;
            aware datetimes.

    Raises:
        SettingsError: name or version is empty or `unknown`, or a time has no zone.
    """

    name: str
    version: str
    dataset_name: str | None = None
    dataset_version: str | None = None
    bundle_id: str | None = None
    bundle_uri: str | None = None
    created: datetime | None = None
    started: datetime | None = None
    completed: datetime | None = None

    def __post_init__(self) -> None:
        for field in ("name", "version"):
            check_name(f"the model's {field}", getattr(self, field))
        for field in ("created", "started", "completed"):
            found = getattr(self, field)
            if found is not None and found.tzinfo is None:
                raise SettingsError(f"The model's time `{field}` ({found}) has no zone.")

    @classmethod
    def of_folder(cls, folder: str | Path, *, name: str | None = None) -> Self:
        """Read `<name>/<version>/model_metadata.json`, as a trainer publishes it.

        Raises:
            SettingsError: there is no such file, or it does not say what it should.
        """
        path = Path(folder).absolute()
        path = path if path.suffix == ".json" else path / "model_metadata.json"
        said = _read_metadata(path)
        times = {field: _time(said, field, path) for field in _TIMES}
        return cls(
            name=name or path.parent.parent.name,
            version=_text(said, "model_version") or path.parent.name,
            dataset_name=_text(said, "input_dataset_name"),
            dataset_version=_text(said, "input_dataset_version"),
            bundle_id=str(path.parent),
            bundle_uri=path.parent.as_uri(),
            created=times["trained_at"],
            started=times["started_at"],
            completed=times["completed_at"] or times["trained_at"],
        )

    @classmethod
    def of_mlflow(cls, uri: str, *, name: str | None = None, version: str | None = None) -> Self:
        """Name a model by MLflow's URI: `models:/fraud/7`, `models:/fraud@champion`, `runs:/…`.

        Args:
            uri: as `mlflow.pyfunc.load_model` takes it.
            name: of the model, where the URI has none.
            version: where the URI has none; else the id of the run.

        Raises:
            SettingsError: neither the URI nor the arguments name model and version.
        """
        from lineage_bridge.adapters.model_uris import read_model_uri

        said = read_model_uri(uri, "bundle_uri")
        name = name or (said.name if said else None)
        version = version or ((said.version or said.run_id) if said else None)
        if name is None or version is None:
            missing = "name" if name is None else "version"
            raise SettingsError(f"The URI `{uri}` has no {missing} of a model; give `{missing}=`.")
        return cls(name=name, version=version, bundle_id=uri, bundle_uri=uri)

    @classmethod
    def of_file(cls, path: str | Path, *, name: str, version: str | None = None) -> Self:
        """Name a model by the content of its file; without a version that is its hash's beginning.

        Raises:
            SettingsError: the file cannot be read.
        """
        path = Path(path).absolute()
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            made = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except OSError as exc:
            raise SettingsError(f"The model `{path}` cannot be read: {exc.strerror}.") from exc
        return cls(
            name=name,
            version=version or digest[:12],
            bundle_id=f"sha256:{digest}",
            bundle_uri=path.as_uri(),
            created=made,
        )

    @property
    def words(self) -> dict[str, str]:
        """The fields that windows and starts share."""
        return {
            "model_name": self.name,
            "model_version": self.version,
            "bundle_id": _written(self.bundle_id),
            "input_dataset_name": _written(self.dataset_name),
            "input_dataset_version": _written(self.dataset_version),
        }

    def times(self, started: datetime) -> dict[str, str]:
        """The times that a start has to name; those that nobody knows are those of the start."""
        created = self.created or self.completed or started
        completed = self.completed or created
        return {
            "bundle_created_at": format_time(created),
            "started_at": format_time(min(self.started or completed, completed)),
            "completed_at": format_time(completed),
        }


def _written(text: str | None) -> str:
    return (text or UNKNOWN).encode("utf-8", "replace").decode()  # a path may be any bytes


def check_name(what: str, name: str) -> None:
    """Refuse what cannot name a node.

    Raises:
        SettingsError: it is no text, blank, not UTF-8, or `unknown`.
    """
    is_text = isinstance(name, str) and name.isprintable() and bool(name.strip())
    if not is_text or name.strip().lower() == UNKNOWN:
        raise SettingsError(f"Expected a text for {what}, found {name!r}; `unknown` is no name.")


def _read_metadata(path: Path) -> Mapping[str, Any]:
    try:
        said = json.loads(path.read_bytes())
    except (OSError, ValueError) as exc:
        raise SettingsError(f"The model's metadata `{path}` cannot be read: {exc}.") from exc
    if not isinstance(said, dict):
        raise SettingsError(f"The model's metadata `{path}` is no JSON object.")
    return said


def _text(said: Mapping[str, Any], field: str) -> str | None:
    value = said.get(field)
    return str(value) if isinstance(value, str | int) and str(value).strip() else None


def _time(said: Mapping[str, Any], field: str, path: Path) -> datetime | None:
    value = said.get(field)
    if value is None:
        return None
    try:
        return parse_time(str(value)).instant
    except ValueError as exc:
        raise SettingsError(f"`{field}` in `{path}`: {exc}, found `{value}`.") from exc
