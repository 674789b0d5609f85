# One verb per job. `make demo` and `make test` are all a fresh machine needs.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3,$(if $(shell command -v $(name) 2>/dev/null),$(name))))
VENV ?= .venv
BIN := $(VENV)/bin
# uv is used when present: the same packages in a quarter of the time.
UV := $(shell command -v uv 2>/dev/null)
WORKERS ?= 2
# What the tests install; EXTRAS=dev,docs,spark also installs the 400 MB that the tests on Spark need.
EXTRAS ?= dev,docs

ifeq ($(UV),)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt
else
INSTALL := $(UV) pip install --quiet --python $(BIN)/python --constraint constraints.txt
endif

# Containers often forbid compiled modules; then each of a run's kernels compiles some thousand files again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test check lint types languages notebooks notebooks-check samples lab soak calibrate bench docs pictures constraints reference clean

help:
	@echo "make demo       environment, sample book, whole batch; says which page to open"
	@echo "make test       everything CI runs: style, types, floors, tests, notebooks (<= 15 min on 2 cores)"
	@echo "make lab        JupyterLab in this project"
	@echo "make check      configs and data contract of this project"
	@echo "make notebooks  run every notebook and store its outputs for the sample book"
	@echo "make languages  add to the catalogues of csworkbench/languages what they lack, to be translated"
	@echo "make samples    simulate data/samples again from its seed"
	@echo "make soak       long runs, by hand, one file after the other with its time; PART=kills takes those of that name"
	@echo "make calibrate  full statistical rows, by hand; results go to docs/evidence/"
	@echo "make docs       the documentation as a site, built offline; says which page to open"
	@echo "make bench      benchmarks: ratios against named peers in the same run"

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed and was not found" >&2; exit 4; }
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] < (3, 13) else "Python 3.11 or 3.12 is needed; found " + sys.version.split()[0] + ": say make PYTHON=python3.11")'
	@$(PYTHON) -m venv $(VENV)

# The stamps make a second call work without a network: nothing is asked for again until the pins change.
$(VENV)/.ready: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing csworkbench into $(VENV) ..." >&2
	@$(INSTALL) --editable ".[did]"
	@touch $@

$(VENV)/.ready-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing csworkbench and its test tools into $(VENV) ..." >&2
	@$(INSTALL) --editable ".[did,$(EXTRAS)]"
	@touch $@ $(VENV)/.ready

demo: $(VENV)/.ready
	@$(BIN)/csw run

check: $(VENV)/.ready
	@$(BIN)/csw check

lab: $(VENV)/.ready
	@$(BIN)/csw lab

samples: $(VENV)/.ready
	@$(BIN)/csw sample --out data/samples

# Cells whose output depends on what was run before are stored without it.
notebooks: $(VENV)/.ready-dev
	@JUPYTER_DEFAULT_PROVISIONER_NAME=csworkbench-warm $(BIN)/python -m jupyter nbconvert --to notebook --execute --inplace --log-level=WARN --ExecutePreprocessor.record_timing=False notebooks/*.ipynb
	@$(BIN)/python -m jupyter nbconvert --to notebook --inplace --log-level=WARN --TagRemovePreprocessor.enabled=True --TagRemovePreprocessor.remove_all_outputs_tags=nbval-ignore-output notebooks/*.ipynb

languages: $(VENV)/.ready-dev
	@$(BIN)/python -m tests.languages

lint: $(VENV)/.ready-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.ready-dev
	@$(BIN)/mypy

# nbval is kept behind this one target: it is barely maintained, and can be replaced here. The batch runs first: what a
# notebook needs of others it then reads, as on an analyst's machine, where it would compute up to seven others each time.
notebooks-check: $(VENV)/.ready-dev
	@$(BIN)/csw run
	@JUPYTER_DEFAULT_PROVISIONER_NAME=csworkbench-warm $(BIN)/pytest -p no:randomly -q -n $(WORKERS) --dist loadfile --nbval --nbval-sanitize-with tests/nbval.cfg notebooks

# The type checker has one core of two, and the run that notebooks were checked against is also the one that tests look at.
test: $(VENV)/.ready-dev
	@$(MAKE) --no-print-directory --jobs 2 --output-sync lint types notebooks-check
	@SAMPLE_RUN=outputs/latest $(BIN)/pytest -q -p no:nbval -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 20 --durations-min 10 -m "not soak and not calibration"

# Each file with such tests is a part of its own, and its time is told: PART=kills takes those of that name, ONLY=writes tests of it.
soak: $(VENV)/.ready-dev
	@parts="$$(grep -rlE --include='*.py' 'mark\.soak' tests | grep -e '$(PART)' | sort)"; failed=""; \
	test -n "$$parts" || { echo "no part of the soak is called '$(PART)'" >&2; exit 2; }; \
	for part in $$parts; do \
		begun=$$(date +%s); echo "soak: $$part ..."; \
		$(BIN)/pytest -q -m soak $(if $(ONLY),-k '$(ONLY)') --durations 5 --durations-min 60 $$part || failed="$$failed $$part"; \
		echo "soak: $$part took $$(( $$(date +%s) - begun )) s"; \
	done; \
	test -z "$$failed" || { echo "soak: failed in$$failed" >&2; exit 1; }

calibrate: $(VENV)/.ready-dev
	@$(BIN)/pytest -q -m calibration

bench: $(VENV)/.ready-dev
	@for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

docs: $(VENV)/.ready-dev
	@$(BIN)/python -m sphinx -q -W --keep-going -b html -d build/doctrees docs build/docs
	@echo build/docs/index.html

# The pictures of the method notes, from the latest run of the sample book.
pictures: $(VENV)/.ready-dev
	@$(BIN)/python docs/pictures.py outputs/latest

# docs/tables.md is compared with the contracts by a test.
reference: $(VENV)/.ready
	@$(BIN)/python -c "from csworkbench.tables.reference import reference; print(reference(), end='')" > docs/tables.md

# Pins for both supported Pythons in one file, without any index address.
constraints: $(VENV)/.ready-dev
	@uv pip compile --universal --python-version 3.11 --all-extras --no-header --no-annotate --no-emit-index-url pyproject.toml -o constraints.txt

clean:
	@rm -rf $(VENV) outputs .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
