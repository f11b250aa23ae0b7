# Everything a developer runs. `make help` lists it.

BIN        := $(CURDIR)/bin
GO         ?= go
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
.PHONY: help build test lint fmt bench scale fuzz demo postgres reporting-tools clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

build: ## build worker and starter into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN)/ ./worker ./starter

test: $(TEMPORAL_CLI) postgres reporting-tools ## run every test, with the race detector, against real servers
	KVITT_REFERENCE_DIR="$(if $(REFERENCE),$(abspath $(REFERENCE)))" $(GO) test -race -timeout 20m ./...

lint: $(BIN)/golangci-lint $(BIN)/workflowcheck $(BIN)/govulncheck ## vet, format, lint, determinism, known vulnerabilities
	$(GO) vet ./...
	$(BIN)/golangci-lint fmt --diff
	$(BIN)/golangci-lint run ./...
	$(BIN)/workflowcheck -config workflows/workflowcheck.yaml ./workflows/...
	@docs/check-vulnerabilities.sh $(BIN)/govulncheck

fmt: $(BIN)/golangci-lint ## format the code
	$(BIN)/golangci-lint fmt

bench: $(TEMPORAL_CLI) ## measure speed, memory and cost, as ratios to a baseline in the same run
	$(GO) run ./sandbox/bench

scale: postgres ## reports over 100,000 payouts and 30 million rows; writes the plans into docs/performance.md (20 minutes)
	KVITT_SCALE=$(CURDIR)/docs/performance.md $(GO) test ./internal/report -run '^TestScale$$' -count 1 -timeout 90m -v

fuzz: ## fuzz every fuzz target for 30 seconds
	@$(GO) list ./... | while read -r pkg; do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime 30s $$pkg || exit 1; \
	  done; done

demo: ## the main job once, on simulated providers
	$(GO) run ./sandbox demo

postgres: ## install PostgreSQL's binaries where they are missing
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || \
	  { echo "PostgreSQL's binaries are missing; installing them with apt-get"; apt-get update -q && apt-get install -qy --no-install-recommends postgresql; }

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
	rm -rf $(BIN)
