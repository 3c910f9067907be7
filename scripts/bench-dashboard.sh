#!/usr/bin/env bash
# `make bench-dashboard`: builds the control plane as it is shipped and measures its pages in Chromium with a
# million events, beside a PostgreSQL server of its own (or the one that DATABASE_URL names).
# COUNTERSIGN_BENCH_EVENTS=N: with so many.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/install-test-deps.sh
scripts/build-dashboard.sh
# The packages of `make bench-control-plane`: others would mean other features, and building twice.
"${CARGO:-cargo}" build --release --locked -p countersign-control-plane -p countersign-bench-control-plane

exec scripts/with-postgres.sh target/debug/bench-dashboard
