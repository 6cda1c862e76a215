"""The names of a project: its tables and jobs, as OpenLineage and openlineage-dbt spell them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any, Final

from lineage_bridge.adapters.dbt.documents import (
    CATALOG,
    Catalog,
    CatalogTable,
    Manifest,
    Node,
    Results,
    decode_as,
)
from lineage_bridge.adapters.yaml_documents import parse_yaml
from lineage_bridge.errors import ArtifactError
from lineage_bridge.naming import duckdb_namespace
from lineage_bridge.records import Column, Reference, Table

TABLES: Final = frozenset({"model", "seed", "snapshot"})
DUCKDB: Final = "duckdb"
# How dbt calls a database, and how OpenLineage does, where the two differ.
_SCHEMES: Final = {"sqlserver": "mssql", "postgresql": "postgres", "athena": "awsathena"}
_PORTS: Final = {"postgres": 5432, "redshift": 5439, "mysql": 3306, "trino": 8080, "mssql": 1433}


class Project:
    """A manifest, with what the catalog and the profile say beside it."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.metadata = manifest.metadata
        self._nodes: Mapping[str, Node] = {**manifest.nodes, **manifest.sources}
        self._catalog: dict[str, CatalogTable] = {}
        self._target: Mapping[str, Any] = {}

    def take_catalog(self, content: bytes) -> None:
        """Take in the columns of the tables."""
        found = decode_as(Catalog, content, CATALOG)
        self._catalog = {**found.nodes, **found.sources}

    def take_profiles(self, content: bytes) -> None:
        """Take in where the database is; of several targets the default one counts."""
        documents = [document for document, _ in parse_yaml(content)]
        profiles = documents[0] if documents and isinstance(documents[0], dict) else {}
        for profile in profiles.values():
            outputs = profile.get("outputs") if isinstance(profile, dict) else None
            target = outputs.get(profile.get("target")) if isinstance(outputs, dict) else None
            if isinstance(target, dict) and target.get("type") == self.metadata.adapter_type:
                self._target = target
                return

    def check_invocation(self, results: Results) -> None:
        """Check that results and manifest are of one run.

        Raises:
            ArtifactError: they are not.
        """
        ours, theirs = results.metadata.invocation_id, self.metadata.invocation_id
        if ours != theirs:
            reason = f"is {ours!r}, and manifest.json beside it is of {theirs!r}: expected one run"
            raise ArtifactError(reason, field="metadata.invocation_id")

    def node(self, unique_id: str) -> Node:
        """Return a node.

        Raises:
            ArtifactError: the manifest has none of that id.
        """
        found = self._nodes.get(unique_id)
        if found is None:
            raise ArtifactError(f"{unique_id[:200]!r} is not in manifest.json", field="unique_id")
        return found

    def table(self, unique_id: str) -> Table:
        """Return the table of a model, seed, snapshot or source, with its columns."""
        node = self.node(unique_id)
        names = (node.schema, node.identifier or node.alias or node.name)
        short = ".".join(filter(None, names))
        whole = ".".join(filter(None, (node.database, *names)))
        scheme = self.metadata.adapter_type or "dbt"
        is_duckdb = scheme == DUCKDB and node.database is not None
        return Table(
            namespace=duckdb_namespace(node.database or "") if is_duckdb else self._place(node),
            name=short if is_duckdb else whole,
            also=self._of_openlineage_dbt(whole) if is_duckdb else None,
            columns=self._columns(unique_id),
        )

    def is_table(self, unique_id: str) -> bool:
        """Return whether there is such a node, and a table of it."""
        node = self._nodes.get(unique_id)
        return node is not None and node.config.materialized != "ephemeral"

    def reference(self, unique_id: str, field: str) -> Reference:
        """Return the words for a table that was read or looked at."""
        table = self.table(unique_id)
        return Reference(namespace=table.namespace, name=table.name, field=field)

    def job(self, unique_id: str, which: str) -> str:
        """Return the job of a node, which openlineage-dbt calls by the command as well."""
        node = self.node(unique_id)
        names: tuple[str | None, ...] = (
            node.database,
            node.schema,
            node.package_name,
            node.name,
        )
        verb = "snapshot" if node.resource_type == "snapshot" else "run"
        if which == "build":
            names = (*names, which, verb)
        elif verb == "snapshot":
            names = (*names, verb)
        return ".".join(filter(None, names))

    def tables_behind(self, unique_id: str) -> list[str]:
        """List the tables that a node reads, looking through what is no table of its own."""
        found: dict[str, None] = {}
        seen: set[str] = set()
        open_ids = list(reversed(self.node(unique_id).depends_on.nodes))
        while open_ids:
            one = open_ids.pop()
            if one in seen or one not in self._nodes:
                continue
            seen.add(one)
            node = self._nodes[one]
            if node.config.materialized == "ephemeral":
                open_ids.extend(reversed(node.depends_on.nodes))
            elif node.resource_type in TABLES or node.resource_type == "source":
                found[one] = None
        return list(found)

    def tested(self, unique_id: str) -> Iterator[str]:
        """Yield the tables that a test is of; one of a column is of its own table alone."""
        node = self.node(unique_id)
        behind = self.tables_behind(unique_id)
        if node.attached_node in behind:
            yield node.attached_node or ""
        elif node.test_metadata is not None and behind:
            # Of `relationships` the table whose column is tested comes last.
            yield behind[-1]
        else:
            yield from behind

    def _columns(self, unique_id: str) -> tuple[Column, ...]:
        table = self._catalog.get(unique_id)
        if table is None:
            return ()
        ordered = sorted(table.columns.values(), key=lambda column: column.index)
        return tuple(Column(column.name, column.type) for column in ordered)

    def _place(self, node: Node) -> str:
        """Return the namespace of a database: by the profile, else by its name alone."""
        said = self.metadata.adapter_type or "dbt"
        scheme = _SCHEMES.get(said, said)
        if scheme == "bigquery":
            return scheme
        host = self._target.get("host") or self._target.get("server") or self._target.get("account")
        if not isinstance(host, str) or "{{" in host:
            return f"{scheme}://{node.database or self.metadata.project_name or 'dbt'}"
        port = self._target.get("port") or _PORTS.get(scheme)
        return f"{scheme}://{host}:{port}" if port else f"{scheme}://{host}"

    def _of_openlineage_dbt(self, name: str) -> tuple[str, str] | None:
        path = self._target.get("path")
        if not isinstance(path, str) or "{{" in path or not PurePath(path).name:
            return None
        return f"duckdb://{path}", name
