# Everything that people and CI run. `make` alone prints what there is.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := -m pip --quiet --disable-pip-version-check
STAMP := $(VENV)/.installed
PRODUCERS := .producers
TRIAL := .trial
UV := .uv
WORKERS := -n 3 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow lint fmt monitoring wheel try-wheel lock bench conformance integrations fuzz torture watched-hour clean

help: ## print this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make the virtual environment and install everything into it

$(STAMP): pyproject.toml locks/develop.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "$(PYTHON) is missing here, or older than 3.11. Install Python 3.11 or newer, or name one: make PYTHON=python3.12" >&2; exit 2; }
	@echo "Setting up $(VENV), once: pip needs half a minute or so ..."
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "$(PYTHON) made no environment in $(VENV): the lines above say why. Debian and Ubuntu have venv in a package of its own, python3-venv." >&2; exit 2; }
	@$(BIN)/python $(PIP) install --require-hashes --requirement locks/develop.txt \
	  && $(BIN)/python $(PIP) install --no-deps --no-build-isolation --editable . || { \
	  echo "pip did not install what is needed: the lines above say why. It needs a way to a package index; make starts again where it stopped." >&2; exit 2; }
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

monitoring: setup ## write alert rules, runbook and dashboard anew from their tables
	@$(BIN)/lineage-bridge rules prometheus --out marquez
	@$(BIN)/lineage-bridge rules alertmanager --out marquez
	@$(BIN)/lineage-bridge rules runbook --out docs
	@$(BIN)/python dashboards/build.py lineage_bridge/alerts/dashboard.json

conformance: setup ## replay the recordings; on another server with MARQUEZ_URL=... MARQUEZ_RESET='command'
	$(BIN)/python -m pytest tests/conformance $(if $(MARQUEZ_URL),-m real_marquez)

wheel: setup ## build dist/*.whl, with the examples inside
	@rm -rf dist
	@$(BIN)/python -m hatchling build --target wheel

try-wheel: wheel ## run the demo from the wheel, in an environment and an empty folder of its own
	@rm -rf $(TRIAL) && mkdir -p $(TRIAL)/empty && $(PYTHON) -m venv $(TRIAL)/venv
	@$(TRIAL)/venv/bin/python $(PIP) install --require-hashes --requirement locks/run.txt
	@$(TRIAL)/venv/bin/python $(PIP) install --no-deps dist/*.whl
	@cd $(TRIAL)/empty && ../venv/bin/lineage-bridge demo --once

lock: $(UV) ## write locks/ anew for pyproject.toml (UPGRADE=1 takes the newest of everything)
	@$(call compile,run) pyproject.toml
	@$(call compile,build) --group build
	@$(call compile,develop) pyproject.toml --group dev --group integrations --constraints locks/run.txt

# One file for every Python from 3.11 on and every system; no index is named in it.
compile = $(UV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade) --output-file locks/$(1).txt

$(UV):
	@$(PYTHON) -m venv $(UV)
	@$(UV)/bin/python $(PIP) install uv

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
	$(BIN)/python $(PIP) install --group fuzz
	$(BIN)/python -m pytest tests/contract/test_openapi_fuzz.py

watched-hour: setup ## an hour of a fleet under `watch`, compressed, undisturbed and with 50 kills
	$(BIN)/python tests/durability/watched_hour.py tests/data/nyc.tar.gz

torture: setup ## kill, crowd, choke and fuzz it for MINUTES=20 (SEED=.., ONLY=kind): nothing may be lost
	PYTHONPATH=tests $(BIN)/python -m torture --minutes $(or $(MINUTES),20) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY))

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) $(PRODUCERS) $(TRIAL) $(UV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
