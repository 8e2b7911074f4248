# make demo   restore a photograph, print how much of it came back
# make test   lint, types, import rules, tests
# make bench  PSNR and seconds on the field's test sets
# make clean  remove what these made
#
# The first use creates .venv and installs into it; PYTHON=… chooses the interpreter.

PYTHON ?=
BIN := .venv/bin

.PHONY: demo test lint bench clean

demo: .venv/.installed
	$(BIN)/ipse demo -o demo

# One thread a process: two processes on two cores are quicker than four threads on them.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

.venv/.installed: pyproject.toml constraints.txt scripts/install
	bash scripts/install "$(PYTHON)" .
	touch $@

.venv/.installed-dev: pyproject.toml constraints.txt scripts/install
	bash scripts/install "$(PYTHON)" ".[dev]"
	touch .venv/.installed $@

# Needs the test sets: make bench DATA=DIR [ARGS="--sets set9 --only F16"]
bench: .venv/.installed
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python bench/quality.py --data $(DATA) $(ARGS)

clean:
	rm -rf .venv demo .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
