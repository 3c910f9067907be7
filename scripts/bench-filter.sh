#!/usr/bin/env bash
# `make bench-filter`: builds what is measured and what it is measured against, then measures. Arguments
# go to the bench: `--quick`, `--rounds N`, `--only CONFIG,…`, `--explain`; `--help` lists them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cargo=${CARGO:-cargo}
envoy=$(scripts/fetch-envoy.sh)
export ENVOY_BIN=${ENVOY_BIN:-$envoy}

# The filter as it is shipped, the floor in the same way; the authorizer optimised, since its time counts.
scripts/build-filter.sh
"$cargo" build -p countersign-bench-floor --target wasm32-wasip1 --profile wasm --locked
"$cargo" build -p countersign-bench-authorizer --release --locked
# The selection of packages that everything else is built with: another would mean other features, and
# building every dependency twice.
"$cargo" build --workspace --exclude countersign-filter --exclude countersign-bench-floor --locked --bin bench-filter

exec target/debug/bench-filter "$@"
