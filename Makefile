# The commands of this project; `make demo` and `make test` need nothing but Python 3.11 and make.

# The distribution's own comes first: it is built with profile-guided optimization, and a third faster than one that is not.
PYTHON ?= $(shell for python in /usr/bin/python3 python3.11 python3; do \
	"$$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
BIN := .venv/bin
INSTALLED := .venv/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Tests start nodes by the hundred: none of them shall compile the same modules again.
unexport PYTHONDONTWRITEBYTECODE

SCENARIO ?= tests/scenarios/one_board_day.toml
DAYS ?= $(shell seq 1 50)
SEEDS ?= 1..1000
MINUTES ?= 15
KILL_SECONDS ?= 600
SESSIONS ?= 1000
KILLS ?= 100
CONNECTORS ?= 40
TREES ?= 1..180
TREE_SECONDS ?= 600
MUTANT_SEED ?= 1
MUTANT_MINUTES ?= 15
RUNS ?= 1000000
SEED ?= 1

.PHONY: help demo test check bench bench-others fuzz soak soak-days soak-load soak-kills mutate coverage lock proto docs clean

help:
	@echo "make demo      a whole park with virtual cars, here, now (Ctrl-C ends it)"
	@echo "make test      all tests; those that need a program that is missing say how to get it"
	@echo "make check     formatting, lint, types, import contracts, generated files"
	@echo "make ci        check and test together, as CI runs them"
	@echo "make bench     measures, and prints the table of the README"
	@echo "make bench-others  beside what others have written, which it installs first (acnportal)"
	@echo "make fuzz      hostile frames of a backend, read and answered without sockets: RUNS=1000000 SEED=1"
	@echo "make soak      random parks full of faults, then a real one under kill -9: SEEDS=1..50 MINUTES=15 KILL_SECONDS=600"
	@echo "make soak-days the simulated day under many seeds: make soak-days DAYS=\"1 2 3\""
	@echo "make soak-load load management alone, on deep trees under faults: TREES=1..180 TREE_SECONDS=600"
	@echo "make soak-kills kill -9 of server and boards among many sessions: SESSIONS=1000 KILLS=100 CONNECTORS=40 SEED=1"
	@echo "make mutate    bugs put in on purpose: the listed ones, then drawn ones: MUTANT_SEED=1 MUTANT_MINUTES=15"
	@echo "make coverage  the tests again, with the lines they miss"
	@echo "make proto docs   writes the generated files;  make lock   renews requirements.lock"
	@echo "make clean     removes what these commands made"

.venv: $(INSTALLED)

$(INSTALLED): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or newer with venv was found:" \
		"install it (Debian: python3-venv), or say make PYTHON=/path/to/it" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is too old: install Python 3.11 or newer, or say make PYTHON=/path/to/it" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing into .venv (half a minute) ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

demo: $(INSTALLED)
	@$(BIN)/chargepark demo

FIRST ?=
test: $(INSTALLED) $(FIRST)
	@$(BIN)/python -m pytest -n 6 --dist loadgroup --no-loadscope-reorder --durations 20

# Each check is a target of its own, so that `make -k check` shows all findings at once.
CHECKS := check-lint check-format check-generated check-contracts check-types
.PHONY: $(CHECKS)
check: $(CHECKS)
$(CHECKS): $(INSTALLED)
check-lint:
	$(BIN)/ruff check .
check-format:
	$(BIN)/ruff format --check .
check-generated:
	$(BIN)/python -m tools.generate --check
check-contracts:
	$(BIN)/lint-imports --no-cache
check-types:
	$(BIN)/pyright

# All checks beside the tests: the type checker keeps one processor busy for as long as the slow tests mostly wait. What
# compiles the tests runs once before them, instead of in every worker.
.PHONY: ci compiled-tests
ci: $(INSTALLED)
	@$(MAKE) --keep-going --jobs 3 --output-sync FIRST=compiled-tests test $(CHECKS)
compiled-tests: $(INSTALLED)
	@$(BIN)/python -m pytest --collect-only -q > /dev/null

bench: $(INSTALLED)
	@$(BIN)/python -m benchmarks

# Programs to compare with, which nothing here depends on.
build/others/.installed: benchmarks/others/requirements.lock
	@$(PYTHON) -m venv build/others
	@build/others/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r $<
	@touch $@

bench-others: $(INSTALLED) build/others/.installed
	@$(BIN)/python -m benchmarks robin

fuzz: $(INSTALLED)
	@$(BIN)/python -m tests.fuzz --runs $(RUNS) --seed $(SEED)

soak: $(INSTALLED)
	@$(BIN)/python -m tools.soak $(SEEDS) $(MINUTES)
	@CHARGEPARK_KILL_SECONDS=$(KILL_SECONDS) $(BIN)/python -m pytest -q tests/nodes/park/test_park_kill.py

soak-days: $(INSTALLED)
	@set -e; for seed in $(DAYS); do $(BIN)/chargepark simulate $(SCENARIO) --seed $$seed; done

soak-load: $(INSTALLED)
	@$(BIN)/python -m tools.soak_load $(TREES) $(TREE_SECONDS)

soak-kills: $(INSTALLED)
	@$(BIN)/python -m tools.kills --sessions $(SESSIONS) --kills $(KILLS) --connectors $(CONNECTORS) --seed $(SEED)

mutate: $(INSTALLED)
	@$(BIN)/python -m tools.mutate --listed --drawn $(MUTANT_SEED) --minutes $(MUTANT_MINUTES) --record

coverage: $(INSTALLED)
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -q
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

# Hashes, but no address of a registry: those stand in each machine's own configuration.
lock: $(INSTALLED)
	@$(PIP) install uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--extra dev pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		benchmarks/others/requirements.in -o benchmarks/others/requirements.lock

proto: $(INSTALLED)
	$(BIN)/python -m tools.generate proto

docs: $(INSTALLED)
	$(BIN)/python -m tools.generate

clean:
	rm -rf .venv build dist .coverage .coverage.* htmlcov .hypothesis .import_linter_cache .pytest_cache .ruff_cache
	rm -rf tests/peers/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
