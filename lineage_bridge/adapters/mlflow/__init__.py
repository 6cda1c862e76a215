"""MLflow: its runs, and its registry of models, wherever it keeps them.

One family with three stores, each read without MLflow: a folder of files (`file_store`, a run at a
time), an SQLite database (`database`) and a tracking server's REST API (`server`). They give the
same facts (`facts`), of which `runs` and `registry` make records; `inputs` says what the source of
a logged dataset means.

Source: MLflow's file layout, tables and REST API, 2.x and 3.x.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from lineage_bridge.adapters.api import API, Kind, Place, Problem
from lineage_bridge.adapters.artifact import Artifact
from lineage_bridge.adapters.mlflow import database, file_store, server
from lineage_bridge.records import Record

_DATABASE: Final = re.compile(r".+\.(?:db|sqlite|sqlite3)")
_SERVER: Final = Kind("tracking server", is_store=True)


class MLflow:
    """The adapter of MLflow's stores."""

    api = API
    name = "mlflow"
    title = "MLflow's runs and registered models: a folder, a database, or a tracking server's URL"
    version = 1
    server = _SERVER

    def enters(self, folder: str) -> bool:
        """Return whether a folder is the store that MLflow makes by itself."""
        return folder.startswith("mlruns")

    def recognise(self, place: Place) -> Kind | None:
        """Recognise a run, a registered version, a registered model, or a database."""
        if place.is_folder:
            return None
        if place.name == file_store.META:
            return file_store.recognise(place)
        if _DATABASE.fullmatch(place.name):
            return Kind(database.KIND, companions=(f"{place.name}-wal",), is_store=True)
        return None

    def read(self, artifact: Artifact) -> Iterator[Record | Problem]:
        """Read a run or a registered version of a folder, or all that a store holds."""
        if artifact.kind.name == _SERVER.name:
            return server.read(artifact)
        if artifact.kind.name == database.KIND:
            return database.read(artifact)
        return file_store.read(artifact)


ADAPTER: Final = MLflow()
