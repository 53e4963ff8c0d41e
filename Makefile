# make run        start the film search on http://localhost:8000
# make test       everything quick: style, types, layers, tests
# make test-all   the slow tests
# make lock       renew requirements/*.txt from pyproject.toml
# make bench      the benchmarks, one JSON line each

PYTHON ?= python3.11
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: run test test-all lint lock bench clean tools

run: .venv/base.stamp
	$(BIN)/voicesearch serve run --proof examples/films/queries/jurassic-park.flac

test: .venv/dev.stamp tools lint
	$(BIN)/python -m pytest

test-all: .venv/dev.stamp tools
	$(BIN)/python -m pytest -m "slow and not gpu"

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/dev.stamp
	$(BIN)/python -m benchmarks.latency
	$(BIN)/python -m benchmarks.startup
	$(BIN)/python -m benchmarks.load
	$(BIN)/python -m benchmarks.streaming
	$(BIN)/python -m benchmarks.batching
	$(BIN)/python -m benchmarks.soak
	$(BIN)/python -m benchmarks.query_profile

tools:
	@sh tests/install-tools.sh

lock:
	$(PIP) install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --quiet --generate-hashes --output-file requirements/base.txt pyproject.toml
	$(BIN)/uv pip compile --universal --python-version 3.11 --quiet --generate-hashes --extra train --extra dev \
		--constraint requirements/base.txt --output-file requirements/dev.txt pyproject.toml
	sed -n 's/^requires = \["\(.*\)"\]/\1/p' pyproject.toml | $(BIN)/uv pip compile --universal --python-version 3.11 --quiet \
		--generate-hashes --constraint requirements/base.txt --output-file requirements/build.txt -

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/base.stamp: requirements/base.txt pyproject.toml | .venv/bin/python
	$(PIP) install --quiet --no-deps --require-hashes --requirement requirements/base.txt
	$(PIP) install --quiet --no-deps --editable .
	@touch $@

.venv/dev.stamp: requirements/dev.txt .venv/base.stamp
	$(PIP) install --quiet --no-deps --require-hashes --requirement requirements/dev.txt
	@touch $@

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
