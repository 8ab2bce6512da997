# The same commands for people and CI. Everything goes into .venv and .bench; nothing else is touched.
#
#   make demo     the main job, for real, in ten seconds
#   make test     all tests
#   make serve    a server to try things with
#   make lint     style, types, import rules
#   make docs     the guides of the built-in contracts
#   make bench    speed, memory and growth, measured on this machine (about 15 minutes)
#   make crash    kill the server 20 times and count what arrives
#   make break    break the code on purpose, and see tests turn red
#   make chaos    ten minutes of faults over many processes on PostgreSQL, and the count

PYTHON  ?= python3
VENV    ?= .venv
# What to install: this folder, or a built wheel (as CI does).
PACKAGE ?= --editable .
BIN     := $(VENV)/bin
PIP     := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: demo test serve lint docs bench crash break chaos wheel clean

demo: $(VENV)/ready
	$(BIN)/hookferry demo

# Most tests wait most of the time: more processes than cores. Modules are kept compiled whatever the environment
# says: the tests start hundreds of servers, half a second faster so.
WORKERS ?= 3
test: $(VENV)/tools verifiers node
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not alone"
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -m alone

serve: $(VENV)/ready
	$(BIN)/hookferry serve --dev

lint: $(VENV)/tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

VECTORS := $(wildcard src/hookferry/contracts/builtin/*.vectors.toml)
docs: $(VECTORS:src/hookferry/contracts/builtin/%.vectors.toml=docs/contracts/guides/%.md)

docs/contracts/guides/%.md: always $(VENV)/ready
	$(BIN)/hookferry contracts guide $* -o $@ $(if $(wildcard docs/contracts/$*.md),--more ../$*.md)

.PHONY: always
always:

bench: $(VENV)/tools
	$(BIN)/python -m bench

crash: $(VENV)/tools
	$(BIN)/python -m tests.crash --kills 20

break: $(VENV)/tools
	$(BIN)/python -m tests.break_it

chaos: $(VENV)/tools
	$(BIN)/python -m tests.chaos --seconds 600

wheel: $(VENV)/pip
	rm -rf dist
	$(PIP) wheel --no-deps --wheel-dir dist .

$(VENV)/pip:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/ready: pyproject.toml | $(VENV)/pip
	$(PIP) install $(PACKAGE)
	@touch $@

$(VENV)/tools: pyproject.toml | $(VENV)/ready
	$(PIP) install --group dev
	@touch $@

# Official verifiers of receivers, in Python (200 MB) and in JavaScript (35 MB). Without them, and without Node,
# their tests are skipped.
VERIFIERS := .venv-verifiers
.PHONY: verifiers node
verifiers:
	@if [ ! $(VERIFIERS)/ready -nt pyproject.toml ]; then \
		( $(PYTHON) -m venv $(VERIFIERS) && cd $(VERIFIERS) \
			&& bin/python -m pip --quiet --disable-pip-version-check install --upgrade 'pip>=25.1' \
			&& bin/python -m pip --quiet install --retries 1 --timeout 20 --group ../pyproject.toml:verifiers \
			&& touch ready ) \
		|| { rm -rf $(VERIFIERS); echo "pip cannot install: tests that need official verifiers are skipped"; }; \
	fi

node:
	@if command -v npm >/dev/null && [ ! tests/node/node_modules/.package-lock.json -nt tests/node/package.json ]; then \
		npm install --prefix tests/node --no-audit --no-fund --no-package-lock --silent \
			--fetch-retries 1 --fetch-timeout 20000 \
		|| { rm -rf tests/node/node_modules; echo "npm cannot install: tests that need Node are skipped"; }; \
	fi

clean:
	rm -rf $(VENV) $(VERIFIERS) .bench build dist tests/node/node_modules
