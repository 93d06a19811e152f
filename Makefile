# Every target makes .venv when it is missing and says what it does. PYTHON chooses the interpreter (3.11 to 3.13).
PYTHON ?= python3
WORKERS ?= 2
DEMO ?= demo
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help demo test lint bench clean

help:
	@echo "make demo    run three trackers on built-in scenes, score them, write a report to $(DEMO)/report"
	@echo "make test    run all tests"
	@echo "make lint    ruff, mypy and the import rules"
	@echo "make bench   measure speed as ratios, side by side"
	@echo "make clean   remove .venv, caches and the demo's output"

$(READY): pyproject.toml constraints.txt
	@echo "== making .venv and installing the tested set of packages"
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
		|| { echo "Python 3.11 to 3.13 is needed; found $$($(PYTHON) --version). Use: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,train,tune,vot,got10k,video,html,cluster,onnx,openvino]'
	@touch $@

demo: $(READY)
	@echo "== tracking the built-in scenes with three trackers"
	$(BIN)/siamcar run --benchmark synthetic --tracker siamcar --tracker opencv:mil --tracker static --results $(DEMO)/results --workers $(WORKERS)
	@echo "== scoring"
	$(BIN)/siamcar score --benchmark synthetic --results $(DEMO)/results
	@echo "== writing the report"
	$(BIN)/siamcar report --benchmark synthetic --results $(DEMO)/results --out $(DEMO)/report

test: $(READY)
	@echo "== running the tests"
	$(BIN)/python -m pytest -n $(WORKERS)

lint: $(READY)
	@echo "== ruff, mypy, import rules"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	@echo "== measuring speed"
	$(BIN)/python -m benchmarks

clean:
	@echo "== removing .venv, caches and $(DEMO)/"
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist *.egg-info $(DEMO)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
