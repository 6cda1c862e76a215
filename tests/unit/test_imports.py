"""What starting up may cost: nothing heavy before a command needs it."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("pyarrow", "pydantic", "openlineage", "httpx", "rich", "starlette", "uvicorn", "numpy")


@pytest.mark.parametrize(
    "statement",
    [
        "import lineage_bridge",
        "import lineage_bridge.journal",
        "import lineage_bridge.service",
        "import lineage_bridge.adapters.registry, lineage_bridge.ingest.scan",
        "from lineage_bridge.cli.main import cli; cli.main(['--help'], standalone_mode=False)",
    ],
)
def test_nothing_heavy_is_imported(statement):
    code = f"import sys\n{statement}\nprint('LOADED', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split("LOADED")[1].split())
    assert not loaded & set(HEAVY)


def test_adapters_load_what_reads_parquet_for_a_parquet_file_only():
    code = "import sys, lineage_bridge.adapters.registry as r; r.adapters(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"pyarrow", "openlineage", "httpx"}


WORDS = ("text", "units", "statuses", "reasons")  # for a page and a message as for a terminal


@pytest.mark.parametrize("module", WORDS)
def test_words_need_no_terminal(module):
    code = f"import sys, lineage_bridge.show.{module}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {*HEAVY, "click", "difflib"}


@pytest.mark.slow
def test_the_collector_loads_what_writes_metrics_for_a_scrape_only():
    code = "import sys, lineage_bridge.collector.server\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "prometheus_client" not in done.stdout.split()
