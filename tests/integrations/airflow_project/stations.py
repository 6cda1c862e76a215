"""A tiny DAG whose events are recorded by ../record_airflow.py; no part of the package."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, Asset

RAW = Asset("file:///data/readings.csv")
CLEAN = Asset("file:///data/clean.csv")
MEANS = Asset("file:///data/means.csv")

with DAG(
    "stations",
    start_date=datetime(2026, 1, 5, tzinfo=UTC),
    schedule=None,
    description="Readings of stations, cleaned and averaged.",
):
    clean = PythonOperator(
        task_id="clean", python_callable=lambda: None, inlets=[RAW], outlets=[CLEAN]
    )
    average = PythonOperator(
        task_id="average", python_callable=lambda: None, inlets=[CLEAN], outlets=[MEANS]
    )
    clean >> average
