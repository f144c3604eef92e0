# make demo   a small CPU runtime in .venv, then pictures: face masks in, invented lower faces out
# make test   everything in .venv, then format, lint, types and tests (what CI runs); what
#             exports to LiteRT in .venv-litert, then its tests
# make check  format, lint, types and tests in the .venv that is there; installs nothing
# make web    what the page needs from npm to run the models inside the browser
# make docs   the documentation site, into site/
# make clean  remove .venv and what tools cached

PYTHON ?= python3
VENV ?= .venv
LITERT ?= .venv-litert
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo docs web test check litert install install-demo lint types tests clean

demo: install-demo
	$(BIN)/mask2face demo

test: install check litert

check: lint types tests

lint:
	$(BIN)/ruff format --check
	$(BIN)/ruff check

types:
	$(BIN)/mypy

tests:
	$(BIN)/python -m pytest

install: $(VENV)/.installed-all
install-demo: $(VENV)/.installed-demo

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# OpenCV's wheel needs two system libraries: say so here, not in a traceback inside the demo.
$(VENV)/.installed-demo: pyproject.toml | $(BIN)/python
	$(PIP) install --quiet -e .
	@$(BIN)/python -c 'import cv2' || { \
	  echo 'OpenCV does not load. On a bare container: apt-get install libgl1 libglib2.0-0' >&2; exit 1; }
	touch $@

# torch first and exactly so: a CPU-only build may be at hand under this version alone, and the
# second line would otherwise bring the default build with its CUDA libraries.
$(VENV)/.installed-all: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --quiet "$$(grep '^torch==' constraints.txt)"
	$(PIP) install --quiet -c constraints.txt -e '.[train,data,notebook,heif,video,serve,ray,mobile,docs,dev]'
	touch $@ $(VENV)/.installed-demo

# litert-torch lives with none of the other extras: an environment of its own for these tests.
litert: $(LITERT)/.installed
	$(LITERT)/bin/python -m pytest -p no:anyio tests/*/test_litert*.py

$(LITERT)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(LITERT)
	$(LITERT)/bin/python -m pip --disable-pip-version-check install --quiet \
	  "$$(grep '^torch==' constraints.txt)"
	$(LITERT)/bin/python -m pip --disable-pip-version-check install --quiet -c constraints.txt \
	  -e '.[litert]' pytest pytest-timeout
	touch $@

WEB := src/mask2face/server/page/vendor/ort.wasm.min.mjs
web: $(WEB)

$(WEB): web/package.json web/package-lock.json web/build.mjs
	npm --prefix web ci --silent
	npm --prefix web run --silent build
	touch $@

docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

clean:
	rm -rf site $(VENV) $(LITERT) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist src/*.egg-info
