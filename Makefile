# Everything that a developer runs. The plain pip lines are printed as they run.
PYTHON ?= python3
VENV ?= .venv
PIP = $(VENV)/bin/python -m pip
CONSTRAINTS = -c constraints.txt
JOBS ?= auto

.PHONY: demo test check format lint types tests madmom wheel docs clean

demo: $(VENV)/.core  ## beats and tempo of the demo piece
	@echo "Finding the beats of examples/audio/demo.ogg"
	$(VENV)/bin/mirkit beats examples/audio/demo.ogg

test: $(VENV)/.test tests  ## install what tests need, and run them

check: $(VENV)/.test format lint types tests  ## what CI runs

$(VENV)/.core: pyproject.toml constraints.txt
	@echo "Making a virtual environment in $(VENV)"
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --upgrade pip
	@echo "Installing mirkit and what it needs (some 300 MB: minutes on a slow machine); pip names each package"
	$(PIP) install --progress-bar off $(CONSTRAINTS) -e .
	touch $@

$(VENV)/.test: $(VENV)/.core
	@echo "Installing torch and what the tests need (some 1 GB)"
	$(PIP) install --progress-bar off $(CONSTRAINTS) -e '.[torch,test]'
	touch $@

format:
	$(VENV)/bin/ruff format --check .

lint:
	$(VENV)/bin/ruff check .

types:
	$(VENV)/bin/mypy

tests:
	$(VENV)/bin/python -m pytest -n $(JOBS)

madmom: $(VENV)/.core  ## the peer madmom 0.16.1, whose models are for non-commercial use only
	$(PIP) install --quiet $(CONSTRAINTS) cython numpy setuptools wheel
	$(PIP) install --quiet $(CONSTRAINTS) --no-build-isolation madmom==0.16.1

wheel: $(VENV)/.test
	$(VENV)/bin/python -m build --wheel

docs: $(VENV)/.test  ## the site, in build/site
	$(VENV)/bin/python -m sphinx -W --keep-going -b html docs build/site

clean:
	rm -rf $(VENV) build dist *.egg-info
