# Two commands for people: `make demo` and `make test`. Each makes .venv first when it is
# missing or older than the lock file.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# scispaCy stops at Python 3.12; `make PYTHON=python3.12 demo` picks another interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete
CORES ?= all
PORT ?= 5000

.PHONY: help venv demo test check lint test-data test-gpu bench mlflow detectron2 docs lock unlock clean

help: ## Say what can be made
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

venv: $(STAMP) ## Install the locked environment into .venv

$(STAMP): requirements.lock
	@echo "Installing the locked environment into $(VENV): some minutes, some gigabytes."
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --disable-pip-version-check --progress-bar off -qq --requirement requirements.lock
	$(BIN)/pip install --disable-pip-version-check --no-deps -qq --editable .
	touch $@

demo: $(STAMP) ## Run the whole pipeline on the synthetic corpus and print its results
	@$(BIN)/snakemake --unlock --quiet all
	@# Its own table of results is the end of the next one.
	$(BIN)/snakemake --cores $(CORES) > /dev/null
	@$(BIN)/python tools/show_results.py --configfile config/config.yaml

test: $(STAMP) lint ## Everything: lint, types, contracts, and all tests
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/python tools/lint_workflow.py
	$(BIN)/python tools/draw_rules.py --check
	$(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "not gpu and not data" --durations=15

check: $(STAMP) lint ## The fast subset: lint, types, import contracts, quick tests
	$(BIN)/pytest -q -n 2

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell asg_core workflow tools docs config tests bench README.md CONTRIBUTING.md CHANGELOG.md Snakefile Makefile
	$(BIN)/mypy --num-workers 2
	$(BIN)/lint-imports
	$(BIN)/python -m asg_core.reference --check

test-data: $(STAMP) ## A few items of each data set in the folder ASG_DATA: docs/data_access.md
	$(BIN)/pytest -q -m data -rs tests/real_data

test-gpu: $(STAMP) ## The tests marked gpu, on a machine that has one
	$(BIN)/pytest -q -m gpu

bench: $(STAMP) ## Speed measurements, by hand
	for file in bench/bench_*.py; do echo "== $$file"; $(BIN)/python $$file; done

mlflow: $(STAMP) ## Serve the tracked runs of this folder, and say where their list is
	@$(BIN)/python -m asg_core.tracking show --port $(PORT)

# A new lock file makes .venv anew, without it: then this once more. Another place to take the
# source from: `make detectron2 DETECTRON2=git+file:///folder@commit`.
detectron2: $(STAMP) ## Build detectron2 into .venv from its public source (minutes; a C++ compiler)
	PATH="$(abspath $(BIN)):$$PATH" $(if $(DETECTRON2),DETECTRON2="$(DETECTRON2)") bash envs/build_detectron2.sh

docs: $(STAMP) ## Write config/default.yaml, its schema, two pages, and the rule graph of README.md
	$(BIN)/python -m asg_core.reference
	$(BIN)/python tools/draw_rules.py

lock: ## Resolve requirements.lock again, keeping the pins that still fit
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --disable-pip-version-check --quiet uv
	$(VENV)-lock/bin/uv pip compile pyproject.toml --all-extras --group dev --python-version 3.11 \
	  --python-platform x86_64-manylinux_2_28 --no-emit-index-url \
	  --custom-compile-command "make lock" --output-file requirements.lock
	rm -rf $(VENV)-lock

unlock: $(STAMP) ## After a kill: take Snakemake's lock away
	$(BIN)/snakemake --unlock

clean: ## Remove results, tracking store and caches; the environment stays
	rm -rf results .snakemake mlflow.db mlartifacts .pytest_cache .mypy_cache .ruff_cache .hypothesis
