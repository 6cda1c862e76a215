"""Write the ids that must never change: `make_ids.py OUT.json`.

They are of the examples and of the small test city: of every event with its run, by job, and of
every dataset with its versions. Whoever has stored one (a dashboard, a Marquez, another home) must
find it again after an update. `ids.json` was written before deployments got their present names.
"""

from __future__ import annotations

import json
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from lineage_bridge.graph.load import load
from lineage_bridge.graph.reduce import reduce
from lineage_bridge.ingest.backfill import backfill
from lineage_bridge.journal import Journal
from lineage_bridge.settings import load_settings

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
FAMILIES = ("p2", "p4", "p5", "p6")


def ids_of(artifacts: Path) -> dict[str, Any]:
    """The ids that the artifacts of one city get, in a home of their own."""
    config = artifacts / "lineage-bridge.toml"
    with tempfile.TemporaryDirectory() as home:
        flags = {"home": Path(home), "config": config if config.is_file() else None}
        settings = load_settings(flags, {}, working_folder=Path(home))
        with Journal(Path(home)) as journal:
            backfill(journal, settings, {family: [artifacts / family] for family in FAMILIES})
            reduce(journal)
            with journal.reading() as connection:
                graph = load(connection)
            bodies = [json.loads(stored.body) for stored in journal.read(limit=sys.maxsize)]
    datasets = sorted((n for n in graph.nodes.values() if n.kind == "dataset"), key=lambda n: n.id)
    return {
        "datasets": {n.id: sorted(v.version for v in n.versions) for n in datasets},
        "events": _by_job(bodies),
    }


def _by_job(bodies: list[dict[str, Any]]) -> dict[str, list[list[str]]]:
    found: dict[str, list[list[str]]] = {}
    for body in bodies:
        run, job = body["run"], body["job"]
        words = [body["eventType"], run["runId"], run["facets"]["lineageBridge_event"]["id"]]
        found.setdefault(f"{job['namespace']}:{job['name']}", []).append(words)
    return {job: sorted(found[job]) for job in sorted(found)}


def all_ids(nyc: Path) -> dict[str, Any]:
    """The ids of the examples and of the test city, which lies unpacked in a folder."""
    return {"examples": ids_of(EXAMPLES), "nyc": ids_of(nyc)}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as unpacked:
        with tarfile.open(HERE / "nyc.tar.gz") as archive:
            archive.extractall(unpacked, filter="fully_trusted")
        text = json.dumps(all_ids(Path(unpacked)), indent=0, sort_keys=True)
    Path(sys.argv[1]).write_text(f"{text}\n")
