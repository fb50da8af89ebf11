# Everything runs in .venv, made here from requirements.lock; needs Python 3.11 or newer, make and a package index.
#   make demo     a batch onboarded under faults, killed and resumed, on this machine alone
#   make test     the tests           (ARGS="-k name" hands pytest more)
#   make check    format, lint, types, import contracts, tests: what CI asks
#   make aepp     the emulator driven by AEPP, a client of the platform that nobody here wrote (500 MB of its own)
#   make bench    the benchmarks, beside other engines in an environment of their own (QUICK=1: the short form)
#   make proof    the whole proof: the three that follow
#   make schedules   fault schedules, crash points, broken rules (SEED=1 COUNT=10000)
#   make properties  the property tests, with many examples
#   make reality     real processes that are killed, frozen and robbed of their journal
.DEFAULT_GOAL := check
.PHONY: setup demo test aepp schedules properties reality lint format types imports check coverage proof bench lock build clean

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
SEED ?= 1
COUNT ?= 10000

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# As an installed wheel is: where Python may not write bytecode, each start compiles all of it, a quarter of a second.
COMPILE := $(BIN)/python -m compileall -q engine workflows migrations benchmarks

setup: .venv/.installed

# The stamps tell what is finished: an interrupted step is done again, a finished one costs nothing.
.venv/.created:
	@test -n "$(PYTHON)" || { echo "make: needs Python 3.11 or newer with venv (Debian: apt-get install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.locked: .venv/.created requirements.lock
	$(PIP) install --require-hashes -r requirements.lock
	@touch $@

.venv/.installed: .venv/.locked pyproject.toml workflows/__init__.py
	$(PIP) install --no-deps --no-build-isolation --editable .
	@$(COMPILE)
	@touch $@

demo: setup
	rm -rf demo
	$(BIN)/headway demo --folder demo

# At least four at a time, whatever the cores: half of the time they wait, for processes to end and doubts to settle.
test: setup
	$(BIN)/python -m pytest -n $$($(BIN)/python -c "import os; print(max(4, os.cpu_count()))") $(ARGS)

.venv-aepp/.installed:
	$(PYTHON) -m venv .venv-aepp
	.venv-aepp/bin/python -m pip --disable-pip-version-check --quiet install "aepp==0.6.*"
	@touch $@

aepp: setup .venv-aepp/.installed
	AEPP_PYTHON=$(CURDIR)/.venv-aepp/bin/python $(BIN)/python -m pytest tests/emulator/test_aepp.py

properties: setup
	$(BIN)/python -m pytest -n auto -m hypothesis --hypothesis-profile proof --timeout 900

# Four at a time, whatever the cores: they mostly wait, for processes to die and doubts to settle.
reality: setup
	$(BIN)/python -m pytest -n 4 -m reality tests/crash

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: setup
	$(BIN)/mypy
	$(BIN)/mypy examples

imports: setup
	$(BIN)/lint-imports

check: lint types imports test

coverage: setup
	$(BIN)/coverage run -m pytest $(ARGS)
	$(BIN)/coverage report --skip-covered --show-missing

schedules: setup
	$(BIN)/python -m engine.simulation.proof --seed $(SEED) --count $(COUNT)

proof: schedules properties reality

.venv-bench/.installed: .venv/.created benchmarks/requirements.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip --disable-pip-version-check --quiet install --requirement benchmarks/requirements.txt
	-npm install --prefix .venv-bench --no-save --no-audit --no-fund --silent @restatedev/restate-server-linux-x64@1.7.12
	@touch $@

bench: setup .venv-bench/.installed
	@$(COMPILE)
	$(BIN)/python -m benchmarks $(if $(QUICK),--quick --results build/bench) $(ARGS)
	$(if $(QUICK),,.venv-bench/bin/python -m benchmarks.render)

# Pins stay unless UPGRADE="--upgrade" or UPGRADE="--upgrade-package NAME"; UV_DEFAULT_INDEX names a mirror to ask.
lock: .venv/.created
	$(PIP) install "uv>=0.5"
	$(BIN)/uv pip compile pyproject.toml --extra postgres --group dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		--quiet --output-file requirements.lock $(UPGRADE)

build: setup
	$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .

clean:
	rm -rf .venv .venv-aepp .venv-bench build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
