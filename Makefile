# make run: environment, verified MNIST, the whole job, a report.   make test: format, lint, types, tests.
PYTHON ?= python3
BIN := .venv/bin
DAE := $(BIN)/dae
# A worker for each core, with one thread; each loads the libraries, 2 GB. What is compiled is kept: hundreds of
# interpreters are started.
WORKERS ?= --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder
TESTS := OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest $(WORKERS)

.DEFAULT_GOAL := help
.PHONY: help run test check test-long test-gpu fuzz docs site tour figures bench bench-scale faults soak audit sbom clean

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

run: .venv/run.stamp  ## the whole job on MNIST, ending in a report
	$(DAE) run mnist-erasure

test: .venv/test.stamp  ## format, lint, types, everyday tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(TESTS)

check: test  ## the same

test-long: .venv/test.stamp  ## what takes minutes: kills, whole pipelines, a stranger's package
	$(TESTS) -m long $(PYTEST)

test-gpu: .venv/test.stamp  ## what needs a CUDA device, or two
	$(BIN)/python -m pytest -m gpu -rs $(PYTEST)

fuzz: .venv/test.stamp  ## a million inputs that strangers could hand us, over all parsers (it goes on where it was)
	OMP_NUM_THREADS=1 $(BIN)/python tests/fuzz/run.py $(FUZZ)

docs: .venv/run.stamp  ## the catalogue of built-ins and prefect.yaml, from the registry
	$(BIN)/python docs/write_catalogue.py
	$(BIN)/python docs/write_prefect_yaml.py
	$(BIN)/python docs/write_tree.py

site: .venv/docs.stamp  ## the site, strictly: build/site/index.html
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --builder html --doctree-dir build/doctrees docs build/site

tour: .venv/test.stamp  ## the site's pictures of both pages, in a browser
	DAE_TOUR=docs/tour $(BIN)/python -m pytest -m e2e

figures: .venv/run.stamp  ## all series of studies (hours; goes on where it was), the results' page and its pictures
	for series in lecture features vincent; do \
	  $(DAE) study $$series --report $$series.json && $(BIN)/python docs/write_results.py $$series.json || exit; \
	done

bench: .venv/bench.stamp  ## our loop beside the bare loop and the peers; the whole pipeline; bench*.json
	$(BIN)/python bench/bench.py --json bench.json
	$(BIN)/python bench/bench.py --pipeline --json bench-pipeline.json
	$(BIN)/python bench/bench.py --beside --json bench-beside.json

bench-scale: .venv/test.stamp  ## how it grows: pictures, runs, processes, machines; bench-scale.json
	$(BIN)/python bench/scale.py --json bench-scale.json

faults: .venv/test.stamp  ## kills in every stage, full disks, altered files: hours, goes on where it was; the table
	$(BIN)/python tests/faults

soak: .venv/test.stamp  ## hours of ordinary use (goes on where it was): failures, memory, handles, pages; build/soak/soak.jsonl
	$(BIN)/python bench/soak.py

audit: .venv/audit.stamp  ## what is known of the dependencies; status 3 where the database cannot be reached
	$(BIN)/python deploy/audit.py

sbom: .venv/audit.stamp  ## the software bill of materials, CycloneDX: build/sbom.cdx.json
	$(BIN)/python deploy/sbom.py

clean:  ## the environment and all caches; the store and the data stay
	rm -rf .venv build docs/reference/generated *.egg-info .pytest_cache .mypy_cache .ruff_cache

.venv/python.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "daecore needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	touch $@

.venv/run.stamp: .venv/python.stamp pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[lab]'
	touch $@

.venv/test.stamp: .venv/run.stamp
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

.venv/docs.stamp: .venv/run.stamp
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@

.venv/audit.stamp: .venv/run.stamp
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[audit]'
	touch $@

.venv/bench.stamp: .venv/test.stamp
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test,bench]'
	touch $@
