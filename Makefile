# A fresh machine needs Python 3.11 or later and a package index; `make help` lists the targets.
PYTHON ?= python3
VENV ?= .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
PY := $(BIN)/python

.DEFAULT_GOAL := help
.PHONY: help demo test test-torch bench bench-quick bench-peers gallery check lint format types arch clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: $(VENV)/.ready  ## convert pydicom's test files to demo-output/
	$(PY) tests/demo/run.py demo-output

test: $(VENV)/.ready-test  ## run the tests
	$(PY) -m pytest $(ARGS)

# The torch that pip finds may bring gigabytes for GPUs; one that is there already, such as a CPU build, is kept.
test-torch: $(VENV)/.ready-test $(VENV)/.ready-test-torch  ## run those that need PyTorch, MONAI, datasets, webdataset
	$(PY) -c "import datasets, monai, torch, webdataset; [print(m.__name__, m.__version__) for m in (torch, monai, datasets, webdataset)]"
	$(PY) -m pytest tests/training $(ARGS)

bench: $(VENV)/.ready-bench $(VENV)/.ready-kernels  ## measure everything, into bench-report/; DATA=dir/ on your own files
	$(PY) -m benches bench-report $(if $(DATA),--data "$(DATA)") $(ARGS)

bench-quick: ARGS += --quick  ## the same, short and rough
bench-quick: bench

bench-peers: $(VENV)/.ready-peers bench  ## the same, with the Python libraries that we are compared with

gallery: $(VENV)/.ready-test  ## a contact sheet: ours, DCMTK's, pydicom's, into gallery/index.html; DATA=dir/
	$(PY) -m benches.gallery gallery $(if $(DATA),--data "$(DATA)")

check: lint types arch test  ## everything that must be green

lint: $(VENV)/.ready-dev  ## ruff: rules and format
	$(PY) -m ruff check
	$(PY) -m ruff format --check

format: $(VENV)/.ready-dev  ## ruff: fix what can be fixed
	$(PY) -m ruff check --fix
	$(PY) -m ruff format

types: $(VENV)/.ready-dev  ## mypy, for the three platforms
	for os in linux darwin win32; do $(PY) -m mypy --platform $$os --cache-dir .mypy_cache/$$os || exit 1; done

arch: $(VENV)/.ready-dev  ## the import rules
	$(BIN)/lint-imports --no-logo

clean:  ## remove what these targets made
	rm -rf $(VENV) demo-output bench-report gallery build dist .benchmarks .hypothesis .*_cache
	find fastdcm tests benches -name __pycache__ -type d -prune -exec rm -rf {} +

# One environment; each stamp says which extras are in it. Bytecode is made as pip does for what it copies.
$(VENV)/.ready: pyproject.toml
	test -x $(BIN)/pip || test -x $(BIN)/pip.exe || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install -q --disable-pip-version-check -e .
	$(PY) -m compileall -q fastdcm
	touch $@

# What is measured is what users have from their second run on.
$(VENV)/.ready-kernels: $(VENV)/.ready $(wildcard fastdcm/kernels/*.py)
	$(PY) -m fastdcm warmup
	touch $@

$(VENV)/.ready-%: $(VENV)/.ready
	$(PY) -m pip install -q --disable-pip-version-check -e '.[$*]'
	touch $@
