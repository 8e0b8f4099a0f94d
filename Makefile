# Each target sets up .venv from nothing when needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?= data/spoken
OUT ?= runs/spoken

.PHONY: app test lint train bench

app: $(VENV)/.app
	$(BIN)/python app.py $(ARGS)

test: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

train: $(VENV)/.app  # CORPORA=folder uses corpora that are here already; without it they are downloaded
	$(BIN)/python -m asr_core prepare spoken $(if $(CORPORA),--from $(CORPORA)) --out $(DATA)
	$(BIN)/python -m asr_core train spoken --data $(DATA) --out $(OUT) $(ARGS)

bench: $(VENV)/.bench  # NAMES="startup recognition" runs these alone
	$(BIN)/python -m benchmarks $(NAMES)

$(VENV)/.app: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

$(VENV)/.dev: requirements-dev.txt requirements-hf.txt requirements-ray.txt $(VENV)/.app
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	touch $@

$(VENV)/.bench: requirements-bench.txt $(VENV)/.dev
	$(BIN)/python -m pip install --quiet -r requirements-bench.txt
	touch $@
