"""Walk the named folders, and recognise each file by its name and place."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence

from lineage_bridge.adapters.api import Adapter, server_kind
from lineage_bridge.adapters.registry import adapters
from lineage_bridge.adapters.roots import Root, Server
from lineage_bridge.errors import SettingsError
from lineage_bridge.ingest.found import Found, Scan
from lineage_bridge.ingest.walk import Walk


def scan(roots: Mapping[str, Sequence[Root]], changed: Collection[str] | None = None) -> Scan:
    """Walk every root, each once; a root may be given for several families, by their names.

    Args:
        roots: folders, single files or servers by family.
        changed: files and folders, absolute and real, and URLs, that alone are looked at, with the
            files that are read together with them; None: everything below the roots.

    Raises:
        SettingsError: a root does not exist.
    """
    result = Scan()
    families_of: dict[str, list[str]] = {}
    known = adapters()
    for family, paths in roots.items():
        for path in paths:
            if isinstance(path, Server):
                if changed is None or path.url in changed:
                    result.found += _server(path, known[family])
                continue
            if not path.exists():
                raise SettingsError(f"The folder `{path}` (--{family}) does not exist.")
            families_of.setdefault(os.path.realpath(path), []).append(family)
    for root, families in sorted(families_of.items()):
        walk = Walk(root, [known[family] for family in dict.fromkeys(families)], result)
        if changed is None:
            walk.run()
        else:
            walk.run_some(changed)
    return _once(result)


def _server(named: Server, adapter: Adapter) -> Iterable[Found]:
    kind = server_kind(adapter)
    if kind is None:
        raise SettingsError(f"`{named}`: --{adapter.name} reads folders and files, and no server.")
    yield Found(adapter, kind, named.url, named.url)


def _once(result: Scan) -> Scan:
    # A walk may reach the same file from a folder and from its parent.
    unique = {(f.family, f.path): f for f in reversed(result.found)}
    result.found = [unique[key] for key in sorted(unique)]
    return result
