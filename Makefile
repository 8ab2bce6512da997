# The same commands for people and CI. Everything goes into .venv and .bench; nothing else is touched.
#
#   make demo     the main job, for real, in ten seconds
#   make test     all tests
#   make serve    a server to try things with
#   make lint     style, types, import rules
#   make bench    speed, memory and growth, measured on this machine (about 15 minutes)
#   make crash    kill the server 20 times and count what arrives

PYTHON  ?= python3
VENV    ?= .venv
# What to install: this folder, or a built wheel (as CI does).
PACKAGE ?= --editable .
BIN     := $(VENV)/bin
PIP     := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: demo test serve lint bench crash wheel clean

demo: $(VENV)/ready
	$(BIN)/hookferry demo

test: $(VENV)/tools node
	$(BIN)/python -m pytest

serve: $(VENV)/ready
	$(BIN)/hookferry serve --dev

lint: $(VENV)/tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/tools
	$(BIN)/python -m bench

crash: $(VENV)/tools
	$(BIN)/python -m tests.crash --kills 20

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

# The official verifier for JavaScript, where there is Node to run it; without it its tests are skipped.
.PHONY: node
node:
	@if command -v npm >/dev/null && [ ! -d tests/node/node_modules ]; then \
		npm install --prefix tests/node --no-audit --no-fund --no-package-lock --silent \
			--fetch-retries 1 --fetch-timeout 20000 \
		|| { rm -rf tests/node/node_modules; echo "npm cannot install: tests that need Node are skipped"; }; \
	fi

clean:
	rm -rf $(VENV) .bench build dist tests/node/node_modules
