#!/usr/bin/env bash
# `make bench-auth`: builds the sidecar as it is shipped and measures ceremonies of each kind, then what a
# held body adds to a request through a real Envoy. Arguments go to the bench (`--quick`, `--rounds N`).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/install-test-deps.sh
scripts/build-filter.sh
envoy=$(scripts/fetch-envoy.sh)
export ENVOY_BIN=${ENVOY_BIN:-$envoy}
"${CARGO:-cargo}" build --release --locked -p countersign-auth-sidecar -p countersign-control-plane \
  -p countersign-cli -p countersign-e2e -p countersign-bench-auth

mkdir -p target/bench
COUNTERSIGN_BIN=$PWD/target/release/countersign target/release/bench-held >target/bench/held.json
target/release/bench-auth --held target/bench/held.json "$@"
