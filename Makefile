# Every command of the repository; bootstrap.py prepares .venv first where one needs it.
PYTHON ?= python3
ARGS ?=
START = exec $(PYTHON) bootstrap.py

.DEFAULT_GOAL := help
.PHONY: help setup run test soak check quick bench dashboard lock reference clean

help: ## this list
	@printf 'Wardline: make COMMAND [ARGS="…"]\n\n'
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null \
	  || sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1: \2/p' Makefile

setup: ## install everything into .venv and build the dashboard
	@$(START) setup

run: ## the demo on http://127.0.0.1:8000 (Ctrl-C ends it)
	@$(START) run $(ARGS)

test: ## the whole gate: static checks, then every test; ARGS go to pytest
	@$(START) test $(ARGS)

soak: ## the long forms: every fault, thousands of examples, all screens (hours)
	@$(START) soak $(ARGS)

check: ## before a commit: format, lint, types, import contracts, packages, tidy
	@$(START) check $(ARGS)

quick: ## under a minute: format, lint, types, tidy and unit tests
	@$(START) quick $(ARGS)

bench: ## every benchmark, compared with bench/budgets.toml
	@$(START) bench $(ARGS)

dashboard: ## build the dashboard into the package, if its sources changed
	@$(START) dashboard

lock: ## resolve the dependencies into requirements.lock (ARGS=--upgrade: the newest)
	@$(START) lock $(ARGS)

reference: ## write docs/reference from the code
	@$(START) reference

clean: ## remove what setup, builds and tests made; data stays
	@$(START) clean
