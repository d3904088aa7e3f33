# Two commands matter: `make demo` and `make test`. Both set everything up first and are quick the second time.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Shims may exist for a Python that isn't there, so each candidate is really run.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1 && { echo $$p; break; }; done)
UV := $(shell command -v uv 2>/dev/null)

# A pool of two workers is what the reference machine has; tests that start a run each need the memory.
PYTEST_WORKERS ?= 2
# The simulated manufacturer of `make demo` and what its runs write.
DEMO := .mfg-demo

# Superset's own environment, since it wants an older SQLAlchemy; it has no packages for Python 3.13 yet.
SUPERSET := .mfg-superset
SUPERSET_STAMP := $(SUPERSET)/.installed
SUPERSET_PYTHON ?= $(shell for p in python3.12 python3.11 $(BIN)/python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' >/dev/null 2>&1 && { echo $$p; break; }; done)
PORT ?= 8088

.PHONY: help setup demo demo-adventureworks dashboards test test-all test-browser dev lint types bench lock lock-dashboards clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

setup: $(STAMP) ## Make .venv and install the locked packages

$(STAMP): requirements.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then
		echo "No Python 3.11, 3.12 or 3.13 was found. Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2
		exit 1
	fi
	if [ -n "$(UV)" ]; then
		[ -x $(BIN)/python ] || $(UV) venv --quiet --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV)
		$(UV) pip install --quiet --python $(BIN)/python -r requirements.lock
		$(UV) pip install --quiet --python $(BIN)/python --no-deps -e .
	else
		[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
		$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	fi
	touch $(STAMP)

demo: $(STAMP) ## A simulated manufacturer: its main job, seven days, and the main job again
	@export MFG_ESTATE=$(DEMO)/estate MFG_HOME=$(DEMO)/home
	[ -f $(DEMO)/estate/ground_truth/world.json ] || $(BIN)/mfg simulate $(DEMO)/estate --scale demo
	$(BIN)/mfg run
	if [ ! -f $(DEMO)/advanced ]; then
		$(BIN)/mfg simulate advance $(DEMO)/estate --days 7
		touch $(DEMO)/advanced
		# One of the faults that were planted is a short delivery. It is refused, and that the run says by ending with 1.
		$(BIN)/mfg run || [ $$? = 1 ]
		$(BIN)/mfg publish status
	fi
	echo "Next, with MFG_ESTATE=$(DEMO)/estate MFG_HOME=$(DEMO)/home:"
	echo "  $(BIN)/mfg exceptions list · $(BIN)/mfg simulate score $(DEMO)/estate · $(BIN)/mfg dev"

demo-adventureworks: $(STAMP) ## The main job on a real manufacturer's data
	@data="$${ADVENTUREWORKS:-$(CURDIR)/../shared/data/adventureworks/parquet}"
	if [ ! -d "$$data" ]; then
		echo "The AdventureWorks sample (MIT, Microsoft) is not at $$data." >&2
		echo "It is the Production and Purchasing tables of the AdventureWorks 2019 database as Parquet files named" >&2
		echo "Schema.Table.parquet, for example Production.BillOfMaterials.parquet. Put them in a folder, then:" >&2
		echo "    make demo-adventureworks ADVENTUREWORKS=/path/to/that/folder" >&2
		exit 1
	fi
	export ADVENTUREWORKS="$$data" MFG_ESTATE=estates/adventureworks
	$(BIN)/mfg check
	$(BIN)/mfg run
	echo "Next: make dev · $(BIN)/mfg bom explode BK-M82S-38 · $(BIN)/mfg query 'select * from inventory_finding limit 5'"

dashboards: $(STAMP) $(SUPERSET_STAMP) ## Superset over the demo's published state, on 127.0.0.1 (PORT=8088)
	@if [ ! -e $(DEMO)/home/published/current ]; then
		echo "The demo has to be made first (make demo); that takes a while."
		make demo
	fi
	exec $(BIN)/python -m dashboards.start --home $(DEMO)/home --port $(PORT) --environment $(SUPERSET)

$(SUPERSET_STAMP): dashboards/requirements.lock
	@if [ -z "$(SUPERSET_PYTHON)" ]; then
		echo "Superset needs Python 3.11 or 3.12. Install one, or name it: make $(MAKECMDGOALS) SUPERSET_PYTHON=/path/to/python3.12" >&2
		exit 1
	fi
	echo "Installing Superset into $(SUPERSET) (some minutes, once)"
	[ -x $(SUPERSET)/bin/python ] || $(SUPERSET_PYTHON) -m venv $(SUPERSET)
	$(SUPERSET)/bin/python -m pip install --quiet --disable-pip-version-check -r dashboards/requirements.lock
	touch $(SUPERSET_STAMP)

test: $(STAMP) lint ## Lint, types, dbt parse and all tests that are neither slow nor in a browser
	$(BIN)/pytest -n $(PYTEST_WORKERS) --dist loadscope -m "not slow and not browser"

test-all: $(STAMP) lint ## As test, with the slow and big cases
	$(BIN)/pytest -n $(PYTEST_WORKERS) --dist loadscope -m "not browser"

test-browser: $(STAMP) $(SUPERSET_STAMP) ## What a person sees, in headless Chromium (installs Debian's chromium when it is missing)
	@command -v chromium >/dev/null || { echo "Installing chromium from Debian's packages"; \
		SUDO=$$([ "$$(id -u)" = 0 ] || echo sudo); $$SUDO apt-get update -qq && $$SUDO apt-get install -y -qq chromium >/dev/null; }
	$(BIN)/pytest -m browser

dev: $(STAMP) ## Dagster's UI with daemon, schedules and sensors
	$(BIN)/mfg dev

lint: $(STAMP) ## ruff, basedpyright, dbt parse, sqlfluff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/python -m mfg_assets.warehouse.dbt parse
	$(BIN)/python -m mfg_assets.warehouse.dbt lint

bench: $(STAMP) ## Benchmarks, each a ratio against a peer in the same run
	for script in bench/*.py; do echo "== $$script"; $(BIN)/python $$script; done

lock: $(STAMP) ## Compile requirements.lock anew from pyproject.toml (needs uv)
	{ sed '/^[^#]/,$$d' requirements.lock; $(UV) pip compile pyproject.toml --group dev --universal --no-header \
		--no-emit-index-url --no-emit-find-links --no-annotate --quiet --upgrade; } > requirements.lock.new
	mv requirements.lock.new requirements.lock

lock-dashboards: ## Compile dashboards/requirements.lock anew from requirements.in (needs uv)
	@cd dashboards
	{ sed '/^[^#]/,$$d' requirements.lock; $(UV) pip compile requirements.in --python-version 3.11 --universal --no-header \
		--no-emit-index-url --no-emit-find-links --no-annotate --quiet --upgrade; } > requirements.lock.new
	mv requirements.lock.new requirements.lock

clean: ## Remove what runs and tools wrote (not .venv)
	rm -rf .mfg .mfg-* .pytest_cache .ruff_cache .hypothesis dbt_project/target dbt_project/logs build dist
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
