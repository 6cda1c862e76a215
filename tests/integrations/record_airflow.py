"""Record what Airflow's OpenLineage provider sends: run a tiny DAG, keep the events received.

    python tests/integrations/record_airflow.py AIRFLOW

`AIRFLOW` is the command of the package `apache-airflow`, in an environment of its own together with
`apache-airflow-providers-openlineage`; `make integrations` makes one and runs this.
`test_producers.py` replays the recording.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from recording import recording

DAG = Path(__file__).parent / "airflow_project" / "stations.py"
LOGICAL_DATE = "2026-01-05T00:00:00+00:00"


def record(airflow: Path) -> None:
    """Run the DAG in one process, without a scheduler, against a collector of ours."""
    with recording("airflow") as (url, folder):
        dags = folder / "airflow" / "dags"
        dags.mkdir(parents=True)
        shutil.copy(DAG, dags)
        environment = os.environ | {
            "PATH": f"{airflow.parent}{os.pathsep}{os.environ['PATH']}",
            "AIRFLOW_HOME": str(dags.parent),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps({"type": "http", "url": url}),
            "AIRFLOW__OPENLINEAGE__NAMESPACE": "airflow",
        }
        for arguments in (
            ["db", "migrate"],
            ["dags", "reserialize"],
            ["dags", "test", "stations", LOGICAL_DATE],
        ):
            subprocess.run([airflow, *arguments], env=environment, check=True)


if __name__ == "__main__":
    record(Path(sys.argv[1]).absolute())
