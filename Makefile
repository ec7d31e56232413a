# Two commands matter: `make serve` and `make test`. Both build the environment that they need.
# `make serve PORT=8080` listens there; without PORT, COMMUNIQUE_PORT and communique.toml are heard.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name))))
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: serve test check eval models clean

$(BIN)/communique:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=24"
	$(BIN)/python -m pip install --quiet --editable .

$(VENV)/.dev: pyproject.toml | $(BIN)/communique
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@

models: | $(BIN)/communique
	$(BIN)/communique models pull

serve: models
	$(BIN)/communique serve$(if $(PORT), --port $(PORT))

test: $(VENV)/.dev models
	$(BIN)/python -m pytest

check: $(VENV)/.dev models
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest
	$(BIN)/python -m build

eval: $(VENV)/.dev models
	$(BIN)/python -m eval.run
	$(BIN)/python -m eval.gate --full

clean:
	rm -rf $(VENV) build dist *.egg-info
