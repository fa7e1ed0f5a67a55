# Every command a person types. `make` alone lists them.

BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help demo up test matrix fuzz lint ui wheels bench schema docs pictures clean python

help: ## List these commands
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

demo: ## Take an example through plan, confirm and apply; EXIT=1 ends after the run
	@tools/bootstrap.sh runtime
	$(BIN)/gantry demo $(if $(EXIT),--exit)

up: ## Run the whole platform here
	@tools/bootstrap.sh runtime
	$(BIN)/gantry up

test: ## Run every check and every test, as CI does
	@tools/bootstrap.sh test
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint ui
	$(BIN)/python tools/tests.py

matrix: ## Add the rows that tests/integration/authz lacks, as measured; review the diff
	@tools/bootstrap.sh test
	GANTRY_ADD_ROWS=1 $(BIN)/python -m pytest -q tests/integration/authz

fuzz: ## Let tests make up a hundred times as much input; LONGER=1000 for a night
	@tools/bootstrap.sh test
	FUZZ_LONGER=$(or $(LONGER),100) $(BIN)/pytest -m fuzz -o timeout=0

# The quick ones first. Every rule in tools/lint comes with examples of the same name.
lint: python ## Check format, style, types, imports, sizes and the house's own rules
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/python tools/sizes.py
	@test "$$(ls tools/lint/rules)" = "$$(ls tools/lint/tests)" \
	  || { echo "a rule in tools/lint/rules has no examples in tools/lint/tests" >&2; exit 1; }
	$(BIN)/ast-grep test --skip-snapshot-tests
	$(BIN)/ast-grep scan
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

ui: ## Build the web application, and check and test its parts
	@tools/bootstrap.sh ui
	@cd ui && npm run --silent check && npm test --silent

wheels: ## Build the packages, with the web application in the platform's, into dist
	@tools/bootstrap.sh wheels

bench: python ## Measure, and write the results to bench/results
	$(BIN)/python -m bench

schema: python ## Write schema.graphql; review its diff like code
	sdl=$$($(BIN)/python -m gantry.apps.export_schema) && printf '%s\n' "$$sdl" > schema.graphql

docs: python ## Write the generated pages of docs/
	$(BIN)/python tools/generate_docs.py

pictures: ## Take pictures of every page, into docs/images; ONLY="run stack" takes those alone
	@tools/bootstrap.sh test
	$(BIN)/python -m tools.pictures $(ONLY)

clean: ## Remove what can be made again: environment, caches, build results
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist ui/node_modules \
	  packages/platform/src/gantry/api/pages/built
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

python:
	@tools/bootstrap.sh
