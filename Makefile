# make demo | test | test-thorough | test-slow | docs | bench | lint: each installs what it needs into .venv, once.
#
#   make demo DEMO="--recording mante2013"     options for `neurodyn demo`
#   make test TESTS=tests/test_fit.py          some tests; JOBS=1 for one process
#   make test MARKED=processor                 tests with a marker
#   make test OPTIONS=--durations=20           options for pytest
#   make bench BENCH="rate --json out.json"    some benchmarks
#   make bench-spiking                         spiking networks, against Brian2 and BrainPy
#   make neurogym                              neurogym's environments as tasks, and its speed
#   make test PYTHON=python3.12 VENV=/tmp/v    another interpreter, another environment

PYTHON ?= python3
VENV ?= .venv
JOBS ?= auto
TESTS ?= tests
MARKED ?= $(if $(filter tests,$(TESTS)),not slow and not thorough,not slow)
OPTIONS ?=
DEMO ?=
BENCH ?=

bin := $(abspath $(VENV))/bin
pip := $(bin)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Matplotlib warns when it cannot write below HOME, and in tests warnings are errors.
export MPLCONFIGDIR ?= $(abspath $(VENV))/cache/matplotlib
export MPLBACKEND ?= agg

.PHONY: help demo test test-thorough test-slow docs bench bench-spiking neurogym lint format constraints clean
.DELETE_ON_ERROR:

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

demo: $(VENV)/.base
	$(bin)/neurodyn demo --overwrite $(DEMO)

# One thread a process for XLA (NPROC) and for linear algebra: the processes already fill the cores.
test: $(VENV)/.test
	NPROC=1 OPENBLAS_NUM_THREADS=1 $(bin)/python -m pytest $(TESTS) -m "$(MARKED)" \
	    --numprocesses=$(JOBS) --maxprocesses=8 --dist=worksteal $(OPTIONS)

test-thorough:
	@$(MAKE) test MARKED="thorough and not slow"

test-slow:
	@$(MAKE) test MARKED=slow

docs: $(VENV)/.docs
	$(bin)/python -m sphinx -W --keep-going -b html docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

bench: $(VENV)/.bench
	$(bin)/python -m tests.benchmarks $(BENCH)

# BrainPy asks for other versions than ours, so it gets an environment of its own.
bench-spiking: $(VENV)/.bench $(VENV)/brainpy/.done
	BRAINPY_PYTHON=$(abspath $(VENV))/brainpy/bin/python $(bin)/python -m tests.benchmarks spiking $(BENCH)

$(VENV)/brainpy/.done: | $(VENV)/pyvenv.cfg
	@$(bin)/python -m venv $(VENV)/brainpy
	@$(VENV)/brainpy/bin/python -m pip install --quiet --disable-pip-version-check brainpy==2.8.2 jax==0.10.2 numba
	@touch $@

# neurogym asks for other versions than ours, so it gets an environment of its own.
neurogym: $(VENV)/neurogym/.done
	$(VENV)/neurogym/bin/python -m tests.tasks.bridges.real_neurogym
	$(VENV)/neurogym/bin/python -m tests.benchmarks neurogym $(BENCH)

$(VENV)/neurogym/.done: pyproject.toml constraints.txt | $(VENV)/pyvenv.cfg
	@$(bin)/python -m venv $(VENV)/neurogym
	@echo "Installing neurogym into $(VENV)/neurogym; this takes a few minutes the first time"
	@$(VENV)/neurogym/bin/python -m pip install --quiet --disable-pip-version-check \
	    --editable '.[neurogym,fast]' "$$(sed -n '/^neurogym==/p' constraints.txt)"
	@touch $@

lint: $(VENV)/.lint
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/lint-imports --no-cache

format: $(VENV)/.lint
	$(bin)/ruff check --fix-only .
	$(bin)/ruff format .

# A stamp for each set of dependencies, older than what it was made from after any change.
$(VENV)/.base: extras := .
$(VENV)/.test: extras := .[test]
$(VENV)/.lint: extras := .[lint]
$(VENV)/.docs: extras := .[docs]
$(VENV)/.bench: extras := .[test,bench]

$(VENV)/.base $(VENV)/.test $(VENV)/.lint $(VENV)/.docs $(VENV)/.bench: pyproject.toml constraints.txt | $(VENV)/pyvenv.cfg
	@echo "Installing neurodyn ($(extras)) into $(VENV); this takes a few minutes the first time"
	@$(pip) --editable '$(extras)'
	@touch $@

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; \
	    sys.exit(not (3, 11) <= v < (3, 14) and "neurodyn needs Python 3.11, 3.12 or 3.13 and $(PYTHON) is " \
	    + sys.version.split()[0] + ". Name another one: make $(MAKECMDGOALS) PYTHON=python3.12")'
	@$(PYTHON) -c 'import ensurepip, venv' || { \
	    echo "$(PYTHON) comes without venv (on Debian and Ubuntu: apt install python3-venv)"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# Pinned by hand, without what they need.
BY_HAND := neurogym|pynapple|rsatoolbox|torch

constraints: $(VENV)/pyvenv.cfg
	$(bin)/python -m pip install --quiet uv
	{ sed -n '/^#/p' constraints.txt; \
	  $(bin)/uv pip compile pyproject.toml --quiet --no-header --no-annotate \
	      --universal --fork-strategy fewest --python-version 3.11 \
	      --extra test --extra lint --extra docs --extra zarr --extra nix --extra sweep; \
	  sed -n -E '/^($(BY_HAND))==/p' constraints.txt; } > constraints.new
	mv constraints.new constraints.txt

clean:
	rm -rf build dist docs/_build docs/jupyter_execute docs/reference/generated neurodyn-demo \
	    .pytest_cache .ruff_cache .mypy_cache .hypothesis
