# Verbs for people and CI alike. Nothing but make and Python >= 3.11 is needed; everything is installed into .venv.

.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
CONSTRAINTS := constraints.txt
WORKERS ?= 2
PROMPT ?= put the banana in the bowl
export PROMPT

# PyBullet's wheels end at Python 3.11, so 3.11 is preferred where several are at hand.
PYTHON ?= $(shell for p in python3.11 python3 python3.13 python3.12; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS)

.PHONY: help demo test test-slow integrations bench lint types format clean distclean

help:
	@echo "make demo [PROMPT=\"put the green apple in the bowl\"]   sentence -> certified scene -> report"
	@echo "make test | test-slow | integrations | bench | lint | types | format | clean | distclean"

$(VENV)/bin/python:
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Gen3D needs Python 3.11 or newer. Install it, or name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: setup.cfg pyproject.toml $(CONSTRAINTS) | $(VENV)/bin/python
	@echo "Installing Gen3D into $(VENV) (once, a few minutes on a slow line) ..."
	$(PIP) -e '.[mesh]'
	@touch $@

$(VENV)/.dev: setup.cfg pyproject.toml $(CONSTRAINTS) | $(VENV)/bin/python
	@echo "Installing Gen3D with its test tools into $(VENV) (once, several minutes on a slow line) ..."
	$(PIP) -e '.[dev,mesh,baselines,ros]'
	@touch $@ $(VENV)/.core

demo: $(VENV)/.core
	@$(BIN)/gen3d demo "$$PROMPT"

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS)

test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS) -m "slow and not benchmark"

integrations: $(VENV)/bin/python
	$(BIN)/python tests/integrations/run.py

bench: $(VENV)/.dev
	$(BIN)/python -m pytest tests/benchmarks -m benchmark --benchmark-enable

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy gen3d_envs baselines

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf build dist demo *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV)
