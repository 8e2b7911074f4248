# make demo   restore a damaged photograph, and print its PSNR before and after
# make test   lint, types, import rules, tests
# make docs   the docs site, into build/site
# make gallery  the figures of the paper, one page each, into docs/gallery; make docs adds them to the site
# make notebooks  the same pages as executed notebooks, into build/notebooks; make lab opens them in JupyterLab
# make bench  quality, seconds and memory on the field's test sets, beside other methods
# make bench-gpu  the same for the fit on a GPU, against the CPU
# make fuzz   read 500 damaged files of every format, under limits of time and memory
# make dist   build the sdist and the wheel into dist, and try the wheel in a fresh environment
# make pins   pin the newest version of every dependency; make clean test PINS=constraints-torch.txt tests without pins
# make oldest the tests, with the oldest versions that pyproject.toml allows, in build/oldest; TESTS=… for some
# make clean  remove everything that these made
#
# The first use creates .venv and installs into it; PYTHON=… chooses the interpreter.

PYTHON ?=
# constraints.txt pins every package; PINS=constraints-torch.txt takes the newest of all but PyTorch
PINS ?= constraints.txt
export PINS
BIN := .venv/bin

.PHONY: demo test oldest fuzz dist pins lint docs gallery notebooks lab bench bench-gpu clean

demo: .venv/.installed
	$(BIN)/ipse demo -o demo

# One thread per process: two processes on two cores are faster than four threads.
PYTEST := -m pytest -q -n 2 --dist worksteal
test oldest: export OMP_NUM_THREADS = 1
test: lint
	$(BIN)/python $(PYTEST)

# PyTorch is the one of the other targets
oldest:
	VENV=build/oldest RESOLUTION=lowest-direct PINS=constraints-torch.txt bash scripts/install "$(PYTHON)" ".[dev]"
	build/oldest/bin/python $(PYTEST) $(TESTS)

fuzz: .venv/.installed-dev
	$(BIN)/python scripts/fuzz.py

dist: .venv/.installed-dev
	bash scripts/dist

# Pin the newest of everything; then make clean test
pins:
	bash scripts/pins

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

.venv/.installed: pyproject.toml $(PINS) scripts/install
	bash scripts/install "$(PYTHON)" .
	touch $@

.venv/.installed-dev: pyproject.toml $(PINS) scripts/install
	bash scripts/install "$(PYTHON)" ".[dev]"
	touch .venv/.installed $@

.venv/.installed-bench: pyproject.toml $(PINS) scripts/install
	bash scripts/install "$(PYTHON)" ".[bench]"
	touch .venv/.installed $@

# Warnings are errors. To search it: python -m http.server -d build/site
docs: .venv/.installed-dev
	$(BIN)/python scripts/house_map.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

.venv/.installed-gallery: pyproject.toml $(PINS) scripts/install
	bash scripts/install "$(PYTHON)" ".[gallery]"
	touch .venv/.installed $@

# IPSE_BUDGET=tiny|reduced|full, IPSE_DATA=DIR with the paper's pictures in DIR/paper, PAGES=gallery/NAME.py for one page
gallery: .venv/.installed-gallery
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python gallery/_render.py pages $(PAGES)

notebooks: .venv/.installed-gallery
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python gallery/_render.py notebooks $(PAGES)

.venv/.installed-lab: pyproject.toml $(PINS) scripts/install
	bash scripts/install "$(PYTHON)" ".[lab]"
	touch .venv/.installed $@

# Opens the notebooks that make notebooks left, or notebooks whose cells have not been run
lab: .venv/.installed-lab
	test -d build/notebooks || $(BIN)/python gallery/_render.py notebooks --blank
	$(BIN)/jupyter lab --notebook-dir build/notebooks

# Needs the test sets: make bench DATA=DIR [ARGS="--works denoise25 --only F16"]
bench: .venv/.installed-bench
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m bench --data $(DATA) $(ARGS)

# Needs a GPU and, in .venv, a PyTorch that supports it: make bench-gpu [ARGS="--device cuda:1"]
bench-gpu: .venv/.installed
	$(BIN)/python -m bench.gpu $(ARGS)

clean:
	rm -rf .venv demo .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist docs/gallery
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
