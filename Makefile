# Two commands: `make demo` and `make test`. Each does its own set-up in .venv; only Python >= 3.11 and make are needed.
PYTHON ?= python3
PORT ?= 8501
SIZE ?= district
WORKSPACE ?= data/linjiang
VENV := .venv
BIN := $(VENV)/bin
INPUTS := pyproject.toml constraints.txt package.json package-lock.json hatch_build.py
say = @printf '\n== %s\n' "$(1)"

.PHONY: help demo test lint types check-format unit fast browser kernels soak screenshots benchmarks wheel clean

help:
	@echo "make demo   build the sample district and serve the console (PORT=8501, SIZE=village|district|city)"
	@echo "make test   lint, types and all tests"
	@echo "make benchmarks  measure against named rivals; the table goes to docs/benchmarks.md"
	@echo "make soak   kill a writing server 200 times, on SQLite and PostgreSQL; nothing acknowledged may be lost; and compare road engines at length"
	@echo "make wheel  build dist/gridgov-*.whl"
	@echo "make clean  remove everything that these made"

$(VENV)/pyvenv.cfg:
	$(call say,Making a virtual environment in $(VENV))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "gridgov needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12 ..."; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing; on Debian or Ubuntu: apt install python3-venv"; exit 2; }

$(VENV)/.run: $(VENV)/pyvenv.cfg $(INPUTS)
	$(call say,Installing gridgov and its libraries (a few minutes the first time))
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --progress-bar off -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/pyvenv.cfg $(INPUTS)
	$(call say,Installing gridgov with its development tools (a few minutes the first time))
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --progress-bar off -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.run

demo: $(VENV)/.run
	$(call say,Sample district and console)
	@exec $(BIN)/gridgov demo --workspace $(WORKSPACE) --size $(SIZE) --port $(PORT)

test: $(VENV)/.dev
	$(call say,Lint and types; compiling beside them)
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint types kernels
	@$(MAKE) --no-print-directory unit

# Numba's cache is filled once, so that no test and no server of a test waits for the compiler.
kernels: $(VENV)/.dev
	$(call say,Compiling)
	@$(BIN)/python -c "from gridgov import dispatch, evacuation, hazards, network; from gridgov.analysis import outlines; [part.warm_up() for part in (network, dispatch, evacuation, hazards, outlines)]"

lint: $(VENV)/.dev
	$(call say,Lint)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(call say,Types)
	@$(BIN)/mypy

# Browser tests wait for pages most of the time, so they run beside the others; the words of each come in one piece.
unit: $(VENV)/.dev
	$(call say,Tests and browser tests side by side (a quarter of an hour))
	@$(MAKE) --no-print-directory --keep-going --jobs=2 --output-sync=target fast browser

fast: $(VENV)/.dev
	$(call say,Tests)
	@$(BIN)/python -m pytest -m "not browser"

browser: $(VENV)/.dev
	$(call say,Browser tests)
	@$(BIN)/python -m pytest -m browser

soak: $(VENV)/.dev
	$(call say,Kill test: 200 rounds for each database)
	@GRIDGOV_SOAK=1 $(BIN)/python -m pytest -s tests/store/test_store_kill.py
	$(call say,Road network: closures and random networks by every engine at length)
	@GRIDGOV_SOAK=1 $(BIN)/python -m pytest --timeout 7200 tests/network/test_network_hierarchy_sequences.py tests/network/test_network_every_engine.py
	$(call say,Hot spots on noise: 2000 data sets for each method)
	@GRIDGOV_SOAK=1 $(BIN)/python -m pytest --timeout 7200 tests/analysis/test_analysis_hotspots.py tests/analysis/test_analysis_scan.py -k noise

screenshots: $(VENV)/.dev
	$(call say,Pictures of the documents)
	@$(BIN)/python docs/screenshots.py

benchmarks: $(VENV)/.dev
	$(call say,Benchmarks)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r benchmarks/requirements.txt
	@for name in dispatch importing network closures store referee overlay zonal siting batches evacuation; do $(BIN)/python -m benchmarks $$name --write-docs || exit 1; done

wheel: $(VENV)/.dev
	$(call say,Wheel)
	@$(BIN)/python -m build --wheel

clean:
	rm -rf $(VENV) .cache assets dist build node_modules .mypy_cache .ruff_cache .pytest_cache data/linjiang
