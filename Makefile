# Everything that people and CI run. `make` alone prints what there is.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PRODUCERS := .producers
WORKERS := -n 2 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow lint fmt bench conformance integrations fuzz ci clean

help: ## print this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make the virtual environment and install everything into it

$(STAMP): pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 or newer, or name one with make PYTHON=..."; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev --group integrations
	@touch $(STAMP)

demo: setup ## run the whole thing on the examples, without Docker (ONCE=1 ends after the tables)
	$(BIN)/lineage-bridge demo $(if $(ONCE),--once)

test: setup ## run the tests, and a sample of the slow ones
	$(BIN)/python -m pytest $(WORKERS) -m 'not bench and (not slow or sample or hypothesis)' --hypothesis-profile few

test-slow: setup ## run the slow tests: durability, producers, properties with many examples
	$(BIN)/python -m pytest $(WORKERS) -m 'slow or hypothesis'

lint: setup ## ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: setup ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

conformance: setup ## replay the recordings; on another server with MARQUEZ_URL=... MARQUEZ_RESET='command'
	$(BIN)/python -m pytest tests/conformance $(if $(MARQUEZ_URL),-m real_marquez)

bench: setup ## measure speed and memory (docs/benchmarks.md)
	$(BIN)/python -m pytest tests/benchmarks -m bench -s

integrations: setup ## run dbt and Airflow in environments of their own and record what they send
	$(PYTHON) -m venv $(PRODUCERS)/dbt
	$(PRODUCERS)/dbt/bin/pip install --quiet 'dbt-core<1.12' dbt-duckdb openlineage-dbt
	$(BIN)/python tests/integrations/record_dbt.py $(PRODUCERS)/dbt/bin/dbt-ol
	$(PYTHON) -m venv $(PRODUCERS)/airflow
	$(PRODUCERS)/airflow/bin/pip install --quiet 'apache-airflow>=3,<4' apache-airflow-providers-openlineage
	$(BIN)/python tests/integrations/record_airflow.py $(PRODUCERS)/airflow/bin/airflow
	$(BIN)/python -m pytest tests/integrations

fuzz: setup ## ask the collector whatever its OpenAPI document allows; nothing may end in a 500
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group fuzz
	$(BIN)/python -m pytest tests/contract/test_openapi_fuzz.py

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) $(PRODUCERS) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
