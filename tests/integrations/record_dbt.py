"""Record what dbt sends: run a tiny project and keep the events that the collector received.

    python tests/integrations/record_dbt.py DBT_OL

`DBT_OL` is the command of the package `openlineage-dbt`, in an environment of its own together with
`dbt-core` and `dbt-duckdb`; `make integrations` makes one and runs this. `test_producers.py`
replays the recording.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from recording import recording

PROJECT = Path(__file__).parent / "dbt_project"
COMMANDS = ("seed", "run", "test")


def record(dbt_ol: Path) -> None:
    """Run the project's commands against a collector of ours."""
    with recording("dbt") as (url, folder):
        project = Path(shutil.copytree(PROJECT, folder / "stations"))
        environment = os.environ | {
            "PATH": f"{dbt_ol.parent}{os.pathsep}{os.environ['PATH']}",
            "OPENLINEAGE_URL": url,
            "OPENLINEAGE_NAMESPACE": "analytics",
            "DBT_PROFILES_DIR": str(project),
        }
        for command in COMMANDS:
            subprocess.run([dbt_ol, command], cwd=project, env=environment, check=True)


if __name__ == "__main__":
    record(Path(sys.argv[1]).absolute())
