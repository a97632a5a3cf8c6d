# Every target that needs .venv sets it up first; once it is up to date, that costs no time.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
SYNTHETIC := data/synthetic.zip
PRESET ?= quick
DATA ?= $(SYNTHETIC)
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup run ui up down test test-containers slow campaign lint format compile lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(STAMP) ## install everything from the hashed locks into .venv

# Python keeps the bytecode of a module at its first import. Where the environment forbids that, every process of a run
# would compile torch anew, for 7 CPU-seconds: all packages are then compiled here.
BYTECODE = $(if $(PYTHONDONTWRITEBYTECODE),--compile-bytecode)

$(STAMP): requirements.lock requirements-setup.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; \
		sys.exit(0 if (3, 11) <= v < (3, 14) else f"Python 3.11 to 3.13 is needed, found {v[0]}.{v[1]}: make PYTHON=...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing into .venv: some 6 GB, a minute or a few"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-setup.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python $(BYTECODE) --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

run: $(STAMP) $(if $(filter $(SYNTHETIC),$(DATA)),$(SYNTHETIC)) ## run the pipeline: make run DATA=archive.zip PRESET=cpu ARGS="--out runs/first"
ifeq ($(DATA),$(SYNTHETIC))
	@echo "No DATA was given: this run uses a synthetic survey, and its scores mean nothing."
endif
	@$(BIN)/salt run --data $(DATA) --preset $(PRESET) $(ARGS)

$(SYNTHETIC): | $(STAMP)
	@mkdir -p $(@D)
	@$(BIN)/salt synth $@

# Without the two settings MLflow also starts services for language models, and may not start beside a training.
ui: $(STAMP) ## show the runs of runs/ in MLflow: http://127.0.0.1:5000/#/experiments?workflowType=machine_learning
	MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false $(BIN)/mlflow ui --backend-store-uri sqlite:///runs/mlflow.db --workers 1

# Compose takes a variable of the shell before that of its file, for example the key of another store.
COMPOSE = set -a && . docker/.env && $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose) \
	--project-name salt --file docker/compose.yaml

up: ## start MinIO and MLflow in containers: make up [SALT_MINIO_PORT=9000 SALT_MLFLOW_PORT=5000]
	@$(PYTHON) docker/env.py
	@$(COMPOSE) build mlflow
	@$(COMPOSE) up --detach
	@for attempt in $$(seq 90); do \
		test "$$(docker inspect --format '{{.State.Health.Status}}' "$$($(COMPOSE) ps --quiet mlflow)")" = healthy && break; \
		test $$attempt -lt 90 || { echo "MLflow is not healthy; its log: docker logs salt-mlflow-1"; exit 1; }; \
		sleep 2; \
	done
	@echo "$$(grep -oE 'http://.*' docker/.env | paste -sd ' ') are up: MinIO and MLflow. To make salt run use them, in this shell:"
	@echo '  set -a; . docker/.env; set +a'

down: ## stop MinIO and MLflow; their volumes are kept
	@$(COMPOSE) down

test: $(STAMP) lint ## run linters, type checker and the default test suite
	$(BIN)/pytest -n 2 --dist loadfile

slow: $(STAMP) ## run the tests that take minutes
	$(BIN)/pytest -m slow

campaign: $(STAMP) ## try all bad inputs and kills, and print their counts
	$(BIN)/pytest tests/campaign -n 2 -m 'slow or not slow'

test-containers: $(STAMP) ## build the images and run the tests that need a Docker engine
	$(BIN)/pytest -m docker

lint: $(STAMP) ## run the linters and the type checker alone
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

format: $(STAMP) ## fix what ruff can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

compile: $(STAMP) ## compile pipelines/salt.yaml again
	$(BIN)/salt compile

COMPILE = $(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
# Only the platform of the images; every version in the stages' locks is the one in requirements.lock.
COMPILE_SERVER = $(COMPILE) --python-platform x86_64-manylinux_2_28
COMPILE_IMAGE = $(COMPILE_SERVER) --constraint requirements.lock --no-emit-package docker --no-emit-package kfp-kubernetes
COMPILE_NO_PAGE = $(COMPILE_IMAGE) $(addprefix --no-emit-package ,jinja2 markupsafe packaging)
COMPILE_NO_PICTURES = $(COMPILE_NO_PAGE) --no-emit-package pillow

lock: $(STAMP) ## resolve the locks again
	$(COMPILE) --universal --upgrade --extra dev --output-file requirements.lock pyproject.toml
	$(COMPILE) --universal --upgrade --output-file requirements-setup.lock requirements-setup.txt
	$(COMPILE_NO_PICTURES) --output-file docker/locks/core.lock pyproject.toml
	$(COMPILE_NO_PICTURES) --extra fold-split --output-file docker/locks/fold-split.lock pyproject.toml
	$(COMPILE_NO_PAGE) --extra ingest --output-file docker/locks/ingest.lock pyproject.toml
	for extra in network train-fold predict report; do \
		$(COMPILE_IMAGE) --extra $$extra --output-file docker/locks/$$extra.lock pyproject.toml || exit; done
	$(COMPILE_SERVER) --upgrade --output-file docker/mlflow.lock docker/mlflow.txt

clean: ## remove .venv and caches; runs and data stay
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache *.egg-info
