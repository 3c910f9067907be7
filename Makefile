# Everything that is done often. CI calls only these.

CARGO ?= cargo
COUNTERSIGN := target/debug/countersign

.DEFAULT_GOAL := help
.PHONY: help demo build dashboard docs filter envoy test check fuzz smoke screenshots bench bench-filter bench-control-plane bench-auth bench-dashboard

help: ## Shows this list
	@sed -n 's/^\([a-z-]*\):[^#]*## */  make \1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-24s %s\n", $$1, $$2}'

demo: build envoy ## Runs the whole stack on this machine; Ctrl-C stops it (UP='--base-port 11000' moves it)
	@exec $(COUNTERSIGN) up $(UP)

build: ## Builds every program, the dashboard and the filter's module
	@scripts/build-dashboard.sh
	$(CARGO) build --workspace --exclude countersign-filter --exclude countersign-bench-floor --exclude countersign-fuzz --locked
	@scripts/build-filter.sh

filter: ## Builds the filter's module: target/filter/countersign_filter.wasm
	@scripts/build-filter.sh

dashboard: ## Builds the dashboard's pages: control-plane/dashboard/dist/site
	@scripts/build-dashboard.sh

docs: ## Builds the book: target/docs/index.html
	@scripts/build-docs.sh

envoy:
	@scripts/fetch-envoy.sh >/dev/null

test: ## Runs every test, end to end ones included, and installs what they need
	@scripts/test.sh

check: ## Formatting, lints, dependencies, documentation, architecture
	@scripts/check.sh

fuzz: ## Runs every fuzz target, a minute in all (FUZZ_SECONDS=600: ten)
	@scripts/fuzz.sh

smoke: build envoy ## Takes the tour without a person, one line a step
	@scripts/install-test-deps.sh
	@exec target/debug/smoke

screenshots: build envoy ## Takes pictures of every page of the dashboard: target/screenshots (VIEWS='event audit': of some)
	@scripts/install-test-deps.sh
	@exec target/debug/screenshots $(VIEWS)

bench: bench-filter bench-control-plane bench-auth ## Measures the filter beside its rivals, the control plane, the sidecar, then the engine by itself
	@if [ -d filter/engine/benches ]; then $(CARGO) bench -p countersign-engine --locked; fi

bench-filter: ## Measures what the filter adds to a request, on a real Envoy (BENCH=--quick: a fifth as long)
	@scripts/bench-filter.sh $(BENCH)

bench-control-plane: ## Measures fan-out to 5,000 nodes, ingest of events, compiling (BENCH='--only ingest')
	@scripts/bench-control-plane.sh $(BENCH)

bench-auth: ## Measures ceremonies of each kind a second and core, and a held body through a real Envoy
	@scripts/bench-auth.sh $(BENCH)

bench-dashboard: build ## Measures the dashboard in a real Chromium with a million events: size, time to the first chart
	@scripts/bench-dashboard.sh
