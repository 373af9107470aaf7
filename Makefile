# The two commands of the README are `make up` and `make test`; the rest is for those who work on the project.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
N := bin/with-node

# What it is told, for example: make bench ARGS="--hosts 3,10 --rounds 3"
ARGS ?=

.PHONY: help up down test test-unit test-lab bench lint format build clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

build: ## Install what is missing and compile
	@bin/bootstrap

up: build ## Bring the lab and the intranet up with a real `pulumi up`, and say where to look
	@$(N) bin/up

down: build ## Destroy the stack in the lab (the lab itself ends with bin/lab down)
	@$(N) bin/down

test: build ## Run all tests: unit, component, and the lab's with real packets
	@$(N) bin/test

test-unit: build ## Run the tests that need no lab
	@$(N) bin/test unit

test-lab: build ## Run only the tests that need the lab
	@$(N) bin/test lab

bench: build ## Measure beside ansible-core and pyinfra (ARGS=--quick, ARGS=guests, ARGS=--help)
	@bin/bench $(ARGS)

lint: build ## eslint, prettier and the types
	@$(N) npx tsc --noEmit --incremental false -p tsconfig.json
	@$(N) npx tsc -p toolchain/driver
	@$(N) npx eslint .
	@$(N) npx prettier --check --log-level warn .

format: build ## Let prettier write
	@$(N) npx prettier --write --log-level warn .

clean: ## Remove what was compiled (caches outside the checkout stay)
	@rm -rf dist
