# Everything a developer runs. `make help` lists it.

BIN        := $(CURDIR)/bin
GO         ?= go
export GOTOOLCHAIN := $(shell sed -n "s/^toolchain //p" go.mod)
TEMPORAL   := v1.5.1
LINTER     := v2.15.0
FLOWCHECK  := v0.6.0
VULNCHECK  := v1.9.0
REFERENCE  ?= $(wildcard ../shared)

export GOBIN := $(BIN)
export PATH  := $(BIN):$(PATH)

# Temporal's CLI is built only where PATH has none.
TEMPORAL_CLI := $(if $(shell command -v temporal),,$(BIN)/temporal)

.DEFAULT_GOAL := help
.PHONY: help build test lint vulnerabilities fmt bench chaos simulate soak scale fuzz demo postgres browser foreign reporting-tools clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

build: ## build worker and starter into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN)/ ./worker ./starter

test: $(TEMPORAL_CLI) postgres foreign browser reporting-tools ## run every test, with the race detector, against real servers
	KVITT_REFERENCE_DIR="$(if $(REFERENCE),$(abspath $(REFERENCE)))" $(GO) test -race -timeout 40m ./...

lint: $(BIN)/golangci-lint $(BIN)/workflowcheck vulnerabilities ## vet, format, lint, determinism, known vulnerabilities
	$(GO) vet ./...
	$(BIN)/golangci-lint fmt --diff
	$(BIN)/golangci-lint run ./...
	$(BIN)/workflowcheck -config workflows/workflowcheck.yaml ./workflows/...

vulnerabilities: $(BIN)/govulncheck ## look for known vulnerabilities that the code can reach; fails when it cannot look
	@$(GO) run ./sandbox/vulnerabilities $(BIN)/govulncheck

fmt: $(BIN)/golangci-lint ## format the code
	$(BIN)/golangci-lint fmt

bench: $(TEMPORAL_CLI) ## measure speed, memory and cost, as ratios to a baseline in the same run
	$(GO) run ./sandbox/bench

chaos: $(TEMPORAL_CLI) postgres ## break everything on purpose: 200 seeded fault plans, judged by the simulators' books
	$(GO) run ./sandbox/chaos

simulate: ## play simulated schedules of the booking protocol for a minute; SIMULATE=n plays n, SEED=n one with its trace
	@$(GO) run ./sandbox/simulate $(if $(SEED),-seed $(SEED),$(if $(SIMULATE),-n $(SIMULATE)))

soak: $(TEMPORAL_CLI) postgres ## 2,000 payouts on 20 connections while faults go on: memory and goroutines stay flat
	$(GO) run ./sandbox/chaos -soak

scale: postgres ## reports over 100,000 payouts and 30 million rows; writes the plans into docs/performance.md (20 minutes)
	KVITT_SCALE=$(CURDIR)/docs/performance.md $(GO) test ./internal/report -run '^TestScale$$' -count 1 -timeout 90m -v

fuzz: ## fuzz every fuzz target for 30 seconds
	@$(GO) list ./... | while read -r pkg; do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime 30s $$pkg || exit 1; \
	  done; done

demo: ## the main job once, on simulated providers
	$(GO) run ./sandbox demo

postgres: ## install PostgreSQL's and PgBouncer's binaries where they are missing
	@{ command -v pgbouncer || ls /usr/sbin/pgbouncer; } >/dev/null 2>&1 || \
	  { echo "PgBouncer is missing; installing it with apt-get"; apt-get update -q && apt-get install -qy --no-install-recommends pgbouncer; }
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || \
	  { echo "PostgreSQL's binaries are missing; installing them with apt-get"; apt-get update -q && apt-get install -qy --no-install-recommends postgresql; }

browser: ## install Chromium where it is missing; the portal's tests drive it
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	  { echo "Chromium is missing; installing it with apt-get"; apt-get update -q && apt-get install -qy --no-install-recommends chromium; }

# npm writes this file last, so it is there when everything is.
FOREIGN := sandbox/foreign/node_modules/.package-lock.json

foreign: $(FOREIGN) ## install what tests use of others: an OpenID provider, axe-core

$(FOREIGN): sandbox/foreign/package.json sandbox/foreign/package-lock.json
	@node -e 'process.exit(+(process.versions.node.split(".")[0] < 20))' 2>/dev/null && command -v npm >/dev/null || \
	  { echo "Node.js 20 or later with npm is missing: install it (Debian: apt-get install nodejs npm), then run make again" >&2; exit 1; }
	@echo "Installing what the tests use of others from npm: some seconds the first time."
	@cd sandbox/foreign && npm ci --no-progress --loglevel=error && touch node_modules/.package-lock.json

reporting-tools: ## install what opens our reports in tests: LibreOffice Calc and poppler
	@command -v soffice >/dev/null && command -v pdftotext >/dev/null || \
	  { echo "LibreOffice Calc or poppler-utils is missing; installing them with apt-get (half a minute)"; apt-get update -q && apt-get install -qy --no-install-recommends libreoffice-calc poppler-utils; }

$(BIN)/temporal:
	@echo "Building the Temporal development server $(TEMPORAL): about 8 minutes the first time."
	$(GO) install github.com/temporalio/cli/cmd/temporal@$(TEMPORAL)

$(BIN)/golangci-lint:
	@echo "Building golangci-lint $(LINTER): a few minutes the first time."
	$(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINTER)

$(BIN)/workflowcheck:
	$(GO) install go.temporal.io/sdk/contrib/tools/workflowcheck@$(FLOWCHECK)

$(BIN)/govulncheck:
	$(GO) install golang.org/x/vuln/cmd/govulncheck@$(VULNCHECK)

clean: ## remove what was built
	rm -rf $(BIN) sandbox/foreign/node_modules
