# Works on a machine that has Python 3.11, 3.12 or 3.13, pip and make; everything else goes into .venv, or .venvs for the targets run by hand.
PYTHON ?= $(shell for v in 3.11 3.12 3.13; do python$$v -c 'import sys; print(sys.executable)' 2>/dev/null && break; done || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
UV := .venvs/uv/bin/uv

# What the targets run by hand test: all but torch, whose build on the index takes 3 GB, and metrics, which needs torch; EXTRAS=dev has both.
EXTRAS ?= test,fast,data,frames,parquet,cubes,cluster,mosek
TESTS ?=

.PHONY: check test test-fast docs lint bench mutants lock test-newest test-lowest test-pythons clean

check: $(VENV)/.installed
	$(BIN)/layerpeel check --profile quick --out report

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --theorem-report report

# The theorem pages are made from a report; the tests leave one, or a check.
docs: $(VENV)/.installed-dev report/report.json
	PATH="$(abspath $(BIN)):$$PATH" OPENBLAS_NUM_THREADS=1 $(BIN)/python -m sphinx -q -W --keep-going -j $(WORKERS) docs docs/_build/html

report/report.json: | $(VENV)/.installed-dev
	$(BIN)/layerpeel check --profile quick --out report

# The arithmetic alone: no rooms, no networks, nothing that draws thousands of samples or takes seconds.
test-fast: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not (rooms or networks or statistical or slow or gpu)" tests/numerics tests/solvers

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks

mutants: $(VENV)/.installed-dev
	$(BIN)/python -m mutants --workers $(WORKERS)

# The newest release of everything that pyproject.toml allows becomes the tested one. lock/check.txt is what `make check` needs of it.
LOCK := pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-annotate \
	--no-emit-package torch --excludes lock/cuda.in --custom-compile-command 'make lock' pyproject.toml lock/build.in

lock: $(UV)
	echo uv | $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command 'make lock' \
		--upgrade --output-file lock/uv.txt -
	$(UV) $(LOCK) --upgrade --extra dev --output-file lock/test.txt
	$(UV) $(LOCK) --upgrade --extra train --extra data --constraint lock/test.txt --output-file lock/check.txt

test-newest: $(UV)
	$(UV) venv --quiet --clear --python $(PYTHON) .venvs/newest
	$(UV) pip install --quiet --python .venvs/newest --resolution highest --upgrade --editable '.[$(EXTRAS)]'
	.venvs/newest/bin/python -m pytest -n $(WORKERS) $(TESTS)

# What old releases deprecate, or newer ones in them, is past: only errors count here.
test-lowest: $(UV)
	$(UV) venv --quiet --clear --python $(PYTHON) .venvs/lowest
	$(UV) pip install --quiet --python .venvs/lowest --resolution lowest-direct --editable '.[$(EXTRAS)]'
	.venvs/lowest/bin/python -m pytest -n $(WORKERS) -W ignore::DeprecationWarning $(TESTS)

test-pythons: $(UV)
	UV="$(abspath $(UV))" EXTRAS="$(EXTRAS)" WORKERS="$(WORKERS)" TESTS="$(TESTS)" .ci/pythons

clean:
	rm -rf $(VENV) .venvs report docs/_build docs/theorems docs/reference docs/examples

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(UV): lock/uv.txt
	$(PYTHON) -m venv .venvs/uv
	.venvs/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement lock/uv.txt
	touch $@

# The stamps make a second call start at once; a change of pyproject.toml or of a lock installs again. The lock names every package with
# its hashes, and what builds this one; torch is pip's, which finds what the machine offers (lock/torch.txt).
INSTALL := $(UV) pip install --quiet --python $(BIN)/python --no-deps
INSTALL_TORCH := $(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement lock/torch.txt
INSTALL_SELF := $(INSTALL) --no-build-isolation --editable .

$(VENV)/.installed: pyproject.toml lock/check.txt lock/torch.txt $(UV) | $(BIN)/python
	$(INSTALL) --require-hashes --requirement lock/check.txt
	$(INSTALL_TORCH)
	$(INSTALL_SELF)
	touch $@

$(VENV)/.installed-dev: pyproject.toml lock/test.txt lock/torch.txt $(UV) | $(BIN)/python
	$(INSTALL) --require-hashes --requirement lock/test.txt
	$(INSTALL_TORCH)
	$(INSTALL_SELF)
	touch $@ $(VENV)/.installed
