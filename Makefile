# The same commands for people and CI. Everything goes into .venv; nothing else is touched.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test serve lint bench crash clean

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@

test: .venv/ready
	$(BIN)/python -m pytest

demo: .venv/ready
	$(BIN)/hookferry demo

serve: .venv/ready
	$(BIN)/hookferry serve --dev

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/ready
	$(BIN)/python -m bench

clean:
	rm -rf .venv .bench build dist
