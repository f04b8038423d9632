# Every target says what it does after "##"; `make` lists them.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)

# Tools are pinned in a module of their own, so that what they need does not get
# into what Adze needs. Go builds them once and keeps them in its cache.
TOOL := go tool -modfile=tools/go.mod

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## run a real workload, with everything it needs (ONCE=1: end when it has)
	bin/adze demo $(if $(ONCE),--once)

.PHONY: build
build: ## build bin/adze
	go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o bin/adze ./cmd/adze

.PHONY: test
test: ## pass the tests; needs no server started by hand
	go test ./...

.PHONY: check
check: fmt-check lint race bench-once build compat-short ## what CI runs: format, lint, tests with the race detector, benchmarks once, build, official SDKs

# A history is one goroutine: a few are enough for the race detector, which makes them
# several times slower.
.PHONY: race
race: ## pass the tests with the race detector
	go test -race -timeout 20m $$(go list ./... | grep -v 'internal/core/sim$$')
	go test -race -short -run 'TestSimulation$$' ./internal/core/sim
	go test ./internal/core/sim

.PHONY: matrix
matrix: ## pass the database tests on Postgres 14 to 18
	internal/pgtest/matrix.sh $(ONLY)

# Programs on the official Hatchet SDKs: what they need is fetched when they are run.
LANGS ?= go,python,typescript
SDKS ?= newest,older
.PHONY: compat
compat: build ## pass the scenarios on the official Hatchet SDKs (LANGS=go SDKS=newest)
	ADZE_BIN=$(CURDIR)/bin/adze e2e/compat/run.sh --langs $(LANGS) --sdk $(SDKS)

.PHONY: compat-short
compat-short: build
	ADZE_BIN=$(CURDIR)/bin/adze e2e/compat/run.sh --langs $(LANGS) --sdk newest --short

# Once, so that benchmarks cannot rot; what they say on a busy machine counts for nothing.
.PHONY: bench-once
bench-once:
	go test -run '^$$' -bench . -benchtime 1x . ./adzetest ./internal/base/expr ./internal/core ./internal/journal

# How long each of the two looks: the simulator on new seeds, then real crashes.
SOAK ?= 30m
.PHONY: soak
soak: build ## look for rare faults, for twice SOAK=30m
	go test -count=1 -timeout 0 ./internal/core/sim -sim.seed=$$(date +%s) -sim.duration=$(SOAK)
	go test -count=1 -timeout 0 ./e2e/crash -run EverythingDies -crash.duration=$(SOAK)

.PHONY: lint
lint: ## vet and lint
	go vet ./...
	$(TOOL) golangci-lint run ./...

.PHONY: fmt
fmt: ## format all Go files
	$(TOOL) gofumpt -w .

.PHONY: fmt-check
fmt-check:
	@files=$$($(TOOL) gofumpt -l .) || exit 1; \
	if [ -n "$$files" ]; then echo "not formatted (make fmt):"; echo "$$files"; exit 1; fi

.PHONY: generate
generate: ## rebuild generated code and golden files (needs protoc)
	@mkdir -p bin
	go build -modfile=tools/go.mod -o bin/ google.golang.org/protobuf/cmd/protoc-gen-go google.golang.org/grpc/cmd/protoc-gen-go-grpc
	PATH="$(CURDIR)/bin:$$PATH" protoc -I proto \
		--go_out=. --go_opt=module=github.com/adzehq/adze \
		--go-grpc_out=. --go-grpc_opt=module=github.com/adzehq/adze \
		proto/adze/v1/adze.proto proto/hatchet/*.proto
	$(TOOL) oapi-codegen -config internal/wire/hatchetrest/models.yaml internal/wire/hatchetrest/openapi.yaml
	go test ./internal/record -update

.PHONY: bench
bench: build ## measure this machine (ARGS="--mode plain,latency --quick")
	bin/adze bench $(ARGS)

.PHONY: clean
clean: ## remove what was built and the data of demo and dev
	rm -rf bin dist .adze
