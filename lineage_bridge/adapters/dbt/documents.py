"""dbt's four files as typed documents: only what is asked for is decoded.

Source: dbt's published JSON schemas, https://schemas.getdbt.com/dbt/<file>/v<n>.json.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import msgspec

from lineage_bridge.errors import ArtifactError

MANIFEST: Final = "manifest.json"
CATALOG: Final = "catalog.json"
RESULTS: Final = "run_results.json"
SOURCES: Final = "sources.json"

# Those of dbt 1.7 to 1.11.
VERSIONS: Final = {
    MANIFEST: ("manifest", ("v11", "v12")),
    CATALOG: ("catalog", ("v1",)),
    RESULTS: ("run-results", ("v5", "v6")),
    SOURCES: ("sources", ("v3",)),
}
RAN: Final = frozenset({"run", "build", "test", "seed", "snapshot", "retry"})
_SCHEMA: Final = re.compile(r"/dbt/([a-z-]+)/(v\d+)\.json$")
_PLACE: Final = re.compile(r" - at `\$\.?(.*)`$")
HEAD_BYTES: Final = 4096


class Metadata(msgspec.Struct):
    """What every file of dbt begins with."""

    dbt_schema_version: str
    generated_at: datetime
    dbt_version: str | None = None
    invocation_id: str | None = None
    project_name: str | None = None
    adapter_type: str | None = None


class DependsOn(msgspec.Struct):
    """What a node is made of."""

    nodes: list[str] = []


class Config(msgspec.Struct):
    """The settings of a node that matter here."""

    materialized: str | None = None
    severity: str | None = None


class TestMetadata(msgspec.Struct):
    """Which test of a column it is."""

    __test__ = False

    name: str
    namespace: str | None = None


class Node(msgspec.Struct):
    """A model, seed, snapshot, test or source."""

    resource_type: str
    name: str
    package_name: str
    database: str | None = None
    schema: str | None = None
    alias: str | None = None
    identifier: str | None = None
    source_name: str | None = None
    column_name: str | None = None
    attached_node: str | None = None
    depends_on: DependsOn = msgspec.field(default_factory=DependsOn)
    config: Config = msgspec.field(default_factory=Config)
    test_metadata: TestMetadata | None = None
    version: str | int | float | None = None


class Exposure(msgspec.Struct):
    """Who uses models, outside of dbt."""

    name: str
    type: str
    depends_on: DependsOn = msgspec.field(default_factory=DependsOn)


class Manifest(msgspec.Struct):
    """`manifest.json`."""

    metadata: Metadata
    nodes: dict[str, Node]
    sources: dict[str, Node] = {}
    exposures: dict[str, Exposure] = {}


class CatalogColumn(msgspec.Struct):
    """A column, as the database has it."""

    name: str
    type: str
    index: int = 0


class CatalogTable(msgspec.Struct):
    """A table, as the database has it."""

    columns: dict[str, CatalogColumn]


class Catalog(msgspec.Struct):
    """`catalog.json`."""

    metadata: Metadata
    nodes: dict[str, CatalogTable] = {}
    sources: dict[str, CatalogTable] = {}


class Timing(msgspec.Struct):
    """When a part of a node's run was."""

    name: str
    started_at: datetime | None = None
    completed_at: datetime | None = None


class Threshold(msgspec.Struct):
    """An age: `{"count": 6, "period": "hour"}`."""

    count: int | None = None
    period: str | None = None


class Criteria(msgspec.Struct):
    """How old a source may be."""

    warn_after: Threshold | None = None
    error_after: Threshold | None = None


class Result(msgspec.Struct):
    """What became of one node."""

    unique_id: str
    status: str
    timing: list[Timing] = []
    failures: int | None = None
    max_loaded_at: datetime | None = None
    snapshotted_at: datetime | None = None
    criteria: Criteria | None = None


class Arguments(msgspec.Struct):
    """Of the command line."""

    which: str | None = None


class Results(msgspec.Struct):
    """`run_results.json` and `sources.json`."""

    metadata: Metadata
    results: list[Result]
    args: Arguments = msgspec.field(default_factory=Arguments)

    @property
    def ran(self) -> bool:
        """Whether the command ran anything: `docs generate` says success of what never ran."""
        return self.args.which in RAN

    @property
    def run(self) -> str:
        """What tells the invocation from all others."""
        return self.metadata.invocation_id or self.metadata.generated_at.isoformat()


Document = TypeVar("Document", Manifest, Catalog, Results)


def says_dbt(content: bytes) -> bool:
    """Return whether a file says by its beginning that it is of dbt."""
    return b"schemas.getdbt.com/dbt/" in content[:HEAD_BYTES]


def decode_as(kind: type[Document], content: bytes, name: str) -> Document:
    """Decode a file of dbt.

    Raises:
        ArtifactError: it is no such file, damaged, or of a version that is not known.
    """
    content = content.removeprefix(b"\xef\xbb\xbf")
    _check_version(content, name)
    try:
        return msgspec.json.decode(content, type=kind, strict=False)
    except msgspec.ValidationError as exc:
        place = _PLACE.search(str(exc))
        reason = _PLACE.sub("", str(exc))
        field = place[1].replace("[...]", ".*") if place else None
        raise ArtifactError(reason[:1].lower() + reason[1:], field=field or None) from exc
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise ArtifactError(f"is not JSON: {exc}") from exc


class _Head(msgspec.Struct):
    metadata: dict[str, Any]


def _check_version(content: bytes, name: str) -> None:
    try:
        said = msgspec.json.decode(content, type=_Head).metadata.get("dbt_schema_version")
    except msgspec.ValidationError as exc:
        raise ArtifactError("is missing, or no object", field="metadata") from exc
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise ArtifactError(f"is not JSON: {exc}") from exc
    kind, versions = VERSIONS[name]
    found = _SCHEMA.search(said) if isinstance(said, str) else None
    if found is None or found[1] != kind or found[2] not in versions:
        expected = f"expected {kind} {' or '.join(versions)} (dbt 1.7 to 1.11)"
        shown = f"{found[1]} {found[2]}" if found else repr(said)[:60]
        raise ArtifactError(f"is {shown}, {expected}", field="metadata.dbt_schema_version")


def in_utc(time: datetime | None) -> datetime | None:
    """Return a time of dbt, which writes UTC also where it names no zone."""
    if time is None:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
