# Everything that a bare machine needs: python3 (3.11 to 3.13), make and git.
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: repro test sweep post beyond examples external traps bench calls lint lock

repro: .venv/ready  ## the pipeline: trains what params.yaml asks for, unless it is cached
	dvc repro

TESTS ?= not slow
test: .venv/ready  ## every test but the slow ones; CI runs them too: TESTS="not sweep"
	pytest -m "$(TESTS)" -n 2 --dist loadfile

sweep: .venv/ready  ## 60 experiments in DVC's queue, and their runs; some fifteen minutes
	pytest -m sweep tests/tracking/test_sweep.py -s

post: .venv/ready  ## every row of the post as a DVC experiment, and the table
	statelab post

beyond: .venv/ready  ## where the recipe of the post stops, as experiments and a table
	statelab beyond

examples: .venv/examples  ## real sequences out of PyPI packages, as experiments and a table
	statelab examples

external: .venv/examples  ## our figures beside published ones, and the table
	statelab study external

traps: .venv/ready  ## docs/traps.md: which claims about state hold in the installed Keras
	python tests/traps_page.py

bench: .venv/bench  ## ours and every peer, timed in the same run; most of an hour
	python -m benchmarks
	python -m benchmarks.lookback
	python -m benchmarks.comparison
	python -m benchmarks.files

calls: .venv/ready  ## how often the verdict calls series of known kind; about an hour
	python -m benchmarks.calls

lint: .venv/ready  ## style, the order of imports, and types
	ruff check
	ruff format --check
	lint-imports
	pyright

# pip byte-compiles what it installs: TensorFlow then imports in a third of the time
.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 14) else "statelab needs Python 3.11 to 3.13, and $(PYTHON) is %d.%d: run make with PYTHON=python3.12, say" % sys.version_info[:2])'
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

# the peers are in no lock: newest versions that go with what is locked
.venv/bench: .venv/ready
	.venv/bin/pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[bench]'
	touch $@

# only their data files are read, so they come without what they need: what aeon needs
# excludes the pandas in requirements.lock
.venv/examples: .venv/ready
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps aeon==1.6.0 bokeh-sampledata==2026.1 pmdarima==2.1.1
	touch $@

lock:  ## newest versions into requirements.lock; needs uv
	uv pip compile pyproject.toml --extra dev --extra excel --extra search --extra dask --universal --python-version 3.11 --upgrade \
	  --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command "make lock" --quiet --output-file requirements.lock
