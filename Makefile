# Every target makes its own environment in .venv first; PYTHON=python3.12 chooses another interpreter (3.11 to 3.13).
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: install run test check quick slow browser gpu data docs soak study

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

FIRST := env=permuted-cartpole total_steps=300_000 seeds=2 track=off out=runs/first

run: install ## Train two agents, two seeds each, in a world that changes, and compare them: a table and a picture.
	$(BIN)/python train.py agent=ppo $(FIRST)
	$(BIN)/python train.py agent=ppo_plastic $(FIRST)
	$(BIN)/python -m plastic_rl.compare runs/first --title 'Ten scrambled CartPoles'

test: check ## Everything that a change must pass.
	$(BIN)/python -m pytest -n 2 -m 'not slow and not gpu and not data'

check: install ## Lint, format and types.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright

quick: install ## The tests, stopping at the first failure, without lint and types.
	$(BIN)/python -m pytest -n 2 -m 'not slow and not gpu and not data' --exitfirst --quiet

slow: install ## The tests that take minutes.
	$(BIN)/python -m pytest -n 2 -m 'slow and not data'

browser: install ## The page of a comparison in a real Chromium; one is fetched where the machine has none.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[browser]'
	command -v chromium || command -v chromium-browser || command -v google-chrome || $(BIN)/playwright install chromium
	$(BIN)/python -m pytest -m slow tests/compare/test_browser.py

gpu: install ## The tests that need a CUDA device.
	$(BIN)/python -m pytest -m 'gpu and not data'

data: install ## The tests that read real data sets: PLASTIC_RL_DATA=FOLDER make data
	$(BIN)/python -m pytest -m data

docs: install ## The site, in build/site; a warning is an error.
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

soak: install ## Long runs with random kills, and their memory: SOAK_MINUTES=3 SOAK_KILLS=5 make soak
	$(BIN)/python -m benchmarks.soak --minutes $${SOAK_MINUTES:-60} --kills $${SOAK_KILLS:-30}

study: install ## Run what is missing of the study, then draw its figure.
	$(BIN)/python -m experiments.permuted_cartpole
