# Thin names for Snakemake calls that you could type yourself; `make help` lists them.
STUDY ?= demo
PROFILE ?= default
PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
OVERLAY = $(if $(filter paper,$(STUDY)),,--configfile config/$(STUDY).yaml)
ARGUMENTS = --workflow-profile workflow/profiles/$(PROFILE) $(OVERLAY)
RUN = python scripts/run_study.py
SITE = mkdocs build --config-file config/mkdocs.yml
.DEFAULT_GOAL := help
.PHONY: help env demo study data test lint docs format bench why plan verify compare publish results schema lock

help:  ## this list
	@echo "robustgen: robust and generative models, reproduced. STUDY is demo, workstation or paper (now: $(STUDY))."
	@awk -F ':.*## ' '/^[a-z_%]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  make table_1      one table, or one figure (make fig_2b, ...), of STUDY with all that it needs"

env: .venv/installed  ## the environment: .venv from the hashed lock

.venv/installed: envs/requirements.lock pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 13) else \
	  'robustgen needs Python 3.11 or 3.12, this is ' + sys.version.split()[0] + '; name one: make PYTHON=python3.12 ...')"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r envs/requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: env  ## the whole study at small scale on embedded data, in minutes on a CPU
	@$(MAKE) --no-print-directory study STUDY=demo

study: env  ## the whole of STUDY
	@$(RUN) $(ARGUMENTS)
	@echo "The report: results/$(STUDY)/report.html"

data: env  ## only the downloads of STUDY, checked, into data.root (for clusters whose nodes have no network)
	@$(RUN) data --forcerun fetch $(ARGUMENTS)

test: env  ## the tests: WORKERS at a time, then those that need the machine alone
	@failed=0; \
	python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not alone" || failed=1; \
	python -m pytest -m alone || failed=1; \
	exit $$failed

lint: env  ## formatting, lints and types, and the links of the documents
	@ruff check . && ruff format --check . && snakefmt --check Snakefile workflow && mypy && snakemake --lint $(OVERLAY)
	@$(SITE)

docs: env  ## the documents as a site in site/, which is refused if a link is broken
	@$(SITE)
	@echo "The documents: site/index.html"

format: env  ## write everything in the project's style
	@ruff check --fix . && ruff format . && snakefmt Snakefile workflow

bench: env  ## our speed against that of our peers: results/bench.json; BENCH holds further flags
	@python scripts/bench.py $(BENCH) --out results/bench.json

why: env  ## a sentence per pending job on why it would run
	@python scripts/why.py $(OVERLAY)

plan: env  ## what a run of STUDY would take: jobs, hours by earlier runs, disk, downloads
	@python scripts/plan_study.py $(OVERLAY) --workflow-profile workflow/profiles/$(PROFILE)

verify: env  ## every file of STUDY against the seal of the job that wrote it: what is damaged, missing or stale
	@python scripts/verify.py $(OVERLAY) --workflow-profile workflow/profiles/$(PROFILE)

compare: env  ## the results of STUDY against those published with this project, number by number
	@python scripts/compare_runs.py results/$(STUDY) results/published/$(STUDY)

publish: env  ## what counts of STUDY (tables, figures, claims, provenance, costs) into results/published
	@python scripts/publish.py results/$(STUDY)

results: env  ## docs/results.md: published numbers beside ours; RUNS adds your folders and writes results/results.md
	@python scripts/write_results.py $(RUNS) --out $(if $(RUNS),results/results.md,docs/results.md)

schema: env  ## config/schema.json, reference.yaml and operations.csv, generated from the code and the studies
	@python scripts/write_schema.py --out config

lock:  ## envs/requirements.lock from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --extra dev --python-version 3.11 --python-platform x86_64-manylinux_2_28 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet --output-file envs/requirements.lock

table_%: env
	@$(RUN) $@ $(ARGUMENTS)
	@cat results/$(STUDY)/tables/$@.md

fig_%: env
	@$(RUN) $@ $(ARGUMENTS)
	@echo "The figure: results/$(STUDY)/figures/$@.png"
