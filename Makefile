PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
INSTALLED = $(VENV)/.installed
TESTED = $(VENV)/.installed-test
DOCUMENTED = $(VENV)/.installed-docs
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# A file of tests runs in one worker; each worker needs some 2 GB.
WORKERS ?= logical
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 4 --dist loadgroup --durations 40

.PHONY: demo test-fast test test-slow fuzz lint tree types docs bench bench-compare studies clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) --editable .
	touch $@

$(TESTED): $(INSTALLED)
	$(INSTALL) --editable '.[test]'
	touch $@

$(DOCUMENTED): $(INSTALLED)
	$(INSTALL) --editable '.[docs]'
	touch $@

# Evaluate the built-in models on the shipped set and build the page.
demo: $(INSTALLED)
	$(BIN)/xbench evaluate --model xbench/bm25 --benchmark XBenchMini --output demo/results
	$(BIN)/xbench evaluate --model xbench/char-ngram --benchmark XBenchMini --output demo/results
	$(BIN)/xbench leaderboard build --results results --results demo/results --output demo/site

# Before every commit: style, and the tests that take no other process, no real encoder and no
# seconds; of random examples it takes a fifth.
test-fast: lint
	$(PYTEST) --ignore tests/benchmarks --hypothesis-profile fast -m 'not integration and not slow'

# Style, types, and all tests but the slow ones.
test: lint types
	$(PYTEST) -m 'not slow'

# The whole real sets, encoders that take minutes, and many mutated files.
test-slow: $(TESTED)
	$(PYTEST) -m slow

# Mutated files of submissions; those that the check does not bear are left in this folder.
fuzz: $(TESTED)
	$(BIN)/python -m tests.results.validation.fuzz 50000

lint: $(TESTED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# The tree as it is installed: tasks/ is xbench.tasks, leaderboard/ is xbench.leaderboard.
tree:
	rm -rf build/tree && mkdir -p build/tree/xbench
	ln -s $(CURDIR)/xbench/* $(CURDIR)/tasks $(CURDIR)/leaderboard build/tree/xbench/

types: $(TESTED) tree
	cd build/tree && $(abspath $(BIN))/mypy --config-file $(CURDIR)/pyproject.toml \
	  --cache-dir $(CURDIR)/.mypy_cache -p xbench

# The documentation as a site that opens without a network: build/docs/index.html.
docs: $(DOCUMENTED) tree
	$(BIN)/zensical build --clean --strict

# Timings as one table, and as JSON in build/bench/; see tests/benchmarks/.
BENCH ?= build/bench/$(shell date +%Y%m%d-%H%M%S).json
bench: $(TESTED)
	mkdir -p $(dir $(BENCH))
	$(BIN)/python -m pytest tests/benchmarks --benchmark-only --benchmark-disable-gc \
	  --benchmark-columns=mean --benchmark-json=$(BENCH)
	$(BIN)/python -m tests.benchmarks.report $(BENCH)

# What got slower between two runs: make bench-compare OLD=build/bench/a.json NEW=build/bench/b.json
bench-compare: $(TESTED)
	$(BIN)/python -m tests.benchmarks.report $(OLD) $(NEW)

# The small studies from scratch, with reports in build/studies: hours on two cores, and on a GPU
# where there is one. STUDIES="replication alpha" chooses, SEEDS=10 repeats each. Needs ../shared,
# and robustness-beir also the hub.
STUDIES ?= replication replication-xquad-r alpha robustness stage-order pair-scaling pair-choice \
  model-size batch-vs-loss
SEEDS ?= 5
STUDY = --size small --seeds $(SEEDS) --models build/models --output build/studies
studies: $(TESTED)
	$(BIN)/python -m tests.small_encoders build/models
	XBENCH_DATA_DIR=../shared/data $(BIN)/xbench study plan $(STUDIES) $(STUDY)
	XBENCH_DATA_DIR=../shared/data $(BIN)/xbench study run $(STUDIES) $(STUDY)

clean:
	rm -rf $(VENV) build demo dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
