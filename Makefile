# Everything runs in .venv, which is made on first use and again only when a pinned requirement changes.
PYTHON ?= python3
BIN := .venv/bin
STACK ?= dev
SOAK ?= 1000
PLANNING = tests/plan tests/testing
COMPONENTS = tests/components tests/stack tests/guardrails
# What CI runs of both: what meets the SDKs of Pulumi, its providers and the pack, and few others.
PLANNING_IN_CI = tests/plan/test_preview.py tests/plan/test_registration.py tests/plan/test_transforms.py \
	tests/plan/test_providers.py tests/plan/test_unseen_parts.py tests/plan/test_unknowns.py
COMPONENTS_IN_CI = tests/components/cluster/test_aks_cluster.py tests/components/kubernetes \
	tests/guardrails/test_pack.py tests/guardrails/test_stacks.py tests/guardrails/test_two_clusters.py
LOCK = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

# Python compiles what it imports once; without that every command would pay for it again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help preview walkthrough demo test test-all test-engine test-live test-oldest test-newest test-releases test-install check format bench bench-compare soak docs schemas lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

preview: .venv/.runtime ## plan the stack: resources, who can reach whom, warnings, out/
	@$(BIN)/podwall preview --stack $(STACK)

walkthrough: .venv/.runtime ## the five steps of the walkthrough, predicted
	@$(BIN)/podwall walkthrough

demo: .venv/.runtime ## pages to look at in out/demo/: both stacks, 500 workloads, a change
	@$(BIN)/python -m benchmarks.demo

# A module's tests go to one process as far as they can: what one of them has read, no other process reads.
test: .venv/.dev ## the quick part of the test-suite, in random order and in parallel, without a network
	@$(BIN)/python -m pytest -q -n auto --dist worksteal --quick

test-all: .venv/.dev ## the whole test-suite, likewise
	@$(BIN)/python -m pytest -q -n auto

soak: .venv/.dev ## the random tests at length: make soak SOAK=1000
	@SOAK=$(SOAK) $(BIN)/python -m pytest -q -n auto --timeout 7200 tests/core tests/judges tests/peers tests/fuzz

bench: .venv/.dev ## measure speed and memory, beside goals (and a kept build: make bench BASE=WHEEL) and np-guard's `netpol` on PATH
	@BASE=$(BASE) $(BIN)/python -m benchmarks

bench-compare: .venv/.dev ## whole commands beside a kept build: make bench-compare BASE=WHEEL [QUICK=--quick]
	@$(BIN)/python -m benchmarks.comparing $(BASE) $(QUICK)

test-engine: .venv/.dev ## the tests under the real Pulumi engine, for which `pulumi` must be on PATH
	@$(BIN)/python -m pytest -q -n auto -m engine tests/engine

test-live: .venv/.dev ## the tests on a real API server, which is built from Go modules where it is not on PATH (once, 20 minutes)
	@tests/live/binaries/build
	@$(BIN)/python -m pytest -q tests/live

test-oldest: .venv/env-oldest-planning/.made .venv/env-oldest-components/.made ## planning, components and the plugin with the oldest releases that podwall takes
	@.venv/env-oldest-planning/bin/python -m pytest -q -n auto $(PLANNING)
	@# The component package is no part of the wheel: it runs with the releases that requirements.txt pins.
	@.venv/env-oldest-components/bin/python -m pytest -q -n auto $(COMPONENTS) --ignore tests/components/package

test-newest: .venv/env-newest/.made ## the same with the newest
	@.venv/env-newest/bin/python -m pytest -q -n auto $(PLANNING) $(COMPONENTS)

test-releases: ## what CI runs of test-oldest and test-newest
	@$(MAKE) --no-print-directory test-oldest test-newest PLANNING="$(PLANNING_IN_CI)" COMPONENTS="$(COMPONENTS_IN_CI)"

test-install: .venv/.dev ## the wheel, installed by pip from a package index, and its size
	@$(BIN)/python -m pytest -q -m slow tests/install

check: .venv/.dev ## formatting, lint, types, import contracts, spelling, scripts, the page, licences and workflows
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/codespell
	@$(BIN)/shellcheck action/report.sh .ci/run .ci/page-checks tests/live/binaries/build .ci/dependencies .ci/build findings/*.sh
	@.ci/page-checks
	@.ci/dependencies
	@$(BIN)/zizmor --offline --quiet --no-progress .github action
	@if command -v actionlint >/dev/null; then PATH="$(CURDIR)/$(BIN):$$PATH" actionlint; \
		else echo "skipped: actionlint is not on PATH (go install github.com/rhysd/actionlint/cmd/actionlint@latest)" >&2; fi

format: .venv/.dev ## format the code and apply safe fixes
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix --quiet .

docs: .venv/env-docs/.made ## the pages of docs/ as a site in out/site, every link and anchor of it checked
	@.venv/env-docs/bin/python .ci/docs-site out/site-pages
	@NO_MKDOCS_2_WARNING=1 .venv/env-docs/bin/mkdocs build --strict --clean --site-dir out/site
	@echo "wrote out/site: open out/site/index.html" >&2

schemas: .venv/.dev ## write docs/schemas again, from the types that read and write the documents
	@$(BIN)/python -m podwall.schemas docs/schemas

lock: .venv/.dev ## pin requirements again
	@$(LOCK) --extra azure --extra guardrails --extra live pyproject.toml requirements/runtime.in -o requirements.txt
	@$(LOCK) -c requirements.txt requirements/dev.in -o requirements/dev.txt
	@$(LOCK) requirements/audit.in -o requirements/audit.txt
	@$(LOCK) requirements/docs.in -o requirements/docs.txt

clean: ## remove the environment, caches and output
	rm -rf .venv out .ci/node/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.runtime: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "podwall needs Python 3.11 or newer, \`$(PYTHON)\` is $$($(PYTHON) -V 2>&1); name another: make PYTHON=python3.12 ..." >&2; exit 2; }
	@echo "making .venv (once)" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --no-build-isolation -e .
	@touch $@

.venv/env-oldest-planning/.made: ASKED = --resolution lowest-direct -e ".[pulumi,testing]" -r requirements/planning.in
.venv/env-oldest-components/.made: ASKED = --resolution lowest-direct -e ".[azure,guardrails,live,testing]"
.venv/env-newest/.made: ASKED = -e ".[azure,guardrails,live,testing]"
.venv/env-docs/.made: requirements/docs.txt .venv/.dev
	@echo "making .venv/env-docs (once)" >&2
	@$(BIN)/uv venv -q --clear --python $(BIN)/python .venv/env-docs
	@$(BIN)/uv pip install -q --python .venv/env-docs --require-hashes -r requirements/docs.txt
	@touch $@

.venv/env-%/.made: pyproject.toml requirements/test.in requirements/planning.in .venv/.dev
	@echo "making .venv/env-$* (once)" >&2
	@$(BIN)/uv venv -q --clear --python $(BIN)/python .venv/env-$*
	@$(BIN)/uv pip install -q --python .venv/env-$* $(ASKED) -r requirements/test.in
	@touch $@

.venv/.dev: .venv/.runtime requirements/dev.txt
	@echo "adding the development tools to .venv (once)" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements/dev.txt
	@touch $@
