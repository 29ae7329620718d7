# Everything a contributor runs; `make` alone lists it. Each recipe makes what it needs, so each works on a fresh clone.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo test bench lint format lock screenshots clean docs coverage

help:  ## List the recipes
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED)  ## Make .venv with the locked versions of everything (only when they changed)

$(INSTALLED): pyproject.toml constraints.txt
	@PYTHON=$(PYTHON) tools/make-venv
	@touch $@

demo: $(INSTALLED)  ## Run the demo, with a simulated device; ONCE=1 stops after one round
	@$(BIN)/mooring demo $(if $(ONCE),--once)

test: $(INSTALLED)  ## Run the tests on SQLite and PostgreSQL; ARGS= goes to pytest
	@tools/run-tests $(ARGS)

bench: $(INSTALLED)  ## Measure (needs wrk, mosquitto, rabbitmq-server); ARGS=--quick, --idle, --servers or --only PART
	@$(BIN)/python -m bench $(ARGS)

lint: $(INSTALLED)  ## Check style and types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

format: $(INSTALLED)  ## Put the code into its format
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

coverage: $(INSTALLED)  ## Run the tests of the SDK; a line or branch that they do not run is a failure
	@tools/client-coverage

docs: $(INSTALLED)  ## Make the documentation as a site in site/; a warning is a failure
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

lock:  ## Write constraints.txt anew from the newest versions that pyproject.toml allows
	@PYTHON=$(PYTHON) tools/lock

screenshots: $(INSTALLED)  ## Make the pictures of docs/console.md (needs chromium)
	@PYTHONPATH=tests $(BIN)/python tools/screenshots.py && $(BIN)/python tools/generate_docs.py

clean:  ## Remove .venv, caches and results; data directories stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis bench/results dist site
	find bench src tests tools -name __pycache__ -prune -exec rm -rf {} +
