# The two that matter: make run, make test.
PYTHON := .venv/bin/python
.PHONY: run serve test lint train setup gateway bench soak evaluate clean

# The gateway does not wait for Rasa's environment: `up` makes that one while webhooks are accepted.
run: gateway
	@exec $(PYTHON) -m bot.cli up --simulator

serve: gateway
	@exec $(PYTHON) -m bot.cli up

test: setup lint train
	$(PYTHON) -m pytest -q --durations=15 -n 2 --dist loadscope --no-loadscope-reorder

lint: setup
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

train: setup
	@$(PYTHON) -m bot.cli train

bench: setup train
	$(PYTHON) -m bench

# The large versions of the tests: the same code, a size and a printed seed.
soak: setup train
	RELAIS_TEST_SIZE=large $(PYTHON) -m pytest -q tests

evaluate: setup
	$(PYTHON) -m tests.evaluation $(EVALUATE)

setup:
	@scripts/setup

gateway:
	@scripts/setup gateway

clean:
	rm -rf .venv .venv-rasa .tools var
