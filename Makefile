# Thin names for Snakemake calls that you could type yourself; `make help` lists them.
STUDY ?= demo
PROFILE ?= default
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
OVERLAY = $(if $(filter paper,$(STUDY)),,--configfile config/$(STUDY).yaml)
PROFILE_ARGUMENT = --workflow-profile workflow/profiles/$(PROFILE)
SNAKEMAKE = snakemake $(PROFILE_ARGUMENT)
.DEFAULT_GOAL := help
.PHONY: help env demo study test lint format bench why data schema lock clean

help:  ## this list
	@echo "robustgen: robust and generative models, reproduced. STUDY is demo, workstation or paper (now: $(STUDY))."
	@awk -F ':.*## ' '/^[a-z_%]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  make table_1, make fig_2b, ...: one table or figure of STUDY with all that it needs"

env: .venv/installed  ## the environment: .venv from the hashed lock

.venv/installed: envs/requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r envs/requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: env  ## the whole study at small scale on embedded data, in minutes on a CPU
	@$(MAKE) --no-print-directory study STUDY=demo

study: env  ## the whole of STUDY
	@python scripts/run_study.py $(PROFILE_ARGUMENT) $(OVERLAY)
	@echo "The report: results/$(STUDY)/report.html"

test: env  ## the tests
	@python -m pytest

lint: env  ## formatting, lints and types
	@ruff check . && ruff format --check . && snakefmt --check Snakefile workflow && mypy && snakemake --lint $(OVERLAY)

format: env  ## write everything in the project's style
	@ruff check --fix . && ruff format . && snakefmt Snakefile workflow

bench: env  ## our speed against that of our peers: results/bench.json
	@python scripts/bench.py --out results/bench.json

why: env  ## a sentence per pending job on why it would run
	@python scripts/why.py $(OVERLAY)

schema: env  ## config/schema.json and config/reference.yaml, generated from the configuration's classes
	@python scripts/write_schema.py --out config

lock:  ## envs/requirements.lock from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --extra dev --python-version 3.11 --python-platform x86_64-manylinux_2_28 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet --output-file envs/requirements.lock

table_%: env  ## one table of STUDY
	@$(SNAKEMAKE) --quiet rules results/$(STUDY)/tables/$@.csv $(OVERLAY)
	@cat results/$(STUDY)/tables/$@.md

fig_%: env  ## one figure of STUDY
	@$(SNAKEMAKE) --quiet rules results/$(STUDY)/figures/$@.png $(OVERLAY)
	@echo "The figure: results/$(STUDY)/figures/$@.png"
