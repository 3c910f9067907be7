#!/usr/bin/env bash
# The filter's module as it is shipped: target/filter/countersign_filter.wasm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cargo=${CARGO:-cargo}
"$cargo" build -p countersign-filter --target wasm32-wasip1 --profile wasm --locked
# The selection of packages that everything else is built with: another would mean other features, and
# building every dependency twice.
"$cargo" build --workspace --exclude countersign-filter --exclude countersign-bench-floor --exclude countersign-fuzz --locked --bin countersign-pack
target/debug/countersign-pack \
  target/wasm32-wasip1/wasm/countersign_filter.wasm target/filter/countersign_filter.wasm
